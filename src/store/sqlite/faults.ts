import Sqlite from 'better-sqlite3';
import { StoreError, type StoreFault } from '../errors.ts';
import type { Store } from '../store.ts';

const restore = 'put a backup in its place, as docs/restore.md describes';

/** What to say about each fault, and what to do about it. */
const advice: Readonly<Record<StoreFault, string>> = {
  locked: 'another process keeps the database locked; end it, or try again when it is done',
  full: 'there is no room left on the disk; make room and try again',
  readonly: 'this user may not write the database or its folder; change that and try again',
  damaged: `the database is damaged and is left as it is; ${restore}`,
  io: 'the system could not read or write the database; look at the disk and at what limits this process, and try again',
};

/** SQLite's result codes, by how they begin: the extended ones (`SQLITE_IOERR_WRITE`) say more than we tell apart. */
const faults: readonly (readonly [code: string, StoreFault])[] = [
  ['SQLITE_BUSY', 'locked'],
  ['SQLITE_LOCKED', 'locked'],
  ['SQLITE_FULL', 'full'],
  ['SQLITE_READONLY', 'readonly'],
  ['SQLITE_CANTOPEN', 'readonly'],
  ['SQLITE_CORRUPT', 'damaged'],
  ['SQLITE_IOERR', 'io'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EACCES', 'readonly'],
  ['EPERM', 'readonly'],
  ['EROFS', 'readonly'],
  ['EIO', 'io'],
];

/** The fault of a file, with SQLite's or the system's word for it in brackets. */
export function storeError(fault: StoreFault, file: string, word: string, cause?: unknown): StoreError {
  return new StoreError(fault, `${file}: ${advice[fault]} (${word})`, { cause });
}

/** An error of SQLite or of the file system as a `StoreError` where it is the file's fault; any other as it is. */
export function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Error && 'code' in error) || error instanceof StoreError) return error;
  const code = String(error.code);
  const fault = faults.find(([start]) => code.startsWith(start))?.[1];
  if (fault === undefined) return error;
  const word = fault === 'damaged' && error instanceof Sqlite.SqliteError ? `${code}: ${error.message}` : code;
  return storeError(fault, file, word, error);
}

/** Whether an error of SQLite says nothing against the file itself: it goes away when its cause does. */
export function isPassing(error: unknown): boolean {
  const fault = explained(error, '');
  return fault instanceof StoreError && fault.code !== 'database_damaged';
}

/** The same store, whose methods tell what is wrong with the file in words for people. */
export function explaining(store: Store, file: string): Store {
  const fail = (error: unknown): never => {
    throw explained(error, file);
  };
  const methods = Object.entries(store as unknown as Readonly<Record<string, Method>>);
  return Object.fromEntries(
    methods.map(([name, method]): [string, Method] => [name, (...args) => method(...args).catch(fail)]),
  ) as unknown as Store;
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;
