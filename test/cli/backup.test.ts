import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp } from '../../src/store/sqlite/backup.ts';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const at = (name: string) => path.join(bench.folder, name);
const linkCount = (file: string) => {
  const database = new Sqlite(file, { readonly: true });
  try {
    return database.prepare<[], number>('SELECT count(*) FROM link').pluck().get();
  } finally {
    database.close();
  }
};

describe('concordat backup', () => {
  it('makes one checked file that only its owner can read', async () => {
    bench.room.people.add('contact', person(1).room);
    await bench.run('sync');
    const { status, stdout, stderr } = await bench.run('backup', 'copy.db');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/concordat\.db → .*copy\.db: 1 MB copied and checked in \S+ s\n$/);
    expect(status).toBe(0);
    expect(statSync(at('copy.db')).mode & 0o777).toBe(0o600);
    expect(linkCount(at('copy.db'))).toBe(2);
    expect(readdirSync(bench.folder).filter((name) => name.startsWith('copy'))).toEqual(['copy.db']);
  });

  it('says in JSON what it copied', async () => {
    await bench.run('sync');
    const { status, stdout } = await bench.run('backup', 'copy.db', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      source: at('concordat.db'),
      file: at('copy.db'),
      bytes: statSync(at('copy.db')).size,
      durationMs: expect.any(Number),
    });
  });

  it('copies one moment while a sync writes in another process', async () => {
    for (let n = 0; n < 600; n += 1) bench.room.people.add('contact', person(n).room);
    bench.site.faults.latencyMs = 20;
    const syncing = bench.start('sync');
    await syncing.says('people/room: read');
    const { status, stderr } = await bench.run('backup', 'copy.db');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const database = new Sqlite(at('copy.db'), { readonly: true });
    const open = database.prepare<[], number>('SELECT count(*) FROM run WHERE ended_at IS NULL').pluck().get();
    expect(open, 'the sync was under way').toBe(1);
    // Whatever is pending or linked belongs to a record: no half of a transaction was copied.
    expect(database.prepare('SELECT count(*) FROM record').pluck().get()).toBe(600);
    expect(
      database
        .prepare(
          `SELECT count(*) FROM record r WHERE NOT EXISTS (SELECT 1 FROM pending p WHERE p.record = r.number)
           AND (SELECT count(*) FROM link l WHERE l.record = r.number) <> 2`,
        )
        .pluck()
        .get(),
    ).toBe(0);
    database.close();
    bench.site.faults.latencyMs = 0;
    expect((await syncing.ended).status).toBe(0);
    expect(bench.site.people.all('contact')).toHaveLength(600);
  });

  it('comes to an end while every step of it is followed by a write', async () => {
    await bench.run('sync');
    const writer = new Sqlite(at('concordat.db'));
    writer.exec('CREATE TABLE filler (bytes BLOB)');
    for (let n = 0; n < 40; n += 1) writer.prepare('INSERT INTO filler VALUES (zeroblob(1000000))').run();
    let steps = 0;
    const bytes = await backUp(at('concordat.db'), at('copy.db'), {
      onProgress: () => {
        steps += 1;
        if (steps > 100) throw new Error('begins again after every write');
        writer.prepare('INSERT INTO filler VALUES (zeroblob(10000))').run();
      },
      signal: new AbortController().signal,
    });
    writer.close();
    expect(steps).toBeGreaterThan(2);
    expect(bytes).toBe(statSync(at('copy.db')).size);
    const copy = new Sqlite(at('copy.db'), { readonly: true });
    expect(copy.prepare('SELECT count(*) FROM filler').pluck().get(), 'the state of its beginning').toBe(40);
    copy.close();
  });

  it.each([
    ['a file that exists', 'notes.txt', 'exists already; name another file, or let --force replace it'],
    ['the database', 'concordat.db', 'is the database itself'],
    ['a folder', 'folder', 'expected the name of a file, came something else'],
    ['a folder that does not exist', 'no/copy.db', 'does not exist; create it first'],
    ['a database in use', 'other.db', 'a database of this name is in use, or was'],
  ])('does not write over %s', async (_what, target, message) => {
    await bench.run('sync');
    writeFileSync(at('notes.txt'), 'mine');
    writeFileSync(at('other.db-wal'), 'log');
    mkdirSync(at('folder'));
    const { status, stderr } = await bench.run('backup', target);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
    expect(readFileSync(at('notes.txt'), 'utf8')).toBe('mine');
    expect(existsSync(at('other.db'))).toBe(false);
  });

  it('replaces a file with --force, but never the database', async () => {
    await bench.run('sync');
    writeFileSync(at('notes.txt'), 'mine');
    expect((await bench.run('backup', '--force', 'notes.txt')).status).toBe(0);
    expect(linkCount(at('notes.txt'))).toBe(0);
    expect((await bench.run('backup', '--force', 'concordat.db')).status).toBe(2);
  });

  it('makes no database where there is none', async () => {
    const { status, stderr } = await bench.run('backup', 'copy.db');
    expect(stderr).toContain('there is no database');
    expect(status).toBe(1);
    expect(readdirSync(bench.folder)).toEqual(['concordat.yaml']);
  });

  it('leaves neither a copy nor a part of one when the database is damaged, foreign, or the copy is stopped', async () => {
    await bench.run('sync');
    const sound = readFileSync(at('concordat.db'));
    const damaged = Buffer.from(sound);
    damaged.fill(0xff, 8192 * 5, 8192 * 6);
    writeFileSync(at('concordat.db'), damaged);
    const bad = await bench.run('backup', 'copy.db');
    expect(bad.stderr).toContain('concordat.db: the database is damaged and is left as it is');
    expect(bad.status).toBe(1);
    writeFileSync(at('concordat.db'), 'dear diary '.repeat(500));
    const foreign = await bench.run('backup', 'copy.db');
    expect(foreign.stderr).toContain('is not an SQLite database');
    expect(foreign.status).toBe(1);
    writeFileSync(at('concordat.db'), sound);
    writeFileSync(at('copy.db'), 'what was there');
    const stop = new AbortController();
    const stopped = backUp(at('concordat.db'), at('copy.db'), {
      onProgress: () => stop.abort(new Error('stopped')),
      signal: stop.signal,
    });
    await expect(stopped).rejects.toThrow('stopped');
    expect(readFileSync(at('copy.db'), 'utf8')).toBe('what was there');
    expect(readdirSync(bench.folder).filter((name) => name.includes('.part'))).toEqual([]);
  });
});
