import PQueue from 'p-queue';
import { z } from 'zod';
import { AuthError } from '../src/connector/errors.ts';
import { deliver } from '../src/engine/deliver.ts';
import type { Delivery } from '../src/engine/delivery.ts';
import type { Counts, EngineContext } from '../src/engine/engine.ts';
import { connectionNamed, syncNamed } from '../src/engine/participation.ts';
import { asFailure, type Failure } from './failure.ts';

/** How many records one push brings at most. */
export const recordsPerPush = 50;

/** Bring some records to one member. Ids only: what to write is decided when the job runs. */
export const pushPayload = z.strictObject({
  sync: z.string(),
  connection: z.string(),
  run: z.string(),
  records: z.array(z.strictObject({ id: z.string(), attempts: z.int().min(0) })).max(recordsPerPush),
  /** Members whose listing failed in this run. */
  unread: z.array(z.string()).default([]),
});
export type PushPayload = z.input<typeof pushPayload>;

/** Where records take their turns to be pushed. */
export interface Turns {
  addAll(tasks: readonly (() => Promise<void>)[]): Promise<unknown>;
}

/** What a runner hands to a push besides its payload. */
export interface PushHelpers {
  /** Counted up as records are written. */
  readonly counts: Counts;
  readonly signal?: AbortSignal;
  /** Told after each record. */
  readonly onRecord?: () => void;
  /** Shared by pushes to one connection that run at once, so that together they do no more at a time than it allows. */
  readonly turns?: Turns;
}

/** How a push ended. Every record that was not written stays pending. */
export interface PushResult {
  /** Set when the connection failed as a whole: no further push to it in this run. */
  readonly stopped?: Failure;
  /** Records whose create was never answered: they wait until a later listing tells. */
  readonly lookups: number;
  /** Records that did not get through for reasons of the moment. */
  readonly failures: readonly Failure[];
}

/** Failures in a row, with no success between, after which the connection counts as down. */
const failuresInARow = 5;

/** Looks at each of the records for one connection and writes the difference, as many at a time as the connection allows. */
export async function pushJob(context: EngineContext, payload: PushPayload, helpers: PushHelpers): Promise<PushResult> {
  const { sync, connection, records, unread, run } = pushPayload.parse(payload);
  const { counts, signal, onRecord, turns = turnsAt(context, connection) } = helpers;
  const to = { sync: syncNamed(context, sync), connection, run, counts, unread: new Set(unread) };
  const failures: Failure[] = [];
  let lookups = 0;
  let inARow = 0;
  let stopped: Failure | undefined;

  const note = (delivery: Delivery) => {
    if (delivery.state === 'waiting' && delivery.for === 'lookup') lookups += 1;
    if (delivery.state !== 'failed') {
      inARow = 0;
      return;
    }
    const failure = asFailure(delivery.error);
    // The connection refuses us as a whole until a person has looked.
    if (delivery.error instanceof AuthError) {
      stopped = failure;
      return;
    }
    if (failure.code === 'outcome_unknown') lookups += 1;
    else failures.push(failure);
    inARow += 1;
    if (inARow >= failuresInARow) stopped = failure;
  };
  await turns.addAll(
    records.map(({ id, attempts }) => async () => {
      if (stopped || signal?.aborted) return;
      const delivery = await deliver(context, { ...to, ...(signal && { signal }) }, { recordId: id, attempts });
      note(delivery);
      onRecord?.();
    }),
  );
  return { lookups, failures, ...(stopped && { stopped }) };
}

/** Where the records that are pushed to a connection take their turns. */
export function turnsAt(context: EngineContext, connection: string): PQueue {
  return new PQueue({ concurrency: connectionNamed(context, connection).concurrent });
}
