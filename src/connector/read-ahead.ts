import PQueue from 'p-queue';

/** Fetches pages before they are wanted, and throws them away when it turns out that they are not. */
export interface ReadAhead<T> {
  /** The page at `offset`: the one in line, or, when another one is next there, a fresh fetch. */
  take(offset: number): Promise<T>;
  /** Sees to it that the pages at these offsets, in this order, are in line: here, under way, or to be fetched next. */
  prepare(offsets: readonly number[]): void;
  /** Aborts what is under way and forgets it. */
  drop(): void;
}

/**
 * @param concurrent how many pages are fetched at once
 * @param fetch Rejects when its signal aborts.
 */
export function createReadAhead<T>(
  concurrent: number,
  fetch: (offset: number, signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): ReadAhead<T> {
  let line: { readonly offset: number; readonly page: Promise<T> }[] = [];
  let round = new AbortController();
  let queue = new PQueue({ concurrency: concurrent });

  function start(offset: number): Promise<T> {
    const until = signal ? AbortSignal.any([signal, round.signal]) : round.signal;
    const page = queue.add(() => fetch(offset, until));
    // Whoever takes the page sees its failure. If nobody does, it must not bring the process down.
    page.catch(() => {});
    return page;
  }

  function drop(): void {
    if (line.length === 0 && queue.size + queue.pending === 0) return;
    queue.clear();
    queue = new PQueue({ concurrency: concurrent });
    round.abort(new Error('this page is not wanted any more'));
    round = new AbortController();
    line = [];
  }

  return {
    drop,
    take(offset) {
      if (line[0]?.offset === offset) return line.shift()!.page;
      drop();
      return start(offset);
    },
    prepare(offsets) {
      if (line.some((waiting, index) => waiting.offset !== offsets[index])) drop();
      for (const offset of offsets.slice(line.length)) line.push({ offset, page: start(offset) });
    },
  };
}
