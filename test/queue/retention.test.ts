import { describe, expect, it } from 'vitest';
import type { EngineContext } from '../../src/engine/engine.ts';
import { expireDaily } from '../../src/queue/retention.ts';
import { storeError } from '../../src/store/sqlite/faults.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** A worker's clean-up over some sleeps, on a clock of its own. @returns when and up to what it cleaned up */
async function live(sleeps: number, of: Partial<Store> = {}, retentionMs: number | undefined = 10 * day) {
  const store = await openSqliteStore(':memory:');
  const stop = new AbortController();
  const said: string[] = [];
  const expired: { at: number; logs: number | undefined }[] = [];
  let now = 1_000 * day;
  let left = sleeps;
  const context = {
    store: {
      ...store,
      expire: async ({ logs }: { logs: number | undefined }) => {
        expired.push({ at: now, logs });
        return 0;
      },
      ...of,
    },
    clock: {
      now: () => now,
      sleep: async (ms: number) => {
        if (left === 0) throw new Error('stopped');
        left -= 1;
        now += ms;
      },
    },
    newId: () => 'id',
    owner: 'host/1/2/3',
    isAlive: () => true,
    log: { info: () => {}, warn: () => {}, error: (_: object, message: string) => said.push(message) },
  } as unknown as EngineContext;
  await expireDaily(context, retentionMs, stop.signal);
  await store.close();
  return { expired, said };
}

describe('the daily clean-up', () => {
  it('comes a minute after the start, and then once a day', async () => {
    const start = 1_000 * day;
    const { expired } = await live(3);
    expect(expired.map(({ at }) => at - start)).toEqual([minute, minute + day, minute + 2 * day]);
    expect(expired[0]!.logs).toBe(start + minute - 10 * day);
  });

  it('goes on after a store that could not be written to', async () => {
    let tries = 0;
    const lease = async () => {
      tries += 1;
      throw storeError('locked', 'concordat.db', '');
    };
    const { said } = await live(2, { lease });
    expect(tries).toBe(2);
    expect(said).toHaveLength(2);
  });

  it('is left to another process that is at it', async () => {
    const { expired } = await live(2, { lease: async () => false, leaseHolder: async () => 'host/9/2/3#x' });
    expect(expired).toEqual([]);
  });
});
