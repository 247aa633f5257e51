import type { Failure } from '../../jobs/failure.ts';
import { matchJob } from '../../jobs/match.ts';
import { recordsPerPush, restMs } from '../../jobs/push.ts';
import { absence } from '../connector/connector.ts';
import { type Counts, type EngineContext, noCounts, type Problem, sum } from '../engine/engine.ts';
import { guardWrites, stopsNow } from '../engine/guard.ts';
import { idsPerPage } from '../engine/known-ids.ts';
import { connectionNamed } from '../engine/participation.ts';
import type { Stop } from '../engine/stop.ts';
import type { HintRow, PendingRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { hasDueRows, membersToWrite, openHints } from './due.ts';
import type { Hands } from './hands.ts';
import { inProcess } from './in-process.ts';
import { isPaused } from './paused.ts';
import { addBesides, type Besides, pushPages } from './push-all.ts';
import { noteFare } from './rest.ts';
import { isCycleRunning, withRoundLease } from './sync-lease.ts';
import { wantCycle } from './wanted.ts';
import { isOpen, keepWindow, type Window, windowOf } from './window.ts';

/** The least time between a cycle and the next one that a round asks for, milliseconds; and how many times its length. */
const leastRestMs = 30_000;
const restPerLength = 10;

/** How a round ended. */
export interface RoundEnd {
  readonly sync: string;
  /**
   * `busy`: another round of this sync is under way, nothing was done. `idle`: there was nothing to do. `failed`: a member
   * could not do its part. `waiting`: a guard has stopped it, or the sync is paused, so that nothing was written.
   */
  readonly state: 'busy' | 'idle' | 'done' | 'failed' | 'waiting';
  /** Hints that it is finished with. */
  readonly ended: number;
  /** By connection. */
  readonly counts: Readonly<Record<string, Counts>>;
  /** As in `SyncOutcome`. */
  readonly besides: Besides;
  readonly problems: readonly Problem[];
  readonly stops: readonly Stop[];
  /** Something was heard of that only a full cycle tells; `wantedAt` says from when on. Stays so until one begins. */
  readonly isCycleWanted: boolean;
}

/** What the steps of a round share. */
interface Round {
  readonly context: EngineContext;
  readonly sync: SyncPolicy;
  readonly hands: Hands;
  readonly run: string;
  readonly signal: AbortSignal;
  readonly counts: Readonly<Record<string, Counts>>;
  readonly besides: Besides;
  readonly problems: Map<string, Problem>;
  /** How each connection fared that was asked or written to. */
  readonly fares: Map<string, 'well' | 'badly'>;
  isCycleWanted: boolean;
}

/**
 * One round of one sync: looks at the records that hints have named, decides who is who, and writes what follows to the
 * members; besides, tries again what did not get through. May run beside a cycle of the same sync in any process. A hint
 * is no fact: the record is read. Nothing is concluded from what is not there, and no delete is judged; for that, and for
 * a create that no search precedes, a full cycle is asked for. A hint stays in the inbox until what followed from it is
 * in the store, so that a round may die anywhere and be run again. What a guard holds back, or a pause, is taken in and
 * not written.
 *
 * @param options `newRun` names the run of a new window. Default: a new UUIDv7
 * @param hands what reads and writes at the CRMs. Default: this process
 */
export async function runHints(
  context: EngineContext,
  sync: SyncPolicy,
  options: { readonly signal?: AbortSignal; readonly newRun?: () => string } = {},
  hands: Hands = inProcess(context),
): Promise<RoundEnd> {
  const { signal = new AbortController().signal, newRun = context.newId } = options;
  const nothing = { sync: sync.name, ended: 0, counts: {}, besides: {}, problems: [], stops: [], isCycleWanted: false };
  const end = await withRoundLease(context, sync.name, signal, async (held) => {
    const hints = await openHints(context, sync);
    const hasDue = !(await isCycleRunning(context, sync.name)) && (await hasDueRows(context, sync));
    if (hints.size === 0 && !hasDue) return { ...nothing, state: 'idle' } as const;
    const window = await openWindow(context, sync, newRun);
    return await playRound(context, sync, hands, held, hints, window);
  });
  return end ?? { ...nothing, state: 'busy' };
}

async function playRound(
  context: EngineContext,
  sync: SyncPolicy,
  hands: Hands,
  signal: AbortSignal,
  hints: ReadonlyMap<string, readonly HintRow[]>,
  window: Window,
): Promise<RoundEnd> {
  const { store, clock } = context;
  const { run } = window;
  const counts = Object.fromEntries(sync.members.map(({ connection }) => [connection, noCounts()]));
  const round: Round = {
    context,
    sync,
    hands,
    run,
    signal,
    counts,
    besides: {},
    problems: new Map(),
    fares: new Map(),
    isCycleWanted: false,
  };

  const looked = await Promise.all([...hints].map(([connection, rows]) => lookAt(round, connection, rows)));
  signal.throwIfAborted();
  const named = looked.map(({ connection, ids }) => ({ connection, ids }));
  await match(round);
  await noteUndecided(round, named);
  const touched = await recordsOf(round, named);
  const isHeld = (await isPaused(store, sync.name)) || (await store.held(sync.name)).some(isAbsence);
  const stops = isHeld ? [] : await writeAll(round, touched);
  signal.throwIfAborted();
  await tellOthers(round, touched);
  if (round.isCycleWanted) await askForCycle(context, sync.name);
  const finished = looked.flatMap(({ positions }) => positions);
  await store.endHints(finished);

  for (const [connection, fare] of round.fares) await noteFare(context, sync.name, connection, fare === 'badly');

  const problems = [...round.problems.values()];
  await keepWindow(store, sync.name, { ...window, counts: added(window.counts, counts) });
  const isStopped = isHeld || stops.length > 0;
  await store.endRun(run, runName(sync), {
    endedAt: clock.now(),
    outcome: problems.length > 0 ? 'failed' : isStopped ? 'waiting' : 'done',
    counts: JSON.stringify(added(window.counts, counts)),
    ...(problems[0] ? { error: problems[0].message } : {}),
  });
  return {
    sync: sync.name,
    state: problems.length > 0 ? 'failed' : isStopped ? 'waiting' : 'done',
    ended: finished.length,
    counts,
    besides: round.besides,
    problems,
    stops,
    isCycleWanted: round.isCycleWanted,
  };
}

/** How the rounds of a sync are told from its cycles in the log of runs. */
export const hintsOf = 'hints of ';

function runName({ name }: SyncPolicy): string {
  return `${hintsOf}${name}`;
}

async function openWindow({ store, clock }: EngineContext, sync: SyncPolicy, newRun: () => string): Promise<Window> {
  const last = await windowOf(store, sync.name);
  const now = clock.now();
  const window = last && isOpen(last, now) ? last : { run: newRun(), startedAt: now, counts: {} };
  if (window !== last) await keepWindow(store, sync.name, window);
  await store.beginRun({ id: window.run, sync: runName(sync), startedAt: window.startedAt });
  return window;
}

/** What came of the hints of one connection. */
interface LookedAt {
  readonly connection: string;
  /** External ids that were looked at. */
  readonly ids: readonly string[];
  /** Of the hints that need no other look. */
  readonly positions: readonly number[];
}

/** Reads every record that the hints of one connection name, once. */
async function lookAt(round: Round, connection: string, rows: readonly HintRow[]): Promise<LookedAt> {
  const { context, sync, hands, run, signal, counts } = round;
  const byId = Map.groupBy(rows, ({ externalId }) => externalId);
  const all = [...byId].map(([externalId, [first]]) => ({ externalId, hintedAt: first!.at }));
  const done = new Set<string>();
  let error: Failure | undefined;
  for (let start = 0; start < all.length && !error; start += idsPerPage) {
    const records = all.slice(start, start + idsPerPage);
    const before = await context.store.known(
      connection,
      sync.entity,
      records.map(({ externalId }) => externalId),
    );
    const order = { sync: sync.name, connection, run, records };
    const result = await hands.look(order, { counts: counts[connection]!, signal });
    error = result.error;
    if (error) break;
    for (const { externalId } of records) if (!result.later.includes(externalId)) done.add(externalId);
    const isDeleted = (externalId: string) => byId.get(externalId)!.some(({ what }) => what === 'deleted');
    // A delete is judged by a cycle, whatever a look shows: it may lag.
    if (result.unclear.length > 0 || [...before].some(([id, { state }]) => state === 'linked' && isDeleted(id)))
      round.isCycleWanted = true;
  }
  if (error) fail(round, error);
  round.fares.set(connection, error ? 'badly' : 'well');
  const positions = rows.filter(({ externalId }) => done.has(externalId)).map(({ position }) => position);
  return { connection, ids: [...done], positions };
}

function fail({ context, sync, run, problems }: Round, { connection, code, message }: Failure): void {
  if (problems.has(connection)) return;
  problems.set(connection, { sync: sync.name, connection, code, message });
  context.log.error({ sync: sync.name, connection, run, code }, 'member failed in a round');
}

/** Decides who those are that this window's looks and searches have brought. @returns how many were decided */
async function match({ context, sync, run, counts }: Round): Promise<number> {
  if (!(await isReadOnce(context, sync))) return 0;
  const { decided, confirmed, conflicts } = await matchJob(context, { sync: sync.name, run, isOwnOnly: true });
  for (const [connection, found] of confirmed) counts[connection]!.created += found;
  for (const [connection, found] of conflicts) counts[connection]!.conflicts += found;
  return decided;
}

/** Whether every member was listed from end to end at least once: before that, nobody can tell who is somebody's double. */
async function isReadOnce(context: EngineContext, { entity, members }: SyncPolicy): Promise<boolean> {
  for (const { connection } of members) {
    const list = connectionNamed(context, connection).connector.capabilities[entity]?.list;
    if (list === undefined || absence(list) !== undefined) continue;
    if (!(await context.store.checkpoint(connection, entity))?.complete) return false;
  }
  return true;
}

/** Asks for a cycle where a record still waits to be matched, and no person has been asked. */
async function noteUndecided(round: Round, named: readonly Pick<LookedAt, 'connection' | 'ids'>[]): Promise<void> {
  const { store } = round.context;
  const { entity } = round.sync;
  for (const { connection, ids } of named) {
    const waiting = [...(await store.known(connection, entity, ids))].filter(([, { state }]) => state === 'unmatched');
    if (waiting.length === 0) continue;
    const asked = (await store.openReviews(entity)).filter((review) => review.connection === connection);
    if (waiting.some(([id]) => !asked.some(({ externalId }) => externalId === id))) round.isCycleWanted = true;
  }
}

/** The canonical ids of what was looked at, as far as it is linked. */
async function recordsOf(
  { context, sync }: Round,
  named: readonly Pick<LookedAt, 'connection' | 'ids'>[],
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const { connection, ids } of named)
    for (const { record } of (await context.store.linked(connection, sync.entity, ids)).values()) found.add(record.id);
  return [...found];
}

/**
 * Writes what follows to the members, unless a guard stops it. Twice, where a search before a create has found somebody
 * who is known by now.
 * @returns what a guard stopped
 */
async function writeAll(round: Round, touched: readonly string[]): Promise<readonly Stop[]> {
  const { context, sync, run } = round;
  const takesDue = !(await isCycleRunning(context, sync.name));
  for (let pass = 1; ; pass += 1) {
    const stops = await guardWrites(context, sync, run);
    if (stops.length > 0) return stops;
    const open = (await membersToWrite(context, sync)).filter((connection) => !round.problems.has(connection));
    const ends = await Promise.all(open.map((connection) => write(round, connection, touched, takesDue)));
    if (ends.some(({ guarded }) => guarded > 0)) return await stopsNow(context, sync, run);
    if (pass === 2 || (await match(round)) === 0) return [];
  }
}

/** Writes to one member what was touched and, if `takesDue`, what is due there. */
async function write(round: Round, connection: string, touched: readonly string[], takesDue: boolean) {
  const { context, sync, hands, run, signal, counts } = round;
  const { store, clock } = context;
  const now = clock.now();
  const pages = async function* (): AsyncIterable<readonly PendingRow[]> {
    for (let start = 0; start < touched.length; start += recordsPerPush) {
      const ids = touched.slice(start, start + recordsPerPush);
      yield await onlyLive(round, await store.pendingAmong(connection, sync.entity, now, ids));
    }
    const isTouched = new Set(touched);
    for (let after = 0; takesDue; ) {
      const rows = await store.pendingLinked(connection, sync.entity, after, recordsPerPush, now);
      const last = rows.at(-1);
      if (!last) return;
      after = last.position;
      yield await onlyLive(
        round,
        rows.filter(({ recordId }) => !isTouched.has(recordId)),
      );
    }
  };
  const pass = { sync, connection, run, counts: counts[connection]!, unread: new Set<string>(), signal };
  const end = await pushPages(hands, { ...pass, restsUpon: 'look' }, pages);
  addBesides(round.besides, connection, end);
  if (end.lookups + end.listings > 0) round.isCycleWanted = true;
  const failure = end.error ?? end.failure;
  if (failure) fail(round, failure);
  if (end.error) round.fares.set(connection, 'badly');
  else if (!round.fares.has(connection)) round.fares.set(connection, 'well');
  return end;
}

/** Without tombstones: deletes are carried on by cycles, which have read every member. Until then they rest. */
async function onlyLive(round: Round, rows: readonly PendingRow[]): Promise<readonly PendingRow[]> {
  const { store, clock } = round.context;
  const aggregates = await store.aggregates(rows.map(({ recordId }) => recordId));
  const live: PendingRow[] = [];
  for (const row of rows) {
    const record = aggregates.get(row.recordId)?.record;
    if (!record) continue;
    if (record.state === 'live') {
      live.push(row);
      continue;
    }
    const { connection, recordId, attempts } = row;
    round.isCycleWanted = true;
    await store.defer(connection, recordId, {
      version: record.version,
      attempts,
      notBefore: clock.now() + restMs,
      state: 'waiting',
      code: 'waits_for_cycle',
      message: `${connection}: a delete waits for a cycle, which has read every member`,
    });
  }
  return live;
}

/**
 * Asks for a full cycle, not sooner than `leastRestMs`, nor than ten times its length, after the last one: a flood of hints
 * brings no flood of listings.
 */
async function askForCycle({ store, clock }: EngineContext, sync: string): Promise<void> {
  const [last] = await store.runsOf(sync, 1);
  const endedAt = last?.end?.endedAt;
  const rest = endedAt === undefined ? 0 : Math.max(leastRestMs, restPerLength * (endedAt - last!.startedAt));
  await wantCycle(store, sync, Math.max(clock.now(), (endedAt ?? 0) + rest));
}

/** Asks for a cycle of other syncs that are to make records of ours at their members: their rounds hear nothing of them. */
async function tellOthers({ context, sync }: Round, touched: readonly string[]): Promise<void> {
  const { store, syncs, clock } = context;
  const own = new Set(sync.members.map(({ connection }) => connection));
  for (const other of syncs) {
    if (other.entity !== sync.entity || other.name === sync.name) continue;
    for (const { connection, direction } of other.members) {
      if (own.has(connection) || direction === 'read') continue;
      const rows = await store.pendingAmong(connection, sync.entity, clock.now(), touched);
      const aggregates = await store.aggregates(rows.map(({ recordId }) => recordId));
      const isThere = ({ recordId }: PendingRow) =>
        aggregates.get(recordId)?.links.some((link) => link.connection === connection && link.state === 'live');
      if (rows.some((row) => !isThere(row))) await askForCycle(context, other.name);
    }
  }
}

function isAbsence({ what, approved }: { readonly what: string; readonly approved: boolean }): boolean {
  return what === 'absence' && !approved;
}

function added(
  one: Readonly<Record<string, Counts>>,
  other: Readonly<Record<string, Counts>>,
): Readonly<Record<string, Counts>> {
  const sums: Record<string, Counts> = { ...one };
  for (const [connection, counts] of Object.entries(other)) sums[connection] = sum(sums[connection], counts);
  return sums;
}
