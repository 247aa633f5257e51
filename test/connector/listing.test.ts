import { test as property } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CrmRecord, Page } from '../../src/connector/connector.ts';
import { MalformedReplyError } from '../../src/connector/errors.ts';
import { type FetchedPage, type ScanOptions, scan } from '../../src/connector/listing.ts';
import { createRecentIds } from '../../src/connector/recent-ids.ts';

interface Row {
  readonly id?: string;
}

const rows = (count: number, from = 0): Row[] =>
  Array.from({ length: count }, (_, index) => ({ id: `r${from + index}` }));

const record = (id: string): CrmRecord => ({ externalId: id, values: {} });

function optionsFor(fetch: ScanOptions['fetch'], more: Partial<ScanOptions> = {}): ScanOptions {
  return {
    connection: 'showroom',
    operation: 'listContacts',
    pageSize: 10,
    ahead: 4,
    fetch,
    idOf: (item) => (item as Row).id,
    decode: (item) => {
      const { id } = item as Row;
      return id === undefined ? { externalId: undefined, reason: 'id: expected text, got nothing' } : record(id);
    },
    ...more,
  };
}

/** A list that does not change, with every request noted. */
function still(list: readonly Row[], more: { cap?: number; total?: boolean } = {}) {
  const asked: number[] = [];
  const fetch = async (offset: number, limit: number): Promise<FetchedPage> => {
    asked.push(offset);
    const items = list.slice(offset, offset + Math.min(limit, more.cap ?? limit));
    return more.total ? { items, total: list.length } : { items };
  };
  return { asked, fetch };
}

async function collect(pages: AsyncIterable<Page>): Promise<{ ids: string[]; bad: number; pages: number }> {
  const found = { ids: [] as string[], bad: 0, pages: 0 };
  for await (const page of pages) {
    found.ids.push(...page.records.map(({ externalId }) => externalId));
    found.bad += page.bad.length;
    found.pages += 1;
  }
  return found;
}

const idsOf = (list: readonly Row[]) => list.flatMap(({ id }) => id ?? []);

describe('a list that stands still', () => {
  property.prop(
    {
      count: fc.nat(60),
      pageSize: fc.integer({ min: 2, max: 15 }),
      cap: fc.integer({ min: 2, max: 15 }),
      ahead: fc.integer({ min: 1, max: 5 }),
      total: fc.constantFrom('none', 'true', 'ofPage', 'tooSmall'),
      idless: fc.array(fc.nat(60), { maxLength: 3 }),
    },
    { numRuns: 2000 },
  )('comes whole, each record once, in order', async ({ count, pageSize, cap, ahead, total, idless }) => {
    const list = rows(count);
    // Two rows with an id on every page are needed to join pages.
    const holes = pageSize > 4 && cap > 4 ? [...new Set(idless)].filter((at) => at < count) : [];
    for (const at of holes) list[at] = {};
    const fetch = async (offset: number, limit: number): Promise<FetchedPage> => {
      const items = list.slice(offset, offset + Math.min(limit, cap));
      const totals = { none: undefined, true: count, ofPage: items.length, tooSmall: Math.floor(count / 2) };
      return { items, total: totals[total] };
    };
    const found = await collect(scan(optionsFor(fetch, { pageSize, ahead })));
    expect(found.ids).toEqual(idsOf(list));
    expect(found.bad).toBe(holes.length);
  });

  test.each([
    { count: 0, requests: 1 },
    { count: 1, requests: 2 },
    { count: 7, requests: 2 },
    { count: 9, requests: 2 },
  ])('of $count rows, less than a page, costs $requests requests', async ({ count, requests }) => {
    for (const total of [true, false]) {
      const { asked, fetch } = still(rows(count), { total });
      expect((await collect(scan(optionsFor(fetch)))).ids).toHaveLength(count);
      expect(asked).toHaveLength(requests);
    }
  });

  test('with a total is read with one request per page and one to see the end', async () => {
    const { asked, fetch } = still(rows(91), { total: true });
    await collect(scan(optionsFor(fetch)));
    expect(asked).toEqual([0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90]);
  });

  test('is read with at most `ahead` requests in vain where there is no total', async () => {
    const { asked, fetch } = still(rows(95));
    await collect(scan(optionsFor(fetch)));
    expect(asked.filter((offset) => offset > 94).length).toBeLessThanOrEqual(4);
  });

  test('shows the total with each page, unless it is smaller than what was seen', async () => {
    const list = rows(25);
    const totals: (number | undefined)[] = [];
    const honest = still(list, { total: true });
    for await (const { total } of scan(optionsFor(honest.fetch))) totals.push(total);
    expect(new Set(totals)).toEqual(new Set([25]));
    const ofPage = async (offset: number, limit: number) => {
      const items = list.slice(offset, offset + limit);
      return { items, total: items.length };
    };
    const seen: (number | undefined)[] = [];
    for await (const { total } of scan(optionsFor(ofPage))) seen.push(total);
    expect(seen).toEqual([10, undefined, undefined]);
  });
});

describe('a list that changes while it is read', () => {
  const change = fc.oneof(
    fc.record({
      kind: fc.constant('insert' as const),
      at: fc.constantFrom(0, 1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({
      kind: fc.constant('delete' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({
      kind: fc.constant('burst' as const),
      at: fc.constantFrom(0, 1),
      count: fc.integer({ min: 5, max: 40 }),
    }),
  );
  const world = {
    count: fc.nat(60),
    pageSize: fc.integer({ min: 2, max: 12 }),
    cap: fc.integer({ min: 2, max: 12 }),
    ahead: fc.integer({ min: 1, max: 5 }),
    total: fc.constantFrom(
      'none' as const,
      'true' as const,
      'ofPage' as const,
      'tooSmall' as const,
      'tooLarge' as const,
    ),
    delays: fc.array(fc.nat(4), { minLength: 1, maxLength: 12 }),
    idless: fc.array(fc.nat(60), { maxLength: 2 }),
  };

  interface World {
    count: number;
    cap: number;
    total: 'none' | 'true' | 'ofPage' | 'tooSmall' | 'tooLarge';
    delays: number[];
    idless?: number[];
  }
  type Change = { kind: 'insert' | 'delete' | 'burst'; at: number; count: number };

  /** A CRM whose list changes before each reply is made up; replies come in any order. */
  function moving({ count, cap, total, delays, idless = [] }: World, changes: readonly (Change | undefined)[]) {
    const list: Row[] = rows(count);
    for (const at of idless) if (at < count) list[at] = {};
    const gone = new Set<string>();
    let born = 0;
    let calls = 0;
    const apply = ({ kind, at, count: many }: Change) => {
      if (kind === 'delete') {
        for (const { id } of list.splice(Math.floor(at * list.length), many)) if (id !== undefined) gone.add(id);
      } else {
        const fresh = Array.from({ length: many }, () => ({ id: `n${born++}` }));
        list.splice(at * list.length, 0, ...fresh);
      }
    };
    const fetch = async (offset: number, limit: number): Promise<FetchedPage> => {
      const call = calls++;
      for (let turns = delays[call % delays.length]!; turns > 0; turns--) await new Promise(setImmediate);
      const next = call === 0 ? undefined : changes[call];
      if (next) apply(next);
      const items = list.slice(offset, offset + Math.min(limit, cap));
      const totals = {
        none: undefined,
        true: list.length,
        ofPage: items.length,
        tooSmall: Math.floor(list.length / 2),
        tooLarge: list.length + 5,
      };
      return { items, total: totals[total] };
    };
    return {
      fetch,
      stayed: () => idsOf(rows(count)).filter((id) => !gone.has(id) && !idless.includes(Number(id.slice(1)))),
    };
  }

  property.prop(
    { ...world, changes: fc.array(fc.option(change, { nil: undefined, freq: 2 }), { maxLength: 40 }) },
    { numRuns: 5000 },
  )(
    'gives every record that stayed exactly once, or throws; never a silent loss',
    async ({ changes, pageSize, ahead, ...given }) => {
      const { fetch, stayed } = moving(given, changes);
      const found: string[] = [];
      try {
        for await (const page of scan(optionsFor(fetch, { pageSize, ahead }))) {
          found.push(...page.records.map(({ externalId }) => externalId));
        }
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedReplyError);
        return;
      }
      expect(new Set(found).size).toBe(found.length);
      expect(stayed().filter((id) => !found.includes(id))).toEqual([]);
    },
  );

  property.prop(
    {
      ...world,
      kind: fc.constantFrom('insert' as const, 'delete' as const),
      where: fc.double({ min: 0, max: 1, noNaN: true }),
      when: fc.nat(12),
    },
    { numRuns: 3000 },
  )(
    'is read to its end when one record comes or goes at any moment',
    async ({ kind, where, when, pageSize, ahead, ...given }) => {
      const calm = {
        ...given,
        idless: [],
        cap: Math.max(given.cap, 3),
        total: given.total === 'tooLarge' ? ('true' as const) : given.total,
      };
      const changes: (Change | undefined)[] = [];
      changes[when] = { kind, at: kind === 'insert' ? Math.round(where) : where, count: 1 };
      const { fetch, stayed } = moving(calm, changes);
      const found = await collect(scan(optionsFor(fetch, { pageSize: Math.max(3, pageSize), ahead })));
      expect(stayed().filter((id) => !found.ids.includes(id))).toEqual([]);
    },
  );
});

describe('a list in which something is wrong', () => {
  const stopped = async (fetch: ScanOptions['fetch'], more: Partial<ScanOptions> = {}) => {
    const error = await collect(scan(optionsFor(fetch, more))).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(MalformedReplyError);
    return (error as Error).message;
  };

  test('the same page again and again is an error, not a loop', async () => {
    let requests = 0;
    const message = await stopped(async () => {
      requests += 1;
      return { items: rows(10) };
    });
    expect(message).toBe(
      'showroom: listContacts at start=36 brought no new id, 4 pages in a row; scan stopped, incomplete, nothing counts as deleted',
    );
    expect(requests).toBeLessThan(12);
  });

  test('a listing that ends before its own total is asked once more and then is an error', async () => {
    const asked: number[] = [];
    const message = await stopped(async (offset, limit) => {
      asked.push(offset);
      return {
        items: rows(30)
          .slice(0, 14)
          .slice(offset, offset + limit),
        total: 30,
      };
    });
    expect(message).toContain('ended at row 14 of 30');
    expect(asked.filter((offset) => offset === 13)).toHaveLength(2);
  });

  test('a listing that ends early only once is read to its end', async () => {
    let hiccups = 1;
    const fetch = async (offset: number, limit: number) => {
      const hiccup = offset === 9 && hiccups-- > 0;
      return { items: rows(30).slice(offset, offset + (hiccup ? 1 : limit)), total: 30 };
    };
    expect((await collect(scan(optionsFor(fetch)))).ids).toEqual(idsOf(rows(30)));
  });

  test.each([
    ['a total that is always ahead', (end: number) => end + 1_000],
    ['no total', () => undefined],
  ])(
    'a listing of ever new ids with %s is an error after a million rows, not a loop',
    async (_, totalAt) => {
      const endless: ScanOptions['fetch'] = async (offset, limit) => ({
        items: rows(limit, offset),
        total: totalAt(offset + limit),
      });
      const drain = async () => {
        for await (const _ of scan(optionsFor(endless, { pageSize: 20_000, ahead: 1, decode: () => record('r') })));
      };
      await expect(drain()).rejects.toThrow(/listContacts brought 10\d{5} rows and no end; scan stopped, incomplete/);
    },
    120_000,
  );

  test('an empty first page with a total above zero is an error', async () => {
    expect(await stopped(async () => ({ items: [], total: 3 }))).toContain('ended at row 0 of 3');
  });

  test('an empty page in the middle is no end: what was seen is found again and the scan goes on', async () => {
    let hiccups = 1;
    const fetch = async (offset: number, limit: number) => ({
      items: offset === 9 && hiccups-- > 0 ? [] : rows(30).slice(offset, offset + limit),
    });
    expect((await collect(scan(optionsFor(fetch)))).ids).toEqual(idsOf(rows(30)));
  });

  test('a list that was emptied during the scan is an error, not an end', async () => {
    let requests = 0;
    const message = await stopped(async () => ({ items: requests++ === 0 ? rows(10) : [] }));
    expect(message).toContain('moves too fast');
  });

  test('a CRM that gives one row at a time cannot be scanned safely', async () => {
    expect(await stopped(async (offset) => ({ items: rows(3).slice(offset, offset + 1) }))).toContain('no new id');
  });

  test('a page full of rows without an id cannot be joined', async () => {
    const list = [...rows(10), ...Array.from({ length: 30 }, () => ({}))];
    const message = await stopped(async (offset, limit) => ({ items: list.slice(offset, offset + limit) }));
    expect(message).toContain('no new id');
  });

  test.each([
    [['r0', ''], 3],
    [['', ''], 3],
    [['', 'r1'], 2],
    [['r0', '', ''], 3],
    [['r0', 'r1', ''], 2],
  ])('a short list %j with rows without an id is read to its end', async (ids, requests) => {
    const list = ids.map((id) => (id ? { id } : {}));
    const { asked, fetch } = still(list);
    expect(await collect(scan(optionsFor(fetch)))).toMatchObject({
      ids: idsOf(list),
      bad: list.length - idsOf(list).length,
    });
    expect(asked).toHaveLength(requests);
  });

  test('a row without an id at the end of a page does not hide that the rows before it are gone', async () => {
    // Found by the property above: the CRM gives 2 rows where 3 are asked for, and r0 goes after the first page.
    const list: Row[] = [{ id: 'r0' }, {}, { id: 'r2' }];
    let requests = 0;
    const fetch = async (offset: number) => ({ items: list.slice(requests++ ? 1 : 0).slice(offset, offset + 2) });
    const found = collect(scan(optionsFor(fetch, { pageSize: 3 })));
    await expect(found).rejects.toBeInstanceOf(MalformedReplyError);
  });

  test('rows without an id at the seam are reported once', async () => {
    const list: Row[] = [...rows(9), {}, {}, ...rows(9, 9)];
    const { fetch } = still(list);
    expect(await collect(scan(optionsFor(fetch)))).toMatchObject({ ids: idsOf(list), bad: 2 });
  });

  test('a page size that leaves no room for the overlap is refused', async () => {
    await expect(collect(scan(optionsFor(still([]).fetch, { pageSize: 1 })))).rejects.toThrow(RangeError);
  });
});

describe('reading ahead', () => {
  /** Every fetch waits until it is let go, or aborted. */
  function held(list: readonly Row[], total?: number) {
    const waiting: { offset: number; go: () => void; fail: (reason: unknown) => void; signal: AbortSignal }[] = [];
    const fetch: ScanOptions['fetch'] = (offset, limit, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<FetchedPage>();
      const items = list.slice(offset, offset + limit);
      waiting.push({ offset, signal, go: () => resolve({ items, total }), fail: reject });
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      return promise;
    };
    return { waiting, fetch };
  }

  test('keeps `ahead` pages in flight, from the first page on where there is a total', async () => {
    const { waiting, fetch } = held(rows(100), 100);
    const pages = scan(optionsFor(fetch));
    const first = pages.next();
    expect(waiting).toHaveLength(1);
    waiting[0]?.go();
    await first;
    expect(waiting.map(({ offset }) => offset)).toEqual([0, 9, 18, 27, 36]);
    const second = pages.next();
    // Out of order: what comes early waits for its turn, and makes room for another one under way.
    waiting[2]?.go();
    waiting[1]?.go();
    expect((await second).value.records[0].externalId).toBe('r10');
    expect(waiting.map(({ offset }) => offset)).toEqual([0, 9, 18, 27, 36, 45, 54]);
    await pages.return(undefined);
  });

  test('asks for no more than one page besides those it reads at once', async () => {
    const { waiting, fetch } = held(rows(200), 200);
    const pages = scan(optionsFor(fetch));
    const first = pages.next();
    waiting[0]?.go();
    await first;
    for (let come = 1; come < waiting.length; come++) {
      waiting[come]?.go();
      await new Promise(setImmediate);
    }
    expect(waiting).toHaveLength(1 + 4 + 1);
    await pages.next();
    expect(waiting).toHaveLength(1 + 4 + 1 + 1);
    await pages.return(undefined);
  });

  test.each([
    ['without a total', undefined],
    ['with a total that cannot be true', 3],
  ])('%s doubles what is in flight with every full page, up to `ahead`', async (_, total) => {
    const { waiting, fetch } = held(rows(200), total);
    const pages = scan(optionsFor(fetch));
    const underWay: number[] = [];
    for (let taken = 0; taken < 5; taken++) {
      const page = pages.next();
      waiting[taken]?.go();
      await page;
      underWay.push(waiting.length - taken - 1);
    }
    expect(underWay).toEqual([2, 4, 4, 4, 4]);
    await pages.return(undefined);
  });

  test('a scan that is left early aborts what is in flight', async () => {
    const { waiting, fetch } = held(rows(100), 100);
    const pages = scan(optionsFor(fetch));
    const first = pages.next();
    waiting[0]?.go();
    await first;
    expect(waiting.slice(1).some(({ signal }) => signal.aborted)).toBe(false);
    await pages.return(undefined);
    expect(waiting.slice(1).every(({ signal }) => signal.aborted)).toBe(true);
  });

  test('the failure of a page surfaces in its turn, and once', async () => {
    const { waiting, fetch } = held(rows(100), 100);
    const pages = scan(optionsFor(fetch));
    const first = pages.next();
    waiting[0]?.go();
    await first;
    for (const { fail } of waiting.slice(1)) fail(new Error('no luck'));
    // Unhandled rejections would fail the run here.
    await new Promise(setImmediate);
    await expect(pages.next()).rejects.toThrow('no luck');
    expect(await pages.next()).toEqual({ done: true, value: undefined });
  });

  test("ends with the caller's reason when the caller aborts", async () => {
    const { waiting, fetch } = held(rows(100), 100);
    const stop = new AbortController();
    const pages = scan(optionsFor(fetch, { signal: stop.signal }));
    const first = pages.next();
    waiting[0]?.go();
    await first;
    const second = pages.next();
    stop.abort(new Error('shutting down'));
    await expect(second).rejects.toThrow('shutting down');
    expect(waiting.every(({ offset, signal }) => offset === 0 || signal.aborted)).toBe(true);
  });
});

test('what is remembered of a scan is bounded by the page, not by the list', () => {
  const recent = createRecentIds();
  for (let page = 0; page < 100; page++) {
    for (const id of idsOf(rows(10, page * 10))) recent.add(id);
    recent.turn(10);
  }
  const kept = idsOf(rows(1000)).filter((id) => recent.has(id));
  expect(kept.length).toBeLessThanOrEqual(40);
  expect(kept).toEqual(idsOf(rows(kept.length, 1000 - kept.length)));
  expect(kept.length).toBeGreaterThanOrEqual(30);
});

test('a page that does not join on is looked for further and further back', async () => {
  let list = rows(100);
  const asked: number[] = [];
  const fetch = async (offset: number, limit: number) => {
    asked.push(offset);
    // Just before the third page: 15 rows that lie before it are gone.
    if (asked.length === 3) list = list.slice(15);
    return { items: list.slice(offset, offset + limit) };
  };
  const { ids } = await collect(scan(optionsFor(fetch, { ahead: 1 })));
  expect(ids).toEqual(idsOf(rows(100)));
  expect(asked.slice(0, 6)).toEqual([0, 9, 18, 13, 8, 0]);
});

test('an id that comes again far from its first place comes twice: only the last pages are remembered', async () => {
  const list = [...rows(200), { id: 'r0' }];
  const { ids } = await collect(scan(optionsFor(still(list).fetch)));
  expect(ids.filter((id) => id === 'r0')).toHaveLength(2);
});

test('pages full of what is known are no trouble as long as new rows come in between', async () => {
  let list = rows(60);
  let requests = 0;
  const fetch = async (offset: number, limit: number) => {
    requests += 1;
    // As many rows as a page brings, inserted before the place of the scan: the page is the one before once more.
    if (requests % 2 === 0 && requests < 14) list = [...rows(9, 1000 * requests), ...list];
    return { items: list.slice(offset, offset + limit) };
  };
  const { ids } = await collect(scan(optionsFor(fetch, { ahead: 1 })));
  expect(idsOf(rows(60)).filter((id) => !ids.includes(id))).toEqual([]);
  expect(requests).toBeGreaterThan(12);
});

test('a list in which something changes on every request is still read to its end', async () => {
  let list = rows(300);
  let requests = 0;
  const stays = new Set(idsOf(list));
  const fetch = async (offset: number, limit: number) => {
    requests += 1;
    const at = (requests * 37) % list.length;
    if (requests % 3 === 0) list = [{ id: `new${requests}` }, ...list];
    else for (const { id } of list.splice(at, 1)) stays.delete(id!);
    return { items: list.slice(offset, offset + limit), total: list.length };
  };
  const { ids } = await collect(scan(optionsFor(fetch, { pageSize: 20 })));
  expect([...stays].filter((id) => !id.startsWith('new') && !ids.includes(id))).toEqual([]);
});
