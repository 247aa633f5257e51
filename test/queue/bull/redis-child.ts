import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findRedisServer } from '../../../src/queue/bull/redis-server.ts';

const program = findRedisServer(process.env.PATH);

/** Why tests on a real Redis cannot run here; undefined where they can. */
export const whyNoRedis = program ? undefined : 'no redis-server or valkey-server on PATH';

/** A real Redis of a test's own, on a private socket, without files. */
export interface RedisChild {
  /** For `startQueue`. */
  readonly address: string;
  readonly socket: string;
  /** Empties it, as FLUSHALL does. */
  empty(): Promise<void>;
  /** Ends it; what is in it is gone. */
  stop(): Promise<void>;
  /** Starts it again, empty. */
  start(): Promise<void>;
  /** Ends it for good. */
  close(): Promise<void>;
}

/** Starts one. */
export async function openRedisChild(): Promise<RedisChild> {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-redis-'));
  const socket = join(folder, 'r.sock');
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const options = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
    child = spawn(program!, options, { cwd: folder, stdio: 'ignore' });
    for (let tries = 0; ; tries += 1) {
      if (await answers()) return;
      if (tries === 500) throw new Error('the Redis of the test does not answer');
      await wait(10);
    }
  }

  async function withClient<T>(use: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(socket, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', () => {});
    try {
      await client.connect();
      return await use(client);
    } finally {
      client.disconnect();
    }
  }

  const answers = () =>
    withClient((client) => client.ping()).then(
      () => true,
      () => false,
    );

  async function stop(): Promise<void> {
    if (!child) return;
    const ended = new Promise((resolve) => child!.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    child = undefined;
  }

  await start();
  return {
    address: `unix://${socket}`,
    socket,
    empty: async () => {
      await withClient((client) => client.flushall());
    },
    stop,
    start,
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
