import { absence, type NewRecord, type WriteReply } from '../connector/connector.ts';
import { CrmError, UnknownOutcomeError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import type { Values } from '../model/values.ts';
import type { Aggregate, IntentRow, RecordRow } from '../store/store.ts';
import { identityKeys } from '../sync/identity.ts';
import { judge } from '../sync/matching.ts';
import { noteBesides } from './cleared.ts';
import type { Delivery, Destination } from './delivery.ts';
import { openDepartures } from './departures.ts';
import type { Connection, EngineContext } from './engine.ts';
import { inTurn } from './lease.ts';
import { isMade, refuseHeld, sentBy, takeMade } from './made.ts';
import { kindsOf, readsById, takesPart } from './participation.ts';
import { lastScan } from './scans.ts';
import { mayCreateNow } from './search-first.ts';
import { noteWritten } from './written.ts';

/** Records of one address that are looked at: a few are enough to know that it is shared. */
const mostSharing = 20;

/**
 * Creates a record at a connection, so that however it ends no second one is ever made by guess: the intent is durable
 * before the request is sent, and stays until the outcome is known (design.md §10). `moved`: another process has linked it there meanwhile; decide again.
 */
export async function createThere(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  { record, links }: Aggregate,
  wanted: Values,
  values: Values,
  attempts: number,
): Promise<Delivery | 'moved'> {
  const { store, clock } = context;
  const { connector } = connection;
  const { entity } = to.sync;
  // What a listing has brought that then proved to be none is no reason to create anything.
  const { run, unread } = to;
  const living = links.filter(({ state }) => state === 'live');
  if (living.every((link) => link.run === run && unread?.has(link.connection)))
    return { state: 'waiting', for: 'listing' };
  if (!(await mayCreateNow(context, to, connection, record.values))) return { state: 'waiting', for: 'listing' };

  let intent: IntentRow = {
    connection: to.connection,
    recordId: record.id,
    entity,
    at: clock.now(),
    run,
    values: wanted,
  };
  const abilities = connector.capabilities[entity];
  const isIdempotent = abilities !== undefined && 'idempotent' in abilities.create && abilities.create.idempotent;
  let older: IntentRow | undefined;
  // Nearly always nothing stands against it, and one statement finds that out.
  if (!(await store.beginFirstIntent(intent, record.version))) {
    older = await store.intent(to.connection, record.id);
    if (isMade(older)) return await takeMade(context, to, connection, older);
    const instead = await mayCreate(context, to, connection, { record, links }, older, { isIdempotent, attempts });
    if (instead) return instead;
    // A create that finds the record fills what is empty there: it goes on holding what another one has sent.
    if (isIdempotent) intent = { ...intent, earlier: sentBefore(wanted, older) };
    await store.beginIntent({ ...intent, at: clock.now() });
  }
  const shared = isIdempotent ? await sharedPaths(context, to, connection, record.id, wanted) : [];
  /** What the CRM has told to be what it makes. */
  let made: string | undefined;
  const onMade = async (externalId: string) => {
    const holder = (await store.linked(to.connection, entity, [externalId])).get(externalId);
    if (holder && holder.record.id !== record.id)
      throw await refuseHeld(context, to, { ...intent, externalId }, holder);
    made = externalId;
    await store.noteMade(to.connection, record.id, externalId);
  };
  const created: NewRecord = {
    canonicalId: record.id,
    values,
    ...(shared.length > 0 && { shared }),
    ...(older && isIdempotent && { isRepeated: true }),
    ...(readsById(connection, entity) && { onMade }),
  };
  const send = async (): Promise<WriteReply> => connector.create(entity, created, to.signal);
  const scope = connector.writeScope?.(entity, undefined, undefined);
  for (const path of abilities?.markOf ?? []) {
    const marked = values[path];
    if (typeof marked === 'string') await noteBesides(context, to, connection, marked);
  }
  /** Where a create is sent again, what became of the first one is still not known. */
  const giveUp = async () => {
    if (!older || !isIdempotent) await endIntent(context, to, record.id);
  };
  let reply: WriteReply | undefined;
  try {
    reply =
      scope === undefined ? await send() : await inTurn(context, `scope/${to.connection}/${scope}`, send, to.signal);
  } catch (error) {
    if (made !== undefined && error instanceof CrmError) {
      await store.renewIntent(to.connection, record.id, clock.now());
      return await takeMade(context, to, connection, { ...intent, at: clock.now(), externalId: made });
    }
    // Only where the CRM surely did not act is the intent over.
    const isRefused = error instanceof CrmError && !(error instanceof UnknownOutcomeError);
    if (isRefused) await giveUp();
    else await store.renewIntent(to.connection, record.id, clock.now());
    throw error;
  }
  if (!reply) {
    await giveUp();
    return { state: 'waiting', for: 'lease' };
  }
  const holder = (await store.linked(to.connection, entity, [reply.externalId])).get(reply.externalId);
  if (holder && holder.record.id !== record.id) throw await refuseHeld(context, to, { ...intent, ...reply }, holder);
  // Which of our creates left what is there, only a look tells.
  if (older && isIdempotent && !reply.record && readsById(connection, entity)) {
    await onMade(reply.externalId);
    return await takeMade(context, to, connection, { ...intent, externalId: reply.externalId }, true);
  }
  await noteWritten(context, to, record.id, undefined, wanted, reply, sentBy(older));
  // A look may have met the record before we had its answer: then it has been matched, and counted.
  if (!holder) to.counts.created += 1;
  return { state: 'created' };
}

/**
 * Whether a record may be created at a connection after all, where something may stand against it.
 * @param older the intent that is open there
 * @returns undefined: it may be; else what is to be done instead
 */
async function mayCreate(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  { record, links }: Aggregate,
  older: IntentRow | undefined,
  { isIdempotent, attempts }: { readonly isIdempotent: boolean; readonly attempts: number },
): Promise<Delivery | 'moved' | undefined> {
  const { store } = context;
  if (await mayBeBack(context, to, connection, record.values)) return { state: 'waiting', for: 'listing' };
  if (older && !isIdempotent) {
    if (!(await isTold(context, to)))
      return await leaveToPerson(
        context,
        to,
        record,
        'a person has to look there, and make its id known if it is there',
      );
    if (!(await isSettled(context, to, older))) return { state: 'waiting', for: 'lookup' };
  }
  // Somebody there may be this person, or a CRM has two records for it, linked to it or not: a create now would be a guess.
  const claims = (await store.claims([record.id])).get(record.id) ?? [];
  const holds = (name: string) => links.some(({ connection, state }) => connection === name && state === 'live');
  const isTwice = (name: string) => claims.filter((claim) => claim.connection === name).length > 1;
  if (claims.some(({ connection: name }) => name === to.connection || holds(name) || isTwice(name)))
    return { state: 'waiting', for: 'review' };
  // Sent in this run, and not answered, or of no use: whatever ails the CRM, and however late its listings show what is made,
  // has until the next one to pass. Where a create may be repeated, one that was not answered is.
  if (older?.run === to.run && (!isIdempotent || attempts > 0)) return { state: 'waiting', for: 'lookup' };
  // A claim ends in the same transaction in which its link begins: if another process did that since we read the links,
  // they show it now.
  const { links: linksNow = [], record: recordNow = record } =
    (await store.aggregates([record.id])).get(record.id) ?? {};
  if (linksNow.some(({ connection: name, state }) => name === to.connection && state !== 'removed')) return 'moved';
  // An edit elsewhere may have taken it out of the set since.
  if (!takesPart(context, to.sync, recordNow.values)) return 'moved';
  return undefined;
}

/** What creates before this one have sent that is not the same, each once. */
function sentBefore(wanted: Values, older: IntentRow | undefined): readonly Values[] {
  const byText = new Map(sentBy(older).map((values) => [JSON.stringify(values), values]));
  byText.delete(JSON.stringify(wanted));
  return [...byText.values()];
}

/** The addresses and numbers of a new record that another of our records has as well. */
async function sharedPaths(
  { store }: EngineContext,
  { sync }: Destination,
  at: Connection,
  recordId: string,
  values: Values,
): Promise<readonly string[]> {
  const kinds = kindsOf(at);
  const isReach = (path: string) => ['email', 'phone'].includes(fieldAt(sync.entity, path).kind);
  const keys = identityKeys(sync.entity, values, sync.match, kinds);
  const ids = new Set([...(await store.candidates(sync.entity, keys, mostSharing)).values()].flat());
  ids.delete(recordId);
  const others = [...(await store.aggregates([...ids])).values()].flatMap(({ record }) =>
    Object.entries(record.values).filter(([path]) => isReach(path)),
  );
  return Object.keys(values).filter(
    (path) =>
      isReach(path) && others.some(([, value]) => equal(fieldAt(sync.entity, path).kind, values[path], value, kinds)),
  );
}

/** Whether a gone record that a listing has shown again, which another run has to confirm, may be this one. */
async function mayBeBack(
  { store }: EngineContext,
  { sync, connection }: Destination,
  at: Connection,
  values: Values,
): Promise<boolean> {
  const shown = [...(await openDepartures(store, connection, sync.entity)).values()].filter(
    ({ state }) => state === 'shown',
  );
  if (shown.length === 0) return false;
  const ids = shown.map(({ externalId }) => externalId);
  const links = [...(await store.linked(connection, sync.entity, ids)).values()].flatMap(
    (aggregate) => aggregate.links,
  );
  return links.some(
    (link) =>
      link.connection === connection &&
      ids.includes(link.externalId) &&
      judge(sync.entity, link.shadow, values, sync.match, kindsOf(at)).verdict !== 'none',
  );
}

/** Whether the listings of a connection show all records, so that they tell what an unanswered create has made. */
export async function isTold(
  { store, connections }: EngineContext,
  { connection, sync }: Destination,
): Promise<boolean> {
  const list = connections.get(connection)?.connector.capabilities[sync.entity]?.list;
  if (list === undefined || absence(list) !== undefined) return false;
  return (await lastScan(store, connection, sync.entity)) !== 'partial';
}

/**
 * Sets aside, for a person to look, a create that was not answered and that nothing tells of. The intent stays, and counts
 * as failed at the end of every cycle.
 * @param then what the person is to do
 */
export async function leaveToPerson(
  context: EngineContext,
  to: Destination,
  { id: recordId, version }: Pick<RecordRow, 'id' | 'version'>,
  then: string,
  attempts = 0,
): Promise<Delivery> {
  const { connection, sync } = to;
  await context.store.defer(connection, recordId, {
    version,
    attempts,
    notBefore: 0,
    state: 'dead',
    code: 'outcome_unknown',
    message: `${connection}: a create of ${sync.entity} ${recordId} was not answered, and nothing documented tells whether it was done; ${then}`,
  });
  return { state: 'rejected' };
}

/**
 * Whether it is known that an unanswered create has made nothing. The only proof is a complete listing that began long
 * enough after the attempt: what it shows has been linked by the matching, and the record has no link.
 */
export async function isSettled(
  { store, settleMs }: EngineContext,
  to: Destination,
  intent: IntentRow,
): Promise<boolean> {
  const checkpoint = await store.checkpoint(to.connection, to.sync.entity);
  return checkpoint?.complete !== undefined && checkpoint.complete.startedAt >= intent.at + settleMs;
}

async function endIntent(context: EngineContext, to: Destination, recordId: string): Promise<void> {
  await context.store.commit({
    run: to.run,
    at: context.clock.now(),
    entity: to.sync.entity,
    endedIntents: [{ connection: to.connection, recordId }],
  });
}
