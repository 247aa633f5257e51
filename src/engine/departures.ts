import PQueue from 'p-queue';
import { absence, type CrmRecord, type ReadReply } from '../connector/connector.ts';
import { MalformedReplyError, RejectedError, RetryableError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import type { Entity } from '../model/values.ts';
import type {
  Aggregate,
  DepartureRow,
  EndedDeparture,
  LinkNumber,
  LinkRow,
  NewDeparture,
  Store,
} from '../store/store.ts';
import { Draft } from './draft.ts';
import type { Connection, Counts, EngineContext } from './engine.ts';
import { guardAbsences } from './guard.ts';
import { inLane } from './lane.ts';
import { ingestNews } from './news.ts';
import { connectionNamed, readsById } from './participation.ts';
import type { Scan } from './scans.ts';
import type { Stop } from './stop.ts';

const pageSize = 200;
/** What a CRM says that cannot be asked. */
const notAsked: ReadReply = { state: 'unknown' };

/** @returns what is open about departures at a connection, by external id. Few, but for a disaster. */
export async function openDepartures(
  store: Store,
  connection: string,
  entity: Entity,
): Promise<ReadonlyMap<string, DepartureRow>> {
  const found = new Map<string, DepartureRow>();
  for (let after = 0; ; ) {
    const rows = await store.departures(connection, entity, after, pageSize);
    const last = rows.at(-1);
    if (!last) return found;
    after = last.number;
    for (const row of rows) found.set(row.externalId, row);
  }
}

/** Whether we have sent a delete ourselves, and do not know the answer. */
function isSentByUs(departure: NewDeparture | undefined): boolean {
  return departure?.state === 'erasing' || departure?.state === 'removing';
}

/**
 * Decides what a complete scan did not show (design.md §7). More than the guard allows: nothing follows, and the sync
 * stops. A CRM that reads by id is asked for each; elsewhere, and where its answer says nothing, it takes the complete
 * scan of another run, and a search, if there is one, must not find it. What is confirmed loses its link;
 * `judgeDepartures` decides what becomes of the record.
 *
 * @param read records that the scan has shown
 * @param counts of the connection: what a look takes in may bring conflicts
 * @returns what the guard stopped
 */
export async function noteDepartures(
  context: EngineContext,
  scan: Scan,
  read: number,
  counts: Counts,
  signal?: AbortSignal,
): Promise<Stop | undefined> {
  const { store } = context;
  const { sync, connection, seen, departures } = scan;
  const { entity } = sync;
  if (!seen.isWhole) return undefined;
  const missing = seen.count < scan.linksBefore ? await missingLinks(context, scan) : [];
  const to = connectionNamed(context, connection);
  const byId = readsById(to, entity);
  const isAsked = !absence(to.connector.capabilities[entity]?.read ?? { absent: 'entity' });
  // A listing may lag behind our last write, and nobody can be asked.
  const isSettled = (link: LinkNumber) => byId || !mayLag(context, scan, link);
  const isOurs = ({ externalId }: LinkNumber) => isSentByUs(departures.get(externalId));
  await noteMissed(
    context,
    scan,
    missing.filter((link) => isSettled(link) && !isOurs(link)),
  );
  const stop = await guardAbsences(
    context,
    sync,
    connection,
    // What we delete ourselves was guarded before it was sent.
    missing.filter((link) => isSettled(link) && !isOurs(link)).map(({ recordId }) => recordId),
    read === 0,
  );
  if (stop) return stop;

  const absent = new Set(missing.map(({ externalId }) => externalId));
  const batch = () => ({ run: scan.run, at: context.clock.now(), entity });
  const over = [...departures.values()].filter((departure) => {
    const { state, externalId, run, missedAt } = departure;
    if (state === 'missed') return !absent.has(externalId);
    // A delete that was not answered may still land, and a listing may lag behind it.
    if (isSentByUs(departure)) return !absent.has(externalId) && missedAt <= scan.startedAt - context.settleMs;
    return state === 'shown' && run !== scan.run && !scan.shownAgain.has(externalId);
  });
  if (over.length > 0)
    await store.commit({
      ...batch(),
      endedDepartures: over.map(({ externalId, state }) => ({ connection, externalId, state })),
    });

  const queue = new PQueue({ concurrency: to.concurrent });
  for (let start = 0; start < missing.length; start += pageSize) {
    const page = missing.slice(start, start + pageSize);
    const aggregates = await store.linked(
      connection,
      entity,
      page.map(({ externalId }) => externalId),
    );
    await queue.addAll(
      page.map((absentee) => async () => {
        const { externalId, recordId } = absentee;
        const isThis = (one: LinkRow) => one.connection === connection && one.externalId === externalId;
        const link = aggregates.get(externalId)?.links.find(isThis);
        if (link?.state !== 'live') return;
        const open = departures.get(externalId);
        const first = open?.state === 'missed' || isSentByUs(open) ? open : undefined;
        const isMissedTwice = first !== undefined && first.run !== scan.run && isSettled(absentee);
        // What only a search could show is asked for before it counts as gone.
        if (!byId && !isMissedTwice) return;
        const lookedAt = context.clock.now();
        const look = isAsked ? await askFor(to, entity, externalId, link.locator, signal) : notAsked;
        const { state: seen } = look;
        const saysNothing = seen === 'unclear' || (seen === 'unknown' && !byId);
        if (seen === 'gone' || (saysNothing && isMissedTwice)) {
          await confirm(context, scan, recordId, externalId, first);
          return;
        }
        context.log.warn({ connection, entity, record: recordId, seen }, 'a listing did not show a record');
        if (look.state !== 'found') return;
        // What is there was not missed: this listing, and those before it, say nothing of it.
        await store.commit({ ...batch(), endedDepartures: [{ connection, externalId, state: 'missed' }] });
        await ingestNews(context, { sync, connection, run: scan.run, counts }, link, look.record, lookedAt);
      }),
    );
  }
  return undefined;
}

/**
 * Looks at one record. `unclear`: a refusal, or data that is no record. No text says how an API answers for a record
 * that is not there. `later`: trouble, which says nothing at all. Neither keeps anybody else from being read: the listing
 * has just come whole.
 */
async function askFor(
  { connector }: Connection,
  entity: Entity,
  externalId: string,
  locator: string | undefined,
  signal?: AbortSignal,
): Promise<ReadReply | { readonly state: 'unclear' | 'later' }> {
  try {
    return await connector.read(entity, externalId, locator, signal);
  } catch (error) {
    if (error instanceof RetryableError) return { state: 'later' };
    // With a status it is the whole reply that was no data (204: on purpose), else what was in it.
    if (error instanceof MalformedReplyError)
      return { state: [undefined, 204].includes(error.status) ? 'unclear' : 'later' };
    if (error instanceof RejectedError) return { state: 'unclear' };
    throw error;
  }
}

/** Writes down what is missed for the first time: what came in elsewhere since it was shown is edited against the delete. */
async function noteMissed({ store, clock }: EngineContext, scan: Scan, missing: readonly LinkNumber[]): Promise<void> {
  const { connection, run, shownUntil, departures, sync } = scan;
  const fresh = missing.filter(({ externalId }) => departures.get(externalId)?.state !== 'missed');
  for (let start = 0; start < fresh.length; start += pageSize)
    await store.commit({
      run,
      at: clock.now(),
      entity: sync.entity,
      departures: fresh
        .slice(start, start + pageSize)
        .map(({ externalId }) => ({ connection, externalId, run, missedAt: shownUntil, state: 'missed' })),
    });
}

/** A listing that begins soon after our last write to a record may show the time before. */
function mayLag({ settleMs }: EngineContext, { startedAt }: Scan, { writtenAt = 0 }: LinkNumber): boolean {
  return writtenAt > startedAt - settleMs;
}

/**
 * When a complete scan would tell more than this one, which lacks records that we wrote shortly before it, at a CRM that
 * cannot be asked for them. @returns epoch milliseconds; undefined: what this one lacks, it lacks
 */
export async function endOfLag(context: EngineContext, scan: Scan): Promise<number | undefined> {
  const { seen, linksBefore, connection, sync } = scan;
  const isAsked = readsById(connectionNamed(context, connection), sync.entity);
  if (isAsked || !seen.isWhole || seen.count >= linksBefore) return undefined;
  const lagging = (await missingLinks(context, scan)).filter((link) => mayLag(context, scan, link));
  if (lagging.length === 0) return undefined;
  return lagging.reduce((latest, { writtenAt = 0 }) => Math.max(latest, writtenAt), 0) + context.settleMs;
}

/** Live links from before the scan that it has not shown, but for those that we wrote to meanwhile. */
export async function missingLinks({ store }: EngineContext, scan: Scan): Promise<readonly LinkNumber[]> {
  const missing: LinkNumber[] = [];
  for (let after = 0; ; ) {
    const page = await store.liveLinks(scan.connection, scan.sync.entity, after, 5_000);
    const last = page.at(-1);
    if (!last) return missing;
    after = last.number;
    for (const link of page)
      if (scan.seen.lacks(link.number) && (link.writtenAt ?? 0) <= scan.startedAt) missing.push(link);
  }
}

/**
 * Takes the link from a record that is not at its CRM any more; what follows is open until `judgeDepartures`. From what we
 * have erased nothing follows: it was told to be gone there alone. What went with others is made there again.
 */
export async function confirm(
  context: EngineContext,
  { sync, connection, run, shownUntil }: Scan,
  recordId: string,
  externalId: string,
  first?: DepartureRow,
): Promise<void> {
  await inLane(context.store, sync.entity, async () => {
    const aggregate = (await context.store.aggregates([recordId])).get(recordId);
    const link = aggregate?.links.find((one) => one.connection === connection && one.externalId === externalId);
    if (!aggregate || link?.state !== 'live') return;
    const draft = new Draft(context, sync, run);
    draft.adopt(aggregate);
    const of = { connection, externalId };
    const since = { run: first?.run ?? run, missedAt: first?.missedAt ?? shownUntil };
    if (!isSentByUs(first) && (await wentWithOthers(context, link, since.missedAt))) {
      draft.loseLink(recordId, link, 'removed');
      await context.store.commit({
        ...draft.batch(),
        endedDepartures: first ? [{ ...of, state: first.state }] : [],
      });
      context.log.warn({ connection, entity: sync.entity, record: recordId }, 'record went with what we deleted there');
      return;
    }
    draft.loseLink(recordId, link, first?.state === 'removing' ? 'removed' : 'gone');
    await context.store.commit({
      ...draft.batch(),
      ...(first && isSentByUs(first)
        ? { endedDepartures: [{ ...of, state: first.state }] }
        : { departures: [{ ...of, ...since, state: 'confirmed' }] }),
      // Where an edit has brought it back to life since we deleted it, it is to be made there again.
      ...(first?.state === 'removing' && aggregate.record.state === 'live'
        ? {}
        : { done: [{ connection, recordId, version: aggregate.record.version }] }),
    });
    context.log.info({ connection, entity: sync.entity, record: recordId }, 'record is gone there');
  });
}

/**
 * Whether a record was last seen to belong to one that we have deleted at its CRM since, which may have taken it along.
 * Then nobody has deleted it, and it is missed only there. One that a later listing has still shown was not taken.
 * @param shownUntil when the last complete listing that showed it had ended, epoch milliseconds; it may have lagged
 */
async function wentWithOthers(
  context: EngineContext,
  { connection, entity, shadow }: LinkRow,
  shownUntil: number,
): Promise<boolean> {
  const { capabilities } = connectionNamed(context, connection).connector;
  const owners = Object.entries(shadow).flatMap(([path, value]) => {
    const { target } = fieldAt(entity, path);
    const deletes = target && capabilities[target]?.delete;
    const mayBeTaken = deletes && 'mayTake' in deletes && deletes.mayTake?.includes(entity);
    return mayBeTaken && typeof value === 'string' ? [value] : [];
  });
  const found = owners.length > 0 ? await context.store.aggregates(owners) : new Map<string, Aggregate>();
  const isDeletedSince = (link: LinkRow) =>
    link.connection === connection && link.state === 'removed' && (link.writtenAt ?? 0) > shownUntil - context.settleMs;
  return [...found.values()].some(({ links }) => links.some(isDeletedSince));
}

/** What a page shows of records that were known to be gone. */
export interface Returns {
  /** External ids that are there again: to be taken for new records. */
  readonly back: ReadonlySet<string>;
  /** First sightings that have to be confirmed by another run. */
  readonly departures: readonly NewDeparture[];
  readonly endedDepartures: readonly EndedDeparture[];
}

/**
 * Tells a record that somebody brought back from one that a slow listing still shows. A CRM that reads by id is asked;
 * elsewhere it takes the complete scans of two runs, begun some time after it had left, and a look says nothing. @param gone shown records whose link is gone
 */
export async function sortReturns(
  context: EngineContext,
  scan: Scan,
  gone: readonly CrmRecord[],
  signal?: AbortSignal,
): Promise<Returns> {
  const { connection, run, sync } = scan;
  const to = connectionNamed(context, connection);
  const byId = readsById(to, sync.entity);
  const back = new Set<string>();
  const departures: NewDeparture[] = [];
  const leftAt = byId ? new Map<string, number>() : await momentsOfLeaving(context.store, scan, gone);
  for (const { externalId, locator } of gone) {
    scan.shownAgain.add(externalId);
    const open = scan.departures.get(externalId);
    if (byId) {
      if ((await to.connector.read(sync.entity, externalId, locator, signal)).state === 'found') back.add(externalId);
    } else if (scan.look) scan.look.old.add(externalId);
    // Begun soon after the record had left, a listing may show the time before.
    else if ((leftAt.get(externalId) ?? 0) > scan.startedAt - context.settleMs) continue;
    else if (open?.state !== 'shown')
      departures.push({ connection, externalId, run, missedAt: scan.startedAt, state: 'shown' });
    else if (open.run !== run) back.add(externalId);
  }
  const endedDepartures = [...back].flatMap((externalId) => {
    const open = scan.departures.get(externalId);
    return open ? [{ connection, externalId, state: open.state }] : [];
  });
  return { back, departures, endedDepartures };
}

/** When the links of gone records were lost: we deleted them then, or learnt that somebody had. By external id, epoch milliseconds. */
async function momentsOfLeaving(
  store: Store,
  { connection, sync }: Scan,
  gone: readonly CrmRecord[],
): Promise<ReadonlyMap<string, number>> {
  if (gone.length === 0) return new Map();
  const ids = gone.map(({ externalId }) => externalId);
  const aggregates = await store.linked(connection, sync.entity, ids);
  return new Map(
    [...aggregates.values()]
      .flatMap(({ links }) => links)
      .filter((link) => link.connection === connection)
      .map(({ externalId, writtenAt = 0 }) => [externalId, writtenAt]),
  );
}
