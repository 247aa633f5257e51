import { spawn } from 'node:child_process';
import { accessSync, chmodSync, closeSync, constants, mkdirSync, openSync, realpathSync, statSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { EngineContext } from '../../engine/engine.ts';
import { dropLease, takeLease } from '../../engine/lease.ts';

/*
 * A Redis of our own, for those who name none. The processes of one database share it: whoever finds nobody at the socket
 * starts one, under a lease so that there are never two on one folder; the last one to leave stops it. It stands in a
 * session of its own, so that neither Ctrl-C at a terminal nor the death of the process that started it takes it away from
 * the others. One that is left over, because we were killed, is simply found at the socket by the next process.
 * Nothing in it is worth saving: the store is the truth. What cannot be read of its files is thrown away.
 */

/** Programs that are a Redis, in the order in which they are looked for. */
const programs = ['redis-server', 'valkey-server'] as const;

const socketName = 'redis.sock';
const logName = 'redis.log';
const dataName = 'appendonlydir';

/** Bytes of a socket's path, at most: the shortest limit among systems (macOS: 104 with the closing zero). */
const longestSocketPath = 103;

/** Under which our connections to it are known; the last of them to go stops it. */
const clientName = 'concordat-worker';
const leavingName = 'concordat-leaving';

/** How long a start may take: it reads its files before it serves, but listens before that. */
const startMs = 10_000;
const leaseMs = 3 * startMs;
/** How often the start of another process, or our own, is looked at. */
const lookEveryMs = 20;
const longestPauseMs = 10_000;
/** How long stopping it, and ending with it, may take. */
const stopMs = 2_000;

/** The first Redis on a PATH; undefined when there is none. */
export function findRedisServer(searchPath: string | undefined): string | undefined {
  const folders = (searchPath ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const files = programs.flatMap((program) => folders.map((folder) => path.resolve(folder, program)));
  return files.find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Our own Redis has no place to live, in words for people. */
export class RedisServerError extends Error {
  override readonly name = 'RedisServerError';
}

export interface RedisServerOptions {
  /** What is started: see `findRedisServer`. */
  readonly program: string;
  /** The database file whose processes share it; it lives in the folder `<file>.redis`. */
  readonly databaseFile: string;
  readonly context: EngineContext;
}

/** Our own Redis, as long as this process wants it. */
export interface RedisServer {
  /** For the connections of this process; on Linux it may name a place that means nothing to others. */
  readonly socket: string;
  /** The same as an address, `unix://…`. */
  readonly address: string;
  /** The folder with its socket, files and log. */
  readonly folder: string;
  /** Resolves when it answers for the first time; false when it does not do so in time. Trying goes on. */
  ready(withinMs: number): Promise<boolean>;
  /** Leaves it; stops it when nobody else uses it. Never rejects, and takes seconds at most. */
  close(): Promise<void>;
}

/**
 * Finds or starts the Redis of a database, and starts it again whenever nobody listens at its socket, until `close`.
 * @throws RedisServerError when its folder cannot be made or its path is too long for a socket
 */
export function openRedisServer({ program, databaseFile, context }: RedisServerOptions): RedisServer {
  const { clock, log } = context;
  const folder = makeFolder(`${realpathSync(databaseFile)}.redis`);
  const address = socketAddress(folder);
  const stop = new AbortController();
  const first = Promise.withResolvers<boolean>();
  let client: Redis | undefined;
  let failures = 0;
  const keeping = keep();

  async function keep(): Promise<void> {
    while (!stop.signal.aborted) {
      client = await connected();
      if (client) {
        failures = 0;
        first.resolve(true);
        const gone = client;
        await new Promise<void>((resolve) => gone.once('end', resolve));
        client = undefined;
        if (!stop.signal.aborted) log.warn({ folder }, 'our own Redis has gone; it is started again');
      } else if (!(await startInTurn())) await pause();
    }
  }

  /** A connection that is served; undefined when nobody listens. */
  async function connected(): Promise<Redis | undefined> {
    const next = new Redis({
      path: address.socket,
      connectionName: clientName,
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    // What is wrong is told by the promise, or by the end of the connection.
    next.on('error', () => {});
    const giveUp = () => next.disconnect();
    stop.signal.addEventListener('abort', giveUp, { once: true });
    try {
      await next.connect();
      return next;
    } catch {
      next.disconnect();
      return undefined;
    } finally {
      stop.signal.removeEventListener('abort', giveUp);
    }
  }

  /** @returns whether somebody listens now */
  async function startInTurn(): Promise<boolean> {
    const isOurTurn = await takeLease(context, 'redis', 'start', leaseMs).catch(() => false);
    if (!isOurTurn) return await isListening(address.socket);
    try {
      return (await isListening(address.socket)) || (await start());
    } finally {
      await dropLease(context, 'redis', 'start').catch(() => {});
    }
  }

  async function start(): Promise<boolean> {
    const output = openSync(path.join(folder, logName), 'w', 0o600);
    const child = spawn(program, serverOptions, { cwd: folder, detached: true, stdio: ['ignore', output, output] });
    closeSync(output);
    let end: string | undefined;
    child.once('error', (error) => {
      end ??= error.message;
    });
    child.once('exit', (code, signal) => {
      end ??= `ended with ${signal ?? `status ${code}`}`;
    });
    child.unref();
    const startedAt = clock.now();
    while (end === undefined && clock.now() - startedAt < startMs && !stop.signal.aborted) {
      if (await isListening(address.socket)) {
        log.info({ pid: child.pid, folder }, 'our own Redis is running');
        return true;
      }
      await clock.sleep(lookEveryMs, stop.signal).catch(() => {});
    }
    child.kill('SIGKILL');
    if (stop.signal.aborted) return false;
    await complain(end ?? `does not listen after ${startMs / 1_000} s`);
    return false;
  }

  /** Says once what is wrong, and gives up files that it may have stumbled over. */
  async function complain(end: string): Promise<void> {
    const said = (await readFile(path.join(folder, logName), 'utf8').catch(() => '')).trim().split('\n').at(-1) ?? '';
    const isAboutFiles = /append.?only|\bAOF\b|\bRDB\b/i.test(said);
    failures += 1;
    if (failures === 1 || isAboutFiles)
      log.error({ program, folder, end, said }, 'our own Redis does not start; it is tried again and again');
    if (!isAboutFiles) return;
    await rm(path.join(folder, dataName), { recursive: true, force: true });
    log.warn({ folder }, 'the files of our own Redis were thrown away: all that counts is in the database');
  }

  /** Short while another process starts it, longer each time that it failed. */
  async function pause(): Promise<void> {
    const ms = failures === 0 ? lookEveryMs * 5 : Math.min(100 * 2 ** failures, longestPauseMs);
    await clock.sleep(ms, stop.signal).catch(() => {});
  }

  /** Tells that we leave before looking for others: of two that leave at once, the later one to look finds nobody. */
  async function leave(from: Redis, late: AbortSignal): Promise<void> {
    await from.client('SETNAME', leavingName);
    const names = String(await from.client('LIST')).matchAll(/ name=(\S*)/g);
    if ([...names].some(([, name]) => name === clientName)) return;
    const gone = new Promise<void>((resolve) => from.once('end', resolve));
    await Promise.all([gone, from.shutdown('NOSAVE').catch(() => {})]);
    while (await isListening(address.socket)) await clock.sleep(lookEveryMs, late);
  }

  return {
    socket: address.socket,
    address: `unix://${address.socket.split('/').map(encodeURIComponent).join('/')}`,
    folder,
    async ready(withinMs) {
      const decided = new AbortController();
      const late = clock.sleep(withinMs, decided.signal).then(
        () => false,
        () => false,
      );
      const isReady = await Promise.race([first.promise, late]);
      decided.abort();
      return isReady;
    },
    async close() {
      if (stop.signal.aborted) return;
      const last = client;
      stop.abort();
      if (last) {
        const late = AbortSignal.timeout(stopMs);
        const timeout = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve(), { once: true }));
        await Promise.race([leave(last, late).catch(() => {}), timeout]);
        last.disconnect();
      }
      await keeping;
      first.resolve(false);
      address.close();
    },
  };
}

/** It keeps its jobs over a restart, throws none away for want of room, and listens nowhere but at its socket. */
const serverOptions = [
  ...['--port', '0', '--unixsocket', socketName, '--unixsocketperm', '700'],
  ...['--save', '', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
  ...['--daemonize', 'no', '--loglevel', 'warning'],
];

function makeFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
    return folder;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new RedisServerError(`${folder}: the folder for our own Redis cannot be made (${code}); or set queue.redis`, {
      cause: error,
    });
  }
}

/**
 * A path to the socket in the folder that is short enough for the system. In a deep folder, Linux offers a short one by way
 * of an open file.
 */
function socketAddress(folder: string): { readonly socket: string; close(): void } {
  const socket = path.join(folder, socketName);
  if (Buffer.byteLength(socket) <= longestSocketPath) return { socket, close: () => {} };
  if (process.platform !== 'linux')
    throw new RedisServerError(
      `${folder}: the path is too long for the socket of our own Redis (at most ${longestSocketPath} bytes); move the database to a shorter one, or set queue.redis`,
    );
  const open = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return { socket: `/proc/self/fd/${open}/${socketName}`, close: () => closeSync(open) };
}

async function isListening(socket: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const connection = createConnection({ path: socket });
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
