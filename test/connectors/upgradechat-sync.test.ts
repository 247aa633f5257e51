import { fc, test as property } from '@fast-check/vitest';
import { afterEach, describe, expect, test } from 'vitest';
import type { UpgradechatHabits } from '../../connectors/upgradechat/sandbox-contacts.ts';
import { heldKeys } from '../../connectors/upgradechat/schemas.ts';
import type { Connector } from '../../src/connector/connector.ts';
import type { EngineContext, SyncOutcome } from '../../src/engine/engine.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Value, Values } from '../../src/model/values.ts';
import { runCycle } from '../../src/queue/cycle.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { FakeClock } from '../worlds/clock.ts';
import { policy } from '../worlds/world.ts';
import { startSite as startTreepl, type Site as TreeplSite } from './treepl-site.ts';
import { type Site, startSite } from './upgradechat-site.ts';
import '../seed.ts';

type Name = 'site' | 'north' | 'south';

/** A site that lists its contacts, and two Upgrade.chats that learn of them. */
interface Trio {
  readonly site: TreeplSite;
  readonly north: Site;
  readonly south: Site;
  cycle(): Promise<SyncOutcome>;
  /** What a member shows of its only contact. */
  shown(name: Name): Promise<Values>;
  /** Values that have lost a conflict. */
  lost(): Promise<readonly Value[]>;
  close(): Promise<void>;
}

let trio: Trio;
afterEach(() => trio.close());

/** @param habits of north; south has the defaults, and replies in envelopes */
async function open(habits: UpgradechatHabits = {}, overrides: Partial<SyncPolicy> = {}): Promise<Trio> {
  const site = await startTreepl();
  const north = await startSite({}, { habits });
  const south = await startSite({}, { replies: 'envelope' });
  const sync = policy(
    (['site', 'north', 'south'] as const).map((connection) => ({ connection, direction: 'both' })),
    overrides,
  );
  const clock = new FakeClock();
  const store = await openSqliteStore(':memory:');
  const connectors: Readonly<Record<Name, Connector>> = {
    site: site.connector,
    north: north.connector,
    south: south.connector,
  };
  const people = { site: site.sandbox.people, north: north.sandbox.people, south: south.sandbox.people };
  let ids = 0;
  let runs = 0;
  let isClosed = false;
  const context: EngineContext = {
    store,
    connections: new Map(
      Object.entries(connectors).map(([name, connector]) => [name, { name, connector, concurrent: 2 }]),
    ),
    syncs: [sync],
    clock,
    newId: () => `01980000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    owner: 'test',
    isAlive: () => true,
    settleMs: 0,
  };
  return {
    site,
    north,
    south,
    cycle: () => {
      clock.advance(60_000);
      return runCycle(context, sync, { run: `run-${++runs}` });
    },
    async shown(name) {
      const all = people[name].all('contact');
      expect(all).toHaveLength(1);
      const id = String(all[0]!.Id ?? all[0]!.contactId);
      const reply = await connectors[name].read('contact', id, undefined);
      return reply.state === 'found' ? reply.record.values : {};
    },
    lost: async () => (await store.conflicts(100)).map(({ loser }) => loser.value),
    async close() {
      if (isClosed) return;
      isClosed = true;
      await store.close();
      for (const one of [site, north, south]) await one.close();
    },
  };
}

const chats = ['north', 'south'] as const;
const writes = () => chats.flatMap((name) => trio[name].upserts());
function forget(): void {
  for (const name of chats) trio[name].sandbox.forgetRequests();
}

const ana = {
  Email: 'ana@example.ro',
  FirstName: 'Ana',
  LastName: 'Pop',
  Phone: '+40 268 000 000',
  Notes: 'Sună marți',
};

describe('a site and two Upgrade.chats', () => {
  test('keep two people with one mailbox apart, though the server finds contacts by address', async () => {
    trio = await open();
    for (const given of ['Ana', 'Radu'])
      trio.site.sandbox.people.add('contact', { ...ana, FirstName: given, Phone: '', Email: 'familia@example.ro' });
    for (let cycle = 0; cycle < 3; cycle += 1) expect((await trio.cycle()).state).toBe('done');
    expect(trio.site.sandbox.people.all('contact').map(({ FirstName }) => FirstName)).toEqual(['Ana', 'Radu']);
    for (const name of chats) {
      const there = trio[name].sandbox.people.all('contact');
      expect(there.map(({ firstName }) => firstName).sort()).toEqual(['Ana', 'Radu']);
      for (const { emailAddresses } of there)
        expect(emailAddresses).toMatchObject([{ emailAddress: 'familia@example.ro' }]);
    }
  });

  test('share a contact that the site knows, after one cycle, and are quiet then', async () => {
    trio = await open();
    trio.site.sandbox.people.add('contact', ana);
    const first = await trio.cycle();
    expect(first.counts).toMatchObject({ north: { created: 1 }, south: { created: 1 } });
    for (const name of chats)
      expect(await trio.shown(name)).toMatchObject({
        'name.given': 'Ana',
        'email.primary': 'ana@example.ro',
        'phone.primary': '+40 268 000 000',
        notes: 'Sună marți',
      });
    forget();
    const second = await trio.cycle();
    expect(writes()).toEqual([]);
    expect(second.counts).toMatchObject({ north: { read: 1, unchanged: 1 }, south: { read: 1, unchanged: 1 } });
    expect(trio.north.sandbox.requests.map(({ operation }) => operation)).toEqual(['GetContactInfo']);
  });

  test('a create whose answer was lost is made once, and completed', async () => {
    trio = await open({ matches: ['xref'] });
    trio.site.sandbox.people.add('contact', ana);
    trio.north.sandbox.faults.cut = { when: 'after', times: 1, only: ({ method }) => method === 'POST' };
    await trio.cycle();
    for (let cycles = 0; cycles < 3; cycles++) await trio.cycle();
    expect(await trio.shown('north')).toMatchObject({ 'email.primary': 'ana@example.ro', notes: 'Sună marți' });
  });

  test.each([
    ['the site first', ['site', 'north', 'south'], ana.Notes, 'Client vechi'],
    ['the Upgrade.chat first', ['north', 'south', 'site'], 'Client vechi', ana.Notes],
  ])(
    'what a person had entered in a contact that is found there is in conflict: %s',
    async (_, conflicts, wins, loses) => {
      trio = await open({}, { conflicts });
      trio.north.sandbox.people.add('contact', {
        emailAddresses: [{ emailAddress: 'ana@example.ro' }],
        note: 'Client vechi',
        tags: [{ name: 'VIP' }],
      });
      trio.site.sandbox.people.add('contact', ana);
      for (let cycles = 0; cycles < 3; cycles++) await trio.cycle();
      for (const name of ['site', 'north', 'south'] as const)
        expect(await trio.shown(name)).toMatchObject({ notes: wins, 'name.given': 'Ana' });
      expect(await trio.shown('south')).toMatchObject({ tags: ['VIP'] });
      expect(await trio.lost()).toEqual([loses]);
    },
  );

  test.each([
    ['is an edit', 'Sună joi', 'Sună joi'],
    ['is no edit where it is what was written, in another form', 'SUNĂ MIERCURI', 'Sună miercuri'],
  ])('what stands there when a write is looked at afterwards %s', async (_, typed, everywhere) => {
    trio = await open();
    trio.site.sandbox.people.add('contact', ana);
    await trio.cycle();
    forget();
    trio.site.sandbox.people.edit('contact', '1', { Notes: 'Sună miercuri' });
    let isTyped = false;
    const only = ({ method }: { readonly method: string }): boolean => {
      if (method === 'GET' && !isTyped && trio.north.upserts().length > 0) {
        isTyped = true;
        trio.north.sandbox.people.edit('contact', '1', { note: typed });
      }
      return false;
    };
    trio.north.sandbox.faults.status = { code: 500, times: 1, only };
    for (let cycles = 0; cycles < 3; cycles++) await trio.cycle();
    expect(isTyped).toBe(true);
    expect(await trio.shown('north')).toMatchObject({ notes: typed });
    for (const name of ['site', 'south'] as const) expect(await trio.shown(name)).toMatchObject({ notes: everywhere });
  });

  /** One contact of north is edited as usual, another one becomes something that nobody expects. */
  async function staysInStep(poison: Readonly<Record<string, unknown>>): Promise<void> {
    trio = await open();
    trio.site.sandbox.people.add('contact', { Email: 'bo@example.ro', FirstName: 'Bo', LastName: 'Ek' });
    await trio.cycle();
    trio.site.sandbox.people.add('contact', ana);
    await trio.cycle();
    trio.north.sandbox.people.edit('contact', '2', poison);
    trio.north.sandbox.people.edit('contact', '1', { note: 'vechi' });
    for (let cycles = 0; cycles < 3; cycles++) await trio.cycle();
    const reply = await trio.south.connector.read('contact', '1', undefined);
    expect(reply).toMatchObject({ record: { values: { notes: 'vechi' } } });
    for (const { sandbox } of [trio.site, trio.south]) expect(sandbox.people.all('contact')).toHaveLength(2);
    await trio.close();
  }

  test.each<Record<string, unknown>>([
    { success: false },
    { success: false, error: { code: 404 } },
    { contactId: undefined, result: null },
    { contactId: 1 },
    { emailAddresses: [{ emailAddress: { of: 'a@example.com' } }] },
    { dob: 'spring' },
  ])('keep one contact in step while another one shows %j', staysInStep);

  const anyKey = fc.constantFrom(...heldKeys, 'contactId', 'id', 'result');
  property.prop([fc.dictionary(anyKey, fc.jsonValue(), { minKeys: 1, maxKeys: 4 })], { numRuns: 20 })(
    'keep one contact in step, whatever another one turns into',
    staysInStep,
  );

  const text = fc.constantFrom('Besançon', ' Łódź ', 'x', '');
  const email = fc.constantFrom('a@example.com', 'B@Example.com', 'c@example.com');
  const rows = (key: string, value: fc.Arbitrary<string>) =>
    fc.array(fc.record({ [key]: value, isActive: fc.boolean(), comment: fc.constantFrom(null, 'bureau') }), {
      maxLength: 3,
    });
  /** What a person does to the contact in an Upgrade.chat. */
  const edit = fc.record(
    {
      firstName: fc.constantFrom('Ana', 'Anna ', 'Ană'),
      note: text,
      companyName: text,
      gender: fc.constantFrom('Female', null),
      dob: fc.constantFrom('1984-02-29T00:00:00Z', '1984-02-29', null),
      isActive: fc.boolean(),
      tags: fc.array(fc.constantFrom({ name: 'VIP' }, { name: 'salon' }), { maxLength: 2 }),
      emailAddresses: rows('emailAddress', email),
      phoneNumbers: rows('phoneNumber', fc.constantFrom('+40268000000', '+40 268 000 001')),
      addresses: rows('city', text),
      links: rows('url', fc.constantFrom('https://example.com', 'example.org')),
    },
    { requiredKeys: [] },
  );
  const habits = fc.record({
    trims: fc.boolean(),
    lowerCasesEmail: fc.boolean(),
    emptyIsNull: fc.boolean(),
    omitsNull: fc.boolean(),
    absent: fc.constantFrom('kept', 'cleared'),
  }) as fc.Arbitrary<UpgradechatHabits>;

  property.prop([habits, edit, edit, fc.boolean()], { numRuns: 25 })(
    'agree after two cycles on all that both can hold, and are quiet then, whatever people do',
    async (given, north, south, isTogether) => {
      trio = await open(given);
      trio.site.sandbox.people.add('contact', ana);
      await trio.cycle();
      const rounds = isTogether ? [{ north, south }] : [{ north }, { south }];
      for (const edits of rounds) {
        for (const [name, change] of Object.entries(edits))
          trio[name as 'north' | 'south'].sandbox.people.edit('contact', '1', change);
        await trio.cycle();
        await trio.cycle();
        const [one, other] = [await trio.shown('north'), await trio.shown('south')];
        const differ = trio.north.connector.mappings
          .contact!.fields.map(({ path }) => path)
          .filter((path) => !equal(fieldAt('contact', path).kind, or(one[path]), or(other[path])));
        expect(differ).toEqual([]);
        forget();
        const outcome = await trio.cycle();
        expect(writes()).toEqual([]);
        expect(outcome.counts).toMatchObject({
          north: { unchanged: 1, failed: 0 },
          south: { unchanged: 1, failed: 0 },
        });
      }
      await trio.close();
    },
  );
});

/** A key that a CRM leaves out because it holds null is as empty as one that it shows. */
function or(value: Value | undefined): Value {
  return value ?? null;
}
