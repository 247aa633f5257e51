import type { Store } from '../store/store.ts';

const keyOf = (sync: string): string => `paused ${sync}`;

/**
 * Whether a person has paused a sync: schedules and hints then write nothing, until it is resumed. The store remembers
 * it, so that it holds in every process and after a restart.
 */
export async function isPaused(store: Pick<Store, 'remembered'>, sync: string): Promise<boolean> {
  return (await pausedSince(store, sync)) !== undefined;
}

/** Since when a sync is paused, epoch milliseconds; undefined while it is not. */
export async function pausedSince(store: Pick<Store, 'remembered'>, sync: string): Promise<number | undefined> {
  const written = await store.remembered(keyOf(sync));
  return written === undefined || written === '' ? undefined : Number(written);
}

/** Pauses a sync; one that is paused already stays so since then. @param at epoch milliseconds */
export async function pause(store: Pick<Store, 'remembered' | 'remember'>, sync: string, at: number): Promise<void> {
  if (!(await isPaused(store, sync))) await store.remember(keyOf(sync), String(at));
}

/** Lets a paused sync go on. */
export async function resume(store: Pick<Store, 'remember'>, sync: string): Promise<void> {
  await store.remember(keyOf(sync), '');
}
