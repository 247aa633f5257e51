import { describe, expect, test } from 'vitest';
import { StaleError, type Store } from '../../src/store/store.ts';
import { aggregate, batch, create, given, link, run, unmatched } from './samples.ts';

const x1 = { connection: 'showroom', externalId: '1' };

/** What every implementation of `Store` promises about what people decide about identity. @param store gives a fresh one */
export function decisionContract(store: () => Store): void {
  describe('who is kept apart', () => {
    test('is told by the record of a CRM and by the canonical record, until it is taken back', async () => {
      await given(store(), ['a', 'b']);
      expect(await store().isAnyDecided()).toBe(false);
      const rows = ['a', 'b'].map((recordId) => ({ ...x1, recordId }));
      await store().commit(batch({ apart: rows }));
      expect(await store().isAnyDecided()).toBe(true);
      expect(await store().apartOf('showroom', 'contact', ['2', '1'])).toEqual(rows);
      expect(await store().apartOf('showroom', 'account', ['1'])).toEqual([]);
      expect(await store().apartOf('site', 'contact', ['1'])).toEqual([]);
      expect(await store().apartFrom(['b', 'nobody'])).toEqual([rows[1]]);
      await store().commit(batch({ notApart: [rows[0]!] }));
      expect(await store().apartOf('showroom', 'contact', ['1'])).toEqual([rows[1]]);
    });

    test('makes every decision stale that was taken before', async () => {
      await given(store(), ['a', 'b']);
      for (const decision of [
        { apart: [{ ...x1, recordId: 'a' }] },
        { notApart: [{ ...x1, recordId: 'a' }] },
        { merged: [{ recordId: 'b', survivorId: 'a', links: [] }] },
        { unmerged: ['b'] },
      ]) {
        const identityEpoch = await store().identityEpoch('contact');
        await store().commit(batch(decision));
        await expect(store().commit(batch({ identityEpoch }))).rejects.toThrow(StaleError);
      }
    });
  });

  test('records that were merged into another one are told with what was theirs', async () => {
    await given(store(), ['a', 'b']);
    const merged = { recordId: 'b', survivorId: 'a', links: [x1] };
    await store().commit(batch({ at: 7, merged: [merged] }));
    expect(await store().merged()).toEqual([{ ...merged, at: 7, run }]);
    expect(await store().isAnyDecided()).toBe(true);
    await store().commit(batch({ unmerged: ['b'] }));
    expect(await store().merged()).toEqual([]);
  });

  test('who survives a row of merges is told', async () => {
    await given(store(), ['a', 'b', 'c', 'd']);
    const into = (recordId: string, survivorId: string) => ({ recordId, survivorId, links: [] });
    await store().commit(batch({ merged: [into('b', 'a'), into('a', 'c')] }));
    expect([...(await store().survivors(['b', 'a', 'c', 'nobody']))].sort()).toEqual([
      ['a', 'c'],
      ['b', 'c'],
    ]);
  });

  describe('a link that moves', () => {
    test('is the other record’s, and the one that it left keeps its values', async () => {
      const shadow = { 'name.given': 'Anna' };
      const from = { connection: 'site', run, at: 1, rule: 'first seen' };
      await store().commit(
        batch({ births: [{ link: link('1', 'a', { shadow }), origin: from, keys: [], pending: [] }] }),
      );
      const other = { creates: [create('b')], links: [link('1', 'b', { shadow })] };
      await store().commit(batch({ ...other, moved: [{ connection: 'site', externalId: '1', from: 'a' }] }));
      expect(await aggregate(store(), 'a')).toMatchObject({ record: { values: shadow }, links: [] });
      expect((await aggregate(store(), 'b')).links).toMatchObject([{ externalId: '1', state: 'live' }]);
    });

    test('that is another’s by now changes nothing', async () => {
      await given(store(), ['a', 'b']);
      const stale = { moved: [{ connection: 'site', externalId: 'x-b', from: 'a' }] };
      await expect(store().commit(batch(stale))).rejects.toThrow(StaleError);
      expect((await aggregate(store(), 'b')).links).toMatchObject([{ externalId: 'x-b', state: 'live' }]);
    });
  });

  describe('a review', () => {
    const review = (externalId: string, at: number, reason = 'may be') => ({
      ...{ entity: 'contact' as const, connection: 'site', externalId, candidates: [], reason, at, run },
    });
    const order = async () => (await store().openReviews('contact')).map(({ externalId }) => externalId);

    test('that was left for later comes last, until what it asks has changed', async () => {
      await store().commit(batch({ reviews: [review('1', 1), review('2', 2), review('3', 3)] }));
      await store().skipReview('site', 'contact', '1', 9);
      expect(await order()).toEqual(['2', '3', '1']);
      expect((await store().openReviews('contact')).map(({ skippedAt }) => skippedAt)).toEqual([
        undefined,
        undefined,
        9,
      ]);
      await store().commit(batch({ reviews: [review('1', 1, 'may be another')] }));
      expect(await order()).toEqual(['1', '2', '3']);
    });
  });

  test('records that wait for a decision are told by their ids, with their claims', async () => {
    await given(store(), ['a']);
    const claims = [{ recordId: 'a', strength: 5 }];
    await store().commit(batch({ unmatched: [unmatched('1', { claims }), unmatched('2')] }));
    const found = await store().unmatchedOf('site', 'contact', ['1', '7']);
    expect([...found]).toMatchObject([['1', { externalId: '1', claims }]]);
  });
}
