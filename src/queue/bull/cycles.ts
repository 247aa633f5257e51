import type { Job, Queue } from 'bullmq';
import { z } from 'zod';
import type { EngineContext, SyncOutcome } from '../../engine/engine.ts';
import { syncNamed } from '../../engine/participation.ts';
import type { SyncPolicy } from '../../sync/policy.ts';
import { runCycle } from '../cycle.ts';
import { isPaused } from '../paused.ts';
import { BusyError, withSyncLease } from '../sync-lease.ts';
import { wantCycle } from '../wanted.ts';
import { type Errands, QueueLostError } from './errands.ts';
import { priorities, queuedHands } from './hands.ts';
import { catchUpJitterOf, isLate, jitterOf, tickJob } from './schedules.ts';
import type { Signals } from './workers.ts';

const cycleJob = 'cycle';

const tickPayload = z.strictObject({ sync: z.string() });
const cyclePayload = z.strictObject({ sync: z.string(), asked: z.enum(['person', 'schedule']) });
type CyclePayload = z.output<typeof cyclePayload>;

/** After a cycle that was broken off because its jobs had vanished, the next one does not begin at once. */
const againAfterMs = 1_000;

/** What a cycle job tells the dashboard. */
type CycleReply =
  | Pick<SyncOutcome, 'state' | 'durationMs' | 'counts' | 'problems'>
  | { readonly state: 'paused' | 'busy' | 'lost' | 'failed'; readonly message?: string };

/** Full cycles on the sweep queue: asked for, and run one at a time for each sync. Asking throws what Redis throws. */
export interface Cycles {
  /** A person asks: one begins that has not read anything yet. */
  askNow(sync: string): Promise<void>;
  /** Asks unless one is at work or waits. @param delayMs not before */
  ask(sync: string, delayMs?: number): Promise<void>;
  /** Asks once for each sync whose schedule has passed without a cycle. */
  catchUp(): Promise<void>;
  work(job: Job, signals: Signals): Promise<unknown>;
}

/** @param queue the sweep queue */
export function openCycles(context: EngineContext, queue: Queue, errands: Errands): Cycles {
  const { store, clock, random, log } = context;
  /** The lease of a sync keeps other processes away, but not a second cycle of this one. */
  const underWay = new Map<string, Promise<unknown>>();

  async function askNow(sync: string): Promise<void> {
    // One that is at work may have read already what this one is to see: it is followed by another.
    const deduplication = { id: sync, keepLastIfActive: true };
    const payload: CyclePayload = { sync, asked: 'person' };
    const job = await queue.add(cycleJob, payload, { priority: priorities.person, deduplication });
    const waiting = await queue.getJob(job.id!);
    // It may be one of a schedule that lets its jitter pass.
    if ((await waiting?.getState()) === 'delayed') await waiting!.promote().catch(() => {});
  }

  /** No overlap, and no queue of cycles: whoever still needs one when it has ended asks again. */
  async function ask(sync: string, delay = 0): Promise<void> {
    const payload: CyclePayload = { sync, asked: 'schedule' };
    await queue.add(cycleJob, payload, { priority: priorities.schedule, delay, deduplication: { id: sync } });
  }

  async function catchUp(): Promise<void> {
    for (const sync of context.syncs) {
      const now = clock.now();
      if ((await isPaused(store, sync.name)) || !(await isLate(context, sync, now))) continue;
      await ask(sync.name, catchUpJitterOf(sync.schedule, now, random));
    }
  }

  async function tick(sync: SyncPolicy): Promise<void> {
    if (await isPaused(store, sync.name)) return;
    await ask(sync.name, jitterOf(sync.schedule, clock.now(), random));
  }

  async function cycle(sync: SyncPolicy, asked: CyclePayload['asked'], signal: AbortSignal): Promise<CycleReply> {
    if (await isPaused(store, sync.name)) return { state: 'paused' };
    const run = context.newId();
    const hands = queuedHands(errands, asked === 'person' ? priorities.person : priorities.schedule);
    try {
      const outcome = await withSyncLease(context, sync.name, signal, async (held) => {
        return await runCycle(context, sync, { run, signal: held }, hands);
      });
      const { state, durationMs, counts, problems } = outcome;
      log.info({ sync: sync.name, run, state, durationMs, counts }, 'cycle ended');
      return { state, durationMs, counts, problems };
    } catch (error) {
      return await broken(sync.name, run, error, signal);
    }
  }

  /** A cycle that threw has not written its own end. @throws the reason of the signal */
  async function broken(sync: string, run: string, error: unknown, signal: AbortSignal): Promise<CycleReply> {
    if (error instanceof BusyError) {
      log.info({ sync, run }, 'another process runs this sync already');
      return { state: 'busy' };
    }
    const message = error instanceof Error ? error.message : String(error);
    await store
      .endRun(run, sync, { endedAt: clock.now(), outcome: 'failed', counts: '{}', error: message })
      .catch(() => log.warn({ sync, run }, 'the end of the run could not be written down'));
    signal.throwIfAborted();
    if (error instanceof QueueLostError) {
      await wantCycle(store, sync, clock.now() + againAfterMs);
      log.warn({ sync, run, code: error.code }, 'cycle broken off: its jobs have vanished; it is asked for again');
      return { state: 'lost' };
    }
    log.error({ sync, run, error: message }, 'cycle broken off');
    return { state: 'failed', message };
  }

  return {
    askNow,
    ask,
    catchUp,
    async work({ name, data }, { stopping }) {
      if (name === tickJob) {
        await tick(syncNamed(context, tickPayload.parse(data).sync));
        return {};
      }
      const { sync, asked } = cyclePayload.parse(data);
      const policy = syncNamed(context, sync);
      const before = underWay.get(sync) ?? Promise.resolve();
      const mine = before.catch(() => {}).then(() => cycle(policy, asked, stopping));
      underWay.set(sync, mine);
      return await mine;
    },
  };
}
