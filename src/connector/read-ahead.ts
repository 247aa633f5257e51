/** Fetches pages before they are wanted, and throws them away when it turns out that they are not. */
export interface ReadAhead<T> {
  /** The page at `offset`: the one under way, or, when another one is next in line, a fresh fetch. */
  take(offset: number): Promise<T>;
  /** Sees to it that the pages at these offsets, in this order, are under way. */
  prepare(offsets: readonly number[]): void;
  /** Aborts what is under way and forgets it. */
  drop(): void;
}

/** @param fetch Rejects when its signal aborts. */
export function createReadAhead<T>(
  fetch: (offset: number, signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): ReadAhead<T> {
  let line: { readonly offset: number; readonly page: Promise<T> }[] = [];
  let round = new AbortController();

  function start(offset: number): Promise<T> {
    const page = fetch(offset, signal ? AbortSignal.any([signal, round.signal]) : round.signal);
    // Whoever takes the page sees its failure. If nobody does, it must not bring the process down.
    page.catch(() => {});
    return page;
  }

  function drop(): void {
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
