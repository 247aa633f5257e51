import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/connector/clock.ts';
import type { EngineContext } from '../../../src/engine/engine.ts';
import { isOwnerAlive, nameOwner } from '../../../src/owner.ts';
import { findRedisServer, openRedisServer, type RedisServer } from '../../../src/queue/bull/redis-server.ts';
import { openSqliteStore } from '../../../src/store/sqlite.ts';
import type { Store } from '../../../src/store/store.ts';

const program = findRedisServer(process.env.PATH);

describe('finding a Redis', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'concordat-redis-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const put = async (name: string, mode: number) => {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, '#!/bin/sh\n');
    await chmod(file, mode);
    return file;
  };

  it('finds redis-server, else valkey-server, that may be run', async () => {
    const searchPath = ['one', 'two', 'three'].map((name) => path.join(folder, name)).join(path.delimiter);
    expect(findRedisServer(searchPath)).toBeUndefined();
    expect(findRedisServer(undefined)).toBeUndefined();
    await put('one/redis-server', 0o600);
    expect(findRedisServer(searchPath)).toBeUndefined();
    await mkdir(path.join(folder, 'one/valkey-server'));
    const valkey = await put('two/valkey-server', 0o700);
    expect(findRedisServer(searchPath)).toBe(valkey);
    const redis = await put('three/redis-server', 0o700);
    expect(findRedisServer(searchPath)).toBe(redis);
  });
});

describe.skipIf(program === undefined)('our own Redis', () => {
  let folder: string;
  let store: Store;
  const opened: RedisServer[] = [];
  const clients: Redis[] = [];
  const said: { level: string; fields: Record<string, unknown>; message: string }[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'concordat-redis-'));
    store = await openSqliteStore(path.join(folder, 'concordat.db'));
    said.length = 0;
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    for (const server of opened.splice(0)) await server.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  const log = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void said.push({ level, fields, message });
  /** As a process of its own would open it. */
  const open = (of: Partial<{ folder: string; program: string }> = {}) => {
    const context = {
      store,
      clock: systemClock,
      owner: nameOwner(),
      isAlive: isOwnerAlive,
      log: { info: log('info'), warn: log('warn'), error: log('error') },
    } as unknown as EngineContext;
    const databaseFile = path.join(of.folder ?? folder, 'concordat.db');
    const server = openRedisServer({ program: of.program ?? program!, databaseFile, context });
    opened.push(server);
    return server;
  };
  const connect = ({ socket }: RedisServer) => {
    const client = new Redis({ path: socket, retryStrategy: () => 20 });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  const pidOf = async (server: RedisServer) =>
    Number(/process_id:(\d+)/.exec(await connect(server).info('server'))?.[1]);
  const isRunning = (pid: number) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  it('is private, keeps its files, evicts nothing, and is gone after the last close', async () => {
    const server = open();
    expect(await server.ready(10_000)).toBe(true);
    expect(server.folder).toBe(path.join(folder, 'concordat.db.redis'));
    expect((await stat(server.folder)).mode & 0o777).toBe(0o700);
    expect((await stat(server.socket)).mode & 0o777).toBe(0o700);
    const client = connect(server);
    for (const [key, value] of [
      ['maxmemory-policy', 'noeviction'],
      ['appendonly', 'yes'],
      ['port', '0'],
    ] as const)
      expect(await client.config('GET', key)).toEqual([key, value]);
    const pid = await pidOf(server);
    await client.set('kept', 'yes');
    client.disconnect();
    await server.close();
    await vi.waitUntil(() => !isRunning(pid));
    const again = open();
    expect(await again.ready(10_000)).toBe(true);
    expect(await connect(again).get('kept')).toBe('yes');
  });

  it('is shared by processes that start at once, and stays until the last one leaves', async () => {
    const servers = [open(), open(), open()];
    expect(await Promise.all(servers.map((server) => server.ready(10_000)))).toEqual([true, true, true]);
    const [pid, ...others] = await Promise.all(servers.map(pidOf));
    expect(others).toEqual([pid, pid]);
    expect(said.filter(({ message }) => message === 'our own Redis is running')).toHaveLength(1);
    await servers[0]!.close();
    expect(await pidOf(servers[1]!)).toBe(pid);
    await Promise.all([servers[1]!.close(), servers[2]!.close()]);
    await vi.waitUntil(() => !isRunning(pid!));
  });

  it('is started again, once, when it dies', async () => {
    const servers = [open(), open()];
    await Promise.all(servers.map((server) => server.ready(10_000)));
    const client = connect(servers[0]!);
    await client.set('kept', 'yes');
    const pid = await pidOf(servers[0]!);
    process.kill(pid, 'SIGKILL');
    await vi.waitUntil(() => !isRunning(pid));
    expect(await client.get('kept')).toBe('yes');
    const [now, ...others] = await Promise.all(servers.map(pidOf));
    expect(now).not.toBe(pid);
    expect(others).toEqual([now]);
    expect(said.filter(({ message }) => message === 'our own Redis is running')).toHaveLength(2);
  });

  it('is found again when it was left over', async () => {
    const orphans = path.join(folder, 'concordat.db.redis');
    await mkdir(orphans, { mode: 0o755 });
    const orphan = spawn(program!, ['--port', '0', '--unixsocket', 'redis.sock', '--save', ''], { cwd: orphans });
    await vi.waitUntil(async () => (await readdir(orphans)).includes('redis.sock'));
    const server = open();
    expect(await server.ready(10_000)).toBe(true);
    expect((await stat(orphans)).mode & 0o777).toBe(0o700);
    expect(await pidOf(server)).toBe(orphan.pid);
    const ended = once(orphan, 'exit');
    await server.close();
    await ended;
  });

  it('lives in a folder that is too deep for a socket, and behind another name of the file', async () => {
    const deep = path.join(folder, ...Array.from({ length: 8 }, () => 'a-folder-with-a-long-name'));
    await mkdir(deep, { recursive: true });
    await writeFile(path.join(deep, 'concordat.db'), '');
    const server = open({ folder: deep });
    expect(await server.ready(10_000)).toBe(true);
    await symlink(deep, path.join(folder, 'short'));
    const other = open({ folder: path.join(folder, 'short') });
    expect(await other.ready(10_000)).toBe(true);
    expect(await pidOf(other)).toBe(await pidOf(server));
  });

  it('throws files away that it cannot read', async () => {
    const server = open();
    await server.ready(10_000);
    await connect(server).set('kept', 'yes');
    await server.close();
    const data = path.join(server.folder, 'appendonlydir');
    const incremental = (await readdir(data)).find((name) => name.includes('.incr.'))!;
    await writeFile(
      path.join(data, incremental),
      `no such thing${await readFile(path.join(data, incremental), 'utf8')}`,
    );
    const again = open();
    expect(await again.ready(10_000)).toBe(true);
    expect(await connect(again).get('kept')).toBeNull();
    expect(said.map(({ message }) => message)).toContain(
      'the files of our own Redis were thrown away: all that counts is in the database',
    );
  });

  it('goes on trying where the program fails, and says so once', async () => {
    const broken = path.join(folder, 'broken');
    await writeFile(broken, '#!/bin/sh\necho no room at all\nexit 1\n', { mode: 0o700 });
    const server = open({ program: broken });
    expect(await server.ready(1_000)).toBe(false);
    expect(said).toEqual([
      {
        level: 'error',
        message: 'our own Redis does not start; it is tried again and again',
        fields: { program: broken, folder: server.folder, end: 'ended with status 1', said: 'no room at all' },
      },
    ]);
    await writeFile(broken, `#!/bin/sh\nexec ${program} "$@"\n`);
    expect(await server.ready(10_000)).toBe(true);
  });
});
