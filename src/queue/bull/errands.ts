import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Queue, QueueEvents } from 'bullmq';
import { z } from 'zod';
import type { RedisLink } from './redis.ts';

/** A job has vanished with all that Redis held. What it was to do is still in the store: ask again. */
export class QueueLostError extends Error {
  override readonly name = 'QueueLostError';
  readonly code = 'queue_lost';
}

/** Jobs that somebody waits for, on the queues of the connections. */
export interface Errands {
  /**
   * Puts a job on a queue, waiting for Redis if need be, and waits for what it returns, also over an absence of Redis.
   * @param name of the queue
   * @param priority lower is sooner; 0 before all others
   * @throws QueueLostError when the job is gone; Error with the reason when it failed; the signal's reason
   */
  run(name: string, job: string, payload: object, priority: number, signal?: AbortSignal): Promise<unknown>;
  /** Looks at once after the jobs that are waited for. */
  look(): void;
  close(): Promise<void>;
}

interface Waiting {
  readonly queue: Queue;
  readonly id: string;
  readonly resolve: (returned: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Whether it is known to be on the queue: before that, not finding it proves nothing. */
  isPut: boolean;
}

/** How often it is checked that a job still exists: its end may have been told while nobody listened. */
const lookEveryMs = 500;

/** Events are heard from this long before the start. */
const heardSinceMs = 60_000;

/** Adds in a row that fail although Redis answers: then it is no absence. */
const mostTries = 5;

/** What a job is on its queue. */
export const errand = z.strictObject({
  /** The process that waits for it, as it is named in leases: when that has gone, nobody wants it any more. */
  asker: z.string(),
  order: z.unknown(),
});

/**
 * @param queues those that errands go to
 * @param asker this process, as it is named in leases
 */
export function openErrands(queues: readonly Queue[], redis: RedisLink, prefix: string, asker: string): Errands {
  const byName = new Map(queues.map((queue) => [queue.name, queue]));
  const waiting = new Map<string, Waiting>();
  const events = queues.map((queue) => listen(queue));
  let isLooking = false;
  const timer = setInterval(look, lookEveryMs);
  timer.unref();

  function listen(queue: Queue): QueueEvents {
    // By default it hears what is told after it has begun to listen, which nobody can wait for. Where Redis has another
    // idea of the time than we, the looks at the jobs make up for what was not heard.
    const lastEventId = String(Date.now() - heardSinceMs);
    const listener = new QueueEvents(queue.name, { connection: redis.patient, prefix, lastEventId });
    // An absence of Redis is told elsewhere, once.
    listener.on('error', () => {});
    listener.on('completed', ({ jobId, returnvalue }) => end(jobId)?.resolve(returnvalue));
    listener.on('failed', ({ jobId, failedReason }) => end(jobId)?.reject(failure(queue.name, failedReason)));
    return listener;
  }

  function end(id: string): Waiting | undefined {
    const one = waiting.get(id);
    waiting.delete(id);
    return one;
  }

  function look(): void {
    if (isLooking || waiting.size === 0 || redis.awaySince !== undefined) return;
    isLooking = true;
    // An error means that Redis has just gone; we look again when it is back.
    void Promise.all([...waiting.values()].map(lookAfter))
      .catch(() => {})
      .finally(() => {
        isLooking = false;
      });
  }

  async function lookAfter({ queue, id, isPut }: Waiting): Promise<void> {
    if (!isPut) return;
    const job = await queue.getJob(id);
    if (!job) end(id)?.reject(lost(queue.name));
    else if (job.finishedOn === undefined) return;
    else if (job.failedReason) end(id)?.reject(failure(queue.name, job.failedReason));
    else end(id)?.resolve(job.returnvalue);
  }

  async function put(queue: Queue, job: string, payload: object, id: string, priority: number, signal?: AbortSignal) {
    for (let tries = 1; ; ) {
      signal?.throwIfAborted();
      try {
        // The same id again is the same job, so that an add whose answer was lost may be repeated.
        await queue.add(job, { asker, order: payload } satisfies z.input<typeof errand>, {
          jobId: id,
          ...(priority > 0 && { priority }),
        });
        return;
      } catch (error) {
        tries = redis.awaySince === undefined ? tries + 1 : 1;
        if (tries > mostTries) throw error;
        await wait(lookEveryMs, undefined, { ...(signal && { signal }) }).catch(() => {});
      }
    }
  }

  return {
    async run(name, job, payload, priority, signal) {
      const queue = byName.get(name);
      if (!queue) throw new RangeError(`no queue "${name}"; known: ${[...byName.keys()].join(', ')}`);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const one: Waiting = { queue, id: randomUUID(), resolve, reject, isPut: false };
      const giveUp = () => {
        if (!end(one.id)) return;
        reject(signal?.reason);
        // One that is under way ends by itself: it holds nothing but ids, and looks before it writes.
        void queue.remove(one.id).catch(() => {});
      };
      // Before it is put there: it may be done before we hear that it is.
      waiting.set(one.id, one);
      try {
        await put(queue, job, payload, one.id, priority, signal);
        one.isPut = true;
        signal?.addEventListener('abort', giveUp, { once: true });
        if (signal?.aborted) giveUp();
        return await promise;
      } finally {
        waiting.delete(one.id);
        signal?.removeEventListener('abort', giveUp);
      }
    },
    look,
    async close() {
      clearInterval(timer);
      for (const { id } of [...waiting.values()]) end(id)?.reject(new QueueLostError('the worker stops'));
      await Promise.all(events.map((listener) => listener.close()));
    },
  };
}

function lost(queue: string): QueueLostError {
  return new QueueLostError(`${queue}: a job is gone, for Redis was emptied; what it was to do is asked for again`);
}

function failure(queue: string, reason: string): Error {
  return new Error(`${queue}: a job failed: ${reason}`);
}
