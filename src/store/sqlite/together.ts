import type { Disk } from './disk.ts';
import { isPassing } from './faults.ts';

/** Runs one action in a transaction. */
type Transact = <Result>(action: () => Result) => Result;

interface Waiting {
  readonly action: () => unknown;
  readonly isThrough: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Small writes that share a transaction with those of the same moment. */
export interface Together {
  /**
   * Runs an action with the others of this turn of the event loop.
   * @param isThrough what it wrote is on the disk when the promise resolves
   */
  run<Result>(action: () => Result, isThrough?: boolean): Promise<Result>;
  /** Runs an action at once, and what waits before it. */
  now<Result>(action: () => Result): Promise<Result>;
  /** Runs at once what waits. */
  flush(): void;
}

/**
 * Lets small writes that come close together share one transaction, and one wait for the disk: with many records under
 * way that wait would cost more than everything else. Actions run in the order in which they came; one that fails fails
 * alone.
 */
export function openTogether(write: Transact, disk: Disk): Together {
  let waiting: Waiting[] = [];

  function flush(): void {
    const all = waiting;
    waiting = [];
    if (all.length === 0) return;
    let results: unknown[];
    try {
      results = write(() => all.map(({ action }) => action()));
    } catch (error) {
      // A file that is locked or full is so for all of them.
      if (all.length === 1 || isPassing(error)) for (const { reject } of all) reject(error);
      else for (const one of all) runAlone(one);
      return;
    }
    for (const [index, one] of all.entries()) end(one, results[index]);
  }

  function runAlone(one: Waiting): void {
    let result: unknown;
    try {
      result = write(one.action);
    } catch (error) {
      one.reject(error);
      return;
    }
    end(one, result);
  }

  function end({ isThrough, resolve, reject }: Waiting, result: unknown): void {
    if (isThrough) disk.written().then(() => resolve(result), reject);
    else resolve(result);
  }

  const put = <Result>(action: () => Result, isThrough: boolean): Promise<Result> =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({ action, isThrough, resolve: resolve as (result: unknown) => void, reject });
    });

  return {
    run: (action, isThrough = false) => {
      if (waiting.length === 0) setImmediate(flush);
      return put(action, isThrough);
    },
    now: (action) => {
      const result = put(action, false);
      flush();
      return result;
    },
    flush,
  };
}
