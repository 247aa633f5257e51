import { setTimeout as wait } from 'node:timers/promises';
import type { EngineContext } from '../engine/engine.ts';
import { processText } from '../engine/in-words.ts';
import { dropLease, ownerOf, takeLease } from '../engine/lease.ts';

/** How long a lease outlives a process that died on another machine; renewed at a third of it. */
const leaseMs = 60_000;
const renewEveryMs = leaseMs / 3;

/** How long to wait for another process that runs the same sync. */
const patienceMs = 60_000;

/** Another process runs this sync. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
  readonly code = 'busy';
}

/**
 * Runs `work` while holding the lease of a sync, so that no two processes run one sync at once. Waits for one that is
 * at it; takes over at once from one that died.
 * @param work gets a signal that aborts with `signal`, or when the lease was lost
 * @param onWait told once, with the other process's name, when there is one to wait for
 * @throws BusyError when the other is still at it after `patienceMs`; `work` was not started
 */
export async function withSyncLease<T>(
  context: EngineContext,
  sync: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  onWait: (holder: string) => void = () => {},
): Promise<T> {
  const { store, clock } = context;
  const name = `sync:${sync}`;
  const take = () => takeLease(context, name, 'sync', leaseMs);
  const startedAt = clock.now();
  for (let told = false; !(await take()); told = true) {
    const holder = processText(await store.leaseHolder(name));
    if (!told) onWait(holder);
    if (clock.now() - startedAt > patienceMs)
      throw new BusyError(
        `${sync}: ${holder} is still running this sync after ${patienceMs / 1_000} s; nothing was done. Try again when it is done`,
      );
    await clock.sleep(500, signal);
  }
  return await holding(context, name, 'sync', signal, work, sync);
}

/**
 * Runs `work` while holding the lease of a sync's rounds, which is another one: a round may run beside a cycle.
 * @param work as in `withSyncLease`
 * @returns undefined when another process or another round has it; `work` was not started
 */
export async function withRoundLease<T>(
  context: EngineContext,
  sync: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const name = `hints/${sync}`;
  const purpose = context.newId();
  if (!(await takeLease(context, name, purpose, leaseMs))) return undefined;
  return await holding(context, name, purpose, signal, work, sync);
}

/**
 * Runs `work` while no cycle and no round of these syncs runs in any process, and none begins.
 * @param onWait told once for each lease that another process has, with the sync and that process's name
 * @throws BusyError as `withSyncLease`; `work` was not started
 */
export async function withAllLeases<T>(
  context: EngineContext,
  syncs: readonly string[],
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  onWait: (sync: string, holder: string) => void,
): Promise<T> {
  const [sync, ...rest] = syncs;
  if (sync === undefined) return await work(signal);
  const within = async (held: AbortSignal) => await withAllLeases(context, rest, held, work, onWait);
  const inRound = async (held: AbortSignal): Promise<T> => {
    const { clock } = context;
    for (const startedAt = clock.now(); ; await clock.sleep(100, held)) {
      const done = await withRoundLease(context, sync, held, async (inner) => ({ value: await within(inner) }));
      if (done) return done.value;
      if (clock.now() - startedAt > patienceMs)
        throw new BusyError(`${sync}: rounds of this sync are still running; nothing was done. Try again later`);
    }
  };
  return await withSyncLease(context, sync, signal, inRound, (holder) => onWait(sync, holder));
}

/** Whether some process runs a cycle of a sync. */
export async function isCycleRunning({ store, clock, isAlive }: EngineContext, sync: string): Promise<boolean> {
  const name = `sync:${sync}`;
  const now = clock.now();
  return (await store.leases(name)).some(
    (lease) => lease.name === name && lease.until > now && isAlive(ownerOf(lease.owner)),
  );
}

/** Runs `work` and renews a lease that was taken, until it has ended; then gives the lease back. */
async function holding<T>(
  context: EngineContext,
  name: string,
  purpose: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  sync: string,
): Promise<T> {
  const lost = new AbortController();
  const done = new AbortController();
  const renewing = renew();
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    done.abort();
    await renewing;
    await dropLease(context, name, purpose);
  }

  async function renew(): Promise<void> {
    for (;;) {
      const isDone = await wait(renewEveryMs, false, { signal: done.signal, ref: false }).catch(() => true);
      if (isDone) return;
      // A process that was asleep for too long must not go on writing beside the one that took over.
      if (!(await takeLease(context, name, purpose, leaseMs).catch(() => false))) {
        lost.abort(new BusyError(`${sync}: the claim on this sync was lost to another process; stopped`));
        return;
      }
    }
  }
}
