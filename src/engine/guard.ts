import { createHash } from 'node:crypto';
import { absence } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isEmpty as isBlank, type Values } from '../model/values.ts';
import type { Aggregate, Guarded, LinkRow, NewHeld, Store } from '../store/store.ts';
import { difference } from '../sync/difference.ts';
import { allowedBy, type SyncPolicy } from '../sync/policy.ts';
import { contestedSlots } from './disputes.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed, kindsOf, takesPart, writablePaths } from './participation.ts';

/** What a guard has stopped: the sync writes nothing until a person approves, or the cause is gone. */
export interface Stop {
  readonly sync: string;
  readonly connection: string;
  readonly what: Guarded;
  /** Records concerned, those that are approved not counted. */
  readonly records: number;
  readonly allowed: number;
  /** Records linked at the connection. */
  readonly of: number;
  /** A few of them. */
  readonly examples: readonly Example[];
}

/** A record that a guard holds, by both of its names. */
export interface Example {
  readonly recordId: string;
  /** At the connection concerned. */
  readonly externalId: string;
}

const pageSize = 200;
const mostExamples = 5;

/**
 * Counts what one run would delete, overwrite and blank at the writable members of a sync (law 8). Above a limit the whole set is held,
 * and nothing may be written; what a person has approved, as it is, does not count.
 * @returns what stops the sync; nothing when it may write
 */
export async function guardWrites(context: EngineContext, sync: SyncPolicy): Promise<readonly Stop[]> {
  const stops: Stop[] = [];
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
    const { live } = await context.store.linkCount(connection, sync.entity);
    for (const [what, limit] of [
      ['delete', sync.limits.deletes],
      ['overwrite', sync.limits.overwrites],
      ['blanking', sync.limits.blankings],
    ] as const) {
      const stop = await holdAbove(context, sync, connection, what, found[what], allowedBy(limit, live), live);
      if (stop) stops.push(stop);
    }
  }
  return stops;
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
  return await holdAbove(context, sync, connection, 'absence', rows, allowed, live);
}

async function holdAbove(
  { store, clock }: EngineContext,
  sync: SyncPolicy,
  connection: string,
  what: Guarded,
  rows: readonly NewHeld[],
  allowed: number,
  of: number,
): Promise<Stop | undefined> {
  const held = await store.held(sync.name);
  const before = held.filter((row) => row.connection === connection && row.what === what);
  const approved = new Map(before.filter((row) => row.approved).map((row) => [row.recordId, row.mark]));
  // Who has said that a record may be gone has said that it may be deleted elsewhere.
  const leaving = new Set(held.filter((row) => row.approved && row.what === 'absence').map(({ recordId }) => recordId));
  const judged = rows.map((row) => ({
    ...row,
    isApproved: approved.get(row.recordId) === row.mark || (what === 'delete' && leaving.has(row.recordId)),
  }));
  const counted = judged.filter(({ isApproved }) => !isApproved);
  const isAbove = counted.length > allowed;
  const kept = isAbove ? judged : judged.filter(({ isApproved }) => isApproved);
  if (before.length > 0 || kept.length > 0) await store.hold(sync.name, connection, what, kept, clock.now());
  if (!isAbove) return undefined;
  const examples = await examplesOf(store, counted);
  return { sync: sync.name, connection, what, records: counted.length, allowed, of, examples };
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
): readonly (readonly ['delete' | 'overwrite' | 'blanking', string])[] {
  const to = connectionNamed(context, connection);
  const abilities = to.connector.capabilities[sync.entity];
  const link = links.find((one) => one.connection === connection && one.state === 'live');
  if (!link || !abilities) return [];
  if (!takesPart(sync, record.values)) return [];
  if (record.state === 'tombstone')
    return sync.deletes === 'propagate' && absence(abilities.delete) === undefined ? [['delete', '']] : [];
  if (absence(abilities.update) !== undefined) return [];
  const paths = writablePaths(to, sync.entity, 'update');
  const kinds = kindsOf(to);
  const changes = difference({
    entity: sync.entity,
    values: record.values,
    base: link,
    paths,
    contested,
    context: kinds,
  });
  const { lost, emptied } = destroyedBy(sync, changes, link, kinds);
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
