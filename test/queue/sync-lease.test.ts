import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineContext } from '../../src/engine/engine.ts';
import { dropLease, takeLease } from '../../src/engine/lease.ts';
import { BusyError, withAllLeases, withSyncLease } from '../../src/queue/sync-lease.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';

let store: Awaited<ReturnType<typeof openSqliteStore>>;
let now = 0;
const never = new AbortController().signal;

/** A process as the engine sees it. While it waits, time passes for all, and `meanwhile` happens. */
const context = (owner: string, isAlive = true, meanwhile = async () => {}) =>
  ({
    store,
    owner,
    isAlive: () => isAlive,
    newId: randomUUID,
    clock: {
      now: () => now,
      sleep: async (ms: number) => {
        now += ms;
        await meanwhile();
      },
    },
  }) as unknown as EngineContext;

beforeEach(async () => {
  now = 1_000_000;
  store = await openSqliteStore(':memory:');
});
afterEach(() => store.close());

describe('the claim on a sync', () => {
  it('lets one process in; a second waits, and gives up naming the first', async () => {
    const first = context('host/1/a');
    const renewed = async () => expect(await takeLease(first, 'sync:s', 'sync', 60_000)).toBe(true);
    await withSyncLease(first, 's', never, async () => {
      const waits: string[] = [];
      const second = withSyncLease(
        context('host/2/b', true, renewed),
        's',
        never,
        async () => 'in',
        (holder) => waits.push(holder),
      );
      await expect(second).rejects.toThrow(BusyError);
      await expect(second).rejects.toThrow(
        's: process 1 on host is still running this sync after 60 s; nothing was done',
      );
      expect(waits).toEqual(['process 1 on host']);
    });
  });

  it('is handed over when the first is done', async () => {
    const first = context('host/1/a');
    await takeLease(first, 'sync:s', 'sync', 60_000);
    const second = context('host/2/b', true, () => dropLease(first, 'sync:s', 'sync'));
    expect(await withSyncLease(second, 's', never, async () => 'in')).toBe('in');
    expect(now).toBe(1_000_500);
  });

  it('is taken at once from a process that died', async () => {
    await takeLease(context('host/1/a'), 'sync:s', 'sync', 60_000);
    expect(await withSyncLease(context('host/2/b', false), 's', never, async () => 'in')).toBe('in');
    expect(now).toBe(1_000_000);
  });

  it('is given back when the work fails', async () => {
    const failed = withSyncLease(context('host/1/a'), 's', never, () => Promise.reject(new RangeError('broken')));
    await expect(failed).rejects.toThrow('broken');
    expect(await withSyncLease(context('host/2/b'), 's', never, async () => 'in')).toBe('in');
    expect(now, 'without a wait').toBe(1_000_000);
  });

  it('keeps syncs of different names apart', async () => {
    await withSyncLease(context('host/1/a'), 's', never, () =>
      withSyncLease(context('host/2/b'), 't', never, async () => undefined),
    );
  });

  it('passes an abort on to the work', async () => {
    const stop = new AbortController();
    const work = withSyncLease(context('host/1/a'), 's', stop.signal, async (signal) => {
      stop.abort(new RangeError('stop'));
      signal.throwIfAborted();
    });
    await expect(work).rejects.toThrow('stop');
  });
});

describe('the claim on all syncs', () => {
  const all = (as: EngineContext, waits: string[] = []) =>
    withAllLeases(
      as,
      ['s', 't'],
      never,
      async () => (await store.leases('')).map(({ name }) => name),
      (sync, holder) => waits.push(`${sync}: ${holder}`),
    );

  it('keeps cycles and rounds of all of them out, and is given back', async () => {
    expect(await all(context('host/1/a'))).toEqual(['hints/s', 'hints/t', 'sync:s', 'sync:t']);
    expect(await store.leases('')).toEqual([]);
  });

  it('waits for a cycle, and says for whose', async () => {
    const other = context('host/1/a');
    await takeLease(other, 'sync:t', 'sync', 60_000);
    const waits: string[] = [];
    const done = await all(
      context('host/2/b', true, () => dropLease(other, 'sync:t', 'sync')),
      waits,
    );
    expect(done).toHaveLength(4);
    expect(waits).toEqual(['t: process 1 on host']);
  });

  it('waits for a round, and gives up', async () => {
    const other = context('host/1/a');
    await takeLease(other, 'hints/s', 'x', 600_000);
    await expect(all(context('host/2/b'))).rejects.toThrow('s: rounds of this sync are still running');
    expect(await all(context('host/2/b', true, () => dropLease(other, 'hints/s', 'x')))).toHaveLength(4);
  });
});
