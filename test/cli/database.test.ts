import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { migrations } from '../../src/store/migrate.ts';
import { type Bench, openBench, person } from './harness.ts';

const execute = promisify(execFile);
const main = path.resolve('src/cli/main.ts');

/** Each test has a bench of its own: one of them waits for a lock while the others are at work. */
function atBench(act: (bench: Bench) => Promise<void>): () => Promise<void> {
  return async () => {
    const bench = await openBench();
    try {
      await act(bench);
    } finally {
      await bench.close();
    }
  };
}

const fileOf = ({ folder }: Bench) => path.join(folder, 'concordat.db');
const addPeople = ({ room }: Bench, from: number, to: number) => {
  for (let n = from; n < to; n += 1) room.people.add('contact', person(n).room);
};
const emails = ({ site }: Bench) => site.people.all('contact').map(({ Email }) => Email);
const isStack = /\bat .*:\d+:\d+/;

/** Runs `sync` where no file may grow beyond so many KiB: what a disk without room does to a process. */
async function syncWithin({ folder }: Bench, kib: number): Promise<{ status: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH ?? '', SITE_TOKEN: 'site-token', ROOM_TOKEN: 'room-token' };
  const command = `ulimit -f ${kib}; exec '${process.execPath}' '${main}' sync`;
  return await execute('bash', ['-c', command], { cwd: folder, env }).then(
    (done) => ({ status: 0, ...done }),
    (error: { code: number; stdout: string; stderr: string }) => ({ ...error, status: error.code }),
  );
}

describe.concurrent('the database, seen from the commands', { timeout: 60_000 }, () => {
  it(
    'that another process keeps locked ends a sync with 1 and the reason; status still answers',
    atBench(async (bench) => {
      addPeople(bench, 0, 1);
      await bench.run('sync');
      addPeople(bench, 1, 3);
      const other = new Sqlite(fileOf(bench));
      other.exec('BEGIN IMMEDIATE');
      // In a process of its own: it stands still while it waits for the lock.
      const [sync, status] = await Promise.all([bench.start('sync').ended, bench.run('status')]);
      expect(sync.status).toBe(1);
      expect(sync.stdout.replace(/\s+/g, ' ')).toContain('concordat.db: another process keeps the database locked');
      expect(sync.stdout).toContain('→ nothing is lost: the next sync goes on from where this one stopped');
      expect(`${sync.stdout}${sync.stderr}`).not.toMatch(isStack);
      expect(status).toMatchObject({ status: 0, stderr: '' });
      other.close();
      expect((await bench.run('sync')).status).toBe(0);
      expect(emails(bench)).toHaveLength(3);
    }),
  );

  it(
    'that cannot grow ends a sync with 1 and the reason, loses nothing, and makes no double afterwards',
    atBench(async (bench) => {
      addPeople(bench, 0, 400);
      const full = await syncWithin(bench, 4_000);
      expect(full.status).toBe(1);
      expect(`${full.stdout}${full.stderr}`.replace(/\s+/g, ' ')).toContain(
        'the system could not read or write the database',
      );
      expect(`${full.stdout}${full.stderr}`).not.toMatch(isStack);
      const before = emails(bench);
      expect(before.length, 'it got somewhere').toBeGreaterThan(0);
      expect(before.length, 'and not to the end').toBeLessThan(400);
      expect((await bench.run('sync')).status).toBe(0);
      expect(emails(bench).sort()).toEqual(Array.from({ length: 400 }, (_, n) => `p${n}@example.com`).sort());
      expect(bench.room.people.all('contact')).toHaveLength(400);
    }),
  );

  it(
    'of a newer version is refused by every command that opens it, and left as it is',
    atBench(async (bench) => {
      await bench.run('sync');
      const newer = new Sqlite(fileOf(bench));
      newer.pragma('user_version = 9999');
      newer.close();
      const { mtimeMs } = statSync(fileOf(bench));
      for (const command of ['sync', 'status']) {
        const { status, stderr } = await bench.run(command);
        expect(stderr).toBe(
          `error: database ${fileOf(bench)} cannot be opened: its schema has version 9999, this concordat knows up to ${migrations().length}; ` +
            'the file was written by a newer concordat and is left as it is: update concordat, or name another file\n',
        );
        expect(status).toBe(1);
      }
      expect(statSync(fileOf(bench)).mtimeMs).toBe(mtimeMs);
    }),
  );

  it(
    'loses the logs that are older than the configuration keeps, when a sync is done',
    atBench(async (bench) => {
      addPeople(bench, 0, 1);
      await bench.run('sync');
      await bench.run('sync');
      const beside = new Sqlite(fileOf(bench));
      const runs = () => beside.prepare('SELECT id FROM run').all().length;
      beside.exec('UPDATE run SET started_at = 1, ended_at = 2');
      expect(runs()).toBe(2);
      await bench.run('sync');
      expect(runs()).toBe(1);
      beside.close();
    }),
  );
});
