import type { Store } from '../store/store.ts';

const keyOf = (sync: string): string => `cycle wanted ${sync}`;

/**
 * Asks for a full cycle of a sync, not before a time: what single records cannot tell, or what was lost on the way. The
 * store remembers it, so that it holds over any end of a process or of Redis. An earlier time that is asked for already
 * stays.
 * @param at epoch milliseconds
 */
export async function wantCycle(
  store: Pick<Store, 'remembered' | 'remember'>,
  sync: string,
  at: number,
): Promise<void> {
  const before = await wantedAt(store, sync);
  if (before === undefined || at < before) await store.remember(keyOf(sync), String(at));
}

/** From when on a full cycle of a sync is wanted, epoch milliseconds; undefined when none is. */
export async function wantedAt(store: Pick<Store, 'remembered'>, sync: string): Promise<number | undefined> {
  const written = await store.remembered(keyOf(sync));
  return written === undefined || written === '' ? undefined : Number(written);
}

/** A full cycle begins: what was asked for until now is granted by it. */
export async function grantCycle(store: Pick<Store, 'remembered' | 'remember'>, sync: string): Promise<void> {
  if ((await wantedAt(store, sync)) !== undefined) await store.remember(keyOf(sync), '');
}
