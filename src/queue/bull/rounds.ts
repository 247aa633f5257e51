import type { Job, Queue } from 'bullmq';
import { z } from 'zod';
import type { EngineContext } from '../../engine/engine.ts';
import { syncNamed } from '../../engine/participation.ts';
import { isRoundDue } from '../due.ts';
import { type RoundEnd, runHints } from '../hints.ts';
import { type Errands, QueueLostError } from './errands.ts';
import { priorities, queuedHands } from './hands.ts';
import type { Signals } from './workers.ts';

const roundPayload = z.strictObject({ sync: z.string() });

/** After a round that broke off, the next one of its sync waits so long; doubles with each in a row. */
const firstRestMs = 500;
const longestRestMs = 60_000;

/** Rounds on the webhook queue: asked for while there is something to do, and run one at a time for each sync. */
export interface Rounds {
  /** Asks for a round if one would have something to do. @throws what Redis throws */
  askIfDue(sync: string): Promise<void>;
  work(job: Job, signals: Signals): Promise<unknown>;
}

/** @param queue the webhook queue */
export function openRounds(context: EngineContext, queue: Queue, errands: Errands): Rounds {
  const { clock, log } = context;
  const hands = queuedHands(errands, priorities.round);
  const broken = new Map<string, { readonly times: number; readonly until: number }>();

  async function round(name: string, signal: AbortSignal): Promise<Pick<RoundEnd, 'state'> & Partial<RoundEnd>> {
    try {
      const end = await runHints(context, syncNamed(context, name), { signal }, hands);
      broken.delete(name);
      if (end.state !== 'idle' && end.state !== 'busy') {
        const { state, ended, counts, besides } = end;
        log.info({ sync: name, state, hints: ended, counts, besides }, 'round ended');
      }
      return end;
    } catch (error) {
      signal.throwIfAborted();
      const times = (broken.get(name)?.times ?? 0) + 1;
      broken.set(name, { times, until: clock.now() + Math.min(firstRestMs * 2 ** (times - 1), longestRestMs) });
      const message = error instanceof Error ? error.message : String(error);
      const fields = { sync: name, error: message };
      if (error instanceof QueueLostError)
        log.warn(fields, 'round broken off: its jobs have vanished; it is run again');
      else log.error(fields, 'round broken off; it is run again');
      return { state: 'failed' };
    }
  }

  return {
    async askIfDue(sync) {
      if ((broken.get(sync)?.until ?? 0) > clock.now()) return;
      if (!(await isRoundDue(context, syncNamed(context, sync)))) return;
      // Dropped while a round is at work: what it does not see is still there when it has ended, and asked for again.
      await queue.add('round', { sync }, { deduplication: { id: sync } });
    },
    work: ({ data }, { stopping }) => round(roundPayload.parse(data).sync, stopping),
  };
}
