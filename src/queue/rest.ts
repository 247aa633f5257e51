import type { EngineContext } from '../engine/engine.ts';

/** First rest of a connection that failed, milliseconds; doubles with each failure in a row, half of it by chance. */
const firstRestMs = 1_000;
const longestRestMs = 5 * 60_000;

/** How a connection fares in the rounds of a sync. */
interface Rest {
  /** Epoch milliseconds. */
  readonly until: number;
  /** Failures in a row. */
  readonly failures: number;
}

/** Whether rounds of a sync let a connection rest for now, because it failed as a whole. */
export async function isResting({ store, clock }: EngineContext, sync: string, connection: string): Promise<boolean> {
  return ((await restOf(store, sync, connection))?.until ?? 0) > clock.now();
}

/** Notes how a connection has fared in a round: after a failure it rests, the longer the more often it failed. */
export async function noteFare(
  { store, clock, random }: EngineContext,
  sync: string,
  connection: string,
  hasFailed: boolean,
): Promise<void> {
  const before = await restOf(store, sync, connection);
  if (!hasFailed) {
    if (before) await store.remember(keyOf(sync, connection), '');
    return;
  }
  const failures = (before?.failures ?? 0) + 1;
  const ms = Math.min(firstRestMs * 2 ** (failures - 1), longestRestMs);
  const rest: Rest = { until: clock.now() + Math.round(ms / 2 + (random() * ms) / 2), failures };
  await store.remember(keyOf(sync, connection), JSON.stringify(rest));
}

async function restOf(store: EngineContext['store'], sync: string, connection: string): Promise<Rest | undefined> {
  const kept = await store.remembered(keyOf(sync, connection));
  return kept === undefined || kept === '' ? undefined : (JSON.parse(kept) as Rest);
}

function keyOf(sync: string, connection: string): string {
  return `rest of ${connection} in rounds of ${sync}`;
}
