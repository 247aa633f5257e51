import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate, migrations } from '../../src/store/migrate.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { storeContract } from './contract.ts';
import { assertInboxModel } from './inbox-model.ts';
import { openMemoryStore } from './memory.ts';
import { assertPendingModel } from './model.ts';
import { batch, create, given, link, run, unmatched } from './samples.ts';

const execute = promisify(execFile);

describe('the SQLite store', () => {
  storeContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'store-'));
    return {
      open: () => openSqliteStore(join(folder, 'test.db')),
      remove: async () => rmSync(folder, { recursive: true }),
    };
  });

  test('keeps versions and pending work like a map in memory (300 generated histories)', async () => {
    await assertPendingModel(async () => openMemoryStore(), 300);
  });

  test('keeps an inbox like a list in memory (200 generated histories)', async () => {
    await assertInboxModel(async () => openMemoryStore(), 200);
  });
});

describe('the SQLite file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'store-'));
    file = join(folder, 'test.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const modes = () =>
    ['', '-wal', '-shm'].filter((end) => existsSync(file + end)).map((end) => statSync(file + end).mode & 0o777);

  test.each([0o000, 0o022, 0o077])('is readable by its owner alone, with umask %o', async (umask) => {
    const before = process.umask(umask);
    try {
      const store = await openSqliteStore(file);
      await given(store, ['a']);
      expect(modes()).toEqual([0o600, 0o600, 0o600]);
      await store.close();
    } finally {
      process.umask(before);
    }
  });

  test('that others could read is closed to them', async () => {
    await (await openSqliteStore(file)).close();
    chmodSync(file, 0o644);
    const store = await openSqliteStore(file);
    await given(store, ['a']);
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
    await store.close();
  });

  test('in a folder that does not exist says so', async () => {
    await expect(openSqliteStore(join(folder, 'no', 'test.db'))).rejects.toThrow(
      `the folder ${join(folder, 'no')} does not exist; create it first`,
    );
  });

  test('that is a folder says so', async () => {
    mkdirSync(file);
    await expect(openSqliteStore(file)).rejects.toThrow('is a folder, expected a file');
  });

  test('that is no database is left as it is', async () => {
    writeFileSync(file, 'dear diary '.repeat(500));
    await expect(openSqliteStore(file)).rejects.toThrow('is not an SQLite database; it is left as it is');
    expect(readFileSync(file, 'utf8')).toBe('dear diary '.repeat(500));
  });

  test('of another program is left as it is', async () => {
    const other = new Sqlite(file);
    other.exec('CREATE TABLE song (title TEXT)');
    other.close();
    await expect(openSqliteStore(file)).rejects.toThrow('is an SQLite database of another program');
    expect(new Sqlite(file).pragma('journal_mode', { simple: true })).toBe('delete');
  });

  test('of a newer concordat is left as it is', async () => {
    await (await openSqliteStore(file)).close();
    const newer = new Sqlite(file);
    newer.pragma(`user_version = ${migrations().length + 1}`);
    newer.close();
    await expect(openSqliteStore(file)).rejects.toThrow(
      `its schema has version ${migrations().length + 1}, this concordat knows up to ${migrations().length}`,
    );
  });

  test('with a strange name is the file of that name', async () => {
    const strange = join(folder, 'a b?mode=ro#%20.db');
    await (await openSqliteStore(strange)).close();
    expect(existsSync(strange)).toBe(true);
  });

  test('stays at the schema before a migration that fails, and is brought up to date by one that does not', () => {
    const database = new Sqlite(':memory:');
    migrate(database, 'test');
    const next = (sql: string) => [...migrations(), { version: migrations().length + 1, name: 'next', sql }];
    expect(() => migrate(database, 'test', next('CREATE TABLE extra (x); SELECT nonsense;'))).toThrow('nonsense');
    expect(database.pragma('user_version', { simple: true })).toBe(migrations().length);
    expect(() => database.prepare('SELECT * FROM extra')).toThrow('no such table');
    migrate(database, 'test', next('CREATE TABLE extra (x);'));
    migrate(database, 'test', next('CREATE TABLE extra (x);'));
    expect(database.pragma('user_version', { simple: true })).toBe(migrations().length + 1);
  });

  test('keeps no claims of records that are no longer unmatched', async () => {
    const store = await openSqliteStore(file);
    await given(store, ['a'], { unmatched: [unmatched('1', { claims: [{ recordId: 'a', strength: 1 }] })] });
    await store.commit(batch({ matched: [{ connection: 'site', externalId: '1' }] }));
    await store.close();
    const beside = new Sqlite(file, { readonly: true });
    expect(beside.prepare('SELECT count(*) FROM claim').pluck().get()).toBe(0);
    beside.close();
  });

  test('moves identity keys from the log into the index when the store closes, each of them once', async () => {
    const store = await openSqliteStore(file);
    for (let start = 0; start < 20_000; start += 5000) {
      const ids = Array.from({ length: 5000 }, (_, index) => `r${start + index}`);
      const creates = ids.map((id, index) => create(id, { keys: [start + index] }));
      await given(store, [], { creates, links: ids.map((id) => link(id, id)) });
    }
    const beside = new Sqlite(file, { readonly: true });
    const rows = (table: string) => beside.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    expect([rows('fresh_identity'), rows('identity')]).toEqual([20_000, 0]);
    await store.close();
    expect([rows('fresh_identity'), rows('identity')]).toEqual([0, 20_000]);
    beside.close();
  });

  test('finds keys that another process has appended, or moved into the index, also behind a filter', async () => {
    const [one, other] = [await openSqliteStore(file), await openSqliteStore(file)];
    const addKeys = (store: Store, from: number, count: number) => {
      const ids = Array.from({ length: count }, (_, index) => `r${from + index}`);
      const creates = ids.map((id, index) => create(id, { keys: [from + index] }));
      return given(store, [], { creates, links: ids.map((id) => link(id, id)) });
    };
    await addKeys(one, 0, 20_000);
    // Enough look-ups for a filter of the index, which is empty by now.
    await one.candidates(
      'contact',
      Array.from({ length: 5_000 }, (_, index) => 1_000_000 + index),
      1,
    );
    await addKeys(other, 30_000, 1);
    expect(await one.candidates('contact', [30_000, 40_000], 1)).toEqual(new Map([[30_000, ['r30000']]]));
    await other.close();
    expect(await one.candidates('contact', [7, 30_000, 40_000], 1)).toEqual(
      new Map([
        [7, ['r7']],
        [30_000, ['r30000']],
      ]),
    );
    await one.close();
  });

  test('keeps a review that a person has settled as it is', async () => {
    const store = await openSqliteStore(file);
    const review = { entity: 'contact' as const, connection: 'site', externalId: '1', candidates: [], at: 1, run };
    await store.commit(batch({ reviews: [{ ...review, reason: 'two candidates' }] }));
    const beside = new Sqlite(file);
    beside.exec('UPDATE review SET settled_at = 5');
    await store.commit(batch({ reviews: [{ ...review, reason: 'three candidates' }] }));
    await store.commit(batch({ closedReviews: [{ connection: 'site', externalId: '1' }] }));
    expect(beside.prepare('SELECT reason FROM review').pluck().all()).toEqual(['two candidates']);
    expect(await store.openReviews('contact')).toEqual([]);
    beside.close();
    await store.close();
  });

  test('serves several processes that open it first and write at once', async () => {
    const script = new URL('./writer.ts', import.meta.url).pathname;
    const writers = ['p', 'q', 'r'].map((name) => execute(process.execPath, [script, file, name, '150']));
    await Promise.all(writers);
    const store = await openSqliteStore(file);
    const all = await store.records('contact', undefined, 1000);
    expect(all).toHaveLength(451);
    const shared = all.find(({ record }) => record.id === 'shared');
    expect(shared?.record.version).toBe(1 + 3 * 150);
    expect(new Set(all.flatMap(({ links }) => links.map(({ connection }) => connection)))).toEqual(
      new Set(['all', 'p', 'q', 'r']),
    );
    await store.close();
  });
});
