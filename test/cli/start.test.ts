import { access, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findRedisServer } from '../../src/queue/bull/redis-server.ts';
import { type Bed, type CrmName, crmNames, openBed } from './worker-bed.ts';

const hasRedis = findRedisServer(process.env.PATH) !== undefined;

/** What `start` tells when everything is under way. */
const isRunning = 'runs as process';

// Several processes start in most of these, each in a second or two on a machine that is not busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let bed: Bed;
afterEach(() => bed.close());

const others: readonly CrmName[] = ['room', 'site', 'chat'];
const everywhere = (n: number, city: string) => others.every((crm) => bed.cityOf(crm, n) === city);
const status = async (url: string) => (await fetch(url)).status;
const files = async () => (await readdir(bed.folder)).sort();

describe('start that cannot', () => {
  it('says what is wrong with the configuration, and makes nothing', async () => {
    bed = await openBed();
    const file = path.join(bed.folder, 'concordat.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('0 0 1 1 *', 'whenever'));
    const { status: ended, stderr, stdout } = await bed.start().ended;
    expect(ended).toBe(2);
    expect(stderr).toContain('concordat.yaml:');
    expect(stderr).toContain('expected a cron pattern');
    expect(stdout).toBe('');
    expect(await files()).toEqual(['concordat.yaml']);
  });

  it('says in three lines how to get a Redis where there is none', async () => {
    bed = await openBed();
    const { status: ended, stderr } = await bed.start(['start'], { PATH: bed.folder }).ended;
    expect(ended).toBe(2);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining('start needs a Redis: queue.redis is empty'),
      expect.stringContaining('apt install redis-server'),
      expect.stringContaining('concordat sync from cron'),
    ]);
    expect(await files()).toEqual(['concordat.yaml']);
  });

  it.skipIf(!hasRedis)('names an address where another program is, and leaves nothing running', async () => {
    bed = await openBed();
    const stranger = createServer();
    const port = Number(new URL(bed.webhooks).port);
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    const { status: ended, stderr } = await bed.start().ended;
    stranger.close();
    expect(ended).toBe(1);
    expect(stderr).toContain(`error: webhooks: cannot listen at 127.0.0.1:${port}: another program is there`);
    expect(await files()).not.toContain('concordat.db-wal');
    await expect(access(path.join(bed.folder, 'concordat.db.redis/redis.sock'))).rejects.toThrow('ENOENT');
  });
});

describe.skipIf(!hasRedis)('start', () => {
  it('syncs, takes in what a webhook tells, shows its health and metrics, and ends when told', async () => {
    bed = await openBed();
    for (const n of [1, 2, 3]) bed.enter(n);
    const worker = bed.start();
    await worker.says(isRunning);
    await bed.until('three people in every CRM', () => crmNames.every((crm) => bed.count(crm) === 3));
    expect(await bed.tell('office', bed.move('office', 2, 'Delft'))).toBe(202);
    await bed.until('the edit in the three others', () => everywhere(2, 'Delft'));
    expect(await status(`${bed.dashboard}/healthz`)).toBe(200);
    expect(await status(`${bed.dashboard}/readyz`)).toBe(200);
    await bed.until('the writes in the metrics', async () => {
      const text = await (await fetch(`${bed.dashboard}/metrics`)).text();
      return (
        text.includes('concordat_writes_total{connection="room",action="created"} 3') &&
        text.includes('concordat_writes_total{connection="room",action="updated"} 1') &&
        text.includes('concordat_webhook_requests_total{status="202"} 1') &&
        text.includes('concordat_redis_up 1')
      );
    });
    worker.kill('SIGHUP');
    await worker.says('restart');
    worker.kill('SIGTERM');
    const { status: ended, stderr, stdout } = await worker.ended;
    expect(ended).toBe(0);
    expect(stdout).toBe('');
    expect(stderr).not.toContain('correct horse');
    expect(stderr).not.toContain('whsec_');
    expect(stderr).not.toContain('@example.com');
    expect(stderr).toContain(`webhooks     ${bed.webhooks}/webhooks/CONNECTION (room, site, office, chat)`);
    expect(stderr).toContain('sync people  contact: room, site, office, chat; next at ');
    expect(await files(), 'the database is closed').toEqual(['concordat.db', 'concordat.db.redis', 'concordat.yaml']);
    await expect(access(path.join(bed.folder, 'concordat.db.redis/redis.sock'))).rejects.toThrow('ENOENT');
  });

  it('goes on after SIGKILL: finds its Redis again, and loses nothing', async () => {
    bed = await openBed();
    bed.enter(1);
    const first = bed.start();
    await bed.until('one person in every CRM', () => crmNames.every((crm) => bed.count(crm) === 1));
    for (const crm of others) bed.sandboxes[crm].faults.latencyMs = 300;
    await bed.tell('office', bed.move('office', 1, 'Delft'));
    first.kill('SIGKILL');
    await first.ended;
    for (const crm of others) bed.sandboxes[crm].faults.latencyMs = 0;
    const redis = path.join(bed.folder, 'concordat.db.redis/redis.sock');
    await access(redis);
    const second = bed.start();
    await bed.until('the edit in the three others', () => everywhere(1, 'Delft'));
    second.kill('SIGTERM');
    const { status: ended, stderr } = await second.ended;
    expect(ended).toBe(0);
    expect(stderr, 'it was there').not.toContain('our own Redis is running');
    await expect(access(redis)).rejects.toThrow('ENOENT');
    expect(crmNames.map((crm) => bed.count(crm))).toEqual([1, 1, 1, 1]);
  });

  it('shares a database with another: the second takes over when the first is killed', async () => {
    bed = await openBed();
    for (const n of [1, 2]) bed.enter(n);
    const first = bed.start();
    await first.says(isRunning);
    const second = bed.start(['start', '--json']);
    await second.says('"dashboard": null');
    await bed.until('two people in every CRM', () => crmNames.every((crm) => bed.count(crm) === 2));
    first.kill('SIGKILL');
    await first.ended;
    await second.says('webhooks: the address is free; taken over');
    await second.says('dashboard: the address is free; taken over');
    expect(await bed.tell('office', bed.move('office', 1, 'Delft'))).toBe(202);
    await bed.until('the edit in the three others', () => everywhere(1, 'Delft'));
    second.kill('SIGINT');
    const { status: ended, stdout, stderr } = await second.ended;
    expect(ended).toBe(0);
    expect(stderr).toMatch(/at process \d+ on \S+; taken over when it ends/);
    expect(JSON.parse(stdout)).toMatchObject({ webhooks: null, dashboard: null, syncs: [{ name: 'people' }] });
    expect(crmNames.map((crm) => bed.count(crm))).toEqual([2, 2, 2, 2]);
  });

  it('ends in time while it is busy, and goes on where it was', async () => {
    bed = await openBed();
    for (let n = 1; n <= 30; n += 1) bed.enter(n);
    for (const crm of others) bed.sandboxes[crm].faults.latencyMs = 200;
    const first = bed.start();
    await bed.until('the first creates', () => bed.count('room') > 0);
    const toldAt = performance.now();
    first.kill('SIGTERM');
    expect((await first.ended).status).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(20_000);
    expect(bed.count('room')).toBeLessThan(30);
    for (const crm of others) bed.sandboxes[crm].faults.latencyMs = 0;
    const second = bed.start();
    await bed.until('thirty people in every CRM', () => crmNames.every((crm) => bed.count(crm) === 30));
    second.kill('SIGTERM');
    await second.ended;
    expect(crmNames.map((crm) => bed.count(crm))).toEqual([30, 30, 30, 30]);
  });

  it('ends at once at the second signal', async () => {
    bed = await openBed();
    for (let n = 1; n <= 5; n += 1) bed.enter(n);
    const isWritten = () => bed.sandboxes.room.requests.some(({ method }) => method === 'POST');
    // Reading goes fast; from the first write on nothing is answered soon.
    for (const crm of others)
      Object.defineProperty(bed.sandboxes[crm].faults, 'latencyMs', { get: () => (isWritten() ? 5_000 : 0) });
    const worker = bed.start();
    await bed.until('the first creates', isWritten);
    worker.kill('SIGTERM');
    await worker.says('stopping: what is under way is finished first');
    const toldAt = performance.now();
    worker.kill('SIGTERM');
    expect((await worker.ended).status).toBe(143);
    expect(performance.now() - toldAt).toBeLessThan(2_000);
  });

  it('lives in a deep folder, and behind another name', async () => {
    const folders = Array.from({ length: 6 }, () => 'a-folder-with-a-long-name');
    bed = await openBed({ database: path.join('data', 'concordat.db') });
    const deep = path.join(bed.folder, ...folders);
    await mkdir(deep, { recursive: true });
    await symlink(deep, path.join(bed.folder, 'data'));
    bed.enter(1);
    const worker = bed.start();
    await bed.until('one person in every CRM', () => crmNames.every((crm) => bed.count(crm) === 1));
    worker.kill('SIGTERM');
    expect((await worker.ended).status).toBe(0);
    expect((await readdir(deep)).sort()).toEqual(['concordat.db', 'concordat.db.redis']);
  });
});

describe('start while Redis is away', () => {
  it('listens, keeps what webhooks bring, and says that it is not ready', async () => {
    bed = await openBed({ redis: 'redis://user:hidden@127.0.0.1:1' });
    const worker = bed.start();
    await worker.says(isRunning);
    expect(await bed.tell('office', '1')).toBe(202);
    expect(await status(`${bed.dashboard}/healthz`)).toBe(200);
    const reply = await fetch(`${bed.dashboard}/readyz`);
    expect(reply.status).toBe(503);
    expect(await reply.json()).toEqual({
      status: 'failing',
      reasons: [expect.stringContaining('redis: not reachable')],
    });
    worker.kill('SIGTERM');
    const { status: ended, stderr } = await worker.ended;
    expect(ended).toBe(0);
    expect(stderr).toContain('redis://127.0.0.1:1');
    expect(stderr).not.toContain('hidden');
    expect(stderr.match(/Redis is away/g)).toHaveLength(1);
  });
});
