import { describe, expect, test } from 'vitest';
import type { ConflictRow, Store } from '../../src/store/store.ts';
import { batch, given, run } from './samples.ts';

/** What every implementation of `Store` promises about what is told of one record, and of one sync. @param store gives a fresh one */
export function recordContract(store: () => Store): void {
  describe('about one record', () => {
    test('everything is told that is pending at these connections, with why it is', async () => {
      const to = (recordId: string, connection: string) => ({ connection, recordId });
      await given(store(), ['a', 'b'], {
        at: 7,
        pending: [to('a', 'showroom'), to('a', 'support'), to('a', 'site'), to('b', 'showroom')],
      });
      const failure = { code: 'rejected', message: 'no', detail: 'Not you, Anna' };
      await store().defer('support', 'a', { ...failure, version: 1, attempts: 3, notBefore: 99, state: 'dead' });
      const waiting = { since: 7, state: 'waiting', attempts: 0, notBefore: 0, failure: undefined };
      expect(await store().pendingWrites('a', ['showroom', 'nobody', 'support'])).toEqual([
        { ...to('a', 'showroom'), ...waiting },
        { ...to('a', 'support'), ...waiting, state: 'dead', attempts: 3, notBefore: 99, failure },
      ]);
      expect(await store().pendingWrites('b', ['support'])).toEqual([]);
      expect(await store().pendingWrites('nobody', ['showroom'])).toEqual([]);
    });

    test('conflicts come oldest first, settled and waiting', async () => {
      await given(store(), ['a', 'b']);
      const conflict = (recordId: string, at: number, state: ConflictRow['state']): ConflictRow => ({
        entity: 'contact',
        recordId,
        path: 'notes',
        winner: { connection: 'site', value: 'x' },
        loser: { connection: 'showroom', value: null },
        rule: 'conflict: manual',
        at,
        run,
        state,
      });
      const [settled, waiting] = [conflict('a', 1, 'settled'), conflict('a', 2, 'waiting')];
      await store().commit(batch({ conflicts: [settled, conflict('b', 1, 'settled')] }));
      await store().commit(batch({ conflicts: [waiting] }));
      expect(await store().conflictsOf('a')).toEqual([settled, waiting]);
      expect(await store().conflictsOf('nobody')).toEqual([]);
    });
  });

  test('runs are told by sync and by name', async () => {
    for (const [id, sync, startedAt] of [
      ['r1', 'people', 1],
      ['r1', 'companies', 2],
      ['r2', 'people', 3],
      ['r3', 'people', 4],
    ] as const)
      await store().beginRun({ id, sync, startedAt });
    const end = { endedAt: 5, outcome: 'done', counts: '{}' } as const;
    await store().endRun('r2', 'people', end);
    expect((await store().runsOf('people', 2)).map(({ id }) => id)).toEqual(['r3', 'r2']);
    expect(await store().runsOf('nobody', 2)).toEqual([]);
    expect(await store().runsNamed(['r2', 'r1', 'gone'])).toEqual([
      { id: 'r1', sync: 'people', startedAt: 1, end: undefined },
      { id: 'r1', sync: 'companies', startedAt: 2, end: undefined },
      { id: 'r2', sync: 'people', startedAt: 3, end },
    ]);
  });
}
