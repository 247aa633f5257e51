import { existsSync, statSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import { storeError } from './faults.ts';

/*
 * Measured on two cores: `quick_check` reads about a gigabyte a second, 105 ms for 100,000 contacts (117 MB); with a cold
 * disk it takes as long as reading the file does. So small files are looked at whole at every start, larger ones when
 * that is due.
 */

/** A file of up to this many bytes is checked whole at every start. */
const smallBytes = 32 * 2 ** 20;
/** A larger one after this long, milliseconds, and when the last process that had it did not end properly. */
const checkEveryMs = 24 * 60 * 60_000;
/** The row of table `setting` that says when the whole of a larger file was last found sound, epoch milliseconds. */
const checkedKey = 'checked at';

/**
 * Looks whether a database file is sound, before anything is written to it or beside it: its header and size always, the
 * whole of it when that is due.
 * @param database a read-only connection to it
 * @returns whether `noteSound` is to write down that it was checked
 * @throws StoreError when it is damaged
 */
export function refuseDamaged(database: Database, path: string): boolean {
  const isSmall = statSync(path).size <= smallBytes;
  // SQLite removes the log when the last process closes the file: what is left is of one that died, or is at work now.
  const wasLeftOpen = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  if (!isSmall && !wasLeftOpen && Date.now() - lastChecked(database) < checkEveryMs) return false;
  refuseUnsound(database, path);
  return !isSmall;
}

/** Looks at the whole of a database file. @throws StoreError when it is damaged */
export function refuseUnsound(database: Database, path: string): void {
  const finding = String(database.pragma('quick_check(1)', { simple: true }));
  if (finding !== 'ok') throw storeError('damaged', path, withoutNewlines(finding));
}

/** Writes down that the file was found sound, unless somebody else is writing: the next start then looks again. */
export function noteSound(database: Database, busyTimeoutMs: number): void {
  database.pragma('busy_timeout = 0');
  try {
    database
      .prepare<[string, string]>('INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)')
      .run(checkedKey, String(Date.now()));
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY'))) throw error;
  } finally {
    database.pragma(`busy_timeout = ${busyTimeoutMs}`);
  }
}

/** Epoch milliseconds; a time to come, left by a clock that was wrong, is none. */
function lastChecked(database: Database): number {
  const hasSettings = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'setting'").get() !== undefined;
  if (!hasSettings) return 0;
  const value = database.prepare<[string], string>('SELECT value FROM setting WHERE key = ?').pluck().get(checkedKey);
  const at = Number(value ?? 0);
  return at <= Date.now() ? at : 0;
}

/** Whether SQLite has a transaction of its own to finish or to take back before the file can be read. */
export function isUnfinished(path: string): boolean {
  return existsSync(`${path}-journal`);
}

function withoutNewlines(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 200);
}
