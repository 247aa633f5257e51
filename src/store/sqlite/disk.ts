import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** Tells when what was committed would outlive a loss of power. */
export interface Disk {
  /** Resolves when all that was committed before the call is on the disk. @throws as `fsync` does */
  written(): Promise<void>;
  /** Ends it, once nobody waits any more. */
  close(): Promise<void>;
}

/** For a database that nobody keeps: waits for nothing. */
export const noDisk: Disk = { written: async () => undefined, close: async () => undefined };

/**
 * The disk under a database in WAL mode that commits without waiting (`synchronous = NORMAL`). What is committed stands in
 * its -wal file, or has been moved into the database file, which SQLite does only when it is on the disk: so the -wal is
 * all that there is to wait for (https://sqlite.org/wal.html). SQLite would do that itself (`synchronous = FULL`), but for
 * each commit, and with the process standing still; here those who come during one wait share the next.
 * @param file of the database
 * @param sync waits until what was written to an open file is on the disk
 */
export function openDisk(file: string, sync: (descriptor: number) => Promise<void> = promisify(fdatasync)): Disk {
  let wal: number | undefined;
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const begin = (): Promise<void> => {
    next = undefined;
    wal ??= openWal(file);
    const mine = sync(wal).finally(() => {
      if (current === mine) current = undefined;
    });
    current = mine;
    return mine;
  };
  return {
    written: async () => {
      if (current === undefined) return await begin();
      // The one under way may have begun before that commit.
      next ??= current.then(begin, begin);
      return await next;
    },
    close: async () => {
      while (current !== undefined || next !== undefined) await Promise.allSettled([current, next]);
      if (wal !== undefined) closeSync(wal);
    },
  };
}

/** Opens the -wal file, whose name is then on the disk, too. It is the same file while the database is open. */
function openWal(file: string): number {
  const wal = openSync(`${file}-wal`, 'r+');
  // Windows opens no folders, and needs none of this.
  if (process.platform !== 'win32') {
    const folder = openSync(dirname(file), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
  return wal;
}
