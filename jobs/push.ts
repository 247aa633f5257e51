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
const pushPayload = z.strictObject({
  sync: z.string(),
  connection: z.string(),
  run: z.string(),
  records: z.array(z.strictObject({ id: z.string(), attempts: z.int().min(0) })).max(recordsPerPush),
  /** Members whose listing failed in this run. */
  unread: z.array(z.string()).default([]),
  /** What writes rest upon; `look`: the members were not listed in this run. */
  restsUpon: z.enum(['listing', 'look']).default('listing'),
  /** Harm is not counted: a rehearsal, which harms nobody. */
  pastGuards: z.boolean().default(false),
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
  /** Records that wait until a complete listing tells whether they are there. */
  readonly listings: number;
  /** Records to which the run would do more harm than it may. */
  readonly guarded: number;
  /** Records that did not get through for reasons of the moment. */
  readonly failures: readonly Failure[];
  /** By sync: what was written for other syncs, because records of this one point to theirs. */
  readonly besides: Readonly<Record<string, Counts>>;
}

/** For how long a round lets a record rest that waits for something, milliseconds: another worker's write ends soon, another sync has its turn. */
const leaseRestMs = 1_000;
export const restMs = 60_000;

/** Failures in a row, with no success between, after which the connection counts as down. */
const failuresInARow = 5;

/** Looks at each of the records for one connection and writes the difference, as many at a time as the connection allows. */
export async function pushJob(context: EngineContext, payload: PushPayload, helpers: PushHelpers): Promise<PushResult> {
  const { sync, records, unread, ...rest } = pushPayload.parse(payload);
  const { connection } = rest;
  const { counts, signal, onRecord, turns = turnsAt(context, connection) } = helpers;
  const sizes = new Map<string, number>();
  // What a target points to in turn may be of this sync again.
  const besides = new Map([[sync, counts]]);
  const to = { ...rest, sync: syncNamed(context, sync), counts, besides, unread: new Set(unread), sizes };
  const failures: Failure[] = [];
  const waits = { lookup: 0, listing: 0, guard: 0, review: 0, target: 0, lease: 0, plan: 0, sync: 0 };
  let inARow = 0;
  let stopped: Failure | undefined;
  let broken: { readonly by: unknown } | undefined;

  const note = (delivery: Delivery) => {
    if (delivery.state === 'waiting') waits[delivery.for] += 1;
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
    if (failure.code === 'outcome_unknown') waits.lookup += 1;
    else failures.push(failure);
    inARow += 1;
    if (inARow >= failuresInARow) stopped = failure;
  };
  await turns.addAll(
    records.map(({ id, attempts }) => async () => {
      if (stopped || broken || signal?.aborted) return;
      try {
        const version = rest.restsUpon === 'look' ? await versionOf(context, id) : undefined;
        const delivery = await deliver(context, { ...to, ...(signal && { signal }) }, { recordId: id, attempts });
        note(delivery);
        if (version !== undefined) await letRest(context, connection, { recordId: id, version, attempts }, delivery);
        onRecord?.();
      } catch (by) {
        broken ??= { by };
      }
    }),
  );
  // Not before what was under way has ended: whoever hears of it may begin anew at once.
  if (broken) throw broken.by;
  besides.delete(sync);
  return {
    lookups: waits.lookup,
    listings: waits.listing,
    guarded: waits.guard,
    failures,
    besides: Object.fromEntries(besides),
    ...(stopped && { stopped }),
  };
}

/** What waits for something that no round brings is not tried over and over: a cycle comes to it sooner. */
async function letRest(
  { store, clock }: EngineContext,
  connection: string,
  { recordId, ...tried }: { readonly recordId: string; readonly version: number; readonly attempts: number },
  delivery: Delivery,
): Promise<void> {
  if (delivery.state !== 'waiting') return;
  const ms = delivery.for === 'lease' || delivery.for === 'sync' ? leaseRestMs : restMs;
  const code = `waits_for_${delivery.for}`;
  const message = `${connection}: waits for a ${delivery.for}`;
  await store.defer(connection, recordId, { ...tried, notBefore: clock.now() + ms, state: 'waiting', code, message });
}

async function versionOf({ store }: EngineContext, recordId: string): Promise<number | undefined> {
  return (await store.aggregates([recordId])).get(recordId)?.record.version;
}

/** Where the records that are pushed to a connection take their turns. */
export function turnsAt(context: EngineContext, connection: string): PQueue {
  return new PQueue({ concurrency: connectionNamed(context, connection).concurrent });
}
