import type { BadRecord, CrmRecord, Page } from '../../src/connector/connector.ts';
import { createReadAhead } from '../../src/connector/read-ahead.ts';
import { isWire } from './records.ts';
import { type Status, usableId } from './schemas.ts';

export interface ScanOptions {
  /** In the order of the life cycle. */
  readonly statuses: readonly Status[];
  /** All customers of a status, as they are at one moment. @throws MalformedReplyError when the reply is no list. */
  readonly fetch: (status: Status, signal: AbortSignal) => Promise<readonly unknown[]>;
  /** The records that a row holds. */
  readonly decode: (row: unknown) => readonly (CrmRecord | BadRecord)[];
  readonly signal?: AbortSignal | undefined;
}

/** Ways through the statuses at least, and at most when customers keep moving. */
const MIN_WAYS = 2;
const MAX_WAYS = 6;

/** Rows per page that we hand on; the API itself knows no pages. */
const ROWS_PER_PAGE = 200;

/**
 * Reads all customers through the lists of their statuses (alpha.md §4), while customers move from status to status. No
 * customer comes twice. Which ones come for sure:
 *
 * The lists are read one after the other in the order of the life cycle, then back, as a lift goes. On the way up the
 * lift misses only a customer that moves down past it, on the way down only one that moves up past it. So whoever was
 * there from the first call to the last comes unless its status went back *and* forth while the scan ran, once for each
 * way. The turning point serves both ways: six lists are eleven calls. If the last way met a customer that is new or has
 * moved, another way follows, up to six. `updated` plays no part: it is not documented that it moves with the status.
 *
 * One list is one moment: it is read once.
 *
 * Calls are made one at a time, for the order of the lists is what counts; the next one is under way while a page is
 * taken in. The first sight of a customer stands, an edit seen later is left to the next scan. What is remembered is one
 * entry for each customer.
 */
export async function* scanStatuses({ statuses, fetch, decode, signal }: ScanOptions): AsyncGenerator<Page> {
  const turn = statuses.length - 1;
  /** Customer → the list in which it was met last. */
  const met = new Map<string, number>();
  const reader = createReadAhead(
    1,
    (stop, stopSignal) => fetch(statuses[floorOf(stop, turn)] as Status, stopSignal),
    signal,
  );
  let hasMoved = false;
  try {
    for (let stop = 0; ; stop += 1) {
      const rows = await reader.take(stop);
      const floor = floorOf(stop, turn);
      const fresh = rows.filter((row) => {
        const id = isWire(row) ? usableId(row.id) : undefined;
        // Rows without an id look alike: those of the first way are all that can be told apart.
        if (id === undefined) return stop <= turn;
        const before = met.get(id);
        if (before !== floor) hasMoved = true;
        met.set(id, floor);
        return before === undefined;
      });

      const ways = turn === 0 ? MAX_WAYS : Math.floor(stop / turn);
      const isTurn = turn === 0 || stop % turn === 0;
      const isEnd = isTurn && (ways >= MAX_WAYS || (ways >= MIN_WAYS && !hasMoved));
      if (isTurn) hasMoved = false;
      if (!isEnd) reader.prepare([stop + 1]);
      yield* pagesOf(fresh, decode);
      // Told to stop is not the same as complete, also behind the last list.
      signal?.throwIfAborted();
      if (isEnd) return;
    }
  } finally {
    reader.drop();
  }
}

/** 0 1 2 … turn … 2 1 0 1 2 …: where the lift stops. */
function floorOf(stop: number, turn: number): number {
  if (turn === 0) return 0;
  const place = stop % (2 * turn);
  return place <= turn ? place : 2 * turn - place;
}

function* pagesOf(rows: readonly unknown[], decode: ScanOptions['decode']): Generator<Page> {
  for (let start = 0; start < rows.length; start += ROWS_PER_PAGE) {
    const records: CrmRecord[] = [];
    const bad: BadRecord[] = [];
    for (const decoded of rows.slice(start, start + ROWS_PER_PAGE).flatMap(decode)) {
      if ('values' in decoded) records.push(decoded);
      else bad.push(decoded);
    }
    if (records.length > 0 || bad.length > 0) yield { records, bad };
  }
}
