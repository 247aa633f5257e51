import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { matchJob } from '../../jobs/match.ts';
import { pullJob } from '../../jobs/pull.ts';
import { type Capabilities, none } from '../../src/connector/connector.ts';
import { RejectedError, RetryableError, UnknownOutcomeError } from '../../src/connector/errors.ts';
import { noCounts, type SyncOutcome } from '../../src/engine/engine.ts';
import { fieldsOf } from '../../src/model/entities.ts';
import type { Entity } from '../../src/model/values.ts';
import { runCycle } from '../../src/queue/cycle.ts';
import { runHints } from '../../src/queue/hints.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { type CrmSpec, FakeCrm, type Verb } from './fake-crm.ts';
import { ann, ben, crm, written, writtenInOneMoreCycle } from './small.ts';
import { openWorld, policy, type World } from './world.ts';

const acme = { name: 'Acme', website: 'https://acme.example' };
const fields: CrmSpec['fields'] = {
  contact: ['name.given', 'name.family', 'email.primary', 'company', 'account'],
  account: ['name', 'website'],
  lead: ['title', 'contact', 'account', 'description'],
};

/** What the API of `bravo` lacks, by entity. */
type Lacks = Readonly<Partial<Record<Entity, readonly Verb[]>>>;

const members = ['alpha', 'bravo'].map((connection) => ({ connection, direction: 'both' as const }));
const companies = policy(members, { name: 'companies', entity: 'account', match: ['domain', 'name'] });
const people = policy(members);
const chances = policy(members, { name: 'chances', entity: 'lead', match: ['xref'] });

/** Two CRMs of accounts, contacts and leads; `bravo` lacks something. */
async function withOffices(
  lacks: Lacks,
  check: (world: World, bravo: FakeCrm) => Promise<void>,
  syncs: readonly SyncPolicy[] = [companies, people, chances],
  mapped: CrmSpec['fields'] = fields,
): Promise<void> {
  const specs = ['alpha', 'bravo'].map((name) => crm(name, [], { fields: mapped }));
  const world = await openWorld(specs, syncs, 1, {
    crm: (spec, clock, random) => {
      const made = new FakeCrm(spec, clock, random);
      if (spec.name !== 'bravo') return made;
      const capabilities = Object.fromEntries(
        Object.entries(made.capabilities).map(([entity, able]) => {
          const gaps = (lacks[entity as Entity] ?? []).map((verb) => [verb, none(`bravo does not ${verb} ${entity}s`)]);
          return [entity, { ...able, ...Object.fromEntries(gaps) }];
        }),
      ) as Capabilities;
      return Object.assign(made, { capabilities });
    },
  });
  try {
    await check(world, world.crms.get('bravo')!);
  } finally {
    await world.close();
  }
}

/** Reads all members of a sync and writes nothing, as if the process had died before it wrote. */
async function read({ context }: World, sync: SyncPolicy, run = 'reading'): Promise<void> {
  for (const { connection } of sync.members)
    expect(await pullJob(context, { sync: sync.name, connection, run }, { counts: noCounts() })).toEqual({});
  await matchJob(context, { sync: sync.name, run });
}

const only = async ({ context, clock }: World, sync: SyncPolicy, run = 'alone'): Promise<SyncOutcome> => {
  clock.advance(60_000);
  return await runCycle(context, sync, { run });
};

/** A chance with a person of a company, all of them at alpha alone. */
function enterAll(world: World): { company: string; person: string; chance: string } {
  const company = world.enter('alpha', 'account', acme);
  const person = world.enter('alpha', 'contact', { ...ann, account: company });
  const chance = world.enter('alpha', 'lead', { title: 'Test drive', contact: person, account: company });
  return { company, person, chance };
}

const refuses = (entity: string) => (verb: Verb, values: object) => {
  if (verb === 'create' && ('name.given' in values ? 'contact' : 'name' in values ? 'account' : 'lead') === entity)
    throw new RejectedError(`bravo takes no ${entity}`, { connection: 'bravo' });
};

describe('a lead of a person of a company, none of whom a CRM knows', () => {
  it.each([[{}], [{ lead: ['update'] }]] satisfies [Lacks][])(
    'brings both with it, the company first (lacking %j)',
    async (lacks) => {
      await withOffices(lacks, async (world, bravo) => {
        enterAll(world);
        await read(world, companies);
        await read(world, people);
        const outcome = await only(world, chances);
        expect(bravo.writes.map(({ verb, entity }) => `${verb} ${entity}`)).toEqual([
          'create account',
          'create contact',
          'create lead',
        ]);
        const [account] = bravo.ids('account');
        const [contact] = bravo.ids('contact');
        expect(bravo.holds('contact', contact!)).toMatchObject({ ...ann, account });
        expect(bravo.holds('lead', bravo.ids('lead')[0]!)).toMatchObject({ title: 'Test drive', contact, account });
        // What was written for other syncs counts there.
        expect(outcome.counts.bravo).toMatchObject({ created: 1, updated: 0 });
        expect(outcome.besides).toEqual({
          companies: { bravo: { ...noCounts(), created: 1 } },
          people: { bravo: { ...noCounts(), created: 1 } },
        });
        expect(outcome.state).toBe('done');
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      });
    },
  );
});

describe('a round that writes a lead', () => {
  it('says what it has written for other syncs, because the lead points there', async () => {
    await withOffices({}, async (world, bravo) => {
      const { chance } = enterAll(world);
      await world.cycle();
      const company = world.enter('alpha', 'account', { name: 'Brick', website: 'https://brick.example' });
      const person = world.enter('alpha', 'contact', { ...ben, account: company });
      for (const sync of [companies, people]) await read(world, sync, 'meanwhile');
      // A CRM without a listing could tell a cycle no more than it tells a round.
      for (const entity of ['account', 'contact'] as const)
        Object.assign(bravo.capabilities[entity]!, { list: none('bravo lists nothing now') });
      world.edit('alpha', 'lead', chance, { contact: person, account: company });
      const hints = [{ entity: 'lead', externalId: chance, what: 'changed' }] as const;
      await world.store.receive([{ connection: 'alpha', id: undefined, hints, at: world.clock.now() }]);
      const end = await runHints(world.context, chances);
      expect(end.counts.bravo).toMatchObject({ created: 0, updated: 1 });
      expect(end.besides).toEqual({
        companies: { bravo: { ...noCounts(), created: 1 } },
        people: { bravo: { ...noCounts(), created: 1 } },
      });
    });
  });
});

describe('records that point to each other', () => {
  const around = { ...fields, account: [...fields.account!, 'mainContact'] };
  beforeAll(() => {
    Object.assign(fieldsOf.account, { mainContact: { kind: 'reference', title: 'main contact', target: 'contact' } });
  });
  afterAll(() => {
    Reflect.deleteProperty(fieldsOf.account, 'mainContact');
  });

  it.each([
    ['completed afterwards', {}],
    ['left so where nothing can be completed', { account: ['update'], contact: ['update'] }],
  ] satisfies [string, Lacks][])('end: the first is written without the other, and %s', async (_what, lacks) => {
    await withOffices(
      lacks,
      async (world, bravo) => {
        const { company, person } = enterAll(world);
        world.edit('alpha', 'account', company, { mainContact: person });
        await read(world, companies);
        await read(world, people);
        await read(world, companies, 'reading again');
        await only(world, people);
        expect(written(world)).toEqual(['bravo create name website', expect.stringContaining('bravo create account ')]);
        await world.cycle();
        const [account, contact] = [bravo.ids('account')[0]!, bravo.ids('contact')[0]!];
        expect(bravo.holds('account', account).mainContact).toBe('account' in lacks ? null : contact);
        expect(bravo.holds('contact', contact).account).toBe(account);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      [companies, people],
      around,
    );
  });
});

describe('a lead whose contact a CRM does not take', () => {
  it('goes without it where it can be completed later, and is', async () => {
    await withOffices({}, async (world, bravo) => {
      bravo.disturbs = refuses('contact');
      const { person } = enterAll(world);
      await world.cycle();
      expect(bravo.holds('lead', bravo.ids('lead')[0]!)).toMatchObject({ title: 'Test drive', contact: null });
      const alpha = world.crms.get('alpha')!;
      expect(alpha.holds('lead', alpha.ids('lead')[0]!).contact).toBe(person);
      bravo.disturbs = () => {};
      world.edit('alpha', 'contact', person, { 'name.given': 'Anne' });
      await world.cycle();
      expect(bravo.holds('lead', bravo.ids('lead')[0]!).contact).toBe(bravo.ids('contact')[0]);
    });
  });

  it('waits where a lead is written once, and follows it', async () => {
    await withOffices({ lead: ['update'] }, async (world, bravo) => {
      bravo.disturbs = refuses('contact');
      const { person } = enterAll(world);
      const outcomes = await world.cycle();
      expect(bravo.ids('lead')).toEqual([]);
      expect({ people: outcomes.people!.state, chances: outcomes.chances!.state }).toEqual({
        people: 'waiting',
        chances: 'done',
      });
      const tried = bravo.calls.create;
      await world.cycle();
      expect(bravo.calls.create).toBe(tried);
      bravo.disturbs = () => {};
      world.edit('alpha', 'contact', person, { 'name.given': 'Anne' });
      await world.cycle();
      expect(bravo.holds('lead', bravo.ids('lead')[0]!).contact).toBe(bravo.ids('contact')[0]);
    });
  });

  it('waits while a person has to say who the contact is', async () => {
    await withOffices({ lead: ['update'] }, async (world, bravo) => {
      enterAll(world);
      await read(world, people);
      for (let twin = 0; twin < 2; twin += 1) world.enter('bravo', 'contact', ann);
      const outcomes = await world.cycle();
      expect(outcomes.people!.waiting.reviews).toBeGreaterThan(0);
      await world.cycle();
      expect(bravo.ids('lead')).toEqual([]);
    });
  });

  it('waits while it is not known whether the contact was made, and does not try it over again', async () => {
    await withOffices({ lead: ['update'] }, async (world, bravo) => {
      bravo.disturbs = (verb, values) => {
        if (verb === 'create' && 'name.given' in values)
          throw new UnknownOutcomeError('bravo did not answer', { connection: 'bravo' });
      };
      enterAll(world);
      await read(world, companies);
      await read(world, people);
      await only(world, chances);
      world.clock.advance(60_000);
      await read(world, people, 'looking');
      await only(world, chances, 'once more');
      expect(bravo.writes.map(({ entity }) => entity)).toEqual(['account']);
      expect(bravo.calls.create).toBe(2);
    });
  });

  it.each<[string, Lacks, readonly SyncPolicy[] | undefined]>([
    ['cannot take contacts', { lead: ['update'], contact: ['create'] }, undefined],
    ['is given no contacts by any sync', { lead: ['update'] }, [companies, chances]],
  ])('goes without it where the CRM %s: it would wait for ever', async (_why, lacks, syncs) => {
    await withOffices(
      lacks,
      async (world, bravo) => {
        const { company } = enterAll(world);
        const outcomes = await world.cycle();
        const [lead] = bravo.ids('lead');
        expect(bravo.holds('lead', lead!)).toMatchObject({ title: 'Test drive', contact: null });
        expect(bravo.holds('lead', lead!).account).toBe(bravo.ids('account')[0]);
        expect(outcomes.chances!.state).toBe('done');
        const alpha = world.crms.get('alpha')!;
        await world.cycle();
        expect(alpha.holds('lead', alpha.ids('lead')[0]!).account).toBe(company);
      },
      syncs,
    );
  });
});

describe('a company name on a person', () => {
  it('is a text, and makes no account anywhere', async () => {
    await withOffices({}, async (world, bravo) => {
      world.enter('alpha', 'contact', { ...ann, company: 'Acme' });
      await world.cycle();
      await world.cycle();
      const alpha = world.crms.get('alpha')!;
      expect([...alpha.ids('account'), ...bravo.ids('account'), ...(await world.records('account'))]).toEqual([]);
      expect(bravo.holds('contact', bravo.ids('contact')[0]!)).toMatchObject({ company: 'Acme', account: null });
    });
  });
});

describe('a lead whose create was lost', () => {
  it('is not taken for one that has the same title and is about somebody else', async () => {
    await withOffices({}, async (world, bravo) => {
      const alpha = world.crms.get('alpha')!;
      const [first, second] = [ann, ben].map((person) => world.enter('alpha', 'contact', person));
      await world.cycle();
      const another = (await world.recordOf('alpha', 'contact', second!))!;
      const there = another.links.find(({ connection }) => connection === 'bravo')!.externalId;
      world.enter('alpha', 'lead', { title: 'Test drive', contact: first! });
      bravo.loses = () => {
        bravo.loses = () => 'nothing';
        world.enter('bravo', 'lead', { title: 'Test drive', contact: there });
        return 'request';
      };
      await world.cycle();
      await world.cycle();
      const contacts = (crm: FakeCrm) => crm.ids('lead').map((id) => crm.holds('lead', id).contact);
      expect(contacts(alpha).sort()).toEqual([first, second].sort());
      expect(new Set(contacts(bravo)).size).toBe(2);
      expect(bravo.ids('lead')).toHaveLength(2);
    });
  });
});

describe('what a sync may not write itself', () => {
  it('is not written for a lead: its listing failed, and the person may be there', async () => {
    await withOffices({ lead: ['update'] }, async (world, bravo) => {
      world.enter('alpha', 'contact', ben);
      await world.cycle();
      enterAll(world);
      world.enter('bravo', 'contact', ann);
      const list = bravo.list.bind(bravo);
      bravo.list = (entity) => {
        if (entity === 'contact') throw new RetryableError('bravo is tired', { connection: 'bravo' });
        return list(entity);
      };
      await world.cycle();
      expect([bravo.ids('contact').length, bravo.ids('lead').length]).toEqual([2, 0]);
      bravo.list = list;
      await world.cycle();
      expect([bravo.ids('contact').length, bravo.ids('lead').length]).toEqual([2, 1]);
      const { contact } = bravo.holds('lead', bravo.ids('lead')[0]!);
      expect(bravo.holds('contact', String(contact))['name.given']).toBe('Ann');
    });
  });

  it('is not written for a lead: a guard stopped it', async () => {
    const guarded = policy(members, { limits: { ...people.limits, overwrites: { count: 0 } } });
    await withOffices(
      { lead: ['update'] },
      async (world, bravo) => {
        const edited = world.enter('alpha', 'contact', ben);
        await world.cycle();
        world.edit('alpha', 'contact', edited, { 'name.given': 'Benjamin' });
        enterAll(world);
        const { people: stopped } = await world.cycle();
        expect(stopped!.stops).toHaveLength(1);
        expect([bravo.ids('contact').length, bravo.ids('lead').length]).toEqual([1, 0]);
        await world.store.approve('people');
        await world.cycle();
        expect([bravo.ids('contact').length, bravo.ids('lead').length]).toEqual([2, 1]);
      },
      [companies, guarded, chances],
    );
  });
});
