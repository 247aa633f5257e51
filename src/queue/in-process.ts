import PQueue from 'p-queue';
import { pushJob } from '../../jobs/push.ts';
import type { CrmError } from '../connector/errors.ts';
import type { Counts, EngineContext } from '../engine/engine.ts';
import { connectionNamed } from '../engine/participation.ts';
import type { SyncPolicy } from '../sync/policy.ts';

/** One pass over what is pending at one connection. */
export interface PushPass {
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  readonly counts: Counts;
  /** Members whose listing failed in this run. */
  readonly unread: ReadonlySet<string>;
  readonly signal?: AbortSignal;
  readonly onWritten?: (written: number) => void;
}

/** How a pass ended. */
export interface PassEnd {
  /** Set when the connection failed as a whole; what was not reached stays pending. */
  readonly error: CrmError | undefined;
  /** Records whose create was never answered: they wait until a later listing tells. */
  readonly lookups: number;
  /** Records that did not get through for reasons of the moment. */
  readonly failures: readonly CrmError[];
}

const batchSize = 200;

/** Failures in a row, with no success between, after which the connection counts as down. */
const failuresInARow = 5;

/**
 * Runs the push jobs of one connection inside this process: every pending record once, as many at a time as the
 * connection allows. The store's rows are the queue; nothing is remembered elsewhere.
 */
export async function pushAll(context: EngineContext, pass: PushPass): Promise<PassEnd> {
  const { sync, connection, run, counts, unread, signal } = pass;
  const queue = new PQueue({ concurrency: connectionNamed(context, connection).concurrent });
  const failures: CrmError[] = [];
  let lookups = 0;
  let inARow = 0;
  let stopped: CrmError | undefined;

  const one = async (record: string, attempts: number) => {
    if (stopped || signal?.aborted) return;
    const verdict = await pushJob(
      context,
      { sync: sync.name, connection, record, attempts, run },
      { counts, unread, ...(signal ? { signal } : {}) },
    );
    if (verdict.next === 'stop') {
      stopped = verdict.error;
      return;
    }
    const { delivery } = verdict;
    if (delivery.state === 'waiting' && delivery.for === 'lookup') lookups += 1;
    if (delivery.state === 'failed') {
      if (delivery.error.code === 'outcome_unknown') lookups += 1;
      else failures.push(delivery.error);
      inARow += 1;
      if (inARow >= failuresInARow) stopped = delivery.error;
    } else inARow = 0;
    pass.onWritten?.(counts.created + counts.updated + counts.deleted);
  };

  for (let after = 0; !stopped && !signal?.aborted; ) {
    // A one-shot cycle takes every pending row, also those that a worker would let rest: somebody asks now.
    const rows = await context.store.pending(connection, sync.entity, Number.MAX_SAFE_INTEGER, after, batchSize);
    const last = rows.at(-1);
    if (!last) break;
    after = last.position;
    await queue.addAll(
      rows.map(
        ({ recordId, attempts }) =>
          () =>
            one(recordId, attempts),
      ),
    );
  }
  return { error: stopped, lookups, failures };
}
