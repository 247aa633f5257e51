import { closeSync, openSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { PlannedChange } from '../engine/rehearsal.ts';
import { privateMode } from '../store/sqlite/file.ts';

/** A change with the sync in which it would be made. */
export interface ChangeOfSync extends PlannedChange {
  readonly sync: string;
}

/** How many characters are gathered before they are written. */
const bufferLength = 64 * 1024;

/**
 * The changes of a plan, in a file while they are found: there may be as many as there are records. In the order in which
 * they were added.
 */
export class PlannedChanges {
  readonly #path: string;
  readonly #handle: number;
  #buffer = '';
  readonly #counts = new Map<string, number>();

  /** @param path of a file that does not exist yet; readable by its owner alone */
  constructor(path: string) {
    this.#path = path;
    this.#handle = openSync(path, 'wx', privateMode);
  }

  add(change: ChangeOfSync): void {
    const key = keyOf(change.sync, change.connection, change.action);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#buffer += `${JSON.stringify(change)}\n`;
    if (this.#buffer.length >= bufferLength) this.#flush();
  }

  count(sync: string, connection: string, action: PlannedChange['action']): number {
    return this.#counts.get(keyOf(sync, connection, action)) ?? 0;
  }

  /** All changes so far. May be called again and again. */
  async *all(): AsyncIterable<ChangeOfSync> {
    this.#flush();
    await using file = await open(this.#path);
    for await (const line of file.readLines()) yield JSON.parse(line) as ChangeOfSync;
  }

  close(): void {
    closeSync(this.#handle);
  }

  #flush(): void {
    writeSync(this.#handle, this.#buffer);
    this.#buffer = '';
  }
}

function keyOf(sync: string, connection: string, action: string): string {
  return `${sync} ${connection} ${action}`;
}
