import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  for (let n = 1; n <= 20; n += 1) bench.site.people.add('contact', person(n).site);
  expect((await bench.run('sync')).status).toBe(0);
});
afterEach(() => bench.close());

const titleAtSite = (n: number) => bench.site.people.all('contact')[n]?.LastName;

function renameAtRoom(how: string, many: number): void {
  for (const { id } of bench.room.people.all('contact').slice(0, many))
    bench.room.people.edit('contact', String(id), { lastName: how });
}

describe('concordat approve', () => {
  it('lets a stopped sync write what it was stopped for, this once', async () => {
    renameAtRoom('Renamed', 11);
    const stopped = await bench.run('sync');
    expect(stopped.status).toBe(3);
    const words = stopped.stdout.replaceAll(/\s+/g, ' ');
    expect(words).toContain(
      'people/site: 11 records would get other values over those they have; at most 10 of 20 pass without a question for example site:',
    );
    expect(stopped.stdout).toContain('concordat approve');
    expect(stopped.stdout).toContain('people: stopped by a guard after');
    expect(stopped.stdout).not.toContain('Renamed');
    expect(titleAtSite(0)).toBe('Family1');

    expect((await bench.run('approve', '--show')).stdout).toContain('Held back: 11 records.');
    expect(JSON.parse((await bench.run('sync', '--json')).stdout)).toMatchObject({
      states: { people: 'waiting' },
      stops: [{ sync: 'people', connection: 'site', what: 'overwrite', records: 11, allowed: 10, of: 20 }],
    });
    const { status, stdout } = await bench.run('approve', 'people');
    expect(status).toBe(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'Approved: 11 records, this once. The next cycle writes it: the worker’s, or concordat sync',
    );
    const again = await bench.run('approve');
    expect(again.stdout).toBe('Nothing more is held back: what was approved waits for the next cycle.\n');
    expect((await bench.run('sync')).status).toBe(0);
    expect(titleAtSite(0)).toBe('Renamed');

    renameAtRoom('Again', 11);
    expect((await bench.run('sync')).status).toBe(3);
  });

  it('has nothing to do where nothing is held back, and makes no database', async () => {
    expect(await bench.run('approve')).toMatchObject({ status: 0, stdout: 'Nothing is held back.\n' });
    expect(JSON.parse((await bench.run('approve', '--json')).stdout)).toEqual({ approved: false, held: [] });
    const other = await openBench();
    expect((await other.run('approve')).status).toBe(0);
    expect(existsSync(path.join(other.folder, 'concordat.db'))).toBe(false);
    await other.close();
  });

  it('names the syncs there are when it is given another', async () => {
    const { status, stderr } = await bench.run('approve', 'peple');
    expect(status).toBe(2);
    expect(stderr).toContain('there is no sync "peple" (did you mean people?); known: people; nothing was approved');
  });
});
