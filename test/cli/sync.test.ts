import { statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const counts = [
  'read',
  'created',
  'updated',
  'deleted',
  'unchanged',
  'conflicts',
  'quarantined',
  'unsupported',
  'failed',
];
interface Report {
  readonly runId: string;
  readonly durationMs: number;
  readonly syncs: Record<string, Record<string, Record<string, number>>>;
  readonly problems: readonly { readonly code: string; readonly connection: string; readonly message: string }[];
}
const isWrite = ({ method }: { readonly method: string }) => method !== 'GET';

describe('concordat sync', () => {
  it('prints one JSON document with all nine counts of every member, and exits 0', async () => {
    bench.site.people.add('contact', person(1).site);
    bench.room.people.add('contact', person(1).room);
    bench.room.people.add('contact', person(2).room);
    const { status, stdout, stderr } = await bench.run('sync', '--json');
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as Report;
    expect(report.runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(report.durationMs).toBeGreaterThanOrEqual(0);
    expect(Object.keys(report.syncs)).toEqual(['people']);
    expect(Object.keys(report.syncs.people ?? {})).toEqual(['room', 'site']);
    for (const member of Object.values(report.syncs.people ?? {})) expect(Object.keys(member)).toEqual(counts);
    expect(report.syncs.people?.site).toMatchObject({ read: 1, created: 1 });
    expect(report.syncs.people?.room).toMatchObject({ read: 2, created: 0 });
    expect(status).toBe(0);
    expect(bench.site.people.all('contact')).toHaveLength(2);
  });

  it('writes nothing the second time', async () => {
    bench.room.people.add('contact', person(1).room);
    await bench.run('sync', 'people');
    bench.site.forgetRequests();
    bench.room.forgetRequests();
    const { status, stdout } = await bench.run('sync', 'people', '--json');
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as Report).syncs.people?.site).toMatchObject({
      read: 1,
      unchanged: 1,
      created: 0,
      updated: 0,
    });
    expect([...bench.site.requests, ...bench.room.requests].filter(isWrite)).toEqual([]);
  });

  it('prints plain lines and a table when piped, without colours or cursor movements', async () => {
    bench.room.people.add('contact', person(1).room);
    const { stdout } = await bench.run('sync');
    expect(stdout).toContain('people: contacts of room, site\n');
    expect(stdout).toContain('people/room: read 1, 0 of them unchanged\n');
    expect(stdout).toContain('people/site: 1 created, 0 updated\n');
    expect(stdout).toMatch(/^sync +connection +read +created +updated +unchanged$/m);
    expect(stdout).toMatch(/^people +site +0 +1 +0 +0$/m);
    expect(stdout).not.toContain('\u001b');
  });

  it('refuses a sync that there is not, with those that there are', async () => {
    const { status, stdout, stderr } = await bench.run('sync', 'peple');
    expect(stderr).toBe('error: there is no sync "peple" (did you mean people?); known: people\n');
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('exits 1 when a member refuses the credentials, and says what to do', async () => {
    bench.site.faults.refuseToken = true;
    bench.room.people.add('contact', person(1).room);
    const { status, stdout } = await bench.run('sync');
    expect(status).toBe(1);
    expect(stdout).toContain('Problems');
    expect(stdout).toContain('→ check the credentials of this connection: concordat check');
    expect(stdout).toMatch(/^people\/site: (?!site:)/m);
    expect(stdout).not.toContain('people/site: nothing to write');
    const second = await bench.run('sync', '--json');
    expect(second.status).toBe(1);
    expect((JSON.parse(second.stdout) as Report).problems).toMatchObject([{ code: 'auth', connection: 'site' }]);
  });

  it('exits 3 when records need a person', async () => {
    bench.site.people.add('contact', { ...person(1).site, Email: ['no', 'text'] });
    bench.room.people.add('contact', person(2).room);
    const { status, stdout } = await bench.run('sync');
    expect(stdout).toContain('Waiting for a person');
    expect(status).toBe(3);
    expect(bench.site.people.all('contact')).toHaveLength(2);
  });

  it('waits, and says for whom, while another process runs the same sync', async () => {
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    await store.lease('sync:people', 'elsewhere/4711/1/x#sync', Date.now(), Date.now() + 60_000);
    const waiting = bench.start('sync');
    await waiting.says('people: process 4711 on elsewhere is running this sync; waiting for it');
    expect(bench.site.requests).toEqual([]);
    await store.release('sync:people', 'elsewhere/4711/1/x#sync');
    await store.close();
    expect((await waiting.ended).status).toBe(0);
  });

  it('takes over from a process that died, once its claim has run out', async () => {
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    await store.lease('sync:people', 'a dead process', Date.now() - 120_000, Date.now() - 60_000);
    await store.close();
    expect((await bench.run('sync')).status).toBe(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops cleanly at %s, exits %i, and goes on the next time', async (signal, status) => {
    for (let n = 0; n < 300; n += 1) bench.room.people.add('contact', person(n).room);
    bench.site.faults.latencyMs = 100;
    const running = bench.start('sync');
    await running.says('people/room: read');
    running.kill(signal);
    const { status: ended, stdout, stderr } = await running.ended;
    expect(ended).toBe(status);
    expect(stdout).toMatch(/^people +room +300 /m);
    expect(stderr).toContain('stopping');
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
    bench.site.faults.latencyMs = 0;
    expect((await bench.run('sync')).status).toBe(0);
    expect(bench.site.people.all('contact')).toHaveLength(300);
  });

  it('keeps quiet when the reader of its output goes away', async () => {
    bench.room.people.add('contact', person(1).room);
    const { spawnSync } = await import('node:child_process');
    const main = path.resolve('src/cli/main.ts');
    const shell = spawnSync(
      'bash',
      ['-o', 'pipefail', '-c', `'${process.execPath}' '${main}' capabilities --json | head -c 10`],
      { encoding: 'utf8' },
    );
    expect(shell.stderr).toBe('');
    expect(shell.stdout).toHaveLength(10);
  });

  it('makes a database that only its owner can read', async () => {
    await bench.run('sync');
    const file = path.join(bench.folder, 'concordat.db');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
