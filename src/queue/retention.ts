import type { EngineContext } from '../engine/engine.ts';
import { StoreError } from '../store/errors.ts';

/**
 * Removes what is older than the configuration wants to keep (`store.retention`) from the logs of the store. A store that
 * cannot be written to is no fault of the sync that is done: the next one cleans up.
 * @param retentionMs undefined: everything is kept for ever
 */
export async function expireLogs({ store, clock, log }: EngineContext, retentionMs: number | undefined): Promise<void> {
  if (retentionMs === undefined) return;
  try {
    const removed = await store.expire(clock.now() - retentionMs);
    if (removed > 0) log.info({ removed }, 'old rows of the logs removed');
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.warn({ code: error.code }, 'old rows of the logs could not be removed; the next sync tries again');
  }
}
