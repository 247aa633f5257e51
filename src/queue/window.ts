import type { Counts } from '../engine/engine.ts';
import type { Store } from '../store/store.ts';

/** The rounds of a sync that are one run: one row in the log, one guard over all that they write. */
export interface Window {
  readonly run: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** By connection, added up. */
  readonly counts: Readonly<Record<string, Counts>>;
}

/** How long rounds of a sync are one run, milliseconds: a flood of hints must not pass the limits one by one. */
const windowMs = 10 * 60_000;

/** The last window of a sync's rounds, also when it is over. */
export async function windowOf(store: Store, sync: string): Promise<Window | undefined> {
  const kept = await store.remembered(keyOf(sync));
  return kept === undefined ? undefined : (JSON.parse(kept) as Window);
}

/** Whether a round that begins now still belongs to the window. */
export function isOpen({ startedAt }: Window, now: number): boolean {
  return now < startedAt + windowMs;
}

/** Keeps what the rounds of a window have done so far. */
export async function keepWindow(store: Store, sync: string, window: Window): Promise<void> {
  await store.remember(keyOf(sync), JSON.stringify(window));
}

function keyOf(sync: string): string {
  return `rounds of ${sync}`;
}
