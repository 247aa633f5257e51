import PQueue from 'p-queue';
import type { Failure } from '../../jobs/failure.ts';
import { recordsPerPush } from '../../jobs/push.ts';
import { type Counts, type EngineContext, sum } from '../engine/engine.ts';
import type { PendingRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Hands } from './hands.ts';

/** One pass over what is pending at one connection. */
export interface PushPass {
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  readonly counts: Counts;
  /** Members whose listing failed in this run. */
  readonly unread: ReadonlySet<string>;
  /** What writes rest upon; see `pushPayload`. */
  readonly restsUpon?: 'listing' | 'look';
  /** See `pushPayload`. */
  readonly pastGuards?: boolean;
  readonly signal?: AbortSignal;
  readonly onWritten?: (written: number) => void;
}

/** How a pass ended. */
export interface PassEnd {
  /** Set when the connection failed as a whole; what was not reached stays pending. */
  readonly error: Failure | undefined;
  /** Records whose create was never answered: they wait until a later listing tells. */
  readonly lookups: number;
  /** Records that wait until a complete listing tells whether they are there. */
  readonly listings: number;
  /** Records to which the run would do more harm than it may. */
  readonly guarded: number;
  /** The first record that did not get through for reasons of the moment. */
  readonly failure: Failure | undefined;
  /** By sync: what was written for other syncs, because records of this one point to theirs. */
  readonly besides: ReadonlyMap<string, Counts>;
}

/** Pushes handed out at a time: while one is at work the next one waits behind it, so that the connection has no pause. */
const pushesUnderWay = 2;

/**
 * Hands out everything that is pending at one connection, every record once. The store's rows are the queue; nothing is
 * remembered elsewhere.
 */
export async function pushAll(context: EngineContext, hands: Hands, pass: PushPass): Promise<PassEnd> {
  const { sync, connection, signal } = pass;
  // A cycle takes every pending row, also those that a worker would let rest: somebody asks now.
  const rows = (after: number) =>
    context.store.pending(connection, sync.entity, Number.MAX_SAFE_INTEGER, after, recordsPerPush);
  return await pushPages(hands, pass, async function* () {
    for (let after = 0; ; ) {
      const page = await rows(after);
      const last = page.at(-1);
      if (!last || signal?.aborted) return;
      after = last.position;
      yield page;
    }
  });
}

/** By sync and connection: what was written for other syncs. */
export type Besides = Record<string, Record<string, Counts>>;

/** Adds what a pass over one connection has written for other syncs. */
export function addBesides(to: Besides, connection: string, { besides }: Pick<PassEnd, 'besides'>): void {
  for (const [sync, its] of besides) to[sync] = { ...to[sync], [connection]: sum(to[sync]?.[connection], its) };
}

/** Hands out pages of pending rows, each as one push, until they end or the connection fails. */
export async function pushPages(
  hands: Hands,
  { sync, connection, run, counts, unread, restsUpon, pastGuards, signal, onWritten }: PushPass,
  pages: () => AsyncIterable<readonly Pick<PendingRow, 'recordId' | 'attempts'>[]>,
): Promise<PassEnd> {
  const queue = new PQueue({ concurrency: pushesUnderWay });
  let failure: Failure | undefined;
  const sums = { lookups: 0, listings: 0, guarded: 0 };
  const besides = new Map<string, Counts>();
  let error: Failure | undefined;
  let broken: { readonly by: unknown } | undefined;
  const onRecord = () => onWritten?.(counts.created + counts.updated + counts.deleted);
  const push = async (page: readonly Pick<PendingRow, 'recordId' | 'attempts'>[]) => {
    if (page.length === 0 || error || broken || signal?.aborted) return;
    const records = page.map(({ recordId, attempts }) => ({ id: recordId, attempts }));
    try {
      const order = {
        ...{ sync: sync.name, connection, run, records, unread: [...unread] },
        ...(restsUpon && { restsUpon }),
        ...(pastGuards && { pastGuards }),
      };
      const end = await hands.push(order, { counts, onRecord, ...(signal && { signal }) });
      for (const key of ['lookups', 'listings', 'guarded'] as const) sums[key] += end[key];
      for (const [name, its] of Object.entries(end.besides)) besides.set(name, sum(besides.get(name), its));
      failure ??= end.failures[0];
      error ??= end.stopped;
      onRecord();
    } catch (by) {
      broken ??= { by };
    }
  };
  for await (const page of pages()) {
    void queue.add(() => push(page));
    await queue.onSizeLessThan(1);
    if (error || broken) break;
  }
  await queue.onIdle();
  if (broken) throw broken.by;
  return { error, failure, besides, ...sums };
}
