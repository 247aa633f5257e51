import PQueue from 'p-queue';
import { recordsPerPush } from '../../jobs/push.ts';
import { AuthError, CrmError, LookAgainError } from '../connector/errors.ts';
import { deleteThere, mayHaveDeleted } from '../engine/delete.ts';
import { maxLooks, pauseAfter } from '../engine/deliver.ts';
import type { Delivery, Destination } from '../engine/delivery.ts';
import type { Counts, Detour, EngineContext } from '../engine/engine.ts';
import { markOfRemoval, mayHarm } from '../engine/guard.ts';
import { underLease } from '../engine/lease.ts';
import { connectionNamed } from '../engine/participation.ts';
import { isPutBack, type Judged, putBackAll, type RevertChoice } from '../engine/revert.ts';
import { linksMade, type Made, whyStays } from '../engine/revert-links.ts';
import type { LinkRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';

/** How a run is taken back. */
export interface RevertOrder extends RevertChoice {
  /** Whether what the run made is deleted again where that can be done. */
  readonly deletesCreated: boolean;
  /** For a rehearsal: harm is not counted. */
  readonly pastGuards?: boolean;
  readonly signal?: AbortSignal;
  /** Told what was decided about records, page by page. */
  readonly onJudged: (judged: readonly Judged[]) => void;
  /** Told of each record that was to be deleted: why it is still there, or undefined when it is not. */
  readonly onRemoval: (made: Made, stays: string | undefined) => void;
}

/**
 * The turn that a cycle takes to take a run back: once everybody has been read, so that later edits are known, values are
 * put back, and these records alone are pushed; then what the run made is deleted, if that was asked for.
 * @param run of the cycle
 */
export function revertDetour(context: EngineContext, sync: SyncPolicy, run: string, order: RevertOrder): Detour {
  const { store } = context;
  const removals = new Map<string, Made[]>();
  return {
    async begin() {
      await putBackAll(context, sync, run, order, order.onJudged);
      if (!order.deletesCreated) return;
      for await (const { made } of linksMade(context, sync, order))
        for (const one of made)
          if (one.stays !== undefined) order.onRemoval(one, one.stays);
          else {
            const there = removals.get(one.connection) ?? [];
            there.push(one);
            removals.set(one.connection, there);
          }
    },
    removals: (connection) =>
      (removals.get(connection) ?? []).map(({ canonicalId: recordId }) => ({
        ...{ connection, recordId, what: 'delete' },
        mark: markOfRemoval(order.of),
      })),
    async *due(connection) {
      for (let after = 0; ; ) {
        const page = await store.touchedBy(run, after, recordsPerPush);
        const last = page.at(-1);
        if (!last) return;
        after = last.position;
        const ids = page.map(({ recordId }) => recordId);
        const aggregates = await store.aggregates(ids);
        // What else was read in this run is for the next cycle, and to take something back makes nothing anew.
        const mine = [...aggregates.values()].filter(
          ({ record, links }) =>
            isPutBack(record, run, order.of) &&
            links.some((link) => link.connection === connection && link.state === 'live'),
        );
        const mineIds = mine.map(({ record }) => record.id);
        yield await store.pendingAmong(connection, sync.entity, Number.MAX_SAFE_INTEGER, mineIds);
      }
    },
    async end(connection, counts) {
      const made = removals.get(connection) ?? [];
      removals.delete(connection);
      const queue = new PQueue({ concurrency: connectionNamed(context, connection).concurrent });
      let refused: string | undefined;
      await queue.addAll(
        made.map((one) => async () => {
          if (order.signal?.aborted) return;
          try {
            order.onRemoval(one, refused ?? (await remove(context, sync, run, order, one, counts)));
          } catch (error) {
            if (!(error instanceof CrmError)) throw error;
            counts.failed += 1;
            if (error instanceof AuthError) refused = error.message;
            order.onRemoval(one, error.message);
          }
        }),
      );
    },
  };
}

/** Deletes a record that a run made, unless somebody has edited it there. @returns why it is still there */
async function remove(
  context: EngineContext,
  sync: SyncPolicy,
  run: string,
  order: RevertOrder,
  { connection, externalId, canonicalId }: Made,
  counts: Counts,
): Promise<string | undefined> {
  const lease = `record/${connection}/${canonicalId}`;
  const done = await underLease(context, lease, async () => {
    const aggregate = (await context.store.aggregates([canonicalId])).get(canonicalId);
    const link = aggregate?.links.find((one) => one.connection === connection && one.externalId === externalId);
    if (!aggregate || link?.state !== 'live') return { stays: undefined };
    const stays = whyStays(context, sync, order, aggregate, link);
    if (stays !== undefined) return { stays };
    const { signal, pastGuards } = order;
    const to = { sync, connection, run, counts, ...(signal && { signal }), ...(pastGuards && { pastGuards }) };
    if (!(await mayHarm(context, to, link, undefined, markOfRemoval(order.of))))
      return { stays: 'a guard holds it back' };
    const delivery = await erase(context, to, link);
    if (delivery === 'moved') return { stays: 'it was edited there since' };
    return { stays: delivery.state === 'waiting' ? 'another process is at work on it' : undefined };
  });
  return done ? done.stays : 'another process is at work on it';
}

/** Looks again where an answer was lost: what is gone by then we have deleted. @throws CrmError */
async function erase(context: EngineContext, to: Destination, link: LinkRow): Promise<Delivery | 'moved'> {
  let isSent = false;
  for (let look = 1; ; look += 1)
    try {
      const delivery = await deleteThere(context, to, connectionNamed(context, to.connection), link, 'gone');
      if (isSent && delivery !== 'moved' && delivery.state === 'settled') to.counts.deleted += 1;
      return delivery;
    } catch (error) {
      if (!(error instanceof LookAgainError) || look === maxLooks) throw error;
      isSent ||= mayHaveDeleted(error);
      await pauseAfter(context, look, to.signal);
    }
}
