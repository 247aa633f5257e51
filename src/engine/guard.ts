import { createHash } from 'node:crypto';
import { absence } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isEmpty as isBlank, type Values } from '../model/values.ts';
import type { Aggregate, Guarded, Harm, HeldRow, LinkRow, NewHeld, Store } from '../store/store.ts';
import { allowedBy, type SyncPolicy } from '../sync/policy.ts';
import type { Destination } from './delivery.ts';
import { contestedSlots } from './disputes.ts';
import type { EngineContext } from './engine.ts';
import { lackingAt } from './lacking.ts';
import { connectionNamed, kindsOf, takesPart } from './participation.ts';
import type { Example, Stop } from './stop.ts';

const pageSize = 200;
const mostExamples = 5;

/**
 * Counts what one run would delete, overwrite and blank at the writable members of a sync (law 8). Above a limit the whole set is held,
 * and nothing may be written; what a person has approved, as it is, does not count. What the run has done before counts
 * again: it may write more than once.
 * @param removals what is to be deleted at a connection besides what is pending; undefined: nothing is, and what waits for
 * its approval goes on waiting
 * @returns what stops the sync; nothing when it may write
 */
export async function guardWrites(
  context: EngineContext,
  sync: SyncPolicy,
  run: string,
  removals?: (connection: string) => readonly NewHeld[],
): Promise<readonly Stop[]> {
  const stops: Stop[] = [];
  const held = await context.store.held(sync.name);
  for (const { connection, direction } of sync.members) {
    if (direction === 'read') continue;
    const found = { delete: [] as NewHeld[], overwrite: [] as NewHeld[], blanking: [] as NewHeld[] };
    for (let after = 0; ; ) {
      const rows = await context.store.pendingLinked(connection, sync.entity, after, pageSize);
      const last = rows.at(-1);
      if (!last) break;
      after = last.position;
      const ids = rows.map(({ recordId }) => recordId);
      const contested = await contestedSlots(context, sync, ids);
      for (const aggregate of (await context.store.aggregates(ids)).values()) {
        const harm = harmOf(context, sync, connection, aggregate, contested.get(aggregate.record.id) ?? none);
        for (const [what, mark] of harm) found[what].push({ connection, recordId: aggregate.record.id, what, mark });
      }
    }
    const pending = new Set(found.delete.map(({ recordId }) => recordId));
    const besides = (removals?.(connection) ?? []).filter(({ recordId }) => !pending.has(recordId));
    found.delete.push(...besides);
    const waiting = removals ? [] : await waitingRemovals(context, held, connection, pending);
    const { done, of } = await recordOfHarm(context, sync, run, connection);
    for (const what of ['delete', 'overwrite', 'blanking'] as const) {
      const before = new Set(done.flatMap((one) => (one.what === what ? one.recordId : [])));
      for (const { recordId } of found[what]) before.delete(recordId);
      const allowed = allowedBy(limitOf(sync, what), of);
      const kept = what === 'delete' ? waiting : [];
      const stop = await holdAbove(context, sync, held, connection, what, found[what], allowed, of, before.size, kept);
      if (stop) stops.push(stop);
    }
  }
  return stops;
}

const madeBy = 'made by ';

/** The mark of a delete that takes back what a run has made: that of an ordinary one is empty. */
export function markOfRemoval(run: string): string {
  return `${madeBy}${run}`;
}

/** The run that a held delete takes back; undefined: it is an ordinary write. */
export function runOfRemoval({ what, mark }: Pick<NewHeld, 'what' | 'mark'>): string | undefined {
  return what === 'delete' && mark.startsWith(madeBy) ? mark.slice(madeBy.length) : undefined;
}

/** Deletes that a guard has stopped or a person has approved, of what runs had made: only what takes these runs back does them. */
async function waitingRemovals(
  { store }: EngineContext,
  held: readonly HeldRow[],
  connection: string,
  pending: ReadonlySet<string>,
): Promise<readonly NewHeld[]> {
  const waiting = held.filter(
    (row) => row.connection === connection && runOfRemoval(row) !== undefined && !pending.has(row.recordId),
  );
  if (waiting.length === 0) return [];
  const aggregates = await store.aggregates(waiting.map(({ recordId }) => recordId));
  return waiting.flatMap(({ recordId, what, mark }) => {
    const links = aggregates.get(recordId)?.links ?? [];
    const isThere = links.some((link) => link.connection === connection && link.state === 'live');
    return isThere ? [{ connection, recordId, what, mark }] : [];
  });
}

/** What stops a sync that is writing: news have come in since its guard has counted. */
export async function stopsNow(context: EngineContext, sync: SyncPolicy, run: string): Promise<readonly Stop[]> {
  return (await guardWrites(context, sync, run)).map((stop) => ({ ...stop, isLate: true }));
}

/** What a run has done at a connection so far, and how many records that had when it began: those that it deleted count. */
async function recordOfHarm({ store }: EngineContext, sync: SyncPolicy, run: string, connection: string) {
  const done = await store.harmed(sync.name, run, connection);
  const { live } = await store.linkCount(connection, sync.entity);
  return { done, of: live + done.filter(({ what }) => what === 'delete').length };
}

function limitOf({ limits }: SyncPolicy, what: Harm) {
  return { delete: limits.deletes, overwrite: limits.overwrites, blanking: limits.blankings }[what];
}

/** Whether a guard holds back what a sync would write: deletes that wait for a run to be taken back are no part of that. */
export async function isHeldBack(store: Store, sync: string): Promise<boolean> {
  return (await store.held(sync)).some((row) => !row.approved && runOfRemoval(row) === undefined);
}

/**
 * Whether a write may do the harm that it does, just before it is sent: what `guardWrites` has counted may be more by now,
 * where edits come in while a run writes. A record counts once in a run.
 * @param changes what is to be written to a record that the connection has; undefined: it is to be deleted
 * @param removal the mark of such a delete
 */
export async function mayHarm(
  context: EngineContext,
  { sync, run, connection, sizes, pastGuards }: Destination,
  link: LinkRow,
  changes: Values | undefined,
  removal = '',
): Promise<boolean> {
  if (pastGuards) return true;
  for (const [what, mark] of changes ? harmBy(context, sync, link, changes) : [['delete', removal] as const]) {
    const place = `${sync.name} ${connection}`;
    const size = sizes?.get(place) ?? (await recordOfHarm(context, sync, run, connection)).of;
    sizes?.set(place, size);
    const harm = { sync: sync.name, run, connection, what, recordId: link.recordId, mark };
    if (!(await context.store.countHarm(harm, allowedBy(limitOf(sync, what), size)))) return false;
  }
  return true;
}

/**
 * Guards what a complete scan did not show: more than may be deleted is far more often a fault than the truth, and so is
 * an empty listing where records are known.
 * @param missing canonical ids
 * @param isEmpty whether the scan showed no record at all
 */
export async function guardAbsences(
  context: EngineContext,
  sync: SyncPolicy,
  connection: string,
  missing: readonly string[],
  isEmpty: boolean,
): Promise<Stop | undefined> {
  const { live } = await context.store.linkCount(connection, sync.entity);
  const rows = missing.map((recordId): NewHeld => ({ connection, recordId, what: 'absence', mark: '' }));
  const allowed = isEmpty ? 0 : allowedBy(sync.limits.deletes, live);
  const held = await context.store.held(sync.name);
  return await holdAbove(context, sync, held, connection, 'absence', rows, allowed, live);
}

/**
 * @param held what is held of the sync now
 * @param already records that the run has written to: they count, and cannot be held any more
 * @param waiting what stays held as it is, and counts for nothing
 */
async function holdAbove(
  { store, clock }: EngineContext,
  sync: SyncPolicy,
  held: readonly HeldRow[],
  connection: string,
  what: Guarded,
  rows: readonly NewHeld[],
  allowed: number,
  of: number,
  already = 0,
  waiting: readonly NewHeld[] = [],
): Promise<Stop | undefined> {
  const before = held.filter((row) => row.connection === connection && row.what === what);
  const approved = new Map(before.filter((row) => row.approved).map((row) => [row.recordId, row.mark]));
  // Who has said that a record may be gone has said that it may be deleted elsewhere.
  const leaving = new Set(held.filter((row) => row.approved && row.what === 'absence').map(({ recordId }) => recordId));
  const judged = rows.map((row) => ({
    ...row,
    isApproved: approved.get(row.recordId) === row.mark || (what === 'delete' && leaving.has(row.recordId)),
  }));
  const counted = judged.filter(({ isApproved }) => !isApproved);
  const isAbove = counted.length > 0 && counted.length + already > allowed;
  const kept = isAbove ? judged : judged.filter(({ isApproved }) => isApproved);
  if (before.length > 0 || kept.length > 0)
    await store.hold(sync.name, connection, what, [...kept, ...waiting], clock.now());
  if (!isAbove) return undefined;
  const examples = await examplesOf(store, counted);
  return { sync: sync.name, connection, what, records: counted.length + already, allowed, of, examples };
}

/** The first few of what is held, with their ids at the connection. */
export async function examplesOf(store: Store, held: readonly NewHeld[]): Promise<readonly Example[]> {
  const few = held.slice(0, mostExamples);
  const aggregates = await store.aggregates(few.map(({ recordId }) => recordId));
  return few.map(({ recordId, connection }) => {
    const links = aggregates.get(recordId)?.links.filter((link) => link.connection === connection) ?? [];
    const link = links.find(({ state }) => state === 'live') ?? links[0];
    return { recordId, externalId: link?.externalId ?? '' };
  });
}

/** What a write to a record that a connection has would destroy there, each with a mark of what would be written. */
function harmOf(
  context: EngineContext,
  sync: SyncPolicy,
  connection: string,
  { record, links }: Aggregate,
  contested: ReadonlySet<string>,
): readonly (readonly [Harm, string])[] {
  const to = connectionNamed(context, connection);
  const abilities = to.connector.capabilities[sync.entity];
  const link = links.find((one) => one.connection === connection && one.state === 'live');
  if (!link || !abilities) return [];
  if (!takesPart(context, sync, record.values)) return [];
  if (record.state === 'tombstone')
    return sync.deletes === 'propagate' && absence(abilities.delete) === undefined ? [['delete', '']] : [];
  if (absence(abilities.update) !== undefined) return [];
  return harmBy(context, sync, link, lackingAt(to, sync, record.values, link, contested));
}

/** What changes to a record would destroy at the connection that has it. */
function harmBy(
  context: EngineContext,
  sync: SyncPolicy,
  link: LinkRow,
  changes: Values,
): readonly (readonly [Harm, string])[] {
  const { lost, emptied } = destroyedBy(sync, changes, link, kindsOf(connectionNamed(context, link.connection)));
  return [
    ...(Object.keys(lost).length > 0 ? [['overwrite', markOf(lost)] as const] : []),
    ...(Object.keys(emptied).length > 0 ? [['blanking', markOf(emptied)] as const] : []),
  ];
}

/** The changes that put another value over one that the CRM holds, and those that empty it. A tag that is added destroys nothing. */
function destroyedBy(
  { entity }: SyncPolicy,
  changes: Values,
  { shadow }: LinkRow,
  kinds: KindContext,
): { readonly lost: Values; readonly emptied: Values } {
  const lost: Record<string, Values[string]> = {};
  const emptied: Record<string, Values[string]> = {};
  for (const [path, value] of Object.entries(changes)) {
    const held = shadow[path];
    if (isBlank(held)) continue;
    if (isBlank(value)) emptied[path] = null;
    else if (!Array.isArray(held) || !Array.isArray(value)) lost[path] = value;
    else if (held.some((tag) => !value.some((one) => equal(fieldAt(entity, path).kind, [one], [tag], kinds))))
      lost[path] = value;
  }
  return { lost, emptied };
}

function markOf(values: Values): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 22);
}

const none: ReadonlySet<string> = new Set();
