import { setTimeout as wait } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Config } from '../../config/config.ts';
import type { Counts, EngineContext } from '../../engine/engine.ts';
import { syncNamed } from '../../engine/participation.ts';
import type { SyncPolicy } from '../../sync/policy.ts';
import type { QueueControl } from '../control.ts';
import { endUnheard } from '../due.ts';
import { isPaused } from '../paused.ts';
import { wantedAt } from '../wanted.ts';
import { openCycles } from './cycles.ts';
import { openErrands } from './errands.ts';
import { keyPrefix, pullQueue, pushQueue, sweepQueue, webhookQueue } from './names.ts';
import { openRedis, QueueAwayError } from './redis.ts';
import { openRelay } from './relay.ts';
import { openRounds } from './rounds.ts';
import { nextTick, writeSchedules } from './schedules.ts';
import { type SeatWork, workAt } from './seat-work.ts';
import { openSeats } from './seats.ts';
import { keptJobs, openWorker } from './workers.ts';

/** The queues of a worker process, at work. */
export interface RunningQueue extends QueueControl {
  /**
   * Takes no more work, ends or gives back what is under way, and gives up seats and leases. Never rejects.
   * @param deadlineMs resolves within this time, also while Redis is away
   * @returns whether all ended in order; what did not is taken over by others when this process is gone
   */
  close(deadlineMs: number): Promise<boolean>;
}

export interface QueueOptions {
  /** Told after each job at a connection of this process what it did there. */
  readonly onCounts?: (connection: string, counts: Counts) => void;
}

/** The end of the deadline, in which requests that are still under way are aborted. */
const abortMs = 2_000;

/** What is left to close connections. */
const lastMs = 200;

/**
 * Starts everything that moves jobs: queues, workers, seats, relay and schedules. Does not wait for Redis: while it is
 * away nothing runs, and everything begins by itself when it is there.
 *
 * @param app what `openApp` gives; `context.owner` must differ from that of every other running queue of the database
 * @param redis `redis://`, `rediss://`, or `unix://` and the path of a socket
 */
export async function startQueue(
  { config, context }: { readonly config: Pick<Config, 'sqliteFile'>; readonly context: EngineContext },
  redis: string,
  { onCounts = () => {} }: QueueOptions = {},
): Promise<RunningQueue> {
  const { store, clock, log, syncs } = context;
  const members = new Set(syncs.flatMap((sync) => sync.members.map(({ connection }) => connection)));
  const connections = [...members];
  await endUnheard(context);
  const prefix = await keyPrefix(context, config.sqliteFile);
  const link = openRedis(redis, prefix, context, { onThere });
  const open = (name: string) => {
    const queue = new Queue(name, {
      connection: link.producer,
      prefix,
      defaultJobOptions: keptJobs,
      settings: { repeatStrategy: nextTick },
      // It must fail at once, and never wait for a version to compare: workers do.
      skipWaitingForReady: true,
      skipVersionCheck: true,
    });
    queue.on('error', () => {});
    return queue;
  };
  const sweeps = open(sweepQueue);
  const hints = open(webhookQueue);
  const ofConnections = connections.flatMap((name) => [open(pullQueue(name)), open(pushQueue(name))]);
  const queues = [sweeps, hints, ...ofConnections];
  const errands = openErrands(ofConnections, link, prefix, context.owner);
  const cycles = openCycles(context, sweeps, errands);
  const common = { redis: link, prefix, log };
  const rounds = openRounds(context, hints, errands);
  const concurrency = syncs.length + 2;
  const runners = [
    openWorker({ ...common, name: sweepQueue, concurrency, work: cycles.work }),
    // What came in during a round is asked for as soon as it has ended.
    openWorker({ ...common, name: webhookQueue, concurrency, work: rounds.work, onDone: () => relay.wake() }),
  ];

  const works = new Map<string, SeatWork>();
  /** Work at seats that are given up or lost, until all has ended. */
  const ending = new Set<SeatWork>();
  const begin = (connection: string) => {
    works.set(connection, workAt({ context, connection, redis: link, prefix, onCounts }));
  };
  const end = async (connection: string, how: 'drain' | 'stop' | 'abort') => {
    const work = works.get(connection);
    if (!work) return;
    works.delete(connection);
    ending.add(work);
    if (how === 'abort') work.abort();
    await work[how === 'drain' ? 'drain' : 'stop']();
    void work
      .closed()
      .catch(() => {})
      .finally(() => ending.delete(work));
  };
  let isClosing = false;
  const seats = openSeats(context, connections, {
    begin,
    mayLeave: (connection) => works.get(connection)?.isPulling === false,
    leave: (connection) => end(connection, isClosing ? 'stop' : 'drain'),
    stop: (connection) => void end(connection, 'abort'),
  });
  const relay = openRelay(context, ask);

  /** What is due for a sync gets to its queue. */
  async function ask({ name }: SyncPolicy): Promise<void> {
    if (link.awaySince !== undefined || (await isPaused(store, name))) return;
    const wanted = await wantedAt(store, name);
    if (wanted !== undefined && wanted <= clock.now()) await cycles.ask(name);
    await rounds.askIfDue(name);
  }

  function onThere(isEmptied: boolean): void {
    void renew(isEmptied).catch(() => {
      // Redis went again: we hear of it when it is back.
    });
  }

  /** Redis is there, perhaps empty: what only it knew is written anew. */
  async function renew(isEmptied: boolean): Promise<void> {
    errands.look();
    await writeSchedules(sweeps, syncs);
    await cycles.catchUp();
    relay.wake();
    if (!isEmptied) return;
    // What is under way for jobs that are gone would only be in the way of those that are asked for instead.
    await Promise.all([...works.keys()].map(restart));
  }

  async function restart(connection: string): Promise<void> {
    await end(connection, 'stop');
    if (seats.has(connection) && !works.has(connection) && !isClosing) begin(connection);
  }

  function mustBeThere(): void {
    const { awaySince } = link;
    if (awaySince === undefined) return;
    throw new QueueAwayError(
      `Redis is away since ${new Date(awaySince).toISOString()}; nothing was asked for, try again when it is back`,
    );
  }

  async function closeAll(): Promise<void> {
    isClosing = true;
    await Promise.all([relay.close(), ...runners.map((runner) => runner.stop()), seats.close()]);
    // Nothing more is done here, and nobody waits for us; without Redis there is nobody to tell.
    if (link.awaySince !== undefined) return;
    await Promise.all([...runners, ...ending].map((work) => work.closed()));
    await errands.close();
    await Promise.all(queues.map((queue) => queue.close()));
  }

  async function close(deadlineMs: number): Promise<boolean> {
    const late = new AbortController();
    const inTime = async (ms: number) => {
      await wait(Math.max(ms, 0), undefined, { signal: late.signal }).catch(() => {});
      return false;
    };
    const all = closeAll().then(
      () => true,
      (error: unknown) => {
        log.warn(
          { error: error instanceof Error ? error.message : String(error) },
          'the queues did not close in order',
        );
        return false;
      },
    );
    let isInOrder = await Promise.race([all, inTime(deadlineMs - abortMs)]);
    if (!isInOrder) {
      for (const work of [...works.values(), ...ending]) work.abort();
      isInOrder = await Promise.race([all, inTime(abortMs - lastMs)]);
    }
    late.abort();
    link.close();
    return isInOrder;
  }

  let closing: Promise<boolean> | undefined;
  return {
    queues,
    get awaySince() {
      return link.awaySince;
    },
    async depths() {
      mustBeThere();
      return await Promise.all(
        queues.map(async (queue) => {
          const {
            waiting = 0,
            prioritized = 0,
            active = 0,
            delayed = 0,
            failed = 0,
          } = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
          return { queue: queue.name, waiting: waiting + prioritized, active, delayed, failed };
        }),
      );
    },
    async syncNow(sync) {
      syncNamed(context, sync);
      mustBeThere();
      await cycles.askNow(sync);
    },
    wake: () => relay.wake(),
    holds: () =>
      [...works.keys()].flatMap((connection) => {
        const held = context.connections.get(connection)?.held?.();
        if (!held) return [];
        const reason = held.why === 'asked' ? 'the CRM asked for a pause' : 'the CRM does not answer';
        return [{ connection, until: held.until, reason }];
      }),
    seats: () => seats.all(),
    close(deadlineMs) {
      closing ??= close(deadlineMs);
      return closing;
    },
  };
}
