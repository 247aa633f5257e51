import { describe, expect, test } from 'vitest';
import type { Harm, NewDeparture, NewHeld, Store } from '../../src/store/store.ts';
import { batch, given, link, run } from './samples.ts';

function departure(externalId: string, over: Partial<NewDeparture> = {}): NewDeparture {
  return { connection: 'site', externalId, run, missedAt: 7, state: 'missed', ...over };
}

function held(recordId: string, over: Partial<NewHeld> = {}): NewHeld {
  return { connection: 'site', recordId, what: 'delete', mark: '', ...over };
}

/** What every implementation of `Store` promises about deletes and guards. @param store gives a fresh one */
export function departuresContract(store: () => Store): void {
  describe('live links', () => {
    test('are counted and paged by number, without those that are gone', async () => {
      await given(store(), ['a', 'b', 'c']);
      await given(store(), ['d'], { entity: 'account' });
      await store().commit(batch({ links: [link('x-b', 'b', { state: 'removed', writtenAt: 9, version: 0 })] }));
      const { live, last } = await store().linkCount('site', 'contact');
      expect(live).toBe(2);
      const links = await store().liveLinks('site', 'contact', 0, 10);
      expect(links.map(({ externalId, recordId }) => `${externalId} ${recordId}`)).toEqual(['x-a a', 'x-c c']);
      expect(links.at(-1)?.number).toBe(last);
      expect(await store().liveLinks('site', 'contact', links[0]!.number, 1)).toEqual([links[1]]);
      expect(await store().linkCount('site', 'lead')).toEqual({ live: 0, last: 0 });
      const known = await store().known('site', 'contact', ['x-c']);
      expect(known.get('x-c')?.number).toBe(last);
    });
  });

  describe('links that a run has made', () => {
    test('are paged by number, with what spoke for them; gone ones and those of other runs are not among them', async () => {
      await given(store(), ['a', 'b', 'c', 'd']);
      await store().commit(
        batch({
          links: [
            link('y-a', 'a', { connection: 'shop', run: 'r2', evidence: 'same e-mail' }),
            link('y-b', 'b', { connection: 'shop', run: 'r2', evidence: 'cross-reference' }),
            link('y-c', 'c', { connection: 'shop', run: 'r2', state: 'gone' }),
            link('y-d', 'd', { connection: 'shop', run: 'r3' }),
          ],
        }),
      );
      const [first, ...others] = await store().linksOf('r2', 0, 10);
      expect(first).toMatchObject({ connection: 'shop', entity: 'contact', externalId: 'y-a', recordId: 'a' });
      expect(first?.evidence).toBe('same e-mail');
      expect(others.map(({ recordId }) => recordId)).toEqual(['b']);
      expect(await store().linksOf('r2', first!.number, 10)).toEqual(others);
      expect(await store().linksOf('r9', 0, 10)).toEqual([]);
    });
  });

  describe('departures', () => {
    test('are kept until they are ended, and replaced', async () => {
      await given(store(), ['a', 'b']);
      await store().commit(batch({ departures: [departure('x-a'), departure('x-b')] }));
      await store().commit(batch({ departures: [departure('x-b', { state: 'confirmed', run: 'r2', missedAt: 8 })] }));
      const [first, second] = await store().departures('site', 'contact', 0, 10);
      expect(first).toMatchObject({ ...departure('x-a'), entity: 'contact', recordId: 'a' });
      expect(second).toMatchObject({ externalId: 'x-b', state: 'confirmed', run: 'r2', missedAt: 8 });
      expect(await store().departures('site', 'contact', first!.number, 10)).toEqual([second]);
      const end = (state: NewDeparture['state']) =>
        store().commit(batch({ endedDepartures: [{ connection: 'site', externalId: 'x-b', state }] }));
      await end('confirmed');
      expect(await store().departures('site', 'contact', 0, 10)).toEqual([first]);
    });

    test('are what another process has made of them: confirmed, one is neither missed again nor over', async () => {
      await given(store(), ['a']);
      await store().commit(batch({ departures: [departure('x-a')] }));
      await store().commit(batch({ departures: [departure('x-a', { state: 'confirmed', run: 'r2' })] }));
      await store().commit(batch({ departures: [departure('x-a', { run: 'r3' })] }));
      await store().commit(batch({ endedDepartures: [{ connection: 'site', externalId: 'x-a', state: 'missed' }] }));
      expect(await store().departures('site', 'contact', 0, 10)).toMatchObject([{ state: 'confirmed', run: 'r2' }]);
    });

    test('of what has no link are refused', async () => {
      await expect(store().commit(batch({ departures: [departure('9')] }))).rejects.toThrow(RangeError);
    });
  });

  describe('what is pending where a record is linked', () => {
    test('leaves out creates', async () => {
      await given(store(), ['a', 'b'], {
        pending: ['a', 'b'].flatMap((recordId) => ['site', 'showroom'].map((connection) => ({ connection, recordId }))),
      });
      await store().commit(batch({ links: [link('x-b', 'b', { state: 'gone', version: 0 })] }));
      const linked = async (connection: string) =>
        (await store().pendingLinked(connection, 'contact', 0, 10)).map(({ recordId }) => recordId);
      expect([await linked('site'), await linked('showroom')]).toEqual([['a'], []]);
    });

    test('is created again where we deleted it, not where somebody did', async () => {
      await given(store(), ['a', 'b']);
      const away = (id: string, state: 'gone' | 'removed') => link(`y-${id}`, id, { connection: 'showroom', state });
      await store().commit(batch({ links: [away('a', 'gone'), away('b', 'removed')] }));
      expect(await store().enqueueUnlinked('showroom', 'contact', ['site'], 1)).toBe(1);
    });
  });

  describe('what a guard holds', () => {
    test('counts the records that a run harms, each once, up to what is allowed; what is approved is not counted', async () => {
      await given(store(), ['a', 'b', 'c', 'd']);
      const harm = (recordId: string, over: { connection?: string; what?: Harm; mark?: string } = {}) =>
        store().countHarm(
          { sync: 'people', run, connection: 'site', what: 'overwrite', recordId, mark: 'm', ...over },
          1,
        );
      expect([await harm('a'), await harm('a', { mark: 'n' }), await harm('b')]).toEqual([true, true, false]);
      expect(await harm('b', { what: 'blanking' })).toBe(true);
      expect(await harm('b', { connection: 'shop' })).toBe(true);
      await store().hold('people', 'site', 'overwrite', [held('c', { what: 'overwrite', mark: 'm' })], 5);
      expect(await harm('c')).toBe(false);
      await store().approve('people');
      expect([await harm('c'), await harm('c', { mark: 'other' })]).toEqual([true, false]);
      // Who has said that a record may be gone has said that it may be deleted elsewhere.
      await store().hold('people', 'shop', 'absence', [held('d', { connection: 'shop', what: 'absence' })], 5);
      expect(await harm('b', { what: 'delete', mark: '' })).toBe(true);
      expect(await harm('d', { what: 'delete', mark: '' })).toBe(false);
      await store().approve('people');
      expect(await harm('d', { what: 'delete', mark: '' })).toBe(true);
      const done = await store().harmed('people', run, 'site');
      expect(done.map(({ what, recordId }) => `${what} ${recordId}`).sort()).toEqual([
        'blanking b',
        'delete b',
        'overwrite a',
      ]);
      await store().forgetHarm('people', [run]);
      expect(await store().harmed('people', run, 'shop')).toHaveLength(1);
      await store().forgetHarm('people', ['another']);
      expect(await store().harmed('people', run, 'site')).toEqual([]);
      expect(await harm('b')).toBe(true);
    });

    test('is approved as it is, and keeps the approval as long as it stays the same', async () => {
      await given(store(), ['a', 'b', 'c']);
      const hold = (rows: readonly NewHeld[]) => store().hold('people', 'site', 'delete', rows, 5);
      await hold([held('a', { mark: 'm' }), held('b', { mark: 'm' })]);
      await store().hold('people', 'showroom', 'delete', [], 5);
      expect(await store().approve('companies')).toBe(0);
      expect(await store().approve('people')).toBe(2);
      await hold([held('a', { mark: 'm' }), held('b', { mark: 'other' }), held('c', { mark: 'm' })]);
      expect((await store().held('people')).map(({ recordId, approved }) => [recordId, approved])).toEqual([
        ['a', true],
        ['b', false],
        ['c', false],
      ]);
      await store().hold('people', 'site', 'overwrite', [held('a', { what: 'overwrite' })], 6);
      await hold([]);
      const rest = { ...held('a', { what: 'overwrite' }), sync: 'people', at: 6, approved: false };
      expect(await store().held()).toEqual([rest]);
      expect(await store().held('companies')).toEqual([]);
    });
  });
}
