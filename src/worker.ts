import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { App } from './app.ts';
import { type RunningQueue, startQueue } from './queue/bull/queue.ts';
import { openRedisServer, type RedisServer, RedisServerError } from './queue/bull/redis-server.ts';
import type { QueueControl } from './queue/control.ts';
import { expireDaily } from './queue/retention.ts';
import { buildDashboard } from './server/dashboard/dashboard.ts';
import { addHealth } from './server/health.ts';
import { ListenError, type Listener, listenInTurn } from './server/listener.ts';
import type { Metrics } from './server/metrics.ts';
import { createReceiver } from './server/webhooks/receiver.ts';

/** How long Redis is waited for before the rest begins; it may come later just as well. */
const redisPatienceMs = 3_000;
const lookEveryMs = 20;

/** How long jobs under way may go on after the word to stop. */
const drainMs = 14_000;
/** How long the whole end may take; the contract says 20 s, for which a process has to end as well. */
const endMs = 18_000;

/** The worker cannot start here, in words for people: an address is taken, a folder cannot be made. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
}

/** Which Redis moves the jobs: one that is named, or a program that is run beside the database. */
export type RedisChoice = { readonly url: string } | { readonly program: string };

export interface WorkerParts {
  readonly app: App;
  readonly redis: RedisChoice;
  /** Counts already what the app does. */
  readonly metrics: Metrics;
}

/** Everything that `concordat start` runs. */
export interface RunningWorker {
  /** Undefined: no connection sends webhooks. */
  readonly receiver: Listener | undefined;
  /** Dashboard, health and metrics. */
  readonly dashboard: Listener;
  readonly control: QueueControl;
  /** The folder of our own Redis; undefined where one is named. */
  readonly redisFolder: string | undefined;
  /**
   * Takes no more work, finishes what is under way or gives it back, and closes everything, the app as well. Resolves in
   * less than 20 s. @returns whether all ended in order; what did not is taken over by the next process
   */
  close(): Promise<boolean>;
}

/**
 * Starts queues, webhook receiver and dashboard. Waits for no CRM, and for Redis seconds at most.
 * @throws WorkerError; nothing runs then, and the app is closed
 */
export async function startWorker({ app, redis, metrics }: WorkerParts): Promise<RunningWorker> {
  const { config, context } = app;
  const stop = new AbortController();
  const listeners: Listener[] = [];
  let own: RedisServer | undefined;
  let queue: RunningQueue | undefined;
  let expiring: Promise<void> | undefined;
  let ending: Promise<boolean> | undefined;

  /** What listens ends first, so that another worker takes it over at once. */
  async function end(): Promise<boolean> {
    stop.abort();
    const [isDrained = true] = await Promise.all([
      queue?.close(drainMs),
      ...listeners.map((listener) => listener.close()),
      expiring,
    ]);
    await own?.close();
    metrics.close();
    await app.close();
    return isDrained;
  }

  function close(): Promise<boolean> {
    ending ??= withinTime(end(), endMs);
    return ending;
  }

  async function listen(server: FastifyInstance, what: 'webhooks' | 'dashboard'): Promise<Listener> {
    const listener = await listenInTurn({ server, address: config[what].listen, what, context });
    listeners.push(listener);
    return listener;
  }

  async function begin(): Promise<RunningWorker> {
    own = 'program' in redis ? openOwnRedis(app, redis.program) : undefined;
    const isThere = own === undefined || (await own.ready(redisPatienceMs));
    const control = await startQueue(app, own?.address ?? ('url' in redis ? redis.url : ''), {
      onCounts: metrics.onCounts,
    });
    queue = control;
    if (isThere) await answers(control);
    metrics.watch(context, control);
    const sources = config.webhooks.sources;
    const receiver = sources.size === 0 ? undefined : await listen(receiverFor(app, control, metrics), 'webhooks');
    const addOpen = (server: FastifyInstance) => {
      addHealth(server, {
        store: context.store,
        redisAwaySince: () => control.awaySince,
        notReceiving: () => (receiver && receiver.url === undefined ? notReceiving : undefined),
      });
      server.get('/metrics', async (_request, reply) => {
        const text = await metrics.text();
        return await reply.header('content-type', metrics.contentType).send(text);
      });
    };
    const dashboard = await listen(await buildDashboard({ config, context, control, open: [addOpen] }), 'dashboard');
    expiring = expireDaily(context, config.retentionMs, stop.signal);
    return { receiver, dashboard, control, redisFolder: own?.folder, close };
  }

  try {
    return await begin();
  } catch (error) {
    await close();
    const isExpected = error instanceof ListenError || error instanceof RedisServerError;
    throw isExpected ? new WorkerError(error.message, { cause: error }) : error;
  }
}

/** Waits a little for Redis, so that the first thing said of it is true. */
async function answers(control: QueueControl): Promise<void> {
  for (let waitedMs = 0; control.awaySince !== undefined && waitedMs < redisPatienceMs; waitedMs += lookEveryMs)
    await wait(lookEveryMs);
}

const notReceiving = 'another worker of this database receives them';

function receiverFor({ config, context }: App, control: QueueControl, metrics: Metrics): FastifyInstance {
  const { store, clock, log } = context;
  const { sources } = config.webhooks;
  const wake = () => control.wake();
  const server = createReceiver({ sources, syncs: config.syncs, store, clock, log, wake });
  server.addHook('onResponse', async (_request, reply) => metrics.onWebhook(reply.statusCode));
  return server;
}

function openOwnRedis({ config, context }: App, program: string): RedisServer {
  return openRedisServer({ program, databaseFile: config.sqliteFile, context });
}

async function withinTime(work: Promise<boolean>, ms: number): Promise<boolean> {
  const done = new AbortController();
  const late = wait(ms, false, { signal: done.signal }).catch(() => false);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
