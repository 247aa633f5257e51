import { type Job, RateLimitError, WaitingError, Worker, type WorkerOptions } from 'bullmq';
import type { EngineContext } from '../../engine/engine.ts';
import type { RedisLink } from './redis.ts';
import { nextTick } from './schedules.ts';

/*
 * What all our workers have in common. A job is repeated when its process has died, so that each of them looks before it
 * does anything; one that is still at work in this process is never begun a second time.
 */

/**
 * A job belongs to its worker for this long, prolonged at half of it: the time in which a dead process is noticed. One that
 * only was busy for longer does no harm: the leases in the store keep the other one away.
 */
const lockMs = 5_000;

/** The same for all workers: a check by one of them keeps the others from checking for as long. */
const stalledCheckMs = 2_000;

/** A fetch that failed for want of Redis is tried again after this time. */
const fetchAgainMs = 1_000;

/** A job that lost its process any number of times is still to be done. */
const stalledForEver = 1_000_000;

/** Results kept for jobs that were done here while Redis could not be told. */
const keptResults = 500;

/** What became of jobs is kept a little for the dashboard; what counts is in the store. */
export const keptJobs = {
  removeOnComplete: { age: 24 * 3_600, count: 200 },
  removeOnFail: { age: 7 * 24 * 3_600, count: 200 },
} as const;

/** A worker on one queue. */
export interface QueueWorker {
  /** Takes no more jobs; resolves when those that are under way have ended, whether Redis hears of it or not. */
  drain(): Promise<void>;
  /** As `drain`, but jobs under way are told to stop, and go back to the queue for others. */
  stop(): Promise<void>;
  /** Aborts what is still under way. */
  abort(): void;
  /** After `drain` or `stop`: resolves when Redis has heard of everything. May wait for Redis for ever. */
  closed(): Promise<void>;
}

export interface QueueWorkerOptions {
  readonly name: string;
  readonly concurrency: number;
  readonly redis: RedisLink;
  readonly prefix: string;
  readonly log: EngineContext['log'];
  /** Milliseconds for which no job of this queue is to begin; 0 or less: none. */
  readonly pauseMs?: () => number;
  /** Told when Redis has heard of the end of a job. */
  readonly onDone?: () => void;
  /** @returns what the job returns: plain data, without personal data */
  readonly work: (job: Job, signals: Signals) => Promise<unknown>;
}

/** What a job hears of the end of its worker. */
export interface Signals {
  /** Begin nothing more; what is half done may be finished. */
  readonly stopping: AbortSignal;
  /** Stop at once. */
  readonly aborted: AbortSignal;
}

/** Starts a worker. It comes back by itself whenever Redis does. */
export function openWorker(options: QueueWorkerOptions): QueueWorker {
  const { name, concurrency, redis, prefix, log, pauseMs, onDone, work } = options;
  const stopping = new AbortController();
  const aborted = new AbortController();
  const signals = { stopping: stopping.signal, aborted: aborted.signal };
  const underWay = new Map<string, Promise<unknown>>();
  const done = new Map<string, unknown>();
  let activeJobs = 0;
  let isEnding = false;
  let isIdle = Promise.withResolvers<void>();

  const settings: WorkerOptions = {
    connection: redis.patient,
    prefix,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: stalledForEver,
    runRetryDelay: fetchAgainMs,
    settings: { repeatStrategy: nextTick },
  };
  const worker = new Worker(name, process, settings);
  // An absence of Redis is told elsewhere, once. Jobs that vanished with what was in it have no other end than this.
  worker.on('error', () => {});
  if (onDone) worker.on('completed', onDone);
  worker.on('failed', (job, error) => {
    log.error({ queue: name, job: job?.id, error: error.message }, 'job failed');
  });

  async function process(job: Job, token?: string): Promise<unknown> {
    // One that was on its way to us when we ended.
    if (isEnding) return await putBack(job, token);
    const ms = pauseMs?.() ?? 0;
    if (ms > 0) {
      await worker.rateLimit(Math.ceil(ms));
      throw new RateLimitError();
    }
    activeJobs += 1;
    try {
      const result = await once(job);
      if (!stopping.signal.aborted) return result;
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
    } finally {
      activeJobs -= 1;
      if (activeJobs === 0) isIdle.resolve();
    }
    // It may have been cut short: others do the rest.
    return await putBack(job, token);
  }

  async function putBack(job: Job, token: string | undefined): Promise<never> {
    await job.moveToWait(token);
    throw new WaitingError();
  }

  async function end(): Promise<void> {
    isEnding = true;
    void worker.close().catch(() => {});
    if (activeJobs === 0) return;
    isIdle = Promise.withResolvers();
    await isIdle.promise;
  }

  /** A job that comes again, because Redis took us for dead or did not hear of its end, is not done again. */
  async function once(job: Job): Promise<unknown> {
    const id = job.id!;
    if (done.has(id)) return done.get(id);
    const running = underWay.get(id) ?? work(job, signals);
    underWay.set(id, running);
    try {
      const result = await running;
      if (stopping.signal.aborted) return result;
      done.set(id, result);
      if (done.size > keptResults) done.delete(done.keys().next().value!);
      return result;
    } finally {
      underWay.delete(id);
    }
  }

  return {
    drain: end,
    stop() {
      stopping.abort(new Error(`${name}: this process stops working here`));
      return end();
    },
    abort: () => aborted.abort(new Error(`${name}: this process must not work here any more`)),
    closed: () => worker.close(),
  };
}
