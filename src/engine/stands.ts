import type { Entity } from '../model/values.ts';
import {
  type AsideClass,
  type ConflictRow,
  type DeadLetter,
  type Guarded,
  noStanding,
  type QuarantineRow,
  type ReviewRow,
  type RunEnd,
  type RunRow,
  type Standing,
  type Store,
} from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { EngineContext } from './engine.ts';
import { leftOut } from './forgotten.ts';
import { examplesOf, runOfRemoval } from './guard.ts';
import { lastScan } from './scans.ts';
import type { Example } from './stop.ts';

/** Where things stand, and what needs a person: ids, reasons and counts, no values. */
export interface Stands {
  readonly connections: readonly Stand[];
  /** Newest first. */
  readonly runs: readonly Run[];
  readonly held: readonly HeldSet[];
  readonly reviews: readonly ReviewRow[];
  readonly conflicts: readonly Omit<ConflictRow, 'winner' | 'loser'>[];
  readonly quarantine: readonly QuarantineRow[];
  readonly deadLetters: readonly DeadLetter[];
}

/** A connection as it stands with one entity, with what is set aside there by reason. */
export interface Stand extends Standing {
  /** How long ago the last good poll began, milliseconds; null: there was none. */
  readonly lagMs: number | null;
  /** Whether that poll showed some records only, as some listings do: nothing follows from what it does not show. */
  readonly isPartial: boolean;
  /** What webhooks have said and no round has looked at. */
  readonly openHints: number;
  /** For how long the first of them has waited, milliseconds; null: there is none. */
  readonly oldestHintMs: number | null;
  readonly reasons: readonly Pick<AsideClass, 'what' | 'reason' | 'count'>[];
  /** Records of people who were forgotten that the last scan has shown: they are left out. */
  readonly forgotten: number;
}

export interface Run extends Omit<RunRow, 'end'> {
  /** Null while it runs, or when the process died. */
  readonly end: (Omit<RunEnd, 'counts'> & { readonly counts: unknown }) | null;
}

/** What one guard holds back at one member. */
export interface HeldSet {
  readonly sync: string;
  readonly connection: string;
  readonly what: Guarded;
  /** Set for deletes that take back what this run made: once approved, they are done by taking it back. */
  readonly madeBy?: string;
  readonly records: number;
  readonly examples: readonly Example[];
}

/** How much is read of what may be long. */
export interface StandsLimits {
  readonly runs: number;
  /** Records of each sort, for each connection. */
  readonly records: number;
}

/** What reading needs. */
type StandsContext = Pick<EngineContext, 'store' | 'clock' | 'syncs'>;

/** Reads how everything stands. Asks the store only. */
export async function readStands(context: StandsContext, limits: StandsLimits): Promise<Stands> {
  const { store, syncs } = context;
  const pairs = pairsOf(syncs);
  const entities = [...new Set(pairs.map(({ entity }) => entity))];
  const ofPairs = async <Row>(rows: (connection: string, entity: Entity, limit: number) => Promise<readonly Row[]>) =>
    (await Promise.all(pairs.map(({ connection, entity }) => rows(connection, entity, limits.records)))).flat();
  const waiting = await store.conflicts(limits.records, 'waiting');
  return {
    connections: await readConnections(context, limits.records),
    runs: (await store.runs(limits.runs)).map(toRun),
    held: await heldSets(store),
    reviews: (await Promise.all(entities.map((entity) => store.openReviews(entity)))).flat(),
    conflicts: waiting.map(({ winner: _winner, loser: _loser, ...conflict }) => conflict),
    quarantine: await ofPairs(store.quarantined),
    deadLetters: await ofPairs(store.deadLetters),
  };
}

/**
 * When the last good poll of a connection began, epoch milliseconds: a listing from end to end, or the last one where
 * listings are partial by nature. Undefined: there was none.
 */
export async function lastPoll(
  store: Store,
  connection: string,
  entity: Entity,
): Promise<{ readonly at: number | undefined; readonly isPartial: boolean }> {
  const checkpoint = await store.checkpoint(connection, entity);
  const isPartial = (await lastScan(store, connection, entity)) === 'partial';
  return { at: isPartial ? checkpoint?.startedAt : checkpoint?.complete?.startedAt, isPartial };
}

/** How every connection of every sync stands. @param classes how many reasons of what is set aside are told at most */
export async function readConnections(
  { store, clock, syncs }: StandsContext,
  classes: number,
): Promise<readonly Stand[]> {
  const known = await store.standing();
  const aside = await store.setAside(classes);
  const open = await store.openHints();
  return await Promise.all(
    pairsOf(syncs).map(async ({ connection, entity }): Promise<Stand> => {
      const isIts = (one: { connection: string; entity: Entity }) =>
        one.connection === connection && one.entity === entity;
      const { at: polledAt, isPartial } = await lastPoll(store, connection, entity);
      const hints = open.find(isIts);
      return {
        ...noStanding(connection, entity),
        ...known.find(isIts),
        lagMs: polledAt === undefined ? null : clock.now() - polledAt,
        isPartial,
        openHints: hints?.count ?? 0,
        oldestHintMs: hints ? clock.now() - hints.oldestAt : null,
        reasons: aside.filter(isIts).map(({ what, reason, count }) => ({ what, reason, count })),
        forgotten: await leftOut(store, connection, entity),
      };
    }),
  );
}

/** How things stand where nothing was ever synced. */
export function noStands(syncs: readonly SyncPolicy[]): Stands {
  const connections = pairsOf(syncs).map(({ connection, entity }) => ({
    ...noStanding(connection, entity),
    lagMs: null,
    isPartial: false,
    openHints: 0,
    oldestHintMs: null,
    reasons: [],
    forgotten: 0,
  }));
  return { connections, runs: [], held: [], reviews: [], conflicts: [], quarantine: [], deadLetters: [] };
}

/** A run with its counts, which are JSON in the store. */
export function toRun({ end, ...run }: RunRow): Run {
  return { ...run, end: end ? { ...end, counts: JSON.parse(end.counts) as unknown } : null };
}

/** Sums up what guards hold and nobody has approved, by sync, connection and sort. @param sync only of this one */
export async function heldSets(store: Store, sync?: string): Promise<readonly HeldSet[]> {
  const waiting = (await store.held(sync)).filter(({ approved }) => !approved);
  const groups = Map.groupBy(
    waiting,
    (row) => `${row.sync}\n${row.connection}\n${row.what}\n${runOfRemoval(row) ?? ''}`,
  );
  return await Promise.all(
    [...groups.values()].map(async (rows) => {
      const { sync: of, connection, what } = rows[0]!;
      const run = runOfRemoval(rows[0]!);
      return {
        ...{ sync: of, connection, what, ...(run !== undefined && { madeBy: run }) },
        ...{ records: rows.length, examples: await examplesOf(store, rows) },
      };
    }),
  );
}

/** Every (connection, entity) that some sync concerns. */
function pairsOf(syncs: readonly SyncPolicy[]): { connection: string; entity: Entity }[] {
  const pairs = syncs.flatMap(({ entity, members }) => members.map(({ connection }) => ({ connection, entity })));
  return [...new Map(pairs.map((pair) => [`${pair.connection} ${pair.entity}`, pair])).values()];
}
