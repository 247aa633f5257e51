import { fc, test as property } from '@fast-check/vitest';
import { afterEach, describe, expect, test } from 'vitest';
import { scanStatuses } from '../../connectors/alpha/listing.ts';
import { type Status, statuses } from '../../connectors/alpha/schemas.ts';
import type { Page } from '../../src/connector/connector.ts';
import { MalformedReplyError, RejectedError } from '../../src/connector/errors.ts';
import type { Http } from '../../src/connector/http.ts';
import type { Entity } from '../../src/model/values.ts';
import { type Site, scanned, startSite } from './alpha-site.ts';

/** A customer of a made-up CRM: the statuses it has, one after another, and before which call each begins. */
interface Mover {
  readonly id: string;
  /** Where it is at the start; `moves[n]` is where it goes before call n. */
  readonly start: number;
  readonly moves: ReadonlyMap<number, number>;
}

/** The longest scan there is: six ways through six lists. */
const MOST_CALLS = 31;

const floorAt = ({ start, moves }: Mover, call: number): number =>
  [...moves].filter(([at]) => at <= call).reduce((last, move) => (move[0] >= last[0] ? move : last), [-1, start])[1];

/** Runs a scan over customers that move between any two calls. */
async function scan(movers: readonly Mover[], among: readonly Status[] = statuses) {
  const calls: Status[] = [];
  const ids: string[] = [];
  for await (const { records } of scanStatuses({
    statuses: among,
    fetch: async (status) => {
      const call = calls.push(status) - 1;
      return movers.filter((mover) => statuses[floorAt(mover, call)] === status).map(({ id }) => ({ id }));
    },
    decode: (row) => [{ externalId: (row as Mover).id, values: {} }],
  }))
    ids.push(...records.map(({ externalId }) => externalId));
  return { calls, ids };
}

const floor = fc.integer({ min: 0, max: statuses.length - 1 });
const call = fc.integer({ min: 0, max: MOST_CALLS });
const named = (movers: readonly Omit<Mover, 'id'>[]): Mover[] =>
  movers.map((mover, index) => ({ ...mover, id: `cus_${index}` }));
const many = (mover: fc.Arbitrary<Omit<Mover, 'id'>>) => fc.array(mover, { maxLength: 12 }).map(named);

const movesOnce = many(fc.record({ start: floor, moves: fc.tuple(call, floor).map((move) => new Map([move])) }));
/** As often as it likes, always up or always down the life cycle. */
const movesOneWay = many(
  fc
    .record({
      path: fc.array(floor, { minLength: 1, maxLength: 6 }),
      calls: fc.array(call, { maxLength: 5 }),
      up: fc.boolean(),
    })
    .map(({ path, calls, up }) => {
      const floors = path.toSorted((a, b) => (up ? a - b : b - a));
      const times = [...new Set(calls)].toSorted((a, b) => a - b).slice(0, floors.length - 1);
      return {
        start: floors[0] as number,
        moves: new Map(times.map((at, index) => [at, floors[index + 1] as number])),
      };
    }),
);
const movesAnyhow = many(
  fc.record({ start: floor, moves: fc.array(fc.tuple(call, floor), { maxLength: 31 }).map((list) => new Map(list)) }),
);

describe('a scan of the status lists while customers move between the calls', () => {
  property.prop([movesOnce], { numRuns: 2000 })('brings everybody once who moves once', async (movers) => {
    expect((await scan(movers)).ids.toSorted()).toEqual(movers.map(({ id }) => id).toSorted());
  });

  property.prop([movesOneWay], { numRuns: 2000 })(
    'brings everybody once who moves in one direction only, however often',
    async (movers) => {
      expect((await scan(movers)).ids.toSorted()).toEqual(movers.map(({ id }) => id).toSorted());
    },
  );

  property.prop([movesAnyhow, fc.subarray([...statuses], { minLength: 1 })], { numRuns: 2000 })(
    'brings nobody twice and ends, however they move; who is missed went back and forth',
    async (movers, among) => {
      const { calls, ids } = await scan(movers, among);
      expect(new Set(ids).size).toBe(ids.length);
      expect(calls.length).toBeLessThanOrEqual(MOST_CALLS);
      for (const mover of movers.filter(({ id }) => !ids.includes(id))) {
        const floors = calls.map((_, at) => floorAt(mover, at));
        const isOutside = floors.some((at) => !among.includes(statuses[at] as Status));
        const steps = floors.slice(1).map((at, index) => Math.sign(at - (floors[index] as number)));
        expect(isOutside || (steps.includes(1) && steps.includes(-1))).toBe(true);
      }
    },
  );

  test('calls each list up and down the life cycle when nothing moves: eleven calls', async () => {
    const still = named(statuses.map((_, start) => ({ start, moves: new Map() })));
    expect((await scan(still)).calls).toEqual([...statuses, ...statuses.toReversed().slice(1)]);
    expect((await scan([])).calls).toHaveLength(11);
  });

  test('goes another way when the last one met a customer that is new, or moved', async () => {
    // On the way up it slips from PROSPECT down to LEAD, when LEAD has been read.
    const slipped = named([{ start: 1, moves: new Map([[1, 0]]) }]);
    expect(await scan(slipped)).toMatchObject({ calls: { length: 16 }, ids: ['cus_0'] });
    const moved = named([{ start: 5, moves: new Map([[8, 0]]) }]);
    expect(await scan(moved)).toMatchObject({ calls: { length: 16 }, ids: ['cus_0'] });
  });

  test('ends after six ways, when customers never rest', async () => {
    const restless = new Map(Array.from({ length: MOST_CALLS }, (_, at): [number, number] => [at, at % 2]));
    expect((await scan(named([{ start: 0, moves: restless }]))).calls).toHaveLength(MOST_CALLS);
  });

  test('reads a single list once', async () => {
    expect((await scan([], ['LEAD'])).calls).toEqual(['LEAD']);
  });

  test('ends what is under way when whoever reads it stops, and stops when it is aborted', async () => {
    const signals: AbortSignal[] = [];
    const abort = new AbortController();
    const options = {
      statuses,
      fetch: async (status: Status, signal: AbortSignal) => {
        signals.push(signal);
        return [{ id: status }];
      },
      decode: (row: unknown) => [{ externalId: (row as Mover).id, values: {} }],
      signal: abort.signal,
    };
    for await (const _ of scanStatuses(options)) break;
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    const pages = scanStatuses(options);
    await pages.next();
    abort.abort(new Error('enough'));
    await expect(pages.next()).rejects.toThrow('enough');
    // Behind the last list, too: told to stop is not complete.
    const last = new AbortController();
    const leads = scanStatuses({ ...options, statuses: ['LEAD'], signal: last.signal });
    await leads.next();
    last.abort(new Error('enough'));
    await expect(leads.next()).rejects.toThrow('enough');
  });
});

let site: Site;
afterEach(() => site?.close());

/** A door to the sandbox before which something happens at each call. */
function withCalls(http: Http, happens: (call: number) => void): Http {
  let calls = 0;
  return {
    call: (operation, given) => {
      happens(calls++);
      return http.call(operation, given);
    },
  };
}

describe('list', () => {
  property.prop(
    [
      fc.array(fc.record({ start: floor, at: fc.integer({ min: 0, max: 11 }), to: floor, isPerson: fc.boolean() }), {
        maxLength: 8,
      }),
    ],
    { numRuns: 30 },
  )('over HTTP: nobody is missed or doubled who changes status between two calls', async (plans) => {
    site = await startSite();
    const customers = plans.map(({ start, isPerson, ...plan }) => {
      const entity: Entity = isPerson ? 'contact' : 'account';
      return { ...plan, entity, id: site.sandbox.people.add(entity, { crmStatus: statuses[start] }) };
    });
    for (const entity of ['contact', 'account'] as const) {
      const door = withCalls(site.http, (now) => {
        for (const { id, at, to } of customers)
          if (at === now) site.sandbox.people.edit(entity, id, { crmStatus: statuses[to] });
      });
      const { records, bad } = await scanned(site.connect({}, door), entity);
      const expected = customers.filter((one) => one.entity === entity).map(({ id }) => id);
      expect(records.map(({ externalId }) => externalId).toSorted()).toEqual(expected.toSorted());
      expect(bad).toEqual([]);
    }
    await site.close();
  });

  test('customers that come and go during the scan disturb nobody', async () => {
    site = await startSite();
    const stays = Array.from({ length: 5 }, (_, index) =>
      site.sandbox.people.add('contact', { crmStatus: statuses[index] }),
    );
    const goes = site.sandbox.people.add('contact', { crmStatus: 'CHURNED' });
    const door = withCalls(site.http, (now) => {
      if (now === 2) site.sandbox.people.remove('contact', goes);
      if (now === 3) stays.push(site.sandbox.people.add('contact', { crmStatus: 'LEAD' }));
    });
    const { records } = await scanned(site.connect({}, door), 'contact');
    expect(records.map(({ externalId }) => externalId).toSorted()).toEqual(stays.toSorted());
  });

  test('hands on long lists in pages', async () => {
    site = await startSite();
    for (let index = 0; index < 450; index += 1) site.sandbox.people.add('contact', { crmStatus: 'ACTIVE' });
    const pages: Page[] = [];
    for await (const page of site.connector.list('contact')) pages.push(page);
    expect(pages.map(({ records }) => records.length)).toEqual([200, 200, 50]);
  });

  test('leads are the customers in status LEAD, persons and companies, in one call', async () => {
    site = await startSite();
    const person = site.sandbox.people.add('lead', { name: 'Loïs van den Bérg', leadSource: 'beurs' });
    const company = site.sandbox.people.add('lead', { name: 'Keukens Noord', type: 'COMPANY', crmStatus: 'LEAD' });
    site.sandbox.people.add('contact', { crmStatus: 'PROSPECT' });
    const { records } = await scanned(site.connector, 'lead');
    expect(records).toMatchObject([
      { externalId: person, values: { title: 'Loïs van den Bérg', contact: person, source: 'beurs', status: 'LEAD' } },
      { externalId: company, values: { title: 'Keukens Noord', account: company } },
    ]);
    expect(records[0]?.values).not.toHaveProperty('account');
    expect(records[1]?.values).not.toHaveProperty('contact');
    expect(site.sandbox.requests.map(({ path }) => path)).toEqual(['/api/v1/crm/customers/by-status/LEAD']);
  });

  test('a listing of leads says that it is partial, unless every status is one of leads', async () => {
    site = await startSite();
    const isPartial = async (entity: Entity, leadStatuses: readonly Status[]) => {
      let partial = false;
      for await (const page of site.connect({ leadStatuses }).list(entity)) partial ||= page.partial === true;
      return partial;
    };
    expect(await isPartial('lead', ['LEAD'])).toBe(true);
    expect(await isPartial('lead', statuses.slice(1))).toBe(true);
    expect(await isPartial('lead', statuses)).toBe(false);
    for (const entity of ['contact', 'account'] as const) expect(await isPartial(entity, ['LEAD'])).toBe(false);
  });

  test('a person in status LEAD stays a contact', async () => {
    site = await startSite();
    const id = site.sandbox.people.add('lead', {});
    expect((await scanned(site.connector, 'contact')).records.map(({ externalId }) => externalId)).toEqual([id]);
  });

  test('leadStatuses says which customers are leads', async () => {
    site = await startSite({ leadStatuses: ['PROSPECT', 'LEAD'] });
    const ids = ['LEAD', 'PROSPECT', 'ACTIVE'].map((crmStatus) => site.sandbox.people.add('contact', { crmStatus }));
    const { records } = await scanned(site.connector, 'lead');
    expect(records.map(({ externalId }) => externalId)).toEqual(ids.slice(0, 2));
  });

  test('a row without an id is told once, and the rest goes through', async () => {
    site = await startSite();
    const good = site.sandbox.people.add('contact', { crmStatus: 'LEAD' });
    site.sandbox.people.edit('contact', site.sandbox.people.add('contact', { crmStatus: 'LEAD' }), { id: null });
    const { records, bad } = await scanned(site.connector, 'contact');
    expect(records.map(({ externalId }) => externalId)).toEqual([good]);
    expect(bad).toMatchObject([{ externalId: undefined, reason: expect.stringContaining('id: expected an id') }]);
  });

  test.each(['html', 'truncated', 'contentType', 'empty'] as const)(
    'a list garbled as %s ends the scan with an error, never as complete',
    async (how) => {
      site = await startSite();
      site.sandbox.faults.garble = { how, times: 9, only: ({ path }) => path.endsWith('CHURNED') };
      await expect(scanned(site.connector, 'contact')).rejects.toThrow(MalformedReplyError);
    },
  );

  test('a 200 that is no array is no list', async () => {
    site = await startSite();
    const call: Http['call'] = async () => ({ status: 200, body: { customers: [] }, bytes: 16 });
    await expect(scanned(site.connect({}, { call }), 'account')).rejects.toThrow(/LEAD customers .*without an array/);
  });

  test('a 404 of a list is a wrong address, and nobody counts as deleted', async () => {
    site = await startSite();
    site.sandbox.faults.status = { code: 404, times: 1 };
    const failure = scanned(site.connector, 'contact');
    await expect(failure).rejects.toThrow(RejectedError);
    await expect(failure).rejects.toThrow(/check the base URL/);
  });
});
