import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { privateMode } from '../../src/store/sqlite/file.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { openMemoryStore } from '../store/memory.ts';

/** A store that is there for the length of a life, whose processes come and go. */
export interface PassingStore {
  /** The same object for the whole life; what is asked of it goes to the process that has the file open now. */
  readonly store: Store;
  /** The process died without a word: the next one opens the file as it lies there. */
  reopen(): Promise<void>;
  remove(): Promise<void>;
}

/** In memory where the system has a place for that: what is tested is who wrote what, not the disk. */
const shared = '/dev/shm';

/** A new folder for files that need not outlive the test. */
export function passingFolder(): string {
  return mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), 'concordat-life-'));
}

/** The file of an empty store, once there was one: the schema is made once, and copied for each life. */
let empty: Buffer | undefined;

/** Opens an empty store in a file of its own. */
export async function openFileStore(): Promise<PassingStore> {
  const folder = passingFolder();
  const file = join(folder, 'life.db');
  // When the disk answers is up to the machine, and a life has to be the same each time.
  const open = async () => await openSqliteStore(file, { waitsForDisk: false });
  if (empty) writeFileSync(file, empty, { mode: privateMode });
  else {
    await (await open()).close();
    empty = readFileSync(file);
  }
  const opened = [await open()];
  const store = new Proxy({} as Store, {
    get: (_, name) => {
      const now = opened.at(-1)!;
      const member: unknown = Reflect.get(now, name, now);
      return typeof member === 'function' ? member.bind(now) : member;
    },
  });
  return {
    store,
    async reopen() {
      // What was asked of the store before the death is done, together, at the end of this turn: not under the next process.
      await endOfTurn();
      opened.push(await open());
    },
    async remove() {
      for (const one of opened) await one.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Opens an empty store in memory: where no process dies nobody opens it again, and no lock is taken for each read. */
export function openPassingMemory(): PassingStore {
  const store = openMemoryStore();
  return {
    store,
    reopen: () => Promise.reject(new RangeError('a store in memory ends with its process')),
    remove: () => store.close(),
  };
}
