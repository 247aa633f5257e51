import { AuthError, CrmError, LookAgainError, RejectedError, UnsupportedError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import type { Values } from '../model/values.ts';
import type { Aggregate, LinkRow, PendingRow, RecordRow } from '../store/store.ts';
import { noTarget } from './awaited.ts';
import { createThere, isSettled, isTold, leaveToPerson } from './create.ts';
import { deleteThere, mayHaveDeleted } from './delete.ts';
import type { Delivery, Destination } from './delivery.ts';
import { contestedSlots } from './disputes.ts';
import { type Connection, type Counts, type EngineContext, noCounts } from './engine.ts';
import { isHeldBack, mayHarm } from './guard.ts';
import { defaultsAt, lackingAt } from './lacking.ts';
import { underLease } from './lease.ts';
import { isMade, takeMade } from './made.ts';
import { connectionNamed, kindsOf, takesPart, writablePaths } from './participation.ts';
import { NotPlannedError } from './planned-writes.ts';
import { type MissingTarget, translateOut } from './references.ts';
import { cannot, isLeftToOthers, untakenBy, whyNot } from './unsupported.ts';
import { updateThere } from './update.ts';

/**
 * Edits that turn up between our look and our write, and writes that do not get through, send us back this many times;
 * then the record waits for the next run.
 */
export const maxLooks = 5;

/** First pause after a write that did not get through; doubles each time, half of it by chance. */
const backoffMs = 300;

/** First rest of a record that did not get through, in a worker; doubles each time, half of it by chance. */
const firstRestMs = 5_000;
const longestRestMs = 15 * 60_000;

/** Runs in which a record may be answered with a server error before it is set aside. */
const maxAttempts = 10;

/**
 * Creates that a CRM may answer as done without ever showing the record. Each may have left something behind that we
 * cannot see (ConeCRM: an account made to carry the contact), so that few are tried.
 */
const maxInVain = 3;

/**
 * Brings one record to one connection: looks at what differs now, reads before it writes, writes only the difference, and
 * notes what the CRM holds afterwards (design.md §10). Says what happened; throws only for faults of our own.
 *
 * @param behind canonical ids of the records that wait for this one, because they point to it
 */
export async function deliver(
  context: EngineContext,
  to: Destination,
  pending: Pick<PendingRow, 'recordId' | 'attempts'>,
  behind: ReadonlySet<string> = nothing,
): Promise<Delivery> {
  const lease = `record/${to.connection}/${pending.recordId}`;
  return (
    (await underLease(context, lease, () => deliverLeased(context, to, pending, behind))) ?? {
      state: 'waiting',
      for: 'lease',
    }
  );
}

async function deliverLeased(
  context: EngineContext,
  to: Destination,
  { recordId, attempts }: Pick<PendingRow, 'recordId' | 'attempts'>,
  behind: ReadonlySet<string>,
): Promise<Delivery> {
  /** What was sent without an answer that can be used. */
  let sent: Sent | undefined;
  const onSent = (what: Sent) => {
    sent = what;
  };
  for (let look = 1; look <= maxLooks; look += 1) {
    const aggregate = (await context.store.aggregates([recordId])).get(recordId);
    if (!aggregate) return { state: 'settled' };
    try {
      const delivery = await attempt(context, to, aggregate, attempts, behind, onSent);
      if (delivery === 'moved') continue;
      if (delivery.state !== 'settled' || sent === undefined) return delivery;
      if (sent === 'delete') {
        to.counts.deleted += 1;
        return { state: 'deleted' };
      }
      if (!hasLanded(context, to, aggregate, sent)) return delivery;
      to.counts.updated += 1;
      return { state: 'updated' };
    } catch (error) {
      if (error instanceof LookAgainError && look < maxLooks) {
        await pauseAfter(context, look, to.signal);
        continue;
      }
      return await setAside(context, to, aggregate, attempts, asCrmError(error, to, recordId));
    }
  }
  return { state: 'waiting', for: 'lease' };
}

/** The pause after so many writes of one record that did not get through. */
export async function pauseAfter({ clock, random }: EngineContext, looks: number, signal?: AbortSignal): Promise<void> {
  const ms = backoffMs * 2 ** (looks - 1);
  await clock.sleep(Math.round(ms / 2 + (random() * ms) / 2), signal);
}

/**
 * A record over which code stumbles is set aside like one that is refused, so that the others get their turn. The words
 * of the error may hold values, and are not told. @throws what is no fault of this one record
 */
function asCrmError(error: unknown, { connection, sync }: Destination, recordId: string): CrmError {
  if (error instanceof CrmError) return error;
  if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
  return new RejectedError(
    `${connection}: concordat stumbles over writing ${sync.entity} ${recordId} (${error.name}): please report it`,
    { connection, cause: error },
  );
}

/** What was sent and may have landed: the values of an update, or a delete. */
type Sent = Values | 'delete';

/** Whether the CRM is now known to hold what an unanswered update sent. */
function hasLanded(context: EngineContext, to: Destination, { links }: Aggregate, sent: Values): boolean {
  const link = links.find(({ connection, state }) => connection === to.connection && state === 'live');
  const kinds = kindsOf(connectionNamed(context, to.connection));
  return Object.entries(sent).every(([path, value]) => {
    const { kind } = fieldAt(to.sync.entity, path);
    return link && [link.shadow[path], link.sent[path]].some((held) => equal(kind, value, held, kinds));
  });
}

/**
 * One look and, if need be, one write. `moved`: the CRM had news, which are in the store now; look again.
 * @param onSent hears of an update or a delete that failed but may have landed
 */
async function attempt(
  context: EngineContext,
  to: Destination,
  aggregate: Aggregate,
  attempts: number,
  behind: ReadonlySet<string>,
  onSent: (what: Sent) => void,
): Promise<Delivery | 'moved'> {
  const { sync } = to;
  const connection = connectionNamed(context, to.connection);
  const { record, links } = aggregate;
  const ofConnection = links.filter((link) => link.connection === to.connection);
  const link = ofConnection.find(({ state }) => state === 'live');
  if (record.state === 'tombstone' && link && sync.deletes === 'propagate' && takesPart(context, sync, record.values)) {
    // Where another member was not read, nobody knows whether somebody has edited it there, or entered it anew.
    if (to.unread && to.unread.size > 0) return { state: 'waiting', for: 'listing' };
    return await deleteIfPossible(context, to, connection, record, link, onSent);
  }
  // Deleted there, or deleted everywhere: never a reason to create again.
  const isGone = !link && ofConnection.some(({ state }) => state === 'gone');
  if (isGone || record.state !== 'live' || !takesPart(context, sync, record.values))
    return await settle(context, to, aggregate, attempts);

  const contested = (await contestedSlots(context, sync, [record.id])).get(record.id) ?? nothing;
  const wanted = lackingAt(connection, sync, record.values, link, contested);
  const what = link ? 'update' : 'create';
  const why = whyNot(connection, sync.entity, what);
  // A record that cannot be made there is missing there, also where the CRM would take none of its values.
  const isLacking = !link && why !== undefined;
  if (Object.keys(wanted).length === 0 && !isLacking) return await settle(context, to, aggregate, attempts);
  if (why !== undefined) {
    const paths = link ? Object.keys(wanted) : [];
    return await noteUnsupported(context, to, record, cannot(connection, sync.entity, what, why, paths));
  }

  let outward = await translateOut(context, to.connection, sync.entity, wanted);
  if (outward.missing.length > 0) {
    const coming = await deliverTargets(context, to, outward.missing, new Set([...behind, record.id]));
    outward = await translateOut(context, to.connection, sync.entity, wanted);
    const isCompleted = whyNot(connection, sync.entity, 'update') === undefined;
    const later = isCompleted ? writablePaths(connection, sync.entity, 'update') : [];
    if (!link && outward.missing.some(({ path, recordId }) => coming.has(recordId) && !later.includes(path)))
      return { state: 'waiting', for: 'target' };
    if (link && Object.keys(outward.values).length === 0) {
      if (outward.missing.some(({ recordId }) => coming.has(recordId) || behind.has(recordId)))
        return { state: 'waiting', for: 'target' };
      const why = 'what it points to is not there';
      const paths = outward.missing.map(({ path }) => path);
      const message = cannot(connection, sync.entity, 'update', why, paths);
      return await noteUnsupported(context, to, record, message, noTarget);
    }
  }
  if (Object.keys(outward.values).length === 0) return await settle(context, to, aggregate, attempts);
  const named = Object.fromEntries(Object.entries(wanted).filter(([path]) => path in outward.values));
  if (link && !(await mayHarm(context, to, link, named))) return { state: 'waiting', for: 'guard' };
  if (!link) {
    const defaults = defaultsAt(connection, sync, record.values);
    const [all, sent] = [
      { ...defaults, ...named },
      { ...defaults, ...outward.values },
    ];
    return await createThere(context, to, connection, aggregate, all, sent, attempts);
  }
  try {
    return await updateThere(context, to, connection, link, named, outward.values);
  } catch (error) {
    if (error instanceof LookAgainError) onSent(named);
    throw error;
  }
}

async function deleteIfPossible(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  record: RecordRow,
  link: LinkRow,
  onSent: (what: Sent) => void,
): Promise<Delivery | 'moved'> {
  const { entity } = to.sync;
  const why = whyNot(connection, entity, 'delete');
  if (why !== undefined) return await noteUnsupported(context, to, record, cannot(connection, entity, 'delete', why));
  if (!(await mayHarm(context, to, link, undefined))) return { state: 'waiting', for: 'guard' };
  try {
    return await deleteThere(context, to, connection, link);
  } catch (error) {
    if (mayHaveDeleted(error)) onSent('delete');
    throw error;
  }
}

/** What an API cannot do waits visibly, and is not tried. */
async function noteUnsupported(
  { store }: EngineContext,
  { connection }: Destination,
  { id, version }: RecordRow,
  message: string,
  code: 'unsupported' | typeof noTarget = 'unsupported',
): Promise<Delivery> {
  await store.defer(connection, id, { version, attempts: 0, notBefore: 0, state: 'unsupported', code, message });
  return { state: 'unsupported' };
}

/**
 * Nothing can be written to this connection; the record is not pending there unless it has moved meanwhile, or the CRM
 * holds something else that it does not let go: that stays visible. A create without an answer keeps it waiting until a
 * listing has told whether it was done: what it made must not be taken for a new record. Where no listing can tell, a
 * person has to look; who takes the record back has looked.
 */
async function settle(
  context: EngineContext,
  to: Destination,
  { record, links }: Aggregate,
  attempts: number,
): Promise<Delivery | 'moved'> {
  const { entity } = to.sync;
  const key = { connection: to.connection, recordId: record.id };
  const intent = await context.store.intent(to.connection, record.id);
  if (isMade(intent)) return await takeMade(context, to, connectionNamed(context, to.connection), intent);
  // Tried so often it was set aside, and nobody but a person takes it back.
  if (intent && attempts < maxAttempts) {
    const then =
      'by now it has no place there: a person has to look there, and make its id known if it is there; retry ends this';
    if (!(await isTold(context, to))) return await leaveToPerson(context, to, record, then, maxAttempts);
    if (!(await isSettled(context, to, intent))) return { state: 'waiting', for: 'lookup' };
    const claims = (await context.store.claims([record.id])).get(record.id) ?? [];
    if (claims.some((claim) => claim.connection === to.connection)) return { state: 'waiting', for: 'review' };
  }
  if (await isLeftToOthers(context, to.sync, to.connection, { record, links }))
    return { state: 'waiting', for: 'sync' };
  const link = links.find(({ connection, state }) => connection === to.connection && state === 'live');
  const at = connectionNamed(context, to.connection);
  const isMissed = link && record.state === 'live' && takesPart(context, to.sync, record.values);
  const message = isMissed ? untakenBy(context, at, entity, record.values, link) : undefined;
  await context.store.commit({
    run: to.run,
    at: context.clock.now(),
    entity,
    ...(message === undefined
      ? { done: [{ ...key, version: record.version }] }
      : { unsupported: [{ ...key, version: record.version, message }] }),
    ...(intent ? { endedIntents: [key] } : {}),
  });
  return { state: 'settled' };
}

/**
 * Pushes the records that references point to, and those that these point to in turn, where a sync brings their entity to
 * this connection. One that waits for us itself is left to come after us: circles end.
 *
 * @param behind ourselves, and all who wait for us
 * @returns the records that are not there yet, but are still to come: another worker or a person has them, or the CRM has
 * not taken them so far
 */
async function deliverTargets(
  context: EngineContext,
  to: Destination,
  missing: readonly MissingTarget[],
  behind: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const coming = new Set<string>();
  for (const { target, recordId } of missing) {
    const sync = context.syncs.find(
      ({ entity, members }) =>
        entity === target &&
        members.some(({ connection, direction }) => connection === to.connection && direction !== 'read'),
    );
    if (!sync || behind.has(recordId)) continue;
    const counts = to.besides ? countsOf(to.besides, sync.name) : to.counts;
    const { state } = await deliverTarget(context, { ...to, sync, counts }, recordId, behind);
    if (state === 'waiting' || state === 'failed' || state === 'rejected') coming.add(recordId);
  }
  return coming;
}

function countsOf(bySync: Map<string, Counts>, sync: string): Counts {
  const counts = bySync.get(sync) ?? noCounts();
  bySync.set(sync, counts);
  return counts;
}

/** Pushes a record that another one points to, unless its own push has met something that must not be tried over again. */
async function deliverTarget(
  context: EngineContext,
  to: Destination,
  recordId: string,
  behind: ReadonlySet<string>,
): Promise<Delivery> {
  const { store } = context;
  const { entity } = to.sync;
  const state = (await store.pendingOf(to.connection, entity, [recordId])).get(recordId);
  if (state === 'dead') return { state: 'rejected' };
  if (await store.intent(to.connection, recordId)) return { state: 'waiting', for: 'lookup' };
  if (await isBarred(context, to)) return { state: 'waiting', for: 'listing' };
  return await deliver(context, to, { recordId, attempts: 0 }, behind);
}

/**
 * Whether a sync writes nothing in this run: a guard holds it, or a member failed, without whose listing a create might
 * make a second one. Then nobody else may write for it either.
 */
async function isBarred({ store }: EngineContext, { sync, run }: Destination): Promise<boolean> {
  if (await isHeldBack(store, sync.name)) return true;
  const [last] = await store.runsOf(sync.name, 1);
  return last?.id === run && last.end?.outcome === 'failed';
}

/**
 * Turns a CRM's failure into what the store remembers of it. A refusal sets the record aside at once; an answer 5xx to
 * this record does so after `maxAttempts` runs; trouble with the connection as a whole is not the record's.
 */
async function setAside(
  context: EngineContext,
  to: Destination,
  { record }: Aggregate,
  attempts: number,
  error: CrmError,
): Promise<Delivery> {
  if (error instanceof NotPlannedError) return { state: 'waiting', for: 'plan' };
  if (error instanceof UnsupportedError) {
    // The API writes this entity, but not this record of it.
    return await noteUnsupported(context, to, record, error.message);
  }
  // An unanswered create has not failed yet: it is looked up, and counted when the run ends without an answer.
  if (error.code !== 'outcome_unknown') to.counts.failed += 1;
  const { code, message, detail, status } = error;
  const tried = attempts + (status === undefined || error instanceof AuthError ? 0 : 1);
  const isInVain = code === 'outcome_unknown' && status !== undefined && status < 300;
  const dead = error instanceof RejectedError || tried >= (isInVain ? maxInVain : maxAttempts);
  await context.store.defer(to.connection, record.id, {
    version: record.version,
    attempts: tried,
    notBefore: dead ? 0 : restUntil(context, attempts),
    state: dead ? 'dead' : 'waiting',
    code,
    message,
    ...(detail === undefined ? {} : { detail }),
  });
  context.log.warn(
    { connection: to.connection, entity: to.sync.entity, record: record.id, code, dead },
    'write failed',
  );
  return dead ? { state: 'rejected' } : { state: 'failed', error };
}

/** Until when a worker lets a record rest that did not get through. A cycle that somebody asks for does not wait. */
function restUntil({ clock, random }: EngineContext, attempts: number): number {
  const ms = Math.min(firstRestMs * 2 ** attempts, longestRestMs);
  return clock.now() + Math.round(ms / 2 + (random() * ms) / 2);
}

const nothing: ReadonlySet<string> = new Set();
