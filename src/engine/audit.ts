import { absence, type BadRecord, type CrmRecord, type Page } from '../connector/connector.ts';
import { CrmError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import type { Values } from '../model/values.ts';
import type { Aggregate, LinkRow } from '../store/store.ts';
import { type FieldDrift, shownDrift } from '../sync/drift.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { type EngineContext, noCounts, type Problem, type Progress } from './engine.ts';
import { forgottenAmong } from './forgotten.ts';
import { located, readKnown } from './known-ids.ts';
import { lackingAt } from './lacking.ts';
import { connectionNamed, kindsOf, readsById, takesPart } from './participation.ts';
import { translateIn, translateOut } from './references.ts';
import { Sightings } from './sightings.ts';

/**
 * The ways in which a member, its shadows and the canonical records can disagree:
 * `edited`: a field shows another value than its shadow. `unwritten`: a field's shadow is not the canonical value, and no
 * write is waiting. `vanished`: a linked record is not shown. `unknown`: a shown record is not known. `lacking`: the member
 * should have a record, and no write is waiting.
 */
export type DriftKind = 'edited' | 'unwritten' | 'vanished' | 'unknown' | 'lacking';

/** One disagreement: of one field (`edited`, `unwritten`) or of a whole record. */
export interface Drift extends Partial<FieldDrift> {
  readonly kind: DriftKind;
  readonly connection: string;
  /** Undefined for `lacking`. */
  readonly externalId?: string;
  /** Undefined for `unknown`. */
  readonly recordId?: string;
}

/** What was read at one member, and how much of each sort of drift was found. */
export interface Tally extends Record<DriftKind, number> {
  read: number;
  /** Records read that cannot be compared, as they are no records of the documented shape (quarantine). */
  unusable: number;
}

/** How the audit of one sync ended. */
export interface AuditOutcome {
  readonly sync: string;
  /** By connection. */
  readonly tallies: Readonly<Record<string, Tally>>;
  /** Members that could not be read to the end: about them the tally tells less. */
  readonly problems: readonly Problem[];
}

export interface AuditOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Hears of every disagreement as it is found. */
  readonly onDrift: (drift: Drift) => void;
}

const pageSize = 500;

/** An audit under way. */
interface Audit extends AuditOptions {
  readonly context: EngineContext;
  readonly sync: SyncPolicy;
  readonly tallies: Readonly<Record<string, Tally>>;
}

/**
 * Reads all records of all members of a sync afresh, and tells field by field where members, shadows and canonical records
 * disagree. Writes nothing, neither to the CRMs nor to the store. What waits for its turn or for a person is no drift, nor
 * is a habit of a CRM. What was written while the audit ran is not judged.
 */
export async function auditSync(
  context: EngineContext,
  sync: SyncPolicy,
  options: AuditOptions,
): Promise<AuditOutcome> {
  const tallies = Object.fromEntries(sync.members.map(({ connection }) => [connection, emptyTally()]));
  const audit: Audit = { ...options, context, sync, tallies };
  const problems: Problem[] = [];
  await Promise.all(
    sync.members.map(async ({ connection }) => {
      try {
        await compareListing(audit, connection);
      } catch (error) {
        if (!(error instanceof CrmError)) throw error;
        const problem = { sync: sync.name, connection, code: error.code, message: error.message };
        problems.push(problem);
        options.onProgress?.({ step: 'problem', problem });
      }
    }),
  );
  await compareRecords(audit);
  return { sync: sync.name, tallies, problems };
}

function emptyTally(): Tally {
  return { read: 0, unusable: 0, edited: 0, unwritten: 0, vanished: 0, unknown: 0, lacking: 0 };
}

function note({ tallies, onDrift }: Audit, drift: Drift): void {
  tallies[drift.connection]![drift.kind] += 1;
  onDrift(drift);
}

/** Compares what a member shows with its shadows. A member without a listing is asked for the ids that are known. */
async function compareListing(audit: Audit, connection: string): Promise<void> {
  const { context, sync, signal, onProgress = () => {} } = audit;
  const { store, clock } = context;
  const from = connectionNamed(context, connection);
  const list = from.connector.capabilities[sync.entity]?.list;
  const missing = list ? absence(list) : `no ${sync.entity} there`;
  // What can only be written to shows nothing that could be compared.
  if (missing !== undefined && !readsById(from, sync.entity)) return;

  const startedAt = clock.now();
  const tally = audit.tallies[connection]!;
  const { last } = await store.linkCount(connection, sync.entity);
  const seen = new Sightings(last);
  let agreeing = 0;
  const pages =
    missing === undefined ? from.connector.list(sync.entity, signal) : readKnown(context, from, sync.entity, signal);
  for await (const page of pages) {
    agreeing += await comparePage(audit, connection, page, seen, startedAt);
    onProgress({ step: 'pull', connection, read: tally.read, total: page.total });
  }
  if (seen.isWhole) await findVanished(audit, connection, seen, startedAt);
  const counts = { ...noCounts(), read: tally.read, unchanged: agreeing, quarantined: tally.unusable };
  onProgress({ step: 'pulled', connection, counts });
}

/** @returns how many records show what they were known to hold */
async function comparePage(
  audit: Audit,
  connection: string,
  { records, bad, partial }: Page,
  seen: Sightings,
  startedAt: number,
): Promise<number> {
  const { context, sync } = audit;
  const { store } = context;
  const tally = audit.tallies[connection]!;
  tally.read += records.length + bad.length;
  tally.unusable += bad.length;
  const idOf = ({ externalId }: CrmRecord | BadRecord) => externalId ?? [];
  const known = await store.known(connection, sync.entity, [...records.flatMap(idOf), ...bad.flatMap(idOf)]);
  for (const { number } of known.values()) seen.add(number);
  // A record without an id may be any; then, as after a partial listing, nothing follows from what is not shown.
  if (partial || bad.some(({ externalId }) => externalId === undefined)) seen.spoil();

  const forgotten = await forgottenAmong(
    context,
    connection,
    sync.entity,
    records.filter(({ externalId }) => !known.has(externalId)),
  );
  const linked: CrmRecord[] = [];
  for (const record of records) {
    const state = known.get(record.externalId)?.state;
    if (state === 'linked') linked.push(record);
    else if (state !== 'unmatched' && !forgotten.has(record.externalId))
      note(audit, { kind: 'unknown', connection, externalId: record.externalId });
  }
  const ids = linked.map(({ externalId }) => externalId);
  const aggregates = await store.linked(connection, sync.entity, ids);
  const translated = await translateIn(context, connection, sync.entity, linked);
  const kinds = kindsOf(connectionNamed(context, connection));
  let agreeing = 0;
  for (const { record } of translated) {
    const { externalId } = record;
    const link = aggregates
      .get(externalId)
      ?.links.find((one) => one.connection === connection && one.externalId === externalId);
    // What was written, or seen to have news, after the audit began may be newer than its page.
    const isJudged = link?.state === 'live' && (link.writtenAt ?? 0) <= startedAt;
    const drifts = isJudged
      ? shownDrift({ entity: sync.entity, base: link, shown: record.values, context: kinds })
      : [];
    if (drifts.length === 0) agreeing += 1;
    for (const drift of drifts)
      note(audit, { kind: 'edited', connection, externalId, recordId: link!.recordId, ...drift });
  }
  return agreeing;
}

async function findVanished(audit: Audit, connection: string, seen: Sightings, startedAt: number): Promise<void> {
  const { context, sync } = audit;
  for (let after = 0; ; ) {
    const links = await context.store.liveLinks(connection, sync.entity, after, pageSize);
    const last = links.at(-1);
    if (!last) return;
    after = last.number;
    for (const { number, externalId, recordId, writtenAt } of links)
      if (
        seen.lacks(number) &&
        (writtenAt ?? 0) <= startedAt &&
        !(await isSomethingElse(audit, connection, externalId))
      )
        note(audit, { kind: 'vanished', connection, externalId, recordId });
  }
}

/** Whether a CRM has the record still, but not as one of this entity: a person who was made a company. Nothing ever follows. */
async function isSomethingElse(
  { context, sync: { entity }, signal }: Audit,
  connection: string,
  externalId: string,
): Promise<boolean> {
  const from = connectionNamed(context, connection);
  if (!readsById(from, entity)) return false;
  const [known] = await located(context.store, connection, entity, [externalId]);
  try {
    return (await from.connector.read(entity, externalId, known?.locator, signal)).state === 'unknown';
  } catch (error) {
    // What cannot be asked just now is missed in the listing all the same.
    if (!(error instanceof CrmError)) throw error;
    return false;
  }
}

/** Compares the canonical records with the shadows of the members that are written to. */
async function compareRecords(audit: Audit): Promise<void> {
  const { context, sync, signal } = audit;
  const { store } = context;
  const readable = new Set(
    sync.members.filter(({ direction }) => direction !== 'write').map(({ connection }) => connection),
  );
  for (let after: string | undefined; ; ) {
    signal?.throwIfAborted();
    const page = await store.records(sync.entity, after, pageSize);
    const last = page.at(-1);
    if (!last) return;
    after = last.record.id;
    const concerned = page.filter(
      ({ record, links }) =>
        links.some(({ connection, state }) => state === 'live' && readable.has(connection)) &&
        takesPart(context, sync, record.values),
    );
    const ids = concerned.map(({ record }) => record.id);
    const contested = await contestedSlots(audit, ids);
    for (const { connection, direction } of sync.members) {
      if (direction === 'read') continue;
      const pending = await store.pendingOf(connection, sync.entity, ids);
      for (const aggregate of concerned)
        if (!pending.has(aggregate.record.id))
          await compareRecord(audit, connection, aggregate, contested.get(aggregate.record.id) ?? new Set());
    }
  }
}

/** The slots whose conflict waits for a person, by canonical id. */
async function contestedSlots(
  { context, sync }: Audit,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  if (sync.conflicts !== 'manual') return found;
  for (const { recordId, path } of await context.store.waitingConflicts(recordIds))
    found.set(recordId, (found.get(recordId) ?? new Set()).add(path));
  return found;
}

/** Tells what a delivery would write to the connection if it looked at the record now. */
async function compareRecord(
  audit: Audit,
  connection: string,
  { record, links }: Aggregate,
  contested: ReadonlySet<string>,
): Promise<void> {
  const { context, sync } = audit;
  const to = connectionNamed(context, connection);
  const there = links.filter((link) => link.connection === connection);
  const link = there.find(({ state }) => state === 'live');
  // Deleted there by somebody: it is not to be made there again.
  if (!link && there.some(({ state }) => state === 'gone')) return;
  const wanted = lackingAt(to, sync, record.values, link, contested);
  const writable = await withoutTargetless(audit, connection, wanted);
  if (!link) {
    if (Object.keys(writable).length > 0) note(audit, { kind: 'lacking', connection, recordId: record.id });
    return;
  }
  for (const [path, expected] of Object.entries(writable))
    note(audit, { kind: 'unwritten', connection, ...idsOf(link), path, expected, found: link.shadow[path] });
}

/** Leaves out references to records that the connection does not have: nothing can be written there for them. */
async function withoutTargetless({ context, sync }: Audit, connection: string, wanted: Values): Promise<Values> {
  const paths = Object.keys(wanted);
  if (!paths.some((path) => fieldAt(sync.entity, path).kind === 'reference')) return wanted;
  const { values } = await translateOut(context, connection, sync.entity, wanted);
  return Object.fromEntries(Object.entries(wanted).filter(([path]) => path in values));
}

function idsOf({ externalId, recordId }: LinkRow): Pick<Drift, 'externalId' | 'recordId'> {
  return { externalId, recordId };
}
