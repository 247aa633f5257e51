import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { upgradechat } from '../../connectors/upgradechat/index.ts';
import type { UpgradechatHabits } from '../../connectors/upgradechat/sandbox-contacts.ts';
import type { Connector } from '../../src/connector/connector.ts';
import type { Http } from '../../src/connector/http.ts';
import type { EngineContext, SyncOutcome } from '../../src/engine/engine.ts';
import { inOrder, runCycle } from '../../src/queue/cycle.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { FakeClock } from '../worlds/clock.ts';
import { start } from '../worlds/deaths.ts';
import { policy } from '../worlds/world.ts';
import { type Site as AlphaSite, startSite as startAlpha } from './alpha-site.ts';
import { startSite as startTreepl, type Site as TreeplSite } from './treepl-site.ts';
import { type Site, startSite } from './upgradechat-site.ts';

/** After which request to Upgrade.chat a process dies: the CRM has done its work, and nobody hears of it any more. */
interface Mortal {
  requestsLeft: number;
}

const both = (...names: readonly string[]) => names.map((connection) => ({ connection, direction: 'both' as const }));
const syncs = inOrder([
  policy(both('site', 'office', 'chat'), { fields: { status: { from: [], to: [] } } }),
  policy(both('office', 'chat'), { name: 'chances', entity: 'lead', match: ['xref'] }),
]);

let site: TreeplSite;
let office: AlphaSite;
let chat: Site;
let store: Store;
let clock: FakeClock;
let processes: number;

async function open(habits: UpgradechatHabits): Promise<void> {
  chat = await startSite({}, { habits });
}

beforeEach(async () => {
  site = await startTreepl();
  office = await startAlpha();
  store = await openSqliteStore(':memory:');
  clock = new FakeClock();
  processes = 0;
});
afterEach(async () => {
  await store.close();
  for (const one of [site, office, chat]) await one.close();
});

/**
 * A cycle of every sync in a process of its own.
 * @returns whether it died
 */
async function cycle(mortal: Mortal = { requestsLeft: Number.POSITIVE_INFINITY }): Promise<boolean> {
  let isDead = false;
  const { promise: end, resolve } = Promise.withResolvers<'died'>();
  const silence = () => new Promise<never>(() => {});
  const http: Http = {
    call: async (...given) => {
      if (isDead) return silence();
      const reply = chat.http.call(...given);
      if (--mortal.requestsLeft > 0) return await reply;
      isDead = true;
      await reply.catch(() => {});
      resolve('died');
      return silence();
    },
  };
  const context = { connection: 'chat', http, clock, options: upgradechat.options.parse({}), concurrent: 1 };
  const connectors: Readonly<Record<string, Connector>> = {
    site: site.connector,
    office: office.connector,
    chat: upgradechat.create(context),
  };
  processes += 1;
  const number = processes;
  let ids = number * 1_000;
  const shared: EngineContext = {
    store,
    connections: new Map(
      Object.entries(connectors).map(([name, connector]) => [name, { name, connector, concurrent: 1 }]),
    ),
    syncs,
    clock,
    newId: () => `01980000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    owner: '',
    isAlive: () => true,
    settleMs: 0,
  };
  const owner = `process-${number}`;
  const pause = async () => (isDead ? await silence() : undefined);
  const { context: mine } = start(shared, owner, { isAlive: (other) => other === owner, pause }, undefined);
  clock.advance(60_000);
  const all = async () => {
    const outcomes: SyncOutcome[] = [];
    for (const sync of syncs) outcomes.push(await runCycle(mine, sync, { run: `run-${number}` }));
    return outcomes;
  };
  return (await Promise.race([all(), end])) === 'died';
}

const ana = {
  Email: 'ana@example.ro',
  FirstName: 'Ana',
  LastName: 'Pop',
  Phone: '+40 268 000 000',
  Notes: 'Sună marți',
};

const customer = { name: 'Ana Pop', type: 'PERSON', email: 'ana@example.ro', contacts: [] };

const person = () => chat.sandbox.people.all('contact')[0]!;
const lost = async () => (await store.conflicts(100)).map(({ path, loser, rule }) => [path, loser.value, rule]);

/**
 * Lives through the same with a death after the first request, after the second … until nobody dies any more.
 * @param meanwhile what people do after the death
 * @param first the first request after which one dies
 */
async function everywhere(
  habits: UpgradechatHabits,
  prepare: () => Promise<void>,
  judge: () => Promise<void>,
  meanwhile: () => void = () => {},
  first = 1,
): Promise<void> {
  for (let requestsLeft = first; ; requestsLeft += 1) {
    await open(habits);
    await prepare();
    const isDead = await cycle({ requestsLeft });
    meanwhile();
    for (let cycles = 0; cycles < 3; cycles += 1) await cycle();
    await judge();
    const upserts = chat.upserts().length;
    await cycle();
    expect(chat.upserts(), `after request ${requestsLeft}`).toHaveLength(upserts);
    if (!isDead) return;
    await store.close();
    for (const one of [site, office, chat]) await one.close();
    site = await startTreepl();
    office = await startAlpha();
    store = await openSqliteStore(':memory:');
  }
}

describe.each<[string, UpgradechatHabits]>([
  ['clears what an update leaves out', { absent: 'cleared' }],
  ['clears it, and does not show what is empty', { absent: 'cleared', omitsNull: true }],
  ['keeps it', {}],
])('where a server %s, a process that dies after its n-th request', (_, habits) => {
  test('while it writes an edit loses nothing of the contact', async () => {
    await everywhere(
      habits,
      async () => {
        site.sandbox.people.add('contact', ana);
        await cycle();
        const [there] = site.sandbox.people.all('contact');
        site.sandbox.people.edit('contact', String(there!.Id), { Notes: 'Sună joi' });
      },
      async () => {
        expect(site.sandbox.people.all('contact')).toMatchObject([{ ...ana, Notes: 'Sună joi' }]);
        expect(person()).toMatchObject({
          firstName: 'Ana',
          lastName: 'Pop',
          note: 'Sună joi',
          emailAddresses: [{ emailAddress: 'ana@example.ro' }],
          phoneNumbers: [{ phoneNumber: '+40 268 000 000' }],
        });
        for (const [, value, rule] of await lost())
          expect([value, rule]).toEqual([expect.toBeOneOf([null, false]), 'emptied by an update that left it out']);
      },
    );
  });

  test('while it writes an edit of a lead’s person loses nothing of the lead', async () => {
    await everywhere(
      habits,
      async () => {
        site.sandbox.people.add('contact', ana);
        const id = office.sandbox.people.add('contact', { ...customer, crmStatus: 'LEAD', leadSource: 'Fair' });
        await cycle();
        await cycle();
        expect(person()).toMatchObject({ note: 'Sună marți', trackingInfo: { sourceCode: 'Fair' } });
        const [there] = site.sandbox.people.all('contact');
        site.sandbox.people.edit('contact', String(there!.Id), { Notes: 'Sună joi' });
        expect(office.held(id)).toMatchObject({ leadSource: 'Fair' });
      },
      async () => {
        expect(site.sandbox.people.all('contact')).toMatchObject([{ ...ana, Notes: 'Sună joi' }]);
        expect(person()).toMatchObject({
          firstName: 'Ana',
          note: 'Sună joi',
          emailAddresses: [{ emailAddress: 'ana@example.ro' }],
          trackingInfo: { sourceCode: 'Fair' },
        });
      },
    );
  });

  test('while it makes somebody a lead loses nothing of the contact, nor of the lead', async () => {
    let id: string;
    await everywhere(
      habits,
      async () => {
        site.sandbox.people.add('contact', ana);
        id = office.sandbox.people.add('contact', { ...customer, crmStatus: 'PROSPECT', leadSource: 'Fair' });
        await cycle();
        await cycle();
        office.sandbox.people.edit('contact', id, { crmStatus: 'LEAD' });
      },
      async () => {
        expect(site.sandbox.people.all('contact')).toMatchObject([ana]);
        expect(person()).toMatchObject({
          firstName: 'Ana',
          lastName: 'Pop',
          note: 'Sună marți',
          isProspective: true,
          trackingInfo: { sourceCode: 'Fair' },
        });
      },
    );
  });
});

describe.each<[string, UpgradechatHabits, number]>([
  ['finds by our id and by e-mail', {}, 1],
  ['finds by our id', { matches: ['xref'] }, 1],
  ['finds by e-mail', { matches: ['email'] }, 1],
  // What nobody has told the id of can only be found by a write, and that clears.
  ['clears what an update leaves out', { absent: 'cleared' }, 2],
])('where a server %s, a process that dies after its n-th request while it creates', (_, habits, first) => {
  test('makes nobody twice, and loses no edit of what was half-finished', async () => {
    await everywhere(
      habits,
      async () => {
        site.sandbox.people.add('contact', ana);
      },
      async () => {
        expect(chat.sandbox.people.all('contact')).toHaveLength(1);
        const [there] = site.sandbox.people.all('contact');
        for (const [here, key] of [[there!.FirstName, 'site'] as const, [person().firstName, 'chat'] as const])
          expect([key, here]).toEqual([key, there!.FirstName]);
        if (there!.FirstName !== 'Anna')
          expect(await lost()).toContainEqual(['name.given', 'Anna', expect.any(String)]);
        expect(there).toMatchObject({ ...ana, FirstName: expect.any(String) });
        expect(person()).toMatchObject({
          lastName: 'Pop',
          note: 'Sună marți',
          emailAddresses: [{ emailAddress: 'ana@example.ro' }],
        });
        for (const { pending, openIntents, dead } of await store.standing())
          expect([pending, openIntents, dead]).toEqual([0, 0, 0]);
      },
      () => {
        if (chat.sandbox.people.all('contact').length > 0)
          chat.sandbox.people.edit('contact', '1', { firstName: 'Anna' });
        else site.sandbox.people.edit('contact', '1', { FirstName: 'Anna' });
      },
      first,
    );
  });
});

test('what a person deletes of a create that went half-way is not made again', async () => {
  await open({});
  site.sandbox.people.add('contact', ana);
  expect(await cycle({ requestsLeft: 2 })).toBe(true);
  chat.sandbox.people.remove('contact', '1');
  for (let cycles = 0; cycles < 3; cycles += 1) await cycle();
  expect(chat.sandbox.people.all('contact')).toEqual([]);
  expect(site.sandbox.people.all('contact')).toMatchObject([ana]);
});

test('a create that is answered with somebody else’s contact, and goes half-way, is no edit of that one', async () => {
  await open({ matches: ['email'] });
  site.sandbox.people.add('contact', ana);
  await cycle();
  const emailAddresses = [{ emailAddress: 'ana@example.ro' }, { emailAddress: 'radu@example.ro', isActive: false }];
  chat.sandbox.people.edit('contact', '1', { emailAddresses });
  site.sandbox.people.add('contact', { FirstName: 'Radu', LastName: 'Ene', Email: 'radu@example.ro' });
  await cycle({ requestsLeft: 3 });
  for (let cycles = 0; cycles < 3; cycles += 1) await cycle();
  expect(site.sandbox.people.all('contact')).toMatchObject([{ FirstName: 'Ana' }, { FirstName: 'Radu' }]);
  expect(chat.sandbox.people.all('contact')).toMatchObject([{ firstName: 'Ana', note: 'Sună marți' }]);
});

test('what is put back is in the conflict log: a person may have emptied it', async () => {
  await open({ absent: 'cleared' });
  site.sandbox.people.add('contact', ana);
  await cycle();
  const [there] = site.sandbox.people.all('contact');
  site.sandbox.people.edit('contact', String(there!.Id), { Notes: 'Sună joi' });
  // The look of the pull, of the update and of the connector, and then the write.
  expect(await cycle({ requestsLeft: 4 })).toBe(true);
  expect(person()).toMatchObject({ note: 'Sună joi', firstName: null, emailAddresses: [] });
  await cycle();
  expect(person()).toMatchObject({ note: 'Sună joi', firstName: 'Ana' });
  expect(await lost()).toEqual(expect.arrayContaining([['name.given', null, 'emptied by an update that left it out']]));
});

test.each([{ absent: 'cleared' }, {}] as const)(
  'what a person empties while an update has never arrived is an edit: %j',
  async (habits) => {
    await open(habits);
    site.sandbox.people.add('contact', ana);
    await cycle();
    const [there] = site.sandbox.people.all('contact');
    site.sandbox.people.edit('contact', String(there!.Id), { FirstName: 'Anna' });
    expect(await cycle({ requestsLeft: 3 })).toBe(true);
    chat.sandbox.people.edit('contact', '1', { note: '', emailAddresses: [], phoneNumbers: [] });
    await cycle();
    await cycle();
    expect(site.sandbox.people.all('contact')).toMatchObject([
      { FirstName: 'Anna', LastName: 'Pop', Notes: null, Email: null, Phone: null },
    ]);
    expect(person()).toMatchObject({ firstName: 'Anna', lastName: 'Pop' });
    expect(await lost()).toEqual([]);
  },
);

test('an update that empties what it leaves out, and cannot be looked at afterwards, loses nothing', async () => {
  await open({ absent: 'cleared' });
  site.sandbox.people.add('contact', ana);
  await cycle();
  const [there] = site.sandbox.people.all('contact');
  site.sandbox.people.edit('contact', String(there!.Id), { Notes: 'Sună joi' });
  let isWritten = false;
  chat.sandbox.faults.status = {
    code: 500,
    times: Number.POSITIVE_INFINITY,
    only: ({ method }) => {
      const isAfter = isWritten;
      isWritten ||= method === 'POST';
      return isAfter && method === 'GET';
    },
  };
  await cycle();
  expect(person()).toMatchObject({ note: 'Sună joi', firstName: null });
  delete chat.sandbox.faults.status;
  await cycle();
  expect(site.sandbox.people.all('contact')).toMatchObject([{ ...ana, Notes: 'Sună joi' }]);
  expect(person()).toMatchObject({ note: 'Sună joi', firstName: 'Ana', emailAddresses: [{ isActive: true }] });
});

test('an update that empties what it leaves out, and is refused the putting back, loses nothing', async () => {
  await open({ absent: 'cleared' });
  site.sandbox.people.add('contact', ana);
  await cycle();
  const [there] = site.sandbox.people.all('contact');
  site.sandbox.people.edit('contact', String(there!.Id), { Notes: 'Sună joi' });
  let writes = 0;
  chat.sandbox.faults.status = { code: 400, times: 1, only: ({ method }) => method === 'POST' && ++writes === 2 };
  await cycle();
  await cycle();
  expect(site.sandbox.people.all('contact')).toMatchObject([{ ...ana, Notes: 'Sună joi' }]);
  expect(person()).toMatchObject({ note: 'Sună joi', firstName: 'Ana', emailAddresses: [{ isActive: true }] });
});
