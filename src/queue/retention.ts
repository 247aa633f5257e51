import type { EngineContext } from '../engine/engine.ts';
import { underLease } from '../engine/lease.ts';
import { StoreError } from '../store/errors.ts';

/**
 * How long the id of a webhook's delivery is known. Senders repeat a delivery for hours, some for two or three days;
 * one that comes later costs a look at its records, no more.
 */
const deliveryMs = 3 * 24 * 60 * 60_000;

/**
 * Removes what is older than the configuration wants to keep (`store.retention`) from the logs of the store, and the ids
 * of deliveries older than three days. A store that cannot be written to is no fault of the sync that is done: the next
 * one cleans up.
 * @param retentionMs undefined: the logs are kept for ever
 */
export async function expireLogs({ store, clock, log }: EngineContext, retentionMs: number | undefined): Promise<void> {
  const now = clock.now();
  try {
    const removed = await store.expire({
      logs: retentionMs === undefined ? undefined : now - retentionMs,
      deliveries: now - deliveryMs,
    });
    if (removed > 0) log.info({ removed }, 'old rows of the logs removed');
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.warn({ code: error.code }, 'old rows of the logs could not be removed; the next sync tries again');
  }
}

const dayMs = 24 * 60 * 60_000;
/** A start is busy enough, and one that is soon followed by the next has nothing to clean up. */
const firstMs = 60_000;

/**
 * Runs `expireLogs` a minute from now and then once a day, in one process of a database at a time. Resolves when the
 * signal aborts; never rejects.
 */
export async function expireDaily(
  context: EngineContext,
  retentionMs: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = context;
  for (let ms = firstMs; ; ms = dayMs) {
    try {
      await clock.sleep(ms, signal);
    } catch {
      return;
    }
    try {
      await underLease(context, 'retention', () => expireLogs(context, retentionMs));
    } catch (error) {
      log.error(
        { error: error instanceof Error ? error.message : String(error) },
        'old rows of the logs could not be removed; tried again tomorrow',
      );
    }
  }
}
