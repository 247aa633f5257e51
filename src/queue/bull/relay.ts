import { setTimeout as wait } from 'node:timers/promises';
import type { EngineContext } from '../../engine/engine.ts';
import type { SyncPolicy } from '../../sync/policy.ts';

/** What waits in the store is looked for so often, and whenever somebody says that there is something. */
const lookEveryMs = 250;

/** Carries work from the store to the queues. The store is the truth: the relay remembers nothing. */
export interface Relay {
  /** There is something new: look now. */
  wake(): void;
  close(): Promise<void>;
}

/**
 * Looks at every sync over and over, in turn, and asks for what is due.
 * @param ask asks for what a sync needs; asking again for what is asked for must do no harm. What it throws means that it
 * did not get through: the next look tries again
 */
export function openRelay(
  context: Pick<EngineContext, 'syncs' | 'log'>,
  ask: (sync: SyncPolicy) => Promise<void>,
): Relay {
  const stop = new AbortController();
  let woken = Promise.withResolvers<void>();
  let failures = 0;
  const relaying = relay();

  async function relay(): Promise<void> {
    while (!stop.signal.aborted) {
      woken = Promise.withResolvers();
      try {
        for (const sync of context.syncs) await ask(sync);
        failures = 0;
      } catch (error) {
        // Once is Redis or the store having gone this moment, which is told elsewhere.
        failures += 1;
        if (failures === 20) {
          const message = error instanceof Error ? error.message : String(error);
          context.log.warn({ error: message }, 'work that waits in the store does not get to its queue; tried again');
        }
      }
      const pause = new AbortController();
      const signal = AbortSignal.any([pause.signal, stop.signal]);
      await Promise.race([woken.promise, wait(lookEveryMs, undefined, { signal }).catch(() => {})]);
      pause.abort();
    }
  }

  return {
    wake: () => woken.resolve(),
    async close() {
      stop.abort();
      await relaying;
    },
  };
}
