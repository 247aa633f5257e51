import { setTimeout as wait } from 'node:timers/promises';
import type { EngineContext } from '../engine/engine.ts';

/** How long a lease outlives a process that died; renewed at a third of it. */
const leaseMs = 60_000;
const renewEveryMs = leaseMs / 3;

/** Another process runs this sync. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
  readonly code = 'busy';
}

/**
 * Runs `work` while holding the lease of a sync, so that no two processes run one sync at once.
 * @param work gets a signal that aborts with `signal`, or when the lease was lost
 * @throws BusyError when another process holds it; `work` was not started
 */
export async function withSyncLease<T>(
  context: EngineContext,
  sync: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { store, clock, owner } = context;
  const name = `sync:${sync}`;
  const holderKey = `holder of ${name}`;
  const take = () => store.lease(name, owner, clock.now(), clock.now() + leaseMs);
  if (!(await take())) {
    const holder = (await store.remembered(holderKey)) ?? 'another process';
    throw new BusyError(
      `${sync}: ${holder} is running this sync; nothing was done. Try again when it is done; if that process died, its claim ends within ${leaseMs / 1_000} s`,
    );
  }
  await store.remember(holderKey, holderName(owner, clock.now()));
  const lost = new AbortController();
  const done = new AbortController();
  const renewing = renew();
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    done.abort();
    await renewing;
    await store.release(name, owner);
  }

  async function renew(): Promise<void> {
    for (;;) {
      const isDone = await wait(renewEveryMs, false, { signal: done.signal, ref: false }).catch(() => true);
      if (isDone) return;
      // A process that was asleep for too long must not go on writing beside the one that took over.
      if (!(await take().catch(() => false))) {
        lost.abort(new BusyError(`${sync}: the claim on this sync was lost to another process; stopped`));
        return;
      }
    }
  }
}

/** `process 4711 on host (since 12:00:00)`, from the owner's name in leases. */
function holderName(owner: string, now: number): string {
  const [host, pid] = owner.split('/');
  return `process ${pid} on ${host} (since ${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} UTC)`;
}
