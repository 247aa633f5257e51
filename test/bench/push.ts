import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findRedisServer } from '../../src/queue/bull/redis-server.ts';
import { type Line, median, type Scale } from './report.ts';

const execute = promisify(execFile);

/** POSTs under way at once. */
const concurrent = 50;

/** What one measured process is to do. */
export interface PushTask {
  readonly side: 'floor' | 'ours';
  /** Contacts to be created. */
  readonly total: number;
  readonly concurrent: number;
  /** Where they are created, and where ours reads them before. */
  readonly baseUrl: string;
  readonly pagesUrl: string;
  /** Of Redis. */
  readonly socket: string;
  /** Database of ours. */
  readonly file: string;
}

interface Pushed {
  /** From the first job to the last answer. */
  readonly seconds: number;
  /** Of the worker process; Redis and the CRM not included. */
  readonly cpuSeconds: number;
}

/**
 * Measures creates that go through the queue: from pending rows, each with its durable intent, link and shadow, against
 * the same POSTs by a bare worker, with one job each.
 */
export async function pushLines({ isQuick, rounds }: Scale): Promise<readonly Line[]> {
  const total = isQuick ? 5_000 : 20_000;
  console.log(`push: ${total} contacts, ${concurrent} at once`);
  const pairs: { floor: Pushed; ours: Pushed }[] = [];
  for (let round = 1; round <= rounds; round++) {
    // Who goes first changes from round to round, so that a machine that tires favours nobody.
    const early = round % 2 === 1 ? await measure('floor', total) : undefined;
    const ours = await measure('ours', total);
    const floor = early ?? (await measure('floor', total));
    pairs.push({ floor, ours });
    tell(round, 'bare worker', total, floor);
    tell(round, 'push through the queue', total, ours);
  }
  const rate = (side: 'floor' | 'ours') =>
    `${Math.round(total / median(pairs.map((pair) => pair[side].seconds))).toLocaleString('en')}/s`;
  return [
    {
      what: 'push through the queue',
      floor: rate('floor'),
      ours: rate('ours'),
      ratio: median(pairs.map(({ floor, ours }) => ours.seconds / floor.seconds)),
      limit: 1 / 0.6,
    },
  ];
}

async function measure(side: PushTask['side'], total: number): Promise<Pushed> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const socket = join(folder, 'redis.sock');
  const program = findRedisServer(process.env.PATH);
  if (program === undefined) throw new Error('this benchmark needs redis-server or valkey-server on the PATH');
  const redis = spawn(
    program,
    ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'yes'],
    { stdio: 'ignore' },
  );
  const crm = fork(new URL('./push-server.ts', import.meta.url));
  const pages = fork(new URL('./page-server.ts', import.meta.url), [String(total)]);
  try {
    const [crmPort, pagesPort] = await Promise.all([crm, pages].map(portOf));
    while (!existsSync(socket)) await wait(10);
    const task: PushTask = {
      ...{ side, total, concurrent, socket, file: join(folder, 'ours.db') },
      baseUrl: `http://127.0.0.1:${crmPort}`,
      pagesUrl: `http://127.0.0.1:${pagesPort}`,
    };
    const worker = new URL('./push-worker.ts', import.meta.url).pathname;
    const { stdout } = await execute(process.execPath, [worker, JSON.stringify(task)]);
    const told = reply(crm);
    crm.send({});
    const { posts, distinct } = (await told) as { posts: number; distinct: number };
    if (posts !== total || distinct !== total)
      throw new Error(`${side}: ${posts} creates of ${distinct} contacts came to the CRM, expected ${total}`);
    return JSON.parse(stdout) as Pushed;
  } finally {
    crm.disconnect();
    pages.disconnect();
    redis.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function portOf(server: ChildProcess): Promise<number> {
  return ((await reply(server)) as { port: number }).port;
}

function reply(server: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => reject(new Error(`a server of the benchmark ended with status ${code}`));
    server.once('exit', died);
    server.once('message', (message) => {
      server.off('exit', died);
      resolve(message);
    });
  });
}

function tell(round: number, what: string, total: number, { seconds, cpuSeconds }: Pushed): void {
  const micros = ((cpuSeconds / total) * 1e6).toFixed(0).padStart(5);
  const rate = String(Math.round(total / seconds)).padStart(7);
  console.log(`round ${round}: ${what.padEnd(24)} ${rate}/s; processor ${micros} µs each`);
}
