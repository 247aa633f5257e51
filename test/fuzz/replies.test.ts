import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { mangled, type ReplyFault, replyFault } from './faults.ts';
import { type CrmName, crmNames, type FuzzWorld, openWorld } from './world.ts';

const runs = Number(process.env.RUNS ?? 25);

/** Longest that three cycles may take, with every retry: the waiting itself costs nothing here. */
const mostMs = 30_000;

/** Which replies are hit: some of those to one CRM, or of all. */
const aim = fc.record({
  crm: fc.constantFrom<CrmName | 'all'>(...crmNames, 'all'),
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'any'),
  first: fc.oneof(fc.constant(0), fc.nat({ max: 12 })),
  times: fc.oneof(fc.constant(1), fc.nat({ max: 6 }), fc.constant(1_000)),
});

interface Aimed {
  readonly crm: CrmName | 'all';
  readonly method: string;
  readonly first: number;
  readonly times: number;
}

function arm({ manglers }: FuzzWorld, { crm, method, first, times }: Aimed, fault: ReplyFault): void {
  let seen = 0;
  for (const name of crmNames)
    if (crm === 'all' || crm === name)
      manglers[name].set((request, reply) => {
        if (method !== 'any' && request.method !== method) return undefined;
        seen += 1;
        return seen > first && seen <= first + times ? mangled(reply, fault) : undefined;
      });
}

function disarm({ manglers }: FuzzWorld): void {
  for (const name of crmNames) manglers[name].set(() => undefined);
}

const roomPerson = (n: number, city: string) => ({
  firstName: 'Ann',
  address: `${n} Elm Street`,
  postalCode: `P${n}`,
  lastName: `Marlow${n}`,
  primaryEmail: `marlow${n}@example.com`,
  city,
  isActive: true,
});
const sitePerson = (n: number, city: string) => ({
  FirstName: 'Ann',
  Address: `${n} Elm Street`,
  ZipCode: `P${n}`,
  LastName: `Marlow${n}`,
  Email: `marlow${n}@example.com`,
  City: city,
});
const company = (n: number, city: string) => ({
  name: `Harbour${n}`,
  primaryEmail: `office@harbour${n}.example`,
  city,
});

/** Who stands where, with which city, once everything is in order. */
type Expected = ReadonlyMap<string, string>;

interface Meant {
  readonly people: Expected;
  readonly companies: Expected;
}

/** Five people and three companies that are known, then a new one of each and an edit of each at every CRM. */
async function prepare(world: FuzzWorld): Promise<Meant> {
  const { room, archive, site } = world.crms;
  const home = room.people.add('account', company(1, 'One'));
  room.people.add('contact', { ...roomPerson(1, 'One'), accounts: [{ id: home }] });
  const edited = room.people.add('contact', roomPerson(2, 'Two'));
  site.people.add('contact', sitePerson(2, 'Two'));
  site.people.add('contact', sitePerson(3, 'Three'));
  for (const n of [4, 5]) room.people.add('contact', roomPerson(n, 'Old'));
  archive.people.add('account', company(2, 'Two'));
  const moved = room.people.add('account', company(3, 'Three'));
  await world.cycle();
  room.people.edit('contact', edited, { city: 'Two edited' });
  const four = site.people.all('contact').find(({ LastName }) => LastName === 'Marlow4')!;
  site.people.edit('contact', String(four.Id), { City: 'Four edited' });
  site.people.add('contact', sitePerson(6, 'Six'));
  // Known by name alone: only what was noted before the create tells that a record there is ours.
  room.people.add('contact', { ...roomPerson(7, 'Seven'), primaryEmail: null });
  room.people.edit('account', moved, { city: 'Three edited' });
  archive.people.add('account', company(4, 'Four'));
  room.people.add('account', company(5, 'Five'));
  return {
    people: new Map([
      ['Marlow1', 'One'],
      ['Marlow2', 'Two edited'],
      ['Marlow3', 'Three'],
      ['Marlow4', 'Four edited'],
      ['Marlow5', 'Old'],
      ['Marlow6', 'Six'],
      ['Marlow7', 'Seven'],
    ]),
    companies: new Map([
      ['Harbour1', 'One'],
      ['Harbour2', 'Two'],
      ['Harbour3', 'Three edited'],
      ['Harbour4', 'Four'],
      ['Harbour5', 'Five'],
    ]),
  };
}

/** What people see of everybody at a CRM. */
function held(
  { crms }: FuzzWorld,
  crm: CrmName,
  entity: 'contact' | 'account',
): readonly (readonly [string, unknown])[] {
  return crms[crm].people
    .all(entity)
    .map((wire): readonly [string, unknown] =>
      crm === 'site'
        ? [String(wire.LastName), [wire.City, wire.FirstName, wire.Email, wire.Address, wire.ZipCode]]
        : entity === 'contact'
          ? [String(wire.lastName), [wire.city, wire.firstName, wire.primaryEmail, wire.address, wire.postalCode]]
          : [String(wire.name), [wire.city, wire.primaryEmail]],
    )
    .filter(([name]) => !name.endsWith('[concordat contact]'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const contactsWith = (cities: Expected) =>
  [...cities].map(([who, city]) => {
    const n = who.slice('Marlow'.length);
    const email = n === '7' ? null : `marlow${n}@example.com`;
    return [who, [city, 'Ann', email, `${n} Elm Street`, `P${n}`]] as const;
  });
const companiesWith = (cities: Expected) =>
  [...cities].map(([who, city]) => [who, [city, `office@${who.toLowerCase()}.example`]] as const);

/** All that people see, by CRM, entity and name. */
function everything(world: FuzzWorld): ReadonlyMap<string, readonly unknown[]> {
  return new Map(
    places.flatMap(([crm, entity]) =>
      held(world, crm, entity).map(([who, values]) => [`${crm} ${who}`, values as readonly unknown[]] as const),
    ),
  );
}

const places = [
  ['room', 'contact'],
  ['site', 'contact'],
  ['room', 'account'],
  ['archive', 'account'],
] as const;

/** What was written while a CRM told nonsense is what people meant, or less: never a value that nobody entered. */
function expectMeant(before: ReadonlyMap<string, readonly unknown[]>, world: FuzzWorld, meant: Meant): void {
  const right = new Map<string, readonly unknown[]>([...contactsWith(meant.people), ...companiesWith(meant.companies)]);
  for (const [place, values] of everything(world)) {
    const expected = right.get(place.split(' ')[1]!);
    for (const [index, value] of values.entries())
      expect([before.get(place)?.[index] ?? null, expected?.[index]], place).toContain(value);
  }
}

/** Whatever a CRM answered: the syncs end, and once it answers well again everybody is everywhere, once, as edited. */
async function expectHarmless(aimed: Aimed, fault: ReplyFault, deletes: 'ignore' | 'propagate'): Promise<void> {
  const world = await openWorld({ deletes });
  try {
    const { people, companies } = await prepare(world);
    const before = everything(world);
    const startedAt = performance.now();
    arm(world, aimed, fault);
    for (const outcome of await world.cycle()) {
      expect(['done', 'failed', 'waiting']).toContain(outcome.state);
      for (const counts of Object.values(outcome.counts))
        for (const count of Object.values(counts)) expect(count).toBeGreaterThanOrEqual(0);
    }
    disarm(world);
    expectMeant(before, world, { people, companies });
    await world.cycle();
    await world.app.context.store.takeBack({ state: 'dead' });
    await world.cycle();
    expect(performance.now() - startedAt).toBeLessThan(mostMs);
    expect({ room: held(world, 'room', 'contact'), site: held(world, 'site', 'contact') }).toEqual({
      room: contactsWith(people),
      site: contactsWith(people),
    });
    expect({ room: held(world, 'room', 'account'), archive: held(world, 'archive', 'account') }).toEqual({
      room: companiesWith(companies),
      archive: companiesWith(companies),
    });
    for (const crm of Object.values(world.crms)) crm.forgetRequests();
    await world.cycle();
    const writes = Object.values(world.crms).flatMap(({ requests }) =>
      requests.filter(({ method }) => method !== 'GET'),
    );
    expect(writes).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  } finally {
    await world.close();
  }
}

const createFaults: readonly (readonly [string, ReplyFault])[] = [
  ['500', { does: 'status', status: 500, keepsBody: false }],
  ['503', { does: 'status', status: 503, keepsBody: true }],
  ['302', { does: 'status', status: 302, keepsBody: false }],
  ['200 without a body', { does: 'body', body: '' }],
  ['a log-in page', { does: 'body', body: '<html></html>' }],
  ['half of it', { does: 'truncate', share: 0.5 }],
  ['a connection that breaks off', { does: 'reset' }],
  ['a record without its id', { does: 'omit', place: 1 }],
  ['an id of another type', { does: 'replace', place: 1, json: '[]' }],
];

describe('replies that no API would give', () => {
  property.prop([aim, replyFault, fc.constantFrom('ignore', 'propagate')], {
    numRuns: runs,
    interruptAfterTimeLimit: runs * 5_000,
  })('end the sync in order, and leave nothing behind', expectHarmless, runs * 10_000);

  it.each(
    (['room', 'site', 'archive'] as const).flatMap((crm) =>
      createFaults.map(([words, fault]) => [crm, words, fault] as const),
    ),
  )('after a create at %s, such as %s, make nobody twice', async (crm, _, fault) => {
    await expectHarmless({ crm, method: 'POST', first: 0, times: 1_000 }, fault, 'ignore');
  });

  it('leave out what the CRM holds, before a write, and empty it nowhere', async () => {
    const world = await openWorld();
    try {
      const { people } = await prepare(world);
      world.manglers.site.set(({ method, url }, reply) => {
        if (method !== 'GET' || !/contacts\/\d+$/.test(url)) return undefined;
        const { FirstName, Address, ZipCode, ...rest } = JSON.parse(reply.body.toString()) as Record<string, unknown>;
        return { ...reply, body: Buffer.from(JSON.stringify(rest)) };
      });
      await world.cycle();
      disarm(world);
      await world.cycle();
      expect(held(world, 'site', 'contact')).toEqual(contactsWith(people));
      expect(held(world, 'room', 'contact')).toEqual(contactsWith(people));
    } finally {
      await world.close();
    }
  });
});

// Nearly all of their time is waiting for a real clock: both wait at once.
describe.concurrent('replies that do not come to their end', () => {
  it('dripping in by a byte now and then are given up after the time limit', async () => {
    const world = await openWorld({ timeout: '1s' });
    try {
      await prepare(world);
      world.manglers.site.set((_, reply) => ({ ...reply, pace: { bytes: 1, everyMs: 100 } }));
      const startedAt = performance.now();
      const [, people] = await world.cycle();
      expect(people).toMatchObject({ state: 'failed', problems: [{ connection: 'site', code: 'retryable' }] });
      expect(performance.now() - startedAt).toBeLessThan(15_000);
    } finally {
      await world.close();
    }
  });

  it('stalled in the middle are given up after the time limit', async () => {
    const world = await openWorld({ timeout: '1s' });
    try {
      await prepare(world);
      world.manglers.room.set((_, reply) => ({ ...reply, pace: 'stall' }));
      const startedAt = performance.now();
      const [companies] = await world.cycle();
      expect(companies).toMatchObject({ state: 'failed', problems: [{ connection: 'room', code: 'retryable' }] });
      expect(performance.now() - startedAt).toBeLessThan(25_000);
    } finally {
      await world.close();
    }
  });
});
