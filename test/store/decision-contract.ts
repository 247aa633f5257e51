import { describe, expect, test } from 'vitest';
import { StaleError, type Store } from '../../src/store/store.ts';
import { aggregate, batch, create, given, link, run, unmatched } from './samples.ts';

const x1 = { connection: 'showroom', externalId: '1' };

/** What every implementation of `Store` promises about what people decide about identity. @param store gives a fresh one */
export function decisionContract(store: () => Store): void {
  describe('who is kept apart', () => {
    test('is told from both sides, until it is taken back', async () => {
      expect(await store().isAnyDecided()).toBe(false);
      const [y1, z1] = [
        { connection: 'site', externalId: '1' },
        { connection: 'room', externalId: '1' },
      ];
      await store().commit(batch({ apart: [y1, z1].map((other) => ({ one: x1, other })) }));
      expect(await store().isAnyDecided()).toBe(true);
      const others = async (...names: readonly (typeof x1)[]) =>
        (await store().apartOf('contact', names)).map(({ other }) => other);
      expect(await others(x1)).toEqual(expect.arrayContaining([y1, z1]));
      expect(await others({ ...x1, externalId: '2' }, y1)).toEqual([x1]);
      expect(await others({ connection: 'nowhere', externalId: '1' })).toEqual([]);
      expect(await store().apartOf('account', [x1])).toEqual([]);
      await store().commit(batch({ notApart: [{ one: y1, other: x1 }] }));
      expect(await others(x1)).toEqual([z1]);
      expect(await others(y1)).toEqual([]);
    });

    test('makes every decision stale that was taken before', async () => {
      await given(store(), ['a', 'b']);
      const pair = { one: x1, other: { connection: 'site', externalId: 'x-a' } };
      for (const decision of [
        { apart: [pair] },
        { notApart: [pair] },
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
      await store().commit(
        batch({ ...other, moved: [{ connection: 'site', externalId: '1', from: 'a', version: 0 }] }),
      );
      expect(await aggregate(store(), 'a')).toMatchObject({ record: { values: shadow }, links: [] });
      expect((await aggregate(store(), 'b')).links).toMatchObject([{ externalId: '1', state: 'live' }]);
    });

    test('that is another’s by now changes nothing', async () => {
      await given(store(), ['a', 'b']);
      const stale = { moved: [{ connection: 'site', externalId: 'x-b', from: 'a', version: 0 }] };
      await expect(store().commit(batch(stale))).rejects.toThrow(StaleError);
      expect((await aggregate(store(), 'b')).links).toMatchObject([{ externalId: 'x-b', state: 'live' }]);
    });

    test('that has changed since it was read changes nothing', async () => {
      await given(store(), ['a']);
      await store().commit(batch({ links: [link('x-a', 'a', { underway: { city: 'Brno' }, version: 0 })] }));
      const moved = [{ connection: 'site', externalId: 'x-a', from: 'a', version: 0 }];
      const stale = batch({ creates: [create('b')], links: [link('x-a', 'b')], moved });
      await expect(store().commit(stale)).rejects.toThrow(StaleError);
      expect((await aggregate(store(), 'a')).links).toMatchObject([{ externalId: 'x-a', version: 1 }]);
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

  test('links are counted by their evidence, and some of a sort named', async () => {
    await given(store(), ['a', 'b', 'c'], {
      links: [
        link('1', 'a', { evidence: 'same phone and name' }),
        link('2', 'b', { evidence: 'same phone and name' }),
        link('3', 'c', { evidence: 'same phone and name', state: 'gone' }),
        link('4', 'c', { evidence: 'first seen', connection: 'room' }),
      ],
    });
    expect(await store().evidence('contact')).toEqual([
      { connection: 'site', evidence: 'same phone and name', count: 2 },
      { connection: 'room', evidence: 'first seen', count: 1 },
    ]);
    expect(await store().evidence('account')).toEqual([]);
    const named = async (most: number) =>
      (await store().linksBy('site', 'contact', 'same phone and name', most)).map(({ externalId }) => externalId);
    expect([await named(9), await named(1)]).toEqual([['1', '2'], ['1']]);
    expect(await store().linksBy('room', 'contact', 'same phone and name', 9)).toEqual([]);
  });
}
