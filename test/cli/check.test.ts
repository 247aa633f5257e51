import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRedisServer } from '../../src/queue/bull/redis-server.ts';
import { migrations } from '../../src/store/migrate.ts';
import { type Bench, concordat, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

interface Checked {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly ok: boolean;
    readonly isDoubtful?: true;
    readonly what: string;
    readonly name: string;
    readonly message: string;
    readonly next?: string;
    readonly unsupported?: readonly string[];
  }[];
}
async function check(): Promise<{ status: number | null; checked: Checked }> {
  const { status, stdout } = await bench.run('check', '--json');
  return { status, checked: JSON.parse(stdout) as Checked };
}

describe('concordat check', () => {
  it('is exit 0 when all is well, and changes nothing anywhere', async () => {
    const { status, checked } = await check();
    expect(checked.checks.map(({ ok, what, name }) => [ok, what, path.basename(name)])).toEqual([
      [true, 'configuration', 'concordat.yaml'],
      [true, 'database', 'concordat.db'],
      [true, 'connection', 'room'],
      [true, 'connection', 'room'],
      [true, 'clock', 'room'],
      [true, 'connection', 'site'],
      [true, 'connection', 'site'],
      [true, 'clock', 'site'],
      [true, 'connection', 'site2'],
      [true, 'clock', 'site2'],
      [true, 'sync', 'room'],
      [true, 'sync', 'site'],
      [true, 'redis', ''],
      [true, 'dashboard', ''],
    ]);
    expect(checked.checks.filter(({ isDoubtful, what }) => isDoubtful && what !== 'redis')).toEqual([]);
    expect(checked.checks.map(({ message }) => message)).toContain('shows its contacts');
    expect({ status, ok: checked.ok }).toEqual({ status: 0, ok: true });
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
    expect([...bench.site.requests, ...bench.room.requests].filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('says which of several words of a CRM is written, as no other command does', async () => {
    const file = path.join(bench.folder, 'concordat.yaml');
    const words = 'values: { contact: { status: { Won: customer, Closed: customer } } }';
    await writeFile(file, (await readFile(file, 'utf8')).replace(/connector: treepl/, `connector: treepl, ${words}`));
    const { status, checked } = await check();
    expect(checked.checks[1]).toMatchObject({ ok: true, message: expect.stringContaining('Won and Closed mean') });
    expect(status).toBe(0);
    expect((await bench.run('status')).stderr).toBe('');
  });

  it.each([
    [401, /the token is refused: set connections\.site\.token/],
    [403, /lack a permission: give them the scope or role for GET \/api\/v2\/admin\/contacts \(.*\)/],
    [404, /is http.* the address of this CRM’s API\?/],
  ])('tells %i from other trouble, and what to do', async (code, next) => {
    bench.site.faults.status = { code, times: 100 };
    const { status, checked } = await check();
    expect(status).toBe(1);
    expect(checked.ok).toBe(false);
    expect(checked.checks.find(({ name }) => name === 'site')?.next).toMatch(next);
    expect(checked.checks.find(({ name }) => name === 'room')?.ok).toBe(true);
  });

  it('looks through the whole of the database, and says what to do where it is damaged or foreign', async () => {
    for (let n = 1; n <= 60; n += 1) bench.site.people.add('contact', person(n).site);
    await bench.run('sync');
    const file = path.join(bench.folder, 'concordat.db');
    const database = async () => (await check()).checked.checks.find(({ what }) => what === 'database');
    expect(await database()).toMatchObject({ ok: true, message: 'sound, and writable' });
    const sound = await readFile(file);
    await writeFile(file, Buffer.from(sound).fill(0xff, 8192 * 5, 8192 * 6));
    expect(await database()).toMatchObject({ ok: false, next: expect.stringContaining('docs/restore.md') });
    await writeFile(file, 'no database');
    expect(await database()).toMatchObject({
      ok: false,
      message: expect.stringContaining('is not an SQLite database'),
    });
    expect((await readFile(file)).toString()).toBe('no database');
  });

  it('does not take a web page for an API', async () => {
    bench.site.faults.garble = { how: 'html', times: 100 };
    const { status, checked } = await check();
    expect(status).toBe(1);
    expect(checked.checks.find(({ name }) => name === 'site')).toMatchObject({ ok: false });
    expect(checked.checks.find(({ name }) => name === 'site')?.next).toMatch(/the address of this CRM’s API/);
  });

  it('names a CRM that is not there', async () => {
    await bench.room.close();
    const { status, checked } = await check();
    expect(status).toBe(1);
    expect(checked.checks.find(({ name }) => name === 'room')?.next).toMatch(/right, and reachable from here\?/);
  });

  it('prints a line for each, with what to do below', async () => {
    bench.site.faults.refuseToken = true;
    const { stdout } = await bench.run('check');
    expect(stdout).toMatch(/^ok {3}connection room: ConeCRM answers at/m);
    expect(stdout).toMatch(/^FAIL connection site: /m);
    expect(stdout).toMatch(/^ {5}→ the token is refused/m);
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  it('looks into each listing: a permission may be missing for one kind of records alone', async () => {
    bench.room.faults.status = { code: 403, times: 99, only: ({ path: at }) => at.includes('contact') };
    bench.site.people.add('contact', { ...person(1).site, Email: 7 });
    const { status, checked } = await check();
    expect(status).toBe(1);
    expect(checked.checks.filter(({ ok, name }) => !ok && name !== 'site2')).toEqual([
      expect.objectContaining({
        name: 'room',
        message: expect.stringMatching(/^cannot list its contacts: .*403/),
        next: expect.stringMatching(/lack a permission: give them the scope or role for GET \/api\/contact/),
      }),
    ]);
    expect(checked.checks.find(({ isDoubtful, name }) => isDoubtful && name === 'site')?.message).toMatch(
      /^1 of the first 1 contacts cannot be used: Email/,
    );
  });

  it.each([
    [-200_000, /^is 3 min.* behind ours$/],
    [90_000, /^is (89|90) s ahead of ours$/],
    // Above the tolerance by which `newest` decides, and the second that an answer's date may be off by.
    [-4_000, /^is [23]\.\d s behind ours$/],
    [1_500, undefined],
  ])('sees a clock that is %i ms ahead', async (aheadMs, message) => {
    const proxy = createServer((request, reply) => {
      void fetch(`${bench.site.url}${request.url}`, { headers: { authorization: 'Bearer site-token' } }).then(
        async (answer) => {
          reply.setHeader('content-type', 'application/json');
          reply.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
          reply.end(await answer.text());
        },
      );
    });
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
    try {
      const file = path.join(bench.folder, 'concordat.yaml');
      const { port } = proxy.address() as AddressInfo;
      await writeFile(file, (await readFile(file, 'utf8')).replace(bench.site.url, `http://127.0.0.1:${port}`));
      const { status, checked } = await check();
      const clock = checked.checks.find(({ what, name }) => what === 'clock' && name === 'site');
      expect(status).toBe(0);
      expect(clock?.isDoubtful).toBe(message && true);
      if (message) expect(clock?.message.replace(/[\s\u00a0]+/g, ' ')).toMatch(message);
    } finally {
      proxy.close();
    }
  });

  it('says whether others can read the database, and whether this version can', async () => {
    const file = path.join(bench.folder, 'concordat.db');
    await bench.run('sync');
    await chmod(file, 0o644);
    const ofDatabase = async () => (await check()).checked.checks.filter(({ what }) => what === 'database');
    expect(await ofDatabase()).toMatchObject([
      { ok: true, message: 'sound, and writable' },
      { ok: true, isDoubtful: true, message: expect.stringContaining('others can read it (mode 644)') },
    ]);
    const version = (number: number) => {
      const database = new Sqlite(file);
      database.pragma(`user_version = ${number}`);
      database.close();
    };
    version(migrations().length + 1);
    expect((await ofDatabase())[0]).toMatchObject({ ok: false, next: expect.stringContaining('update concordat') });
    version(migrations().length - 1);
    expect((await ofDatabase())[0]).toMatchObject({ ok: true, message: expect.stringContaining('is brought from') });
  });

  describe('of what start needs', () => {
    async function worker(settings: string, env: Record<string, string> = {}) {
      const file = path.join(bench.folder, 'worker.yaml');
      await writeFile(file, `${await readFile(path.join(bench.folder, 'concordat.yaml'), 'utf8')}${settings}`);
      const ended = await concordat(['check', '--json', '--config', 'worker.yaml'], { directory: bench.folder, env });
      const { checks } = JSON.parse(ended.stdout) as Checked;
      const of = (what: string) =>
        checks
          .filter((one) => one.what === what)
          .map(({ ok, isDoubtful, name, message }) => [ok ? (isDoubtful ? 'look' : 'ok') : 'FAIL', name, message]);
      return { status: ended.status, of };
    }

    it('finds secrets that can be guessed, that are shared, and listeners that others reach', async () => {
      const long = `whsec_${Buffer.alloc(24, 'ab').toString('base64')}`;
      const { status, of } = await worker(
        `webhooks:
  listen: 0.0.0.0:8787
  secrets:
    room: ${long}
    site: ${long}
    site2: { scheme: token, header: X-Token, secret: short }
dashboard: { listen: "127.0.0.1:8788", password: secret, readPassword: a long enough password }
`,
      );
      expect(of('webhooks')).toEqual([
        ['ok', 'room', 'signed by scheme standard'],
        ['look', 'site', 'has the same secret as room, which could speak for it'],
        ['look', 'site2', 'its secret is short enough to be guessed'],
        ['look', '', 'is to be reached from other machines at 0.0.0.0:8787, over plain HTTP'],
      ]);
      expect(of('dashboard')).toEqual([['look', '', 'its password can be guessed']]);
      expect(status).toBe(0);
    });

    it('says whether start finds a Redis to run', async () => {
      expect((await worker('', { PATH: bench.folder })).of('redis')).toEqual([
        ['look', '', 'queue.redis is empty and no redis-server is found: concordat start cannot run'],
      ]);
      const program = path.join(bench.folder, 'redis-server');
      await writeFile(program, '', { mode: 0o700 });
      expect((await worker('', { PATH: bench.folder })).of('redis')).toEqual([
        ['ok', '', `concordat start runs ${program} by itself`],
      ]);
      await rm(program);
    });

    it('looks at the Redis that is named', async ({ skip }) => {
      const program = findRedisServer(process.env.PATH);
      skip(program === undefined, 'there is no redis-server');
      const socket = path.join(bench.folder, 'r.sock');
      const server = spawn(program!, ['--port', '0', '--unixsocket', socket, '--dir', bench.folder, '--save', '']);
      try {
        const settings = `queue: { redis: "unix://${socket}" }\n`;
        const redis = new Redis(socket);
        redis.on('error', () => {});
        await redis.ping();
        await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
        const lru = await worker(settings);
        expect(lru.of('redis')).toEqual([['FAIL', socket, expect.stringContaining('maxmemory-policy allkeys-lru')]]);
        expect(lru.status).toBe(1);
        await redis.config('SET', 'maxmemory-policy', 'noeviction');
        expect((await worker(settings)).of('redis')).toEqual([
          ['ok', socket, expect.stringMatching(/^version \d+\.\d+\.\d+ answers; it keeps nothing over a restart/)],
        ]);
        redis.disconnect();
      } finally {
        server.kill();
        await once(server, 'exit');
      }
      expect((await worker(`queue: { redis: "redis://:hunter2@127.0.0.1:1" }\n`)).of('redis')).toEqual([
        ['FAIL', '127.0.0.1:1', expect.stringMatching(/^does not answer \(.*ECONNREFUSED/)],
      ]);
    });
  });

  describe('of a sync that makes leads at a ConeCRM', () => {
    const ids = {
      department: '0190a000-0000-7000-8000-0000000000d1',
      source: '0190a000-0000-7000-8000-0000000000c1',
      franchise: '0190a000-0000-7000-8000-0000000000f1',
    };
    async function leadsBetween(direction: string, options: Readonly<Record<string, string>>): Promise<void> {
      const room = `connector: conecrm, baseUrl: "${bench.room.url}", token: \${ROOM_TOKEN}`;
      await writeFile(
        path.join(bench.folder, 'concordat.yaml'),
        `store: { sqlite: ./concordat.db }
connections:
  room: { ${room}, options: ${JSON.stringify(options)} }
  floor: { ${room}, options: ${JSON.stringify(ids)} }
syncs:
  chances: { entity: lead, members: { floor: both, room: ${direction} } }
`,
      );
      const contact = bench.room.people.add('contact', { firstName: 'Zoé' });
      bench.room.people.add('lead', { subject: 'Essai', contact: { id: contact }, source: { id: ids.source } });
    }

    it('fails where ids are missing that it needs, and says where they are found', async () => {
      await leadsBetween('both', { department: ids.department });
      const { status, checked } = await check();
      const missing = checked.checks.filter(({ name, ok }) => name === 'room' && !ok);
      expect(missing.map(({ message }) => message)).toEqual([
        'no lead can be made there without options source, franchise',
      ]);
      expect(missing[0]?.next).toContain('set connections.room.options');
      expect(missing[0]?.next).toContain('concordat call CONNECTION _get_contact_open_leads');
      expect(missing[0]?.next).toContain(`leads there have source ${ids.source}`);
      expect(checked.checks.find(({ name }) => name === 'chances/room')?.unsupported).toEqual(
        expect.arrayContaining([expect.stringMatching(/^create: options\.source, options\.franchise must be given/)]),
      );
      expect(status).toBe(1);
    });

    it('is well where they are given, and does not ask for them where leads are only read', async () => {
      await leadsBetween('both', ids);
      const well = await check();
      expect(well.status).toBe(0);
      expect(well.checked.checks.map(({ message }) => message)).toContain(
        'options.source is that of leads which are there',
      );
      await leadsBetween('read', {});
      expect((await check()).status).toBe(0);
    });

    it('is a fault of the configuration where leads could only be written, and are not', async () => {
      await leadsBetween('write', {});
      const { status, stderr } = await bench.run('check');
      expect(status).toBe(2);
      expect(stderr).toMatch(
        /ConeCRM cannot be written leads \(options\.department, options\.source, options\.franchise/,
      );
    });
  });
});
