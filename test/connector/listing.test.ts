import { test as property } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CrmRecord, Page } from '../../src/connector/connector.ts';
import { MalformedReplyError } from '../../src/connector/errors.ts';
import { type FetchedPage, type ScanOptions, scan } from '../../src/connector/listing.ts';

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
