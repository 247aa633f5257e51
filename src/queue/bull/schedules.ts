import type { Queue, RepeatOptions } from 'bullmq';
import { Cron } from 'croner';
import type { EngineContext } from '../../engine/engine.ts';
import type { Store } from '../../store/store.ts';
import type { Schedule, SyncPolicy } from '../../sync/policy.ts';

/** What a sync without a schedule has. */
const usual: Schedule = { pattern: '*/15 * * * *' };

/** Most jitter where none is configured, and its share of the interval. */
const mostJitterMs = 10_000;
const jitterShare = 0.05;

/** After a pause all syncs are late at once; still, nobody is to wait long. */
const catchUpJitterMs = 2_000;

/** A tick only asks for a cycle: nobody wants to look at it afterwards. */
const keptTicks = { removeOnComplete: true, removeOnFail: 10 } as const;

/** What a scheduler puts on the queue at its time. */
export const tickJob = 'tick';

/**
 * When a schedule comes next, strictly behind `after`; epoch milliseconds. croner decides it everywhere: the same that
 * checks the configuration. Daylight saving: a time that a day does not have comes an hour later, and one that it has
 * twice comes once.
 * @param schedule undefined: that of a sync without one
 */
export function nextRun(schedule: Schedule | undefined, after: number): number | undefined {
  return cron(schedule ?? usual)
    .nextRun(new Date(after))
    ?.getTime();
}

/** As `nextRun`, for BullMQ: queue and workers must agree on it. */
export function nextTick(after: number, { pattern, tz }: RepeatOptions): number | undefined {
  return nextRun({ pattern: pattern!, ...(tz !== undefined && { timeZone: tz }) }, after);
}

/** When a schedule was last to come, at `now` or before, epoch milliseconds. */
export function lastRun(schedule: Schedule | undefined, now: number): number | undefined {
  // What is found lies before the second that is given.
  return cron(schedule ?? usual)
    .previousRuns(1, new Date(Math.floor(now / 1_000) * 1_000 + 1_000))[0]
    ?.getTime();
}

function cron({ pattern, timeZone }: Schedule): Cron {
  return new Cron(pattern, { paused: true, ...(timeZone !== undefined && { timezone: timeZone }) });
}

/** By how much a scheduled cycle is put off, milliseconds, so that not everything in the world begins on the minute. */
export function jitterOf(schedule: Schedule | undefined, now: number, random: () => number): number {
  if (schedule?.jitterMs !== undefined) return Math.round(random() * schedule.jitterMs);
  const next = nextRun(schedule, now);
  const afterNext = next === undefined ? undefined : nextRun(schedule, next);
  if (next === undefined || afterNext === undefined) return 0;
  return Math.round(random() * Math.min((afterNext - next) * jitterShare, mostJitterMs));
}

/** By how much a cycle is put off that makes up for missed ones. */
export function catchUpJitterOf(schedule: Schedule | undefined, now: number, random: () => number): number {
  return Math.min(jitterOf(schedule, now, random), Math.round(random() * catchUpJitterMs));
}

/** Writes the schedules of all syncs into Redis, and removes those of syncs that there are no more. May be repeated. */
export async function writeSchedules(queue: Queue, syncs: readonly SyncPolicy[]): Promise<void> {
  for (const { name, schedule = usual } of syncs) {
    const { pattern, timeZone } = schedule;
    await queue.upsertJobScheduler(
      name,
      { pattern, ...(timeZone !== undefined && { tz: timeZone }) },
      { name: tickJob, data: { sync: name }, opts: keptTicks },
    );
  }
  const names = new Set(syncs.map(({ name }) => name));
  for (const { key } of await queue.getJobSchedulers()) if (!names.has(key)) await queue.removeJobScheduler(key);
}

/** Whether a tick of a sync's schedule has passed since all members that can be read were last read completely. */
export async function isLate(
  { store, connections }: Pick<EngineContext, 'store' | 'connections'>,
  sync: SyncPolicy,
  now: number,
): Promise<boolean> {
  const due = lastRun(sync.schedule, now);
  if (due === undefined) return false;
  const reads = sync.members.filter(
    ({ connection, direction }) => direction !== 'write' && connections.has(connection),
  );
  const lastReads = await Promise.all(reads.map(({ connection }) => lastCompleteRead(store, connection, sync.entity)));
  return lastReads.some((at) => at === undefined || at < due);
}

async function lastCompleteRead(
  store: Pick<Store, 'checkpoint'>,
  connection: string,
  entity: SyncPolicy['entity'],
): Promise<number | undefined> {
  return (await store.checkpoint(connection, entity))?.complete?.startedAt;
}
