import { z } from 'zod';
import { AuthError, type CrmError } from '../src/connector/errors.ts';
import { deliver } from '../src/engine/deliver.ts';
import type { Delivery } from '../src/engine/delivery.ts';
import type { Counts, EngineContext } from '../src/engine/engine.ts';
import { syncNamed } from '../src/engine/participation.ts';

/** Bring one record to one member. Ids only: what to write is decided when the job runs. */
const pushPayload = z.strictObject({
  sync: z.string(),
  connection: z.string(),
  record: z.string(),
  attempts: z.int().min(0),
  run: z.string(),
});
export type PushPayload = z.output<typeof pushPayload>;

export interface PushHelpers {
  readonly counts: Counts;
  /** Members whose listing failed in this run. */
  readonly unread?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

/** What a queue should do after a push. */
export type Verdict =
  /** Finished: written, not needed, set aside, or not possible. */
  | { readonly next: 'done'; readonly delivery: Delivery }
  /** The record stays pending; another time. */
  | { readonly next: 'later'; readonly delivery: Delivery }
  /** The connection refuses us as a whole: no further job for it until a person has looked. */
  | { readonly next: 'stop'; readonly error: CrmError };

/** Looks at one record for one connection and writes the difference. */
export async function pushJob(context: EngineContext, payload: PushPayload, helpers: PushHelpers): Promise<Verdict> {
  const { sync, connection, record, attempts, run } = pushPayload.parse(payload);
  const to = { sync: syncNamed(context, sync), connection, run, ...helpers };
  return verdictOf(await deliver(context, to, { recordId: record, attempts }));
}

/** The one place that knows what each outcome means for a queue. */
function verdictOf(delivery: Delivery): Verdict {
  switch (delivery.state) {
    case 'created':
    case 'updated':
    case 'deleted':
    case 'settled':
    case 'unsupported':
    case 'rejected':
      return { next: 'done', delivery };
    case 'waiting':
      return { next: 'later', delivery };
    case 'failed':
      return delivery.error instanceof AuthError
        ? { next: 'stop', error: delivery.error }
        : { next: 'later', delivery };
  }
}
