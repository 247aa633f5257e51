import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../src/store/migrate.ts';
import { type Bench, openBench, person } from './harness.ts';

const execute = promisify(execFile);
const main = path.resolve('src/cli/main.ts');

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const file = () => path.join(bench.folder, 'concordat.db');
const addPeople = (from: number, to: number) => {
  for (let n = from; n < to; n += 1) bench.room.people.add('contact', person(n).room);
};
const emails = () => bench.site.people.all('contact').map(({ Email }) => Email);
const isStack = /\bat .*:\d+:\d+/;

/** Runs `sync` where no file may grow beyond so many KiB: what a disk without room does to a process. */
async function syncWithin(kib: number): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH ?? '', SITE_TOKEN: 'site-token', ROOM_TOKEN: 'room-token' };
  const command = `ulimit -f ${kib}; exec '${process.execPath}' '${main}' sync`;
  return await execute('bash', ['-c', command], { cwd: bench.folder, env }).then(
    (done) => ({ status: 0, ...done }),
    (error: { code: number; stdout: string; stderr: string }) => ({ ...error, status: error.code }),
  );
}

describe('the database, seen from the commands', () => {
  it('that another process keeps locked ends a sync with 1 and the reason; status still answers', async () => {
    addPeople(0, 1);
    await bench.run('sync');
    addPeople(1, 3);
    const other = new Sqlite(file());
    other.exec('BEGIN IMMEDIATE');
    const [sync, status] = await Promise.all([bench.run('sync'), bench.run('status')]);
    expect(sync.status).toBe(1);
    expect(sync.stdout.replace(/\s+/g, ' ')).toContain('concordat.db: another process keeps the database locked');
    expect(sync.stdout).toContain('→ nothing is lost: the next sync goes on from where this one stopped');
    expect(`${sync.stdout}${sync.stderr}`).not.toMatch(isStack);
    expect(status).toMatchObject({ status: 0, stderr: '' });
    other.close();
    expect((await bench.run('sync')).status).toBe(0);
    expect(emails()).toHaveLength(3);
  });

  it('that cannot grow ends a sync with 1 and the reason, loses nothing, and makes no double afterwards', async () => {
    addPeople(0, 400);
    const full = await syncWithin(4_000);
    expect(full.status).toBe(1);
    expect(`${full.stdout}${full.stderr}`.replace(/\s+/g, ' ')).toContain(
      'the system could not read or write the database',
    );
    expect(`${full.stdout}${full.stderr}`).not.toMatch(isStack);
    const before = emails();
    expect(before.length, 'it got somewhere').toBeGreaterThan(0);
    expect(before.length, 'and not to the end').toBeLessThan(400);
    expect((await bench.run('sync')).status).toBe(0);
    expect(emails().sort()).toEqual(Array.from({ length: 400 }, (_, n) => `p${n}@example.com`).sort());
    expect(bench.room.people.all('contact')).toHaveLength(400);
  });

  it('of a newer version is refused by every command that opens it, and left as it is', async () => {
    await bench.run('sync');
    const newer = new Sqlite(file());
    newer.pragma('user_version = 9999');
    newer.close();
    const { mtimeMs } = statSync(file());
    for (const command of ['sync', 'status']) {
      const { status, stderr } = await bench.run(command);
      expect(stderr).toBe(
        `error: database ${file()} cannot be opened: its schema has version 9999, this concordat knows up to ${migrations().length}; ` +
          'the file was written by a newer concordat and is left as it is: update concordat, or name another file\n',
      );
      expect(status).toBe(1);
    }
    expect(statSync(file()).mtimeMs).toBe(mtimeMs);
  });

  it('loses the logs that are older than the configuration keeps, when a sync is done', async () => {
    addPeople(0, 1);
    await bench.run('sync');
    await bench.run('sync');
    const beside = new Sqlite(file());
    const runs = () => beside.prepare('SELECT id FROM run').all().length;
    beside.exec('UPDATE run SET started_at = 1, ended_at = 2');
    expect(runs()).toBe(2);
    await bench.run('sync');
    expect(runs()).toBe(1);
    beside.close();
  });
});
