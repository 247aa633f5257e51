import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { batch, create, given, link, update } from './samples.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
  file = join(folder, 'test.db');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const pageSize = 8192;

/** Writes nonsense over one page. */
function damage(page: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(pageSize, 0xff), 0, pageSize, (page - 1) * pageSize);
  closeSync(handle);
}

/** A store, and the connection behind it, to be handled as SQLite would on a sick disk. */
async function openWithConnection(): Promise<[Store, Database]> {
  const pragma = vi.spyOn(Sqlite.prototype, 'pragma');
  const store = await openSqliteStore(file);
  const connection = pragma.mock.contexts.at(-1) as Database;
  pragma.mockRestore();
  return [store, connection];
}

const big = (id: string) => create(id, { values: { notes: 'x'.repeat(2 ** 20) } });
const manyBig = (count: number, name: string) => {
  const ids = Array.from({ length: count }, (_, index) => `${name}${index}`);
  return { creates: ids.map(big), links: ids.map((id) => link(id, id)) };
};

describe('a damaged file', () => {
  test('is refused when it is opened, says what to do, and is left as it is', async () => {
    const store = await openSqliteStore(file);
    await given(store, [], manyBig(3, 'r'));
    await store.close();
    damage(Math.floor(statSync(file).size / pageSize / 2));
    const before = readFileSync(file);
    await expect(openSqliteStore(file)).rejects.toMatchObject({
      code: 'database_damaged',
      message: expect.stringMatching(/test\.db: the database is damaged and is left as it is; .*docs\/restore\.md/),
    });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('that was cut off is refused', async () => {
    const store = await openSqliteStore(file);
    await given(store, [], manyBig(1, 'r'));
    await store.close();
    truncateSync(file, statSync(file).size - 3 * pageSize);
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'database_damaged' });
  });

  test('of some size is looked at whole once a day, and when the last process did not end properly', async () => {
    const store = await openSqliteStore(file);
    await given(store, [], manyBig(34, 'r'));
    await store.close();
    await (await openSqliteStore(file)).close();
    damage(Math.floor(statSync(file).size / pageSize / 2));
    // Not due: only what is read can be found damaged.
    await (await openSqliteStore(file)).close();

    const beside = new Sqlite(file);
    beside.exec("UPDATE setting SET value = value - 86400000 WHERE key = 'checked at'");
    beside.close();
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'database_damaged' });

    const again = new Sqlite(file);
    again.exec("UPDATE setting SET value = value + 86400000 WHERE key = 'checked at'");
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'database_damaged' });
    again.close();
    await (await openSqliteStore(file)).close();
  });

  test('that turns out to be damaged while it is read says so', async () => {
    const [store, connection] = await openWithConnection();
    await given(store, [], manyBig(3, 'r'));
    connection.pragma('wal_checkpoint(TRUNCATE)');
    damage(Math.floor(statSync(file).size / pageSize / 2));
    connection.pragma('shrink_memory');
    const reading = store.aggregates(['r0', 'r1', 'r2']);
    await expect(reading).rejects.toMatchObject({ code: 'database_damaged' });
    await store.close();
  });
});

describe('a backup', () => {
  test('beside the log of the database that it replaces is refused, and is whole once the log is gone', async () => {
    const add = async (prefix: string, count: number) => {
      const store = await openSqliteStore(file);
      const ids = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
      await given(store, [], { creates: ids.map((id) => create(id)), links: ids.map((id) => link(id, id)) });
      return store;
    };
    await (await add('a', 500)).close();
    copyFileSync(file, join(folder, 'backup.db'));
    await (await add('b', 1_500)).close();
    const store = await add('c', 250);
    copyFileSync(`${file}-wal`, join(folder, 'log'));
    await store.close();

    copyFileSync(join(folder, 'backup.db'), file);
    copyFileSync(join(folder, 'log'), `${file}-wal`);
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'database_damaged' });
    rmSync(`${file}-wal`);
    const restored = await openSqliteStore(file);
    expect(await restored.records('contact', undefined, 1_000)).toHaveLength(500);
    await restored.close();
  });
});

describe('a locked file', () => {
  test('can be opened, read and closed; a write waits, fails with the reason, and is taken later', async () => {
    const store = await openSqliteStore(file, { busyTimeoutMs: 20 });
    await given(store, ['a']);
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(given(store, ['b'])).rejects.toMatchObject({
      code: 'database_locked',
      message: expect.stringContaining('another process keeps the database locked'),
    });
    await expect(store.lease('l', 'o', 0, 1)).rejects.toMatchObject({ code: 'database_locked' });
    const second = await openSqliteStore(file, { busyTimeoutMs: 20 });
    expect((await second.aggregates(['a', 'b'])).size).toBe(1);
    await second.close();
    other.exec('ROLLBACK');
    await given(store, ['b']);
    expect((await store.aggregates(['a', 'b'])).size).toBe(2);
    await store.close();
    other.close();
  });

  test('is waited for, for a while', async () => {
    const store = await openSqliteStore(file, { busyTimeoutMs: 300 });
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    const startedAt = performance.now();
    await expect(given(store, ['a'])).rejects.toMatchObject({ code: 'database_locked' });
    expect(performance.now() - startedAt).toBeGreaterThan(250);
    other.close();
    await store.close();
  });
});

describe('a full disk', () => {
  test('is told; nothing of the transaction is kept, all before it is, and work goes on when there is room', async () => {
    const [store, connection] = await openWithConnection();
    await given(store, ['a']);
    const pages = Number(connection.pragma('page_count', { simple: true }));
    connection.pragma(`max_page_count = ${pages + 20}`);
    const failing = given(store, [], {
      ...manyBig(1, 'b'),
      updates: [update('a', 1)],
      pending: [{ connection: 'room', recordId: 'a' }],
    });
    await expect(failing).rejects.toMatchObject({
      code: 'database_full',
      message: expect.stringContaining('there is no room left on the disk'),
    });
    expect([...(await store.aggregates(['a', 'b0'])).values()]).toMatchObject([{ record: { id: 'a', version: 1 } }]);
    expect(await store.pending('room', 'contact', 0, 0, 10)).toEqual([]);
    connection.pragma('max_page_count = 100000');
    await given(store, [], manyBig(1, 'b'));
    expect((await store.aggregates(['a', 'b0'])).size).toBe(2);
    await store.close();
  });

  test('does not keep the store from being closed', async () => {
    const [store, connection] = await openWithConnection();
    const ids = Array.from({ length: 20_000 }, (_, index) => `r${index}`);
    const creates = ids.map((id, index) => create(id, { keys: [index] }));
    await given(store, [], { creates, links: ids.map((id) => link(id, id)) });
    connection.pragma(`max_page_count = ${connection.pragma('page_count', { simple: true })}`);
    await store.close();
    const again = await openSqliteStore(file);
    expect(await again.candidates('contact', [19_999], 1)).toEqual(new Map([[19_999, ['r19999']]]));
    await again.close();
  });
});

describe('a file that this user may not write', () => {
  test('says so when a write is tried, and can be read', async () => {
    const [store, connection] = await openWithConnection();
    await given(store, ['a']);
    connection.pragma('query_only = ON');
    await expect(store.commit(batch({ updates: [update('a', 1)] }))).rejects.toMatchObject({
      code: 'database_readonly',
      message: expect.stringContaining('this user may not write the database or its folder'),
    });
    expect((await store.aggregates(['a'])).size).toBe(1);
    await store.close();
  });

  test.each(['file', 'folder'])('says so when it is opened (%s)', async (which) => {
    await (await openSqliteStore(file)).close();
    const [path, mode] = which === 'file' ? [file, 0o400] : [folder, 0o500];
    chmodSync(path, mode);
    await asOrdinaryUser(async () => {
      const opening = openSqliteStore(which === 'file' ? file : join(folder, 'new.db'));
      await expect(opening).rejects.toMatchObject({ code: 'database_readonly' });
    });
    chmodSync(path, 0o700);
  });
});

/** Modes bind everybody but root: there the files are given to somebody else, and the work is done as that user. */
async function asOrdinaryUser(work: () => Promise<void>): Promise<void> {
  const { getuid, seteuid } = process;
  if (getuid?.() !== 0 || seteuid === undefined) return await work();
  const nobody = 65_534;
  const { chownSync } = await import('node:fs');
  for (const path of [folder, file]) chownSync(path, nobody, nobody);
  seteuid(nobody);
  try {
    await work();
  } finally {
    seteuid(0);
  }
}
