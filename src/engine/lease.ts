import type { EngineContext } from './engine.ts';

/** Longer than any write may take: a lease that outlives its owner ends by itself. */
const leaseMs = 5 * 60_000;

/** Runs `work` while nobody else holds the lease. @returns undefined when somebody does. */
export async function underLease<T>(
  context: EngineContext,
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const { store, clock, owner } = context;
  const holder = `${owner}/${context.newId()}`;
  if (!(await store.lease(name, holder, clock.now(), clock.now() + leaseMs))) return undefined;
  try {
    return await work();
  } finally {
    await store.release(name, holder);
  }
}

/** Waits its turn for a write that touches more than its record. @returns undefined when the turn does not come. */
export async function inTurn<T>(
  context: EngineContext,
  name: string,
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  for (let waitedMs = 0; waitedMs < leaseMs; waitedMs += 50) {
    const result = await underLease(context, name, async () => ({ value: await work() }));
    if (result) return result.value;
    await context.clock.sleep(50, signal);
  }
  return undefined;
}
