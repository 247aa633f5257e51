import type { BadRecord, CrmRecord, Page } from './connector.ts';
import { MalformedReplyError } from './errors.ts';
import { createReadAhead } from './read-ahead.ts';
import { createRecentIds, type RecentIds } from './recent-ids.ts';

/** One reply of a listing. */
export interface FetchedPage {
  readonly items: readonly unknown[];
  /** The CRM's count of all records, where it gives one; believed only as far as it makes sense. */
  readonly total?: number | undefined;
}

export interface ScanOptions {
  /** The connection's name, for messages. */
  readonly connection: string;
  /** Operation id, for messages. */
  readonly operation: string;
  /** Rows to ask for, at least 2. The CRM may give fewer, or more. */
  readonly pageSize: number;
  /** How many pages may be in flight at once: the connection's `concurrent`. One more may wait to be taken. */
  readonly ahead: number;
  /** Reads `limit` rows from row `offset` on, in an order that stays the same. @throws MalformedReplyError when the reply holds no rows. */
  readonly fetch: (offset: number, limit: number, signal: AbortSignal) => Promise<FetchedPage>;
  /** A row's id as text; undefined when it has none. */
  readonly idOf: (item: unknown) => string | undefined;
  readonly decode: (item: unknown) => CrmRecord | BadRecord;
  readonly signal?: AbortSignal | undefined;
}

/** How far to step back, in pages, when a page does not join on to what was seen. */
const STEPS_BACK = [0.5, 1, 2];
/** Full pages in a row that may bring nothing new, as they do when many records are inserted before the scan's place. */
const MAX_BARREN_PAGES = 3;
/** Rows that any list may bring, whatever its CRM counts: some give the count of the page, some none. */
const ROWS_BEYOND_DOUBT = 1_000_000;
/** Beyond that, a list that brings so many times what its CRM counted at the beginning has no end. */
const ENDLESS_FACTOR = 10;

/**
 * Reads a whole list by offset while it changes (design.md §7.1; treepl.md §4, conecrm.md §4). Every record that exists
 * from the first page to the last comes exactly once, or the scan throws: never a silent loss.
 *
 * Why that holds: each page is asked for so that it begins with the last row of the page before. A page is used only if
 * it holds a row that was already seen; then all that lay between the two was seen too, whatever was inserted or deleted
 * meanwhile and in whatever order the pages were read. The end is a page that is shorter than the CRM's pages are and
 * brings nothing new.
 *
 * Pages that come to nothing new are not yielded. Ending the iteration early aborts what is in flight.
 *
 * @throws MalformedReplyError when the list moves too fast, repeats itself, has no end, or ends before its own total.
 */
export async function* scan(options: ScanOptions): AsyncGenerator<Page> {
  const { connection, operation, pageSize, ahead, idOf, signal } = options;
  if (!(pageSize >= 2)) throw new RangeError(`${connection}: ${operation} needs pages of 2 rows or more`);
  const incomplete = (what: string) =>
    new MalformedReplyError(
      `${connection}: ${operation} ${what}; scan stopped, incomplete, nothing counts as deleted`,
      { connection, operation },
    );

  const reader = createReadAhead(ahead, (at, pageSignal) => options.fetch(at, pageSize, pageSignal), signal);
  const recent = createRecentIds();
  /** Where the next page is asked for. */
  let offset = 0;
  /** Rows that the longest page so far brought: what the CRM gives when it has enough. */
  let step = 0;
  let pages = 0;
  let rowsSeen = 0;
  /** Rows after which the list is taken for endless. */
  let mostRows = ROWS_BEYOND_DOUBT;
  let barren = 0;
  /** Where the seam did not fit, and how often we have stepped back from there. */
  let seam = { at: 0, tries: 0 };
  let isEndDoubted = false;
  /** How many pages are asked for before they are wanted. */
  let inLine = 1;
  let blind: Blind | undefined;
  let edge: Edge = { id: undefined, idless: 0 };

  try {
    for (;;) {
      signal?.throwIfAborted();
      const { items, total } = await reader.take(offset);
      const ids = items.map(idOf);
      const end = offset + items.length;
      const isFirst = pages === 0;
      const joins = isFirst || ids.some((id) => id !== undefined && recent.has(id));
      const isKnown = ids.every((id) => id === undefined || recent.has(id));
      const isAsExpected = blind !== undefined && isKnown && items.length === blind.expected;
      if (blind && isAsExpected && !blind.isSecondLook && items.length > 0) {
        // Rows without an id look alike. That the page before is still there shows that these are the same ones.
        offset = blind.from;
        blind = { from: offset, expected: blind.rows, rows: blind.rows, isSecondLook: true };
        continue;
      }
      if (!joins && !isAsExpected) {
        blind = undefined;
        if (seam.tries === 0) seam = { at: offset, tries: 0 };
        const back = STEPS_BACK[seam.tries];
        if (back === undefined) {
          throw incomplete(`moves too fast: no row at start=${offset} was seen before, though it should join on`);
        }
        offset = Math.max(0, seam.at - Math.ceil(back * step));
        seam = { at: seam.at, tries: seam.tries + 1 };
        continue;
      }
      seam = { at: 0, tries: 0 };
      const isShort = items.length < step;
      step = Math.max(step, items.length);
      pages += 1;
      if (isFirst && total !== undefined) mostRows = Math.max(mostRows, ENDLESS_FACTOR * total);
      const fresh = isAsExpected ? [] : newRows(items, ids, edge, recent);
      if (fresh.length === 0) {
        if (isAsExpected || isShort || items.length === 0) {
          if (total === undefined || !(total > end)) return;
          if (isFirst || isEndDoubted) throw incomplete(`ended at row ${end} of ${total}`);
          isEndDoubted = true;
          continue;
        }
        barren += 1;
        if (barren > MAX_BARREN_PAGES)
          throw incomplete(`at start=${offset} brought no new id, ${barren} pages in a row`);
      } else {
        barren = 0;
        isEndDoubted = false;
        rowsSeen += fresh.length;
        if (rowsSeen > mostRows) throw incomplete(`brought ${rowsSeen} rows and no end`);
      }

      const lastWithId = ids.findLastIndex((id) => id !== undefined);
      if (fresh.length > 0) edge = { id: ids[lastWithId] ?? edge.id, idless: items.length - 1 - lastWithId };
      // A row without an id shows no seam, so the next page begins with the last row that has one.
      const overlaps = lastWithId > 0;
      const skip = overlaps ? lastWithId : Math.max(1, lastWithId + 1);
      blind = overlaps
        ? undefined
        : { from: offset, rows: items.length, expected: items.length - skip, isSecondLook: false };
      offset += skip;
      recent.turn(step);

      const isTotalCredible = total !== undefined && total >= end;
      const isFull = !isShort && overlaps && offset === end - 1;
      if (!isFull || (isFirst && items.length < pageSize && !isTotalCredible)) inLine = 1;
      // While a page is taken in, those that have come meanwhile do not keep others from being asked for.
      else inLine = isTotalCredible ? ahead + 1 : Math.min(ahead, inLine * 2);
      const offsets = Array.from({ length: inLine }, (_, index) => offset + index * (step - 1));
      // At total - 1 the last row is read again, to see that nothing follows it.
      reader.prepare(offsets.filter((at, index) => index === 0 || !isTotalCredible || at < total));

      if (fresh.length > 0) yield toPage(fresh, options, total !== undefined && total >= rowsSeen ? total : undefined);
    }
  } finally {
    reader.drop();
  }
}

/**
 * A page on which no row but the first has an id, so that the page after it cannot begin with a row that we know again
 * (and be another one). The list ends with it if the rest of it is all that comes when it is asked for.
 */
interface Blind {
  /** Where the page was, and how many rows it had. */
  readonly from: number;
  readonly rows: number;
  /** How many rows come next, if the list ends there. */
  readonly expected: number;
  readonly isSecondLook: boolean;
}

/** The end of what was seen: the last row with an id, and how many rows without one came after it. */
interface Edge {
  readonly id: string | undefined;
  readonly idless: number;
}

/**
 * The rows of a page that were not seen before; remembers their ids. Rows that stand before the first one that was seen
 * lie before our place: seen long ago, or inserted during the scan. Rows without an id are new where only new rows are.
 */
function newRows(
  items: readonly unknown[],
  ids: readonly (string | undefined)[],
  edge: Edge,
  recent: RecentIds,
): readonly unknown[] {
  const wasSeen = (id: string | undefined) => id !== undefined && recent.has(id);
  const firstSeen = ids.findIndex(wasSeen);
  const lastSeen = ids.findLastIndex(wasSeen);
  const lastKnown = lastSeen >= 0 && ids[lastSeen] === edge.id ? lastSeen + edge.idless : lastSeen;
  return items.filter((_, index) => {
    const id = ids[index];
    if (id === undefined) return index > lastKnown;
    if (index < firstSeen || recent.has(id)) return false;
    recent.add(id);
    return true;
  });
}

function toPage(items: readonly unknown[], options: ScanOptions, total: number | undefined): Page {
  const records: CrmRecord[] = [];
  const bad: BadRecord[] = [];
  for (const item of items) {
    const decoded = decodeSafely(item, options);
    if ('values' in decoded) records.push(decoded);
    else bad.push(decoded);
  }
  return { records, bad, ...(total === undefined ? {} : { total }) };
}

/** A row over which a connector stumbles is one bad record, and not the end of the listing. */
function decodeSafely(item: unknown, { decode, idOf }: ScanOptions): CrmRecord | BadRecord {
  try {
    return decode(item);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    return {
      externalId: idOf(item),
      reason: `the connector stumbles over this record (${error.name}): please report it`,
    };
  }
}
