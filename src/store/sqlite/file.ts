import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { migrate } from '../migrate.ts';

/** Marks our files among other SQLite databases: "cncd". The first migration sets it. */
const applicationId = 0x636e6364;
/** Bytes. */
const pageSize = 8192;
/** How much of the file is kept in memory, KiB. */
const cacheKib = 8192;
/** The log is carried over into the file when it has grown to this many pages. */
const checkpointPages = 2000;
/** Owner reads and writes; the file holds personal data. */
const privateMode = 0o600;

/**
 * Opens or creates the database file, readable by its owner alone, with the schema brought up to date.
 * `:memory:` gives one that lives in this process.
 * @throws Error with a message for people: no such folder, no database, another program's database, a newer schema
 */
export function openFile(file: string, busyTimeoutMs: number): Database {
  const inMemory = file === ':memory:';
  // Absolute, so that SQLite never takes a name for a URI.
  const path = inMemory ? file : resolve(file);
  if (!inMemory) makePrivate(path);
  const database = new Sqlite(path, { timeout: busyTimeoutMs });
  try {
    refuseForeign(database, path);
    database.pragma(`page_size = ${pageSize}`);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma('foreign_keys = ON');
    database.pragma(`cache_size = -${cacheKib}`);
    database.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    database.pragma('temp_store = MEMORY');
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Sqlite.SqliteError && error.code === 'SQLITE_NOTADB')
      throw new Error(`${path}: is not an SQLite database; it is left as it is`, { cause: error });
    throw error;
  }
}

/** SQLite gives its -wal and -shm the mode of the database file, so that one mode guards all three. */
function makePrivate(path: string): void {
  const parent = dirname(path);
  if (!statSync(parent, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`${path}: the folder ${parent} does not exist; create it first`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`${path}: is a folder, expected a file`);
  // Created by us before SQLite sees it: SQLite would create it readable for all and narrow nothing.
  closeSync(openSync(path, 'a', privateMode));
  for (const each of [path, `${path}-wal`, `${path}-shm`])
    if (existsSync(each) && (statSync(each).mode & 0o077) !== 0) chmodSync(each, privateMode);
}

function refuseForeign(database: Database, path: string): void {
  const id = Number(database.pragma('application_id', { simple: true }));
  const tables = Number(database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (id !== applicationId && tables > 0)
    throw new Error(`${path}: is an SQLite database of another program; it is left as it is`);
}
