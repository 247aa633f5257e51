import { describe, expect, test } from 'vitest';
import type { ConflictRow, HistoryRow, Store } from '../../src/store/store.ts';
import { aggregate, batch, given, origin, run, update } from './samples.ts';

function replaced(recordId: string, at: number): HistoryRow {
  return {
    recordId,
    path: 'city',
    from: 'Brno',
    fromOrigin: origin({ at: 1 }),
    to: `at ${at}`,
    origin: origin({ at }),
  };
}

function conflict(recordId: string, at: number, state: ConflictRow['state']): ConflictRow {
  return {
    entity: 'contact',
    recordId,
    path: 'city',
    winner: { connection: 'site', value: 'Brno' },
    loser: { connection: 'room', value: `at ${at}` },
    rule: 'conflict: newest',
    at,
    run,
    state,
  };
}

/** What every implementation of `Store` promises about forgetting. @param store gives a fresh one */
export function retentionContract(store: () => Store): void {
  const expire = (logs: number) => store().expire({ logs, deliveries: 0 });
  const times = async (id: string) => (await store().history(id)).map(({ origin: { at } }) => at);

  describe('logs that expire', () => {
    test('lose what is older than the time, and keep the rest in order', async () => {
      await given(store(), ['a', 'b']);
      const history = [10, 30, 20, 40].flatMap((at) => [replaced('a', at), replaced('b', at + 5)]);
      await store().commit(batch({ history }));
      expect(await expire(25)).toBe(3);
      expect(await times('a')).toEqual([30, 40]);
      expect(await times('b')).toEqual([35, 25, 45]);
      expect(await expire(25)).toBe(0);
    });

    test('lose all of it, however much there is, also behind rows of a clock that was wrong', async () => {
      await given(store(), ['a']);
      const old = Array.from({ length: 4_500 }, (_, at) => replaced('a', at));
      await store().commit(batch({ history: [replaced('a', 9e12), ...old, replaced('a', 10_000)] }));
      expect(await expire(10_000)).toBe(4_500);
      expect(await times('a')).toEqual([9e12, 10_000]);
    });

    test('keep conflicts that wait, however old, and lose those that are settled', async () => {
      await given(store(), ['a', 'b']);
      const waiting = conflict('b', 2, 'waiting');
      const fresh = conflict('a', 30, 'settled');
      await store().commit(
        batch({ conflicts: [conflict('a', 1, 'settled'), waiting, conflict('a', 3, 'settled'), fresh] }),
      );
      expect(await expire(30)).toBe(2);
      expect(await store().conflicts(9)).toEqual([fresh, waiting]);
      await store().commit(batch({ settledConflicts: [{ recordId: 'b', path: 'city' }] }));
      expect(await expire(30)).toBe(1);
    });

    test('keep the last run of each sync, and lose ended and dead ones before it', async () => {
      const end = { endedAt: 12, outcome: 'done', counts: '{}' } as const;
      for (const [id, sync, startedAt] of [
        ['r1', 'people', 10],
        ['r2', 'people', 11],
        ['r3', 'companies', 10],
        ['r4', 'people', 40],
      ] as const)
        await store().beginRun({ id, sync, startedAt });
      await store().endRun('r1', 'people', end);
      await store().endRun('r3', 'companies', end);
      expect(await expire(12)).toBe(1);
      expect(await expire(13)).toBe(1);
      expect((await store().runs(9)).map(({ id }) => id)).toEqual(['r4', 'r3']);
    });

    test('leave every value, its origin, tombstones, links and what is pending as they are', async () => {
      await given(store(), ['a', 'b'], { pending: [{ connection: 'room', recordId: 'a' }] });
      await store().commit(
        batch({ updates: [update('a', 1), update('b', 1, { state: 'tombstone' })], history: [replaced('a', 10)] }),
      );
      const before = [await aggregate(store(), 'a'), await aggregate(store(), 'b')];
      expect(await expire(9e12)).toBe(1);
      expect([await aggregate(store(), 'a'), await aggregate(store(), 'b')]).toEqual(before);
      expect(await store().pending('room', 'contact', 0, 0, 9)).toHaveLength(1);
    });
  });
}
