import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '../../src/connector/connector.ts';
import type { EngineContext, SyncOutcome } from '../../src/engine/engine.ts';
import { settleReview } from '../../src/engine/settle-review.ts';
import { inOrder, runCycle } from '../../src/queue/cycle.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { FakeClock } from '../worlds/clock.ts';
import { policy } from '../worlds/world.ts';
import { type Site as AlphaSite, startSite as startAlpha } from './alpha-site.ts';
import { type Site as ConecrmSite, startSite as startConecrm } from './conecrm-site.ts';
import { startSite as startUpgradechat, type Site as UpgradechatSite } from './upgradechat-site.ts';

const [department, source, franchise, web] = ['d1', 'c1', 'f1', 'c2'].map(
  (end) => `0190a000-0000-7000-8000-0000000000${end}`,
) as [string, string, string, string];

/** The syncs of these members, in the order in which they run. */
function syncsOf(names: readonly string[]): readonly SyncPolicy[] {
  const both = (members: readonly string[]) =>
    members.map((connection) => ({ connection, direction: 'both' as const }));
  const withAccounts = names.filter((name) => name !== 'chat');
  return inOrder([
    policy(both(names), { name: 'chances', entity: 'lead', match: ['xref'] }),
    policy(both(names)),
    policy(both(withAccounts), { name: 'companies', entity: 'account', match: ['xref', 'email', 'domain', 'name'] }),
  ]);
}

let office: AlphaSite;
let room: ConecrmSite;
let chat: UpgradechatSite;
let store: Store;
let context: EngineContext;
let cycle: () => Promise<Readonly<Record<string, SyncOutcome>>>;

beforeEach(async () => {
  office = await startAlpha({ splitNames: true });
  room = await startConecrm({ department, source, franchise, sources: { Website: web } });
  chat = await startUpgradechat();
  store = await openSqliteStore(':memory:');
  open({ office: office.connector, room: room.connector, chat: chat.connector });
});

/** Wires CRMs and the store; to be called before the first cycle. */
function open(connectors: Readonly<Record<string, Connector>>): void {
  const syncs = syncsOf(Object.keys(connectors));
  const clock = new FakeClock();
  let ids = 0;
  let runs = 0;
  context = {
    store,
    connections: new Map(
      Object.entries(connectors).map(([name, connector]) => [name, { name, connector, concurrent: 2 }]),
    ),
    syncs,
    clock,
    newId: () => `01980000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    owner: 'test',
    isAlive: () => true,
    settleMs: 0,
  };
  cycle = async () => {
    clock.advance(60_000);
    const run = `run-${++runs}`;
    const outcomes: Record<string, SyncOutcome> = {};
    for (const sync of syncs) outcomes[sync.name] = await runCycle(context, sync, { run });
    return outcomes;
  };
}
afterEach(async () => {
  await store.close();
  for (const site of [office, room, chat]) await site.close();
});

const leads = () => room.sandbox.people.all('lead');
const writes = () => [...office.writes(), ...room.writes(), ...chat.upserts()];
function forget(): void {
  for (const { sandbox } of [office, room, chat]) sandbox.forgetRequests();
}

describe('a lead', () => {
  test('of Alpha is made at ConeCRM and Upgrade.chat, for the person made there before', async () => {
    office.sandbox.people.add('contact', {
      name: 'Loïs Bergman',
      type: 'PERSON',
      email: 'lois@example.com',
      crmStatus: 'LEAD',
      leadSource: 'Website',
      contacts: [],
    });
    await cycle();
    const [person] = room.sandbox.people.all('contact');
    expect(person).toMatchObject({ firstName: 'Loïs', lastName: 'Bergman', primaryEmail: 'lois@example.com' });
    expect(leads()).toMatchObject([
      { subject: 'Loïs Bergman', contact: { id: person!.id }, source: { id: web }, franchise: { id: franchise } },
    ]);
    expect(chat.sandbox.people.all('contact')).toMatchObject([
      { firstName: 'Loïs', isProspective: true, trackingInfo: { sourceCode: 'Website' } },
    ]);
    await cycle();
    forget();
    const outcomes = await cycle();
    expect(writes()).toEqual([]);
    expect(outcomes.chances!.problems).toEqual([]);
  });

  test('of Alpha that is converted shows its new status, though no list of leads has it any more', async () => {
    const person = { name: 'Loïs Bergman', type: 'PERSON', email: 'lois@example.com', contacts: [] };
    const id = office.sandbox.people.add('contact', { ...person, crmStatus: 'LEAD' });
    await cycle();
    office.sandbox.people.edit('contact', id, { crmStatus: 'CUSTOMER' });
    await cycle();
    expect((await store.linked('office', 'lead', [id])).get(id)?.record.values.status).toBe('CUSTOMER');
    forget();
    const { chances } = await cycle();
    expect([chances!.state, chances!.counts.office, writes()]).toMatchObject(['done', { read: 1, unchanged: 1 }, []]);
  });

  test('of ConeCRM is made at Upgrade.chat with its person, and is beyond Alpha, visibly', async () => {
    const account = room.sandbox.people.add('account', { name: 'Garage Côté', primaryEmail: 'info@cote.example.ca' });
    const contact = room.sandbox.people.add('contact', {
      firstName: 'Zoé',
      lastName: 'Côté',
      primaryEmail: 'zoe@example.ca',
      accounts: [{ id: account }],
    });
    const lead = room.sandbox.people.add('lead', {
      subject: 'Essai routier',
      description: 'Après 17 h',
      contact: { id: contact },
      account: { id: account },
      source: { id: web },
    });
    const outcomes = await cycle();
    expect(chat.sandbox.people.all('contact')).toMatchObject([
      { firstName: 'Zoé', isProspective: true, trackingInfo: { comments: 'Après 17 h', sourceCode: 'Website' } },
    ]);
    expect({ state: outcomes.chances!.state, problems: outcomes.chances!.problems }).toEqual({
      state: 'done',
      problems: [],
    });
    await cycle();
    forget();
    const { chances } = await cycle();
    expect(writes()).toEqual([]);
    expect(chances!.counts.office).toMatchObject({ created: 0, failed: 0, unsupported: 1 });

    const [there] = chat.sandbox.people.all('contact');
    chat.sandbox.people.edit('contact', String(there!.contactId), {
      trackingInfo: { ...(there!.trackingInfo as object), comments: 'Après 18 h' },
    });
    const later = await cycle();
    expect(room.writes()).toEqual([]);
    expect(later.chances!.counts.room).toMatchObject({ updated: 0, failed: 0, unsupported: 1 });
    expect(later.chances!.state).toBe('done');
    expect((await store.linked('room', 'lead', [lead])).get(lead)?.record.values.description).toBe('Après 18 h');
  });

  test('of a company without a person is beyond ConeCRM until there is one, visibly', async () => {
    office.sandbox.people.add('account', { name: 'Bakker BV', type: 'COMPANY', crmStatus: 'LEAD', contacts: [] });
    const { chances } = await cycle();
    expect(leads()).toEqual([]);
    expect({ state: chances!.state, problems: chances!.problems, counts: chances!.counts.room }).toMatchObject({
      state: 'done',
      problems: [],
      counts: { created: 0, failed: 0, unsupported: 1 },
    });
    const [reason] = (await store.setAside(10)).filter(({ connection }) => connection === 'room');
    expect(JSON.stringify(reason)).toMatch(/lead.*unsupported/);
  });
});

test('where ConeCRM lists no leads at all, they are made there, and nobody fails', async () => {
  const codes = ['get_api_query_builder_config', '_get_contact_open_leads'];
  room.sandbox.faults.status = {
    code: 404,
    times: Number.POSITIVE_INFINITY,
    only: ({ operation }) => codes.includes(operation ?? ''),
  };
  office.sandbox.people.add('contact', { name: 'Loïs Bergman', type: 'PERSON', crmStatus: 'LEAD', contacts: [] });
  expect((await cycle()).chances!.problems).toEqual([]);
  expect(leads()).toHaveLength(1);
  const { chances } = await cycle();
  expect({ problems: chances!.problems, leads: leads().length, waiting: chances!.waiting.dead }).toEqual({
    problems: [],
    leads: 1,
    waiting: 0,
  });
});

describe('somebody whom two Alphas have', () => {
  const lois = { name: 'Loïs Bergman', type: 'PERSON', email: 'lois@example.com', contacts: [] };
  let agency: AlphaSite;
  beforeEach(async () => {
    agency = await startAlpha({ splitNames: true });
    open({ office: office.connector, agency: agency.connector, room: room.connector, chat: chat.connector });
  });
  afterEach(() => agency.close());

  const recordOf = async (name: string, id: string) => (await store.linked(name, 'lead', [id])).get(id)?.record.id;

  test('and who becomes a lead in one, and in the other by our status, is one lead', async () => {
    const [here, there] = [office, agency].map(({ sandbox }) =>
      sandbox.people.add('contact', { ...lois, crmStatus: 'PROSPECT' }),
    ) as [string, string];
    await cycle();
    office.sandbox.people.edit('contact', here, { crmStatus: 'LEAD', updated: '2030-01-01T00:00:00Z' });
    await cycle();
    expect(agency.held(there)).toMatchObject({ crmStatus: 'LEAD' });
    await cycle();
    expect(await recordOf('office', here)).toBeDefined();
    expect(await recordOf('agency', there)).toBe(await recordOf('office', here));
    expect(leads()).toHaveLength(1);
    forget();
    agency.sandbox.forgetRequests();
    const outcomes = await cycle();
    expect([...writes(), ...agency.writes()]).toEqual([]);
    expect(outcomes.chances!.problems).toEqual([]);
  });

  test('and who is a lead in both when they are first read, is one lead', async () => {
    const [here, there] = [office, agency].map(({ sandbox }) =>
      sandbox.people.add('contact', { ...lois, crmStatus: 'LEAD', leadSource: 'Website' }),
    ) as [string, string];
    await cycle();
    expect(await recordOf('office', here)).toBeDefined();
    expect(await recordOf('agency', there)).toBe(await recordOf('office', here));
    expect(leads()).toHaveLength(1);
  });

  test('is one lead, too, where a person has to say first that the two are one', async () => {
    const here = office.sandbox.people.add('contact', { ...lois, crmStatus: 'LEAD', leadSource: 'Website' });
    const there = agency.sandbox.people.add('contact', { ...lois, name: 'Loïs Terlouw', crmStatus: 'LEAD' });
    await cycle();
    const [review] = await store.openReviews('contact');
    expect(review).toBeDefined();
    const recordId = review!.candidates[0]!.recordId;
    await settleReview(context, review!, { say: 'link', recordId });
    await cycle();
    await cycle();
    expect(await recordOf('office', here)).toBeDefined();
    expect(await recordOf('agency', there)).toBe(await recordOf('office', here));
    expect(leads()).toHaveLength(1);
  });
});
