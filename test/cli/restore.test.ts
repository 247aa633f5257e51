import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

/** The shell commands of docs/restore.md, in a folder with a database and a backup of it. */
function restore(): void {
  const page = readFileSync('docs/restore.md', 'utf8');
  const section = page.slice(page.indexOf('## Restore'), page.indexOf('## Damaged'));
  const steps = [...section.matchAll(/^ {7}((?:mkdir|cp) .*)$/gm)].map(([, step = '']) => step);
  expect(steps).toHaveLength(2);
  for (const step of steps) {
    const here = step.replace(/\/srv\/backup\/\S+/, 'backup.db');
    execFileSync('bash', ['-ec', here], { cwd: bench.folder });
  }
}

const rooms = () => bench.room.people.all('contact');
const sites = () => bench.site.people.all('contact');
const doubles = (values: readonly unknown[]) => values.filter((value, index) => values.indexOf(value) !== index);
async function sync(): Promise<Record<string, Record<string, number>>> {
  const { status, stdout, stderr } = await bench.run('sync', '--json');
  expect(stderr).toBe('');
  expect(status, stdout).toBe(0);
  return (JSON.parse(stdout) as { syncs: { people: Record<string, Record<string, number>> } }).syncs.people;
}

describe('a restored backup', () => {
  it('catches up with CRMs that moved on: no doubles, no lost edit, nothing deleted or made again', async () => {
    const rooms0 = Array.from({ length: 30 }, (_, n) => bench.room.people.add('contact', person(n).room));
    await sync();
    const siteOf = (n: number) => String(sites().find(({ Email }) => Email === `p${n}@example.com`)?.Id);
    expect((await bench.run('backup', 'backup.db')).status).toBe(0);

    // Carried before the disaster.
    bench.room.people.edit('contact', rooms0[1]!, { city: 'Brno' });
    bench.site.people.edit('contact', siteOf(2), { City: 'Cluj' });
    bench.room.people.add('contact', person(100).room);
    bench.site.people.add('contact', person(101).site);
    bench.site.people.remove('contact', siteOf(5));
    bench.room.people.edit('contact', rooms0[4]!, { city: 'Gdynia' });
    await sync();
    expect(rooms()).toHaveLength(32);
    expect(sites()).toHaveLength(31);
    // Not carried any more.
    bench.room.people.edit('contact', rooms0[3]!, { city: 'Oradea' });
    bench.room.people.edit('contact', rooms0[4]!, { city: 'Sibiu' });
    bench.site.people.add('contact', person(102).site);
    restore();

    const told = await sync();
    expect(told.room).toMatchObject({ created: 1, deleted: 0, failed: 0 });
    expect(told.site).toMatchObject({ created: 0, deleted: 0, failed: 0 });
    expect(rooms()).toHaveLength(33);
    expect(sites()).toHaveLength(32);
    expect(doubles(rooms().map(({ primaryEmail }) => primaryEmail))).toEqual([]);
    expect(doubles(sites().map(({ Email }) => Email))).toEqual([]);
    expect(siteOf(5), 'who was deleted at the site').toBe('undefined');
    const cityAt = (n: number) => [
      rooms().find(({ primaryEmail }) => primaryEmail === `p${n}@example.com`)?.city,
      sites().find(({ Email }) => Email === `p${n}@example.com`)?.City,
    ];
    expect(cityAt(1)).toEqual(['Brno', 'Brno']);
    expect(cityAt(2)).toEqual(['Cluj', 'Cluj']);
    expect(cityAt(3)).toEqual(['Oradea', 'Oradea']);
    // Edited twice: against the older state both sides have changed it, and the first member wins.
    expect(cityAt(4)).toEqual(['Sibiu', 'Sibiu']);
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    expect(await store.conflicts(9)).toMatchObject([
      { path: 'address.billing.city', winner: { value: 'Sibiu' }, loser: { connection: 'site', value: 'Gdynia' } },
    ]);
    await store.close();

    const again = await sync();
    for (const member of [again.room, again.site])
      expect(member).toMatchObject({ created: 0, updated: 0, deleted: 0, conflicts: 0 });
  });

  it('that was made in the middle of a sync makes nobody twice', async () => {
    for (let n = 0; n < 300; n += 1) bench.room.people.add('contact', person(n).room);
    bench.site.faults.latencyMs = 20;
    const running = bench.start('sync');
    await running.says('people/room: read');
    await expect.poll(() => sites().length, { interval: 5 }).toBeGreaterThan(20);
    expect((await bench.run('backup', 'backup.db')).status).toBe(0);
    expect(sites().length).toBeLessThan(300);
    bench.site.faults.latencyMs = 0;
    expect((await running.ended).status).toBe(0);
    expect(sites()).toHaveLength(300);
    restore();
    bench.site.forgetRequests();
    bench.room.forgetRequests();
    // Creates that were on their way at the moment of the backup are found, and count as created.
    expect((await sync()).site).toMatchObject({ read: 300, updated: 0, failed: 0 });
    expect([...bench.site.requests, ...bench.room.requests].filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(sites()).toHaveLength(300);
    expect(rooms()).toHaveLength(300);
  });
});
