import type { CrmRecord, RecordChange, WriteReply } from '../connector/connector.ts';
import { absence } from '../connector/connector.ts';
import { AuthError, CrmError, GoneError, RejectedError, UnknownOutcomeError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { isEmpty, type Value, type Values } from '../model/values.ts';
import type { Aggregate, LinkRow, PendingRow } from '../store/store.ts';
import { difference } from '../sync/difference.ts';
import type { Base } from '../sync/merge.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { Draft } from './draft.ts';
import type { Connection, Counts, EngineContext } from './engine.ts';
import { fingerprint, unknownFingerprint } from './fingerprint.ts';
import { untilFresh } from './ingest.ts';
import { inLane } from './lane.ts';
import { connectionNamed, takesPart, writablePaths } from './participation.ts';
import { type MissingTarget, translateIn, translateOut } from './references.ts';

/** What became of one pending (record, connection). */
export type Delivery =
  /** Written. */
  | { readonly state: 'created' | 'updated' }
  /** Nothing to write (any more), or nobody's business (outside `where`, deleted there). */
  | { readonly state: 'settled' }
  /** Waits: another worker has it, or a person must decide, or an unanswered create must be looked up first. */
  | { readonly state: 'waiting'; readonly for: 'lease' | 'review' | 'lookup' }
  /** The API cannot do it. */
  | { readonly state: 'unsupported' }
  /** This record was refused; set aside until it changes. */
  | { readonly state: 'rejected' }
  /** The connection failed; the record stays pending. */
  | { readonly state: 'failed'; readonly error: CrmError };

/** What a delivery needs besides the record. */
export interface Destination {
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  readonly counts: Counts;
  readonly signal?: AbortSignal;
}

/** Longer than any write may take: a lease that outlives its owner ends by itself. */
const leaseMs = 5 * 60_000;

/** Edits that turn up between our look and our write send us back this many times; then the record waits for the next run. */
const maxLooks = 5;

/** Runs in which a record may be answered with a server error before it is set aside. */
const maxAttempts = 10;

/**
 * Brings one record to one connection: looks at what differs now, reads before it writes, writes only the difference, and
 * notes what the CRM holds afterwards (design.md §10). Says what happened; throws only for faults of our own.
 */
export async function deliver(
  context: EngineContext,
  to: Destination,
  pending: Pick<PendingRow, 'recordId' | 'attempts'>,
  depth = 0,
): Promise<Delivery> {
  const lease = `record/${to.connection}/${pending.recordId}`;
  return (
    (await underLease(context, lease, () => deliverLeased(context, to, pending, depth))) ?? {
      state: 'waiting',
      for: 'lease',
    }
  );
}

/** Runs `work` while nobody else holds the lease. @returns undefined when somebody does. */
async function underLease<T>(context: EngineContext, name: string, work: () => Promise<T>): Promise<T | undefined> {
  const { store, clock, owner } = context;
  const holder = `${owner}/${context.newId()}`;
  if (!(await store.lease(name, holder, clock.now(), clock.now() + leaseMs))) return undefined;
  try {
    return await work();
  } finally {
    await store.release(name, holder);
  }
}

async function deliverLeased(
  context: EngineContext,
  to: Destination,
  { recordId, attempts }: Pick<PendingRow, 'recordId' | 'attempts'>,
  depth: number,
): Promise<Delivery> {
  for (let look = 1; look <= maxLooks; look += 1) {
    const aggregate = (await context.store.aggregates([recordId])).get(recordId);
    if (!aggregate) return { state: 'settled' };
    try {
      const delivery = await attempt(context, to, aggregate, depth);
      if (delivery !== 'moved') return delivery;
    } catch (error) {
      if (!(error instanceof CrmError)) throw error;
      return await setAside(context, to, aggregate, attempts, error);
    }
  }
  return { state: 'waiting', for: 'lease' };
}

/** One look and, if need be, one write. `moved`: the CRM had news, which are in the store now; look again. */
async function attempt(
  context: EngineContext,
  to: Destination,
  aggregate: Aggregate,
  depth: number,
): Promise<Delivery | 'moved'> {
  const { sync } = to;
  const connection = connectionNamed(context, to.connection);
  const { record, links } = aggregate;
  const ofConnection = links.filter((link) => link.connection === to.connection);
  const link = ofConnection.find(({ state }) => state === 'live');
  // Deleted there, or deleted everywhere: never a reason to create again.
  if ((!link && ofConnection.length > 0) || record.state !== 'live' || !takesPart(sync, record.values))
    return await settle(context, to, aggregate);

  const contested = sync.conflicts === 'manual' ? await contestedSlots(context, record.id) : nothing;
  const base: Base = link ?? { shadow: {}, sent: {} };
  const kinds = kindsOf(connection);
  const wanted = difference({
    entity: sync.entity,
    values: record.values,
    base,
    paths: writablePaths(connection, sync.entity, link ? 'update' : 'create'),
    contested,
    context: kinds,
  });
  if (Object.keys(wanted).length === 0) return await settle(context, to, aggregate);
  const capabilities = connection.connector.capabilities[sync.entity];
  const why = capabilities ? absence(link ? capabilities.update : capabilities.create) : `no ${sync.entity} there`;
  if (why !== undefined) {
    await context.store.defer(to.connection, record.id, {
      attempts: 0,
      notBefore: 0,
      state: 'unsupported',
      code: 'unsupported',
      message: `${to.connection} cannot ${link ? 'update' : 'create'} a ${sync.entity}: ${why}`,
    });
    return { state: 'unsupported' };
  }

  let outward = await translateOut(context, to.connection, sync.entity, wanted);
  if (outward.missing.length > 0 && depth === 0) {
    await deliverTargets(context, to, outward.missing);
    outward = await translateOut(context, to.connection, sync.entity, wanted);
  }
  if (Object.keys(outward.values).length === 0) return await settle(context, to, aggregate);
  const named = Object.fromEntries(Object.entries(wanted).filter(([path]) => path in outward.values));
  return link
    ? await update(context, to, connection, aggregate, link, named, outward.values)
    : await create(context, to, connection, aggregate, named, outward.values);
}

/** Nothing has to be written to this connection; the record is not pending there unless it has moved meanwhile. */
async function settle(context: EngineContext, to: Destination, { record }: Aggregate): Promise<Delivery> {
  await context.store.commit({
    run: to.run,
    at: context.clock.now(),
    entity: to.sync.entity,
    done: [{ connection: to.connection, recordId: record.id, version: record.version }],
  });
  return { state: 'settled' };
}

/** Pushes the records that references point to, where a sync brings their entity to this connection. */
async function deliverTargets(context: EngineContext, to: Destination, missing: readonly MissingTarget[]) {
  for (const { target, recordId } of missing) {
    const sync = context.syncs.find(
      ({ entity, members }) =>
        entity === target &&
        members.some(({ connection, direction }) => connection === to.connection && direction !== 'read'),
    );
    if (sync) await deliver(context, { ...to, sync }, { recordId, attempts: 0 }, 1);
  }
}

async function update(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  aggregate: Aggregate,
  link: LinkRow,
  wanted: Values,
  changes: Values,
): Promise<Delivery | 'moved'> {
  const { connector } = connection;
  const { entity } = to.sync;
  const write = async (): Promise<Delivery | 'moved'> => {
    try {
      if (!absence(connector.capabilities[entity]?.read ?? { absent: 'entity' })) {
        const seen = await connector.read(entity, link.externalId, link.locator, to.signal);
        if (seen.state === 'gone') return await noteGone(context, to, aggregate, link);
        if (seen.state === 'found' && (await ingestNews(context, to, link, seen.record))) return 'moved';
      }
      const known = (await translateOut(context, to.connection, entity, link.shadow)).values;
      const change: RecordChange = {
        canonicalId: link.recordId,
        changes,
        known,
        ...(link.locator === undefined ? {} : { locator: link.locator }),
      };
      const reply = await connector.update(entity, link.externalId, change, to.signal);
      await noteWritten(context, to, link.recordId, link, wanted, reply);
      to.counts.updated += 1;
      return { state: 'updated' };
    } catch (error) {
      if (error instanceof GoneError) return await noteGone(context, to, aggregate, link);
      throw error;
    }
  };
  const scope = connector.writeScope?.(entity, link.externalId, link.locator);
  if (scope === undefined) return await write();
  return (await inScope(context, to, scope, write)) ?? { state: 'waiting', for: 'lease' };
}

async function create(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  { record }: Aggregate,
  wanted: Values,
  values: Values,
): Promise<Delivery> {
  const { store, clock } = context;
  const { connector } = connection;
  const { entity } = to.sync;
  const claims = (await store.claims([record.id])).get(record.id) ?? [];
  if (claims.some((claim) => claim.connection === to.connection)) return { state: 'waiting', for: 'review' };

  const key = { connection: to.connection, recordId: record.id };
  const older = (await store.intents(to.connection, entity)).find(({ recordId }) => recordId === record.id);
  if (older) {
    // The only proof that nothing was created is a complete listing that began long enough after the attempt: what it
    // shows has been linked by the matching, and this record has no link.
    const checkpoint = await store.checkpoint(to.connection, entity);
    const proven = checkpoint?.complete && checkpoint.complete.startedAt >= older.at + context.settleMs;
    if (!proven) return { state: 'waiting', for: 'lookup' };
  }
  await store.beginIntent({ ...key, entity, at: clock.now(), run: to.run, values: wanted });
  const send = async (): Promise<WriteReply> => connector.create(entity, { canonicalId: record.id, values }, to.signal);
  const scope = connector.writeScope?.(entity, undefined, undefined);
  let reply: WriteReply | undefined;
  try {
    reply = scope === undefined ? await send() : await inScope(context, to, scope, send);
  } catch (error) {
    // Only where the CRM surely did not act is the intent over.
    if (error instanceof CrmError && !(error instanceof UnknownOutcomeError)) await endIntent(context, to, record.id);
    else await store.beginIntent({ ...key, entity, at: clock.now(), run: to.run, values: wanted });
    throw error;
  }
  if (!reply) {
    await endIntent(context, to, record.id);
    return { state: 'waiting', for: 'lease' };
  }
  const holder = (await store.linked(to.connection, entity, [reply.externalId])).get(reply.externalId);
  if (holder && holder.record.id !== record.id) {
    await endIntent(context, to, record.id);
    throw new RejectedError(
      `${to.connection} answered a create of ${entity} ${record.id} with its record ${reply.externalId}, which is linked to ${holder.record.id}; set aside`,
      { connection: to.connection },
    );
  }
  await noteWritten(context, to, record.id, undefined, wanted, reply);
  to.counts.created += 1;
  return { state: 'created' };
}

async function endIntent(context: EngineContext, to: Destination, recordId: string): Promise<void> {
  await context.store.commit({
    run: to.run,
    at: context.clock.now(),
    entity: to.sync.entity,
    endedIntents: [{ connection: to.connection, recordId }],
  });
}

/** Waits its turn for a write that touches more than its record. @returns undefined when the turn does not come. */
async function inScope<T>(
  context: EngineContext,
  to: Destination,
  scope: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const name = `scope/${to.connection}/${scope}`;
  for (let waitedMs = 0; waitedMs < leaseMs; waitedMs += 50) {
    const result = await underLease(context, name, async () => ({ value: await work() }));
    if (result) return result.value;
    await context.clock.sleep(50, to.signal);
  }
  return undefined;
}

/** Takes in what the CRM shows, if it differs from what it was known to hold. @returns whether it did. */
async function ingestNews(context: EngineContext, to: Destination, link: LinkRow, seen: CrmRecord): Promise<boolean> {
  const [translated] = await translateIn(context, to.connection, to.sync.entity, [seen]);
  const { record, complete } = translated!;
  const kinds = kindsOf(connectionNamed(context, to.connection));
  const moved = Object.entries(record.values).some(([path, value]) => {
    const held = link.shadow[path];
    return held === undefined ? !isEmpty(value) : !equal(fieldAt(to.sync.entity, path).kind, value, held, kinds);
  });
  if (!moved) return false;
  await inLane(context.store, to.sync.entity, () =>
    untilFresh(async () => {
      const draft = new Draft(context, to.sync, to.run);
      const aggregate = (await context.store.aggregates([link.recordId])).get(link.recordId);
      if (!aggregate) return;
      draft.adopt(aggregate);
      const { conflicts } = draft.absorb(link.recordId, {
        connection: to.connection,
        record,
        fingerprint: complete ? fingerprint(seen) : unknownFingerprint,
      });
      await context.store.commit(draft.batch());
      to.counts.conflicts += conflicts;
    }),
  );
  return true;
}

/** The link, shadow and end of the intent after a write, in one transaction. The shadow is what the CRM holds, as far as its answer tells. */
async function noteWritten(
  context: EngineContext,
  to: Destination,
  recordId: string,
  before: LinkRow | undefined,
  wanted: Values,
  reply: WriteReply,
): Promise<void> {
  const { entity } = to.sync;
  const at = context.clock.now();
  const answer = reply.record ?? { externalId: reply.externalId, values: {} };
  const [translated] = await translateIn(context, to.connection, entity, [answer]);
  const { record } = translated!;
  const kinds = kindsOf(connectionNamed(context, to.connection));
  await inLane(context.store, entity, () =>
    untilFresh(async () => {
      const aggregate = (await context.store.aggregates([recordId])).get(recordId);
      if (!aggregate) return;
      const link = aggregate.links.find(
        ({ connection, externalId }) => connection === to.connection && externalId === reply.externalId,
      );
      const shadow: Record<string, Value> = { ...(link ?? before)?.shadow };
      const sent: Record<string, Value> = { ...(link ?? before)?.sent };
      let told = reply.record !== undefined;
      for (const [path, value] of Object.entries(wanted)) {
        const held = record.values[path];
        const { kind } = fieldAt(entity, path);
        // Not told: take it for what we sent until it is seen, and remember that this is only our word.
        if (held === undefined) told = false;
        shadow[path] = held ?? value;
        if (held === undefined || !equal(kind, held, value, kinds)) sent[path] = value;
        else delete sent[path];
      }
      const draft = new Draft(context, to.sync, to.run);
      draft.adopt(aggregate);
      const { conflicts } = draft.absorb(recordId, {
        connection: to.connection,
        record,
        fingerprint: told ? fingerprint(answer) : unknownFingerprint,
        evidence: 'created',
        written: { at, base: { shadow, sent } },
      });
      const batch = draft.batch();
      const key = { connection: to.connection, recordId };
      const still = batch.pending?.some((one) => one.connection === to.connection) ?? false;
      const version = aggregate.record.version + (batch.updates?.length ?? 0);
      await context.store.commit({
        ...batch,
        done: [...(batch.done ?? []), ...(still ? [] : [{ ...key, version }])],
        endedIntents: [key],
      });
      to.counts.conflicts += conflicts;
    }),
  );
}

async function noteGone(
  context: EngineContext,
  to: Destination,
  { record }: Aggregate,
  link: LinkRow,
): Promise<Delivery> {
  await untilFresh(async () => {
    const aggregate = (await context.store.aggregates([record.id])).get(record.id);
    const current = aggregate?.links.find(
      ({ connection, externalId }) => connection === link.connection && externalId === link.externalId,
    );
    if (!aggregate || !current) return;
    const draft = new Draft(context, to.sync, to.run);
    draft.adopt(aggregate);
    draft.loseLink(record.id, current);
    const done = [{ connection: to.connection, recordId: record.id, version: aggregate.record.version }];
    await context.store.commit({ ...draft.batch(), done });
  });
  context.log.info({ connection: to.connection, entity: to.sync.entity, record: record.id }, 'record is gone there');
  return { state: 'settled' };
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
  to.counts.failed += 1;
  const { code, message, detail, status } = error;
  const tried = attempts + (status === undefined || error instanceof AuthError ? 0 : 1);
  const dead = error instanceof RejectedError || tried >= maxAttempts;
  await context.store.defer(to.connection, record.id, {
    attempts: tried,
    notBefore: 0,
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

async function contestedSlots(context: EngineContext, recordId: string): Promise<ReadonlySet<string>> {
  return new Set((await context.store.waitingConflicts([recordId])).map(({ path }) => path));
}

function kindsOf({ connector }: Connection): { readonly region?: string } {
  return connector.phoneRegion === undefined ? {} : { region: connector.phoneRegion };
}

const nothing: ReadonlySet<string> = new Set();
