import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { explained, storeError } from './faults.ts';
import { openReadOnly, privateMode } from './file.ts';

/** How much is copied at a stretch: 8 MiB in pages of ours, some milliseconds. */
const pagesAtOnce = 1_024;
/** How long to wait for a process that is just making or recovering the file, milliseconds. */
const busyTimeoutMs = 10_000;

export interface BackupOptions {
  /** Told now and then which share is copied, 0 to 1. */
  readonly onProgress: (share: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Copies a database file while other processes write to it: the copy is the state of one moment, the one at which it was
 * begun. It is one file without companions, readable by its owner alone, checked from end to end, and it takes its name
 * when all that is done: whatever is interrupted leaves what was there before.
 * @param target absolute path; a file of that name is replaced
 * @returns size of the copy, bytes
 * @throws Error with a message for people: the source is missing, no database, or another program's
 * @throws StoreError when either file cannot be read or written, or the database is damaged; there is no copy then
 */
export async function backUp(source: string, target: string, options: BackupOptions): Promise<number> {
  const part = `${target}.${randomBytes(4).toString('hex')}.part`;
  try {
    closeSync(openSync(part, 'wx', privateMode));
    await copy(source, part, options);
    seal(part, source);
    const { size } = statSync(part);
    options.signal.throwIfAborted();
    renameSync(part, target);
    makeDurable(dirname(target));
    return size;
  } catch (error) {
    throw explained(error, target);
  } finally {
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(part + end, { force: true });
  }
}

async function copy(source: string, part: string, { onProgress, signal }: BackupOptions): Promise<void> {
  const database = opened(source);
  try {
    // Holds on to one state: without it, every write of another process would make SQLite begin again from the start.
    database.exec('BEGIN');
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    await database.backup(part, {
      progress: ({ totalPages, remainingPages }) => {
        signal.throwIfAborted();
        if (totalPages > 0) onProgress(1 - remainingPages / totalPages);
        return pagesAtOnce;
      },
    });
  } finally {
    database.close();
  }
}

function opened(source: string): Database {
  try {
    return openReadOnly(source, busyTimeoutMs);
  } catch (error) {
    throw explained(error, source);
  }
}

/** Makes the copy a file that needs no log beside it, and reads all of it. */
function seal(part: string, source: string): void {
  const database = new Sqlite(part);
  try {
    database.pragma('journal_mode = DELETE');
    const finding = String(database.pragma('integrity_check(1)', { simple: true }));
    if (finding !== 'ok') throw storeError('damaged', source, finding.replace(/\s+/g, ' ').slice(0, 200));
  } catch (error) {
    const isCorrupt = error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_CORRUPT');
    throw isCorrupt ? explained(error, source) : error;
  } finally {
    database.close();
  }
}

/** A new name is on the disk when its folder is. Windows knows no such thing, and needs none. */
function makeDurable(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
