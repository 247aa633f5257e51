import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const runsOf = async (...args: readonly string[]) => {
  const { status, stdout } = await bench.run('runs', ...args, '--json');
  expect(status).toBe(0);
  return (JSON.parse(stdout) as { readonly runs: readonly { readonly id: string; readonly sync: string }[] }).runs;
};

describe('concordat runs', () => {
  it('makes no database only to look', async () => {
    const { status, stdout } = await bench.run('runs');
    expect([status, stdout]).toEqual([0, 'No runs yet: concordat sync\n']);
    expect(await runsOf()).toEqual([]);
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
  });

  it('lists the last runs, newest first, with what each wrote where, and the id that revert takes', async () => {
    bench.site.faults.status = { code: 422, times: 1, only: ({ method }) => method === 'POST' };
    const anna = bench.room.people.add('contact', person(1).room);
    await bench.run('sync');
    bench.room.people.edit('contact', anna, { city: 'Oradea' });
    await bench.run('sync');
    await bench.run('sync');
    const text = (await bench.run('runs')).stdout;
    expect(text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'WHEN').replaceAll(/\d+\.\d s/g, 'TIME')).toMatch(
      /^\S{36} {2}WHEN {2}people: done in TIME\n\S{36} {2}WHEN {2}people: done in TIME\n {4}site: 1 created\n\S{36} {2}WHEN {2}people: done in TIME, a person is needed\n {4}site: 1 failed\n$/,
    );
    expect(text).not.toMatch(/Family1|p1@example|Oradea/);
    expect(await runsOf('--last', '2')).toMatchObject([
      { sync: 'people', end: { outcome: 'done', counts: { site: { read: 1, created: 0 } } } },
      { sync: 'people', end: { outcome: 'done', counts: { site: { created: 1 } } } },
    ]);
    expect((await bench.run('revert', (await runsOf())[1]!.id, '--plan')).status).toBe(0);
  });

  it('lists what concerns one sync, and what has not ended', async () => {
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    const named = ['others', 'people', 'hints of people', 'hints of others', 'decisions of people', 'people'];
    for (const [index, sync] of named.entries()) await store.beginRun({ id: `run-${index}`, sync, startedAt: index });
    const counts = JSON.stringify({ room: { created: 2, conflicts: 1 } });
    await store.endRun('run-4', 'decisions of people', { endedAt: 1_004, outcome: 'done', counts });
    await store.close();
    expect((await runsOf('--sync', 'people')).map(({ id }) => id)).toEqual(['run-5', 'run-4', 'run-2', 'run-1']);
    expect((await runsOf('--sync', 'people', '--last', '2')).map(({ id }) => id)).toEqual(['run-5', 'run-4']);
    expect((await bench.run('runs', '--last', '1')).stdout).toBe(
      'run-5  1970-01-01 00:00:00  people: running, or its process died\n',
    );
    expect((await bench.run('runs', '--last', '2')).stdout).toContain('    room: 2 created, 1 conflict\n');
  });

  it.each([
    [['--sync', 'peple'], /there is no sync "peple" \(did you mean people\?\)/],
    [['--last', '0'], /Expected a whole number from 1/],
  ])('refuses %j', async (args, message) => {
    const { status, stderr } = await bench.run('runs', ...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});
