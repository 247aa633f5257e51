import { absence } from '../connector/connector.ts';
import type { Entity } from '../model/values.ts';
import type { Checkpoint, Store } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { endOfLag, noteDepartures, openDepartures } from './departures.ts';
import { type Counts, type EngineContext, noCounts } from './engine.ts';
import { noteLeftOut } from './forgotten.ts';
import { ingestPage } from './ingest.ts';
import { readKnown } from './known-ids.ts';
import { connectionNamed, readsById } from './participation.ts';
import { noteScan, type Scan } from './scans.ts';
import { Sightings } from './sightings.ts';
import type { Stop } from './stop.ts';
import { readUnshown } from './unshown.ts';

/** Which scan, and where to count and report it. */
export interface PullOrder {
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  readonly counts: Counts;
  readonly signal?: AbortSignal;
  readonly onPage?: (read: number, total: number | undefined) => void;
  /** A second reading in the same run, to look up creates: what it does not show is no further evidence. */
  readonly isLookup?: boolean;
}

/** Records set aside that are looked out for in one scan. */
const quarantineLimit = 100_000;

const unmatchedPage = 500;

/**
 * Reads every record of one entity at one connection and takes it in, page by page. The checkpoint moves with each page's
 * transaction; `complete` is noted only after the listing has ended in order. A scan that died starts over: pages that
 * were taken in cost one look-up each, and only a scan from end to end is evidence of what is not there; one that says
 * that it is partial is none, and what it does not show is read by id where that can be done. A CRM without a listing is asked for the ids that are known; one that cannot be asked for
 * these either is only written to. Where it may have lacked a record because it lags behind our write, it is read once
 * more when it cannot any longer: else nothing could follow from it, and a delete would take one run more.
 *
 * @returns what a guard stopped: too many known records were not shown
 * @throws CrmError when the listing fails; what was read until then stays.
 */
export async function pull(context: EngineContext, order: PullOrder): Promise<Stop | undefined> {
  const { stop, lagsUntil } = await readAll(context, order, order.isLookup === true);
  if (lagsUntil === undefined) return stop;
  const { clock } = context;
  // A timer may end a millisecond early.
  await clock.sleep(lagsUntil + 1 - clock.now(), order.signal);
  // What the second reading shows has been counted by the first.
  const counts = noCounts();
  const again = await readAll(context, { ...order, counts }, true);
  order.counts.conflicts += counts.conflicts;
  return again.stop;
}

/** How one reading of a member ended. */
interface Read {
  readonly stop?: Stop | undefined;
  /** Nothing is concluded from it: the listing may lag behind our writes until then. */
  readonly lagsUntil?: number;
}

/** @param isLast whether it has to do, even if it may lag */
async function readAll(context: EngineContext, order: PullOrder, isLast: boolean): Promise<Read> {
  const { store, clock } = context;
  const { sync, connection, run, counts, signal } = order;
  const { entity } = sync;
  const from = connectionNamed(context, connection);
  const list = from.connector.capabilities[entity]?.list;
  const missing = list ? absence(list) : `no ${entity} there`;
  if (missing !== undefined && !readsById(from, entity)) {
    context.log.info({ connection, entity, run, reason: missing }, 'nothing can be read there');
    return {};
  }

  const startedAt = clock.now();
  const before = await store.checkpoint(connection, entity);
  const { live, last } = await store.linkCount(connection, entity);
  const scan: Scan = {
    sync,
    connection,
    run,
    startedAt,
    quarantined: new Set(
      (await store.quarantined(connection, entity, quarantineLimit)).flatMap(({ externalId }) => externalId ?? []),
    ),
    stillUnmatched: new Set(),
    lastUnmatched: await endOfUnmatched(store, entity),
    seen: new Sightings(last),
    linksBefore: live,
    shownUntil: before?.complete?.endedAt ?? startedAt,
    departures: await openDepartures(store, connection, entity),
    shownAgain: new Set(),
    leftOut: new Set(),
  };
  const pages = missing === undefined ? from.connector.list(entity, signal) : readKnown(context, from, entity, signal);
  let checkpoint: Checkpoint = { connection, entity, run, startedAt, read: 0, complete: before?.complete };
  let isPartial = false;
  for await (const page of pages) {
    isPartial ||= page.partial === true;
    const read = checkpoint.read + page.records.length + page.bad.length;
    await ingestPage(context, scan, page, { ...checkpoint, read }, counts);
    checkpoint = { ...checkpoint, read };
    order.onPage?.(read, page.total);
  }
  await noteScan(store, connection, entity, isPartial ? 'partial' : 'whole');
  await noteLeftOut(store, connection, entity, scan.leftOut.size);
  if (isPartial) {
    if (order.isLookup || !readsById(from, entity)) return {};
    return { stop: await readUnshown(context, scan, checkpoint.read, counts, signal) };
  }
  const lagsUntil = isLast ? undefined : await endOfLag(context, scan);
  if (lagsUntil !== undefined) return { lagsUntil };
  const stop = order.isLookup ? undefined : await noteDepartures(context, scan, checkpoint.read, counts, signal);
  if (stop) return { stop };
  await forgetVanished(context, scan);
  const complete = { startedAt, endedAt: clock.now(), read: checkpoint.read };
  await store.commit({
    run,
    at: clock.now(),
    entity,
    checkpoint: { ...checkpoint, complete },
    released: [...scan.quarantined].map((externalId) => ({ connection, externalId })),
  });
  return {};
}

/** The position of the last record of an entity that waits to be matched. */
async function endOfUnmatched(store: Store, entity: Entity): Promise<number> {
  for (let after = 0; ; ) {
    const last = (await store.unmatched(entity, after, unmatchedPage)).at(-1);
    if (!last) return after;
    after = last.position;
  }
}

/**
 * Drops unmatched records that a complete scan has not shown: they were deleted there, or given another id, often by the
 * person who settled a double. Nothing else is concluded from an absence here.
 */
async function forgetVanished(context: EngineContext, scan: Scan): Promise<void> {
  const { sync, connection, run, stillUnmatched, lastUnmatched } = scan;
  const { store, clock } = context;
  const { entity } = sync;
  for (let after = 0; ; ) {
    const rows = await store.unmatched(entity, after, unmatchedPage);
    const last = rows.at(-1);
    if (!last) return;
    after = last.position;
    const matched = rows
      .filter(
        (row) =>
          row.connection === connection &&
          row.run !== run &&
          !stillUnmatched.has(row.externalId) &&
          row.position <= lastUnmatched,
      )
      .map(({ externalId }) => ({ connection, externalId }));
    if (matched.length > 0) await store.commit({ run, at: clock.now(), entity, matched, closedReviews: matched });
  }
}
