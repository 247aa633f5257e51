import { z } from 'zod';
import { absence } from '../../connector/connector.ts';
import type { EngineContext } from '../../engine/engine.ts';
import { ownerOf } from '../../engine/lease.ts';
import { readsById } from '../../engine/participation.ts';
import { type HeldSet, heldSets, type Run, readConnections, type Stand, toRun } from '../../engine/stands.ts';
import { lastRun, nextRun } from '../../queue/bull/schedules.ts';
import type { Hold, QueueControl, Seat } from '../../queue/control.ts';
import { pausedSince } from '../../queue/paused.ts';
import type { OpenHints } from '../../store/store.ts';
import type { Schedule, SyncPolicy } from '../../sync/policy.ts';

/** What the overview shows: ids, names and counts, no values. */
export interface Overview {
  /** When it was read, epoch milliseconds. */
  readonly at: number;
  readonly redisAwaySince: number | undefined;
  readonly connections: readonly ConnectionFacts[];
  readonly syncs: readonly SyncFacts[];
  readonly held: readonly HeldSet[];
  /** Newest first. */
  readonly runs: readonly Run[];
}

export interface ConnectionFacts extends Stand {
  readonly freshness: Freshness;
  readonly hints: OpenHints | undefined;
  readonly hold: Hold | undefined;
  readonly seat: Seat | undefined;
}

/**
 * How old the last good poll is, measured by the schedule: at most one tick has passed since it (`good`), two or three
 * (`late`), or more (`old`). `cannot`: the API shows no records of its own accord.
 */
type Freshness = 'good' | 'late' | 'old' | 'never' | 'cannot';

export interface SyncFacts {
  readonly policy: SyncPolicy;
  /** The last run that ended. */
  readonly last: Run | undefined;
  /** The run that is under way. */
  readonly current: Run | undefined;
  /** The newest run has no end and nobody works on it: its process died. */
  readonly isBroken: boolean;
  readonly pausedSince: number | undefined;
  /** When the schedule comes next, epoch milliseconds. */
  readonly nextAt: number | undefined;
  /** What the last run did at all members together. */
  readonly counts: RunCounts;
  /** Records read a second in the last run. */
  readonly perSecond: number | undefined;
  /** Records written to all members in the last hour. */
  readonly writtenInHour: number;
  readonly held: readonly HeldSet[];
}

/** Counts of a run, added up over its members. */
export type RunCounts = Readonly<Record<string, number>>;

const mostRuns = 10;
const mostClasses = 200;
const hourMs = 60 * 60_000;
/** So many runs of a sync are looked through for what was written in the last hour. */
const mostRunsOfHour = 120;

/** Reads what the overview shows, from the store and from this process's queues. Calls no CRM, and not Redis. */
export async function readOverview(context: EngineContext, control: QueueControl): Promise<Overview> {
  const { store, clock, syncs } = context;
  const now = clock.now();
  const hints = await store.openHints();
  const [holds, seats] = [control.holds(), control.seats()];
  const held = await heldSets(store);
  const stands = await readConnections(context, mostClasses);
  return {
    at: now,
    redisAwaySince: control.awaySince,
    connections: stands.map((stand) => ({
      ...stand,
      freshness: freshnessAt(context, stand, now),
      hints: hints.find(({ connection, entity }) => connection === stand.connection && entity === stand.entity),
      hold: holds.find(({ connection, until }) => connection === stand.connection && until > now),
      seat: seats.find(({ connection }) => connection === stand.connection),
    })),
    syncs: await Promise.all(syncs.map((policy) => syncFacts(context, policy, held, now))),
    held,
    runs: (await store.runs(mostRuns)).map(toRun),
  };
}

/** By the schedule that polls the connection most often. */
function freshnessAt(
  { syncs, connections }: EngineContext,
  { connection, entity, lagMs }: Stand,
  now: number,
): Freshness {
  const configured = connections.get(connection);
  const list = configured?.connector.capabilities[entity]?.list;
  const isListed = list !== undefined && absence(list) === undefined;
  if (lagMs === null) return configured && !isListed && !readsById(configured, entity) ? 'cannot' : 'never';
  const its = syncs.filter(
    (sync) => sync.entity === entity && sync.members.some((member) => member.connection === connection),
  );
  return worst(its.map(({ schedule }) => freshnessOf(schedule, now - lagMs, now)));
}

const order: readonly Freshness[] = ['never', 'old', 'late', 'good'];

function worst(found: readonly Freshness[]): Freshness {
  return order.find((one) => found.includes(one)) ?? 'good';
}

/** How fresh a poll is that began at `polledAt`. */
function freshnessOf(schedule: Schedule | undefined, polledAt: number, now: number): Freshness {
  let tick = now;
  for (let missed = 0; missed < 4; missed += 1) {
    const before = lastRun(schedule, missed === 0 ? tick : tick - 1_000);
    if (before === undefined || polledAt >= before) return missed < 2 ? 'good' : 'late';
    tick = before;
  }
  return 'old';
}

async function syncFacts(
  { store, isAlive }: EngineContext,
  policy: SyncPolicy,
  held: readonly HeldSet[],
  now: number,
): Promise<SyncFacts> {
  const { name, schedule } = policy;
  const runs = (await store.runsOf(name, mostRunsOfHour)).map(toRun);
  const [newest] = runs;
  const holder = await store.leaseHolder(`sync:${name}`);
  const isRunning = newest?.end === null && holder !== undefined && isAlive(ownerOf(holder));
  const last = runs.find(({ end }) => end !== null);
  const counts = countsOf(last);
  const took = last?.end ? (last.end.endedAt - last.startedAt) / 1_000 : 0;
  return {
    policy,
    last,
    current: isRunning ? newest : undefined,
    isBroken: newest?.end === null && !isRunning,
    pausedSince: await pausedSince(store, name),
    nextAt: nextRun(schedule, now),
    counts,
    perSecond: took > 0 && counts.read ? counts.read / took : undefined,
    writtenInHour: runs
      .filter(({ end }) => end && end.endedAt > now - hourMs)
      .reduce((sum, run) => sum + writtenIn(countsOf(run)), 0),
    // What waits for a run to be taken back keeps the sync itself from nothing.
    held: held.filter(({ sync, madeBy }) => sync === name && madeBy === undefined),
  };
}

/** How many records a run wrote. */
export function writtenIn({ created = 0, updated = 0, deleted = 0 }: RunCounts): number {
  return created + updated + deleted;
}

const countsShape = z.record(z.string(), z.record(z.string(), z.number()));

/** The counts of a run added up over its members; nothing for one that has not ended. */
export function countsOf(run: Run | undefined): RunCounts {
  const sums: Record<string, number> = {};
  // A run of an older version may have counted otherwise.
  const parsed = countsShape.safeParse(run?.end?.counts);
  for (const counts of Object.values(parsed.data ?? {}))
    for (const [key, value] of Object.entries(counts)) sums[key] = (sums[key] ?? 0) + value;
  return sums;
}
