import { describe, expect, test } from 'vitest';
import type { ConflictFilter, ConflictRow, Store } from '../../src/store/store.ts';
import { batch, given, origin, run, update } from './samples.ts';

function conflict(recordId: string, path: string, over: Partial<ConflictRow> = {}): ConflictRow {
  return {
    entity: 'contact',
    recordId,
    path,
    winner: { connection: 'site', value: 'Brno' },
    loser: { connection: 'room', value: ['x'] },
    rule: 'conflict: manual',
    at: 1,
    run,
    state: 'waiting',
    ...over,
  };
}

/** What every implementation of `Store` promises about conflicts that people look through and decide. @param store gives a fresh one */
export function conflictContract(store: () => Store): void {
  const paths = async (which: ConflictFilter, before?: number, limit = 9) =>
    (await store().conflictPage(which, before, limit)).map(({ path }) => path);
  const numberOf = async (path: string) =>
    (await store().conflictPage({ path }, undefined, 1)).map(({ number }) => number)[0]!;

  describe('conflicts that people look through', () => {
    test('come in pages, newest first, by state, field, connection, record and run', async () => {
      await given(store(), ['a', 'b']);
      await store().commit(
        batch({
          conflicts: [
            conflict('a', 'city', { state: 'settled' }),
            conflict('a', 'notes', { loser: { connection: 'desk', value: null }, run: 'another' }),
            conflict('b', 'phone', { winner: { connection: 'desk', value: 1 } }),
          ],
        }),
      );
      expect(await paths({})).toEqual(['phone', 'notes', 'city']);
      expect(await paths({}, undefined, 2)).toEqual(['phone', 'notes']);
      expect(await paths({}, await numberOf('notes'))).toEqual(['city']);
      expect(await paths({ state: 'waiting' })).toEqual(['phone', 'notes']);
      expect(await paths({ state: 'settled' })).toEqual(['city']);
      expect(await paths({ path: 'notes' })).toEqual(['notes']);
      expect(await paths({ connection: 'desk' })).toEqual(['phone', 'notes']);
      expect(await paths({ connection: 'nobody' })).toEqual([]);
      expect(await paths({ recordIds: ['a'] })).toEqual(['notes', 'city']);
      expect(await paths({ run: 'another' })).toEqual(['notes']);
      expect(await paths({ run: 'never' })).toEqual([]);
    });

    test('are settled by a person, in place, with both sides as they are by then', async () => {
      await given(store(), ['a']);
      await store().commit(batch({ conflicts: [conflict('a', 'city'), conflict('a', 'notes')] }));
      const number = await numberOf('city');
      const decided = {
        number,
        winner: { connection: 'room', value: ['x'] },
        loser: { connection: 'site', value: 'Brno' },
        rule: 'settled',
      };
      await store().commit(batch({ decided: [decided], run: 'decision', at: 7 }));
      const expected = { ...conflict('a', 'city'), ...decided, at: 7, run: 'decision', state: 'settled' };
      expect(await store().conflict(number)).toEqual(expected);
      expect(await paths({ state: 'waiting' })).toEqual(['notes']);
      expect(await store().wins('settled')).toEqual([
        { entity: 'contact', path: 'city', connection: 'room', count: 1 },
      ]);
      expect(await store().wins('conflict: manual')).toEqual([
        { entity: 'contact', path: 'notes', connection: 'site', count: 1 },
      ]);
    });

    test('refuse a decision about one that has given way to another', async () => {
      await given(store(), ['a']);
      await store().commit(batch({ conflicts: [conflict('a', 'city')] }));
      const number = await numberOf('city');
      await store().commit(batch({ conflicts: [conflict('a', 'city', { at: 2 })] }));
      const sides = { winner: conflict('a', 'city').winner, loser: conflict('a', 'city').loser };
      await expect(store().commit(batch({ decided: [{ number, rule: 'r', ...sides }] }))).rejects.toMatchObject({
        code: 'stale',
      });
      expect(await store().conflict(number)).toBeUndefined();
    });
  });

  describe('what a run has touched', () => {
    const touched = async (by: string, after = 0, limit = 9) =>
      (await store().touchedBy(by, after, limit)).map(({ recordId }) => recordId);

    test('is whatever holds a value of it, or had one replaced in it', async () => {
      await given(store(), ['a', 'b', 'c']);
      const of = (by: string) => origin({ run: by });
      await store().commit(
        batch({
          updates: [
            update('a', 1, {
              values: { city: 'Brno', notes: 'x' },
              origins: { city: of('second'), notes: of('third') },
            }),
          ],
          history: [{ recordId: 'b', path: 'city', from: 'x', fromOrigin: of(run), to: 'y', origin: of('second') }],
        }),
      );
      expect(await touched('second')).toEqual(['a', 'b']);
      expect(await touched('third')).toEqual(['a']);
      expect(await touched(run)).toEqual(['b', 'c']);
      expect(await touched('never')).toEqual([]);
      const [first] = await store().touchedBy('second', 0, 1);
      expect(first?.recordId).toBe('a');
      expect(await touched('second', first!.position)).toEqual(['b']);
    });
  });
}
