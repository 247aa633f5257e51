import type { Job } from 'bullmq';
import PQueue from 'p-queue';
import { lookJob, lookPayload } from '../../../jobs/look.ts';
import { pullJob, pullPayload } from '../../../jobs/pull.ts';
import { type PushPayload, pushJob, type Turns, turnsAt } from '../../../jobs/push.ts';
import { type Counts, type EngineContext, noCounts } from '../../engine/engine.ts';
import { connectionNamed, syncNamed } from '../../engine/participation.ts';
import { errand } from './errands.ts';
import type { Reply } from './hands.ts';
import { pullQueue, pushQueue } from './names.ts';
import { openWorker, type QueueWorkerOptions, type Signals } from './workers.ts';

/** What belongs to the seat of one connection: its two workers, as long as this process has it. */
export interface SeatWork {
  /** Whether a full listing is under way: ending that means beginning it anew. */
  readonly isPulling: boolean;
  /** Takes no more jobs; resolves when those that are under way have ended. */
  drain(): Promise<void>;
  /** As `drain`, but what is under way goes back to the queue as soon as the requests of the moment are answered. */
  stop(): Promise<void>;
  /** Aborts the requests of the moment as well. */
  abort(): void;
  /** After `drain` or `stop`: resolves when Redis has heard of everything. */
  closed(): Promise<void>;
}

export interface SeatWorkParts extends Pick<QueueWorkerOptions, 'redis' | 'prefix'> {
  readonly context: EngineContext;
  readonly connection: string;
  /** Told after each job what it did. */
  readonly onCounts: (connection: string, counts: Counts) => void;
}

/**
 * Pauses that a CRM asks for are seen on the dashboard as a rate limit of its queues while they are no longer than this.
 * During a longer one jobs fail at once, as they do outside of queues: the other members are not to wait for it.
 */
const longestPauseMs = 60_000;

/** Jobs that are taken besides the full listings: looks, and pushes that are at work or stand ready. */
const spareJobs = 4;

/** Works for one connection. */
export function workAt({ context, connection, redis, prefix, onCounts }: SeatWorkParts): SeatWork {
  const { held } = connectionNamed(context, connection);
  const syncs = context.syncs.filter(({ members }) => members.some((member) => member.connection === connection));
  const turns = turnsAt(context, connection);
  const listings = new Map<string, PQueue>();
  let pulling = 0;

  const pauseMs = () => {
    const hold = held?.();
    const ms = hold?.why === 'asked' ? hold.until - context.clock.now() : 0;
    return ms <= longestPauseMs ? ms : 0;
  };

  async function counted(
    work: (counts: Counts) => Promise<Reply['result']>,
    told: (counts: Counts) => void,
  ): Promise<Reply> {
    const counts = noCounts();
    try {
      return { counts, result: await work(counts) };
    } finally {
      told(counts);
    }
  }

  const tell = (counts: Counts) => onCounts(connection, counts);

  /**
   * What a job asks for. Undefined where whoever asked has died: its cycle is over, what it had listed is old by now, and
   * a create that rests upon that might make a second one. The rows are still pending: the next cycle comes to them.
   */
  function wanted({ data }: Job): unknown {
    const { asker, order } = errand.parse(data);
    return context.isAlive(asker) ? order : undefined;
  }

  async function read(job: Job, { stopping }: Signals): Promise<Reply | undefined> {
    const { name } = job;
    const data = wanted(job);
    if (data === undefined) return undefined;
    if (name === 'look') {
      const order = lookPayload.parse(data);
      return await counted((counts) => lookJob(context, order, { counts, signal: stopping }), tell);
    }
    const order = pullPayload.parse(data);
    const { entity } = syncNamed(context, order.sync);
    // A listing that somebody has given up on may still be at it.
    const lane = listings.get(entity) ?? new PQueue({ concurrency: 1 });
    listings.set(entity, lane);
    pulling += 1;
    try {
      return await lane.add(() => counted((counts) => pullJob(context, order, { counts, signal: stopping }), tell));
    } finally {
      pulling -= 1;
    }
  }

  async function write(job: Job, { stopping, aborted }: Signals): Promise<Reply | undefined> {
    const { priority } = job;
    const data = wanted(job);
    if (data === undefined) return undefined;
    const inTurn: Turns = {
      addAll: (tasks) =>
        turns.addAll(
          // What is half written is better finished than aborted: of an aborted create nobody knows what became of it.
          tasks.map((task) => async () => (stopping.aborted ? undefined : await task())),
          { priority: -priority },
        ),
    };
    // Nothing that stands in Redis lifts a guard: whoever may write there is not whom we asked.
    const order = { ...(data as PushPayload), pastGuards: false };
    return await counted(async (counts) => {
      const result = await pushJob(context, order, { counts, signal: aborted, turns: inTurn });
      for (const its of Object.values(result.besides)) tell(its);
      return result;
    }, tell);
  }

  const common = { redis, prefix, log: context.log, pauseMs };
  const workers = [
    openWorker({ ...common, name: pullQueue(connection), concurrency: syncs.length + spareJobs, work: read }),
    openWorker({ ...common, name: pushQueue(connection), concurrency: 2 * syncs.length + spareJobs, work: write }),
  ];
  const all = async (end: 'drain' | 'stop' | 'closed') => {
    await Promise.all(workers.map((worker) => worker[end]()));
  };
  return {
    get isPulling() {
      return pulling > 0;
    },
    drain: () => all('drain'),
    stop: () => all('stop'),
    closed: () => all('closed'),
    abort() {
      for (const worker of workers) worker.abort();
    },
  };
}
