import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { migrate, schemaVersion } from '../migrate.ts';
import { explained } from './faults.ts';
import { isUnfinished, noteSound, refuseDamaged, refuseUnsound } from './integrity.ts';
import { preparing } from './statements.ts';

/** Marks our files among other SQLite databases: "cncd". The first migration sets it. */
const applicationId = 0x636e6364;
/** Bytes. */
const pageSize = 8192;
/** How much of the file is kept in memory, KiB. */
const cacheKib = 8192;
/** The log is carried over into the file when it has grown to this many pages. */
const checkpointPages = 2000;
/** Owner reads and writes; the file holds personal data. */
export const privateMode = 0o600;

/**
 * Opens or creates the database file, readable by its owner alone, sound as far as is looked at (see integrity.ts), with
 * the schema brought up to date. `:memory:` gives one that lives in this process.
 * @throws Error with a message for people: no such folder, no database, another program's database, a newer schema
 * @throws StoreError when the file is damaged, locked, or cannot be written; it is left as it is
 */
export function openFile(file: string, busyTimeoutMs: number): Database {
  if (file === ':memory:') return prepared(new Sqlite(file), file);
  // Absolute, so that SQLite never takes a name for a URI.
  const path = resolve(file);
  try {
    makePrivate(path);
    const wasChecked = checked(path, busyTimeoutMs);
    const database = prepared(new Sqlite(path, { timeout: busyTimeoutMs }), path);
    if (wasChecked) noteSound(database, busyTimeoutMs);
    return database;
  } catch (error) {
    throw told(error, path);
  }
}

/**
 * A read-only connection to a database file of ours.
 * @throws Error with a message for people: no database, another program's database
 */
export function openReadOnly(path: string, busyTimeoutMs: number): Database {
  const database = new Sqlite(path, { timeout: busyTimeoutMs, readonly: true, fileMustExist: true });
  try {
    refuseForeign(database, path);
    return database;
  } catch (error) {
    database.close();
    throw told(error, path);
  }
}

/**
 * Looks at the whole of a database file, without bringing it up to date.
 * @returns the version of its schema; 0 for a file that is just being made
 * @throws Error with a message for people: no database, another program's database
 * @throws StoreError when it is damaged, or locked for too long
 */
export function checkFile(path: string, busyTimeoutMs = 10_000): number {
  // Another process is making it, or died doing so: the next one that opens it takes that back.
  if (statSync(path).size === 0 || isUnfinished(path)) return 0;
  const database = openReadOnly(path, busyTimeoutMs);
  try {
    refuseUnsound(database, path);
    return schemaVersion(database);
  } catch (error) {
    throw told(error, path);
  } finally {
    database.close();
  }
}

/** Looks at the file through a connection that cannot change it. @returns as `refuseDamaged` */
function checked(path: string, busyTimeoutMs: number): boolean {
  // Empty: just made. Unfinished: another process is making it, or died doing so, and SQLite has to take that back.
  if (statSync(path).size === 0 || isUnfinished(path)) return false;
  const database = openReadOnly(path, busyTimeoutMs);
  try {
    return refuseDamaged(database, path);
  } finally {
    database.close();
  }
}

function prepared(database: Database, path: string): Database {
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
    database.prepare = preparing(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function told(error: unknown, path: string): unknown {
  if (error instanceof Sqlite.SqliteError && error.code === 'SQLITE_NOTADB')
    return new Error(`${path}: is not an SQLite database; it is left as it is`, { cause: error });
  return explained(error, path);
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
  // The tables first: another process that makes the file writes both at once, so that tables never come without the id.
  const tables = Number(database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  const id = Number(database.pragma('application_id', { simple: true }));
  if (id !== applicationId && tables > 0)
    throw new Error(`${path}: is an SQLite database of another program; it is left as it is`);
}
