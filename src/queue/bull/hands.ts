import { z } from 'zod';
import { failure } from '../../../jobs/failure.ts';
import type { LookResult } from '../../../jobs/look.ts';
import type { PullResult } from '../../../jobs/pull.ts';
import type { PushResult } from '../../../jobs/push.ts';
import { type Counts, noCounts } from '../../engine/engine.ts';
import type { Along, Hands } from '../hands.ts';
import type { Errands } from './errands.ts';
import { pullQueue, pushQueue } from './names.ts';

/** Lower is sooner. What somebody waits for comes before what the schedule asks for. */
export const priorities = { round: 0, person: 1, schedule: 10 } as const;

/** A full listing takes long: looks at single records come before it, whoever asked for it. */
const behindLooks = 100;

const number = z.number().int().min(0);
const countsSchema = z.strictObject(Object.fromEntries(Object.keys(noCounts()).map((key) => [key, number])));
const stopSchema = z.strictObject({
  sync: z.string(),
  connection: z.string(),
  what: z.enum(['absence', 'delete', 'overwrite', 'blanking']),
  records: number,
  allowed: number,
  of: number,
  examples: z.array(z.strictObject({ recordId: z.string(), externalId: z.string() })),
});
const pullResult = z.strictObject({ stop: stopSchema.exactOptional(), error: failure.exactOptional() });
const lookResult = z.strictObject({
  later: z.array(z.string()),
  unclear: z.array(z.string()),
  error: failure.exactOptional(),
});
const pushResult = z.strictObject({
  stopped: failure.exactOptional(),
  lookups: number,
  listings: number,
  guarded: number,
  failures: z.array(failure),
  besides: z.record(
    z.string(),
    countsSchema.transform((counts) => ({ ...noCounts(), ...counts })),
  ),
});

/** What a job on the queue of a connection returns. */
export interface Reply {
  readonly counts: Counts;
  readonly result: PullResult | LookResult | PushResult;
}

/**
 * Hands that put jobs on the queues of the connections, and wait until the process that has the seat of each has done
 * them. What is read and written is counted when a job has ended.
 */
export function queuedHands(errands: Errands, priority: number): Hands {
  async function ask<Result>(
    [queue, job, urgency]: readonly [queue: string, job: string, urgency: number],
    order: object,
    { counts, signal }: Along,
    schema: z.ZodType<Result>,
  ): Promise<Result> {
    const returned = await errands.run(queue, job, order, urgency, signal);
    const reply = z.strictObject({ counts: countsSchema, result: schema }).parse(returned);
    for (const [key, count] of Object.entries(reply.counts)) counts[key as keyof Counts] += count;
    return reply.result;
  }
  return {
    pull: (order, along) =>
      ask([pullQueue(order.connection), 'pull', priority + behindLooks], order, along, pullResult),
    look: (order, along) => ask([pullQueue(order.connection), 'look', priority], order, along, lookResult),
    push: (order, along) => ask([pushQueue(order.connection), 'push', priority], order, along, pushResult),
  };
}
