import type { EngineContext } from './engine.ts';

/** Longer than any write may take: a lease that outlives its owner ends by itself. */
const leaseMs = 5 * 60_000;

/** Separates the process from what it holds the lease for. */
const separator = '#';

/**
 * Takes the lease `name` for `forMs`, or prolongs it; also from a process that is known to have died.
 * @param purpose tells holders within one process apart: the same purpose shares the lease
 */
export async function takeLease(
  context: EngineContext,
  name: string,
  purpose: string,
  forMs: number,
): Promise<boolean> {
  const { store, clock, owner, isAlive } = context;
  const take = () => store.lease(name, `${owner}${separator}${purpose}`, clock.now(), clock.now() + forMs);
  if (await take()) return true;
  const holder = await store.leaseHolder(name);
  if (holder === undefined || isAlive(ownerOf(holder))) return false;
  await store.release(name, holder);
  return await take();
}

/** Gives a lease back; nothing happens when another process has it by now. */
export async function dropLease({ store, owner }: EngineContext, name: string, purpose: string): Promise<void> {
  await store.release(name, `${owner}${separator}${purpose}`);
}

/** The process that holds a lease. */
export function ownerOf(holder: string): string {
  return holder.split(separator, 1)[0]!;
}

/** Runs `work` while nobody else holds the lease. @returns undefined when somebody does. */
export async function underLease<T>(
  context: EngineContext,
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const purpose = context.newId();
  if (!(await takeLease(context, name, purpose, leaseMs))) return undefined;
  try {
    return await work();
  } finally {
    await dropLease(context, name, purpose);
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
