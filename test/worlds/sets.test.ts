import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { NewRecord, RecordChange } from '../../src/connector/connector.ts';
import { noCounts } from '../../src/engine/engine.ts';
import { pull } from '../../src/engine/pull.ts';
import type { Entity } from '../../src/model/values.ts';
import { type Condition, isInSet, type Where } from '../../src/sync/condition.ts';
import { compilePattern } from '../../src/sync/pattern.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { live, openPlan, type Plan, plans, policyOf, runs } from './generated.ts';
import { clearedBySilence, disagreements, lostEdits } from './laws.ts';
import { ann, ben, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import { policy, type World } from './world.ts';

const dayMs = 86_400_000;

/** Fails for every write to a record that is not in the set at that moment. */
function watchWrites(world: World, { entity, where }: SyncPolicy): readonly string[] {
  const wrong: string[] = [];
  const check = async (what: string, canonicalId: string) => {
    const { record } = (await world.store.aggregates([canonicalId])).get(canonicalId)!;
    if (!isInSet(entity, where, record.values, world.clock.now()))
      wrong.push(`${what} ${canonicalId}: ${JSON.stringify(record.values)}`);
  };
  for (const [name, one] of world.crms) {
    const create = one.create.bind(one);
    one.create = async (of: Entity, record: NewRecord) => {
      await check(`${name} create`, record.canonicalId);
      return await create(of, record);
    };
    const update = one.update.bind(one);
    one.update = async (of: Entity, externalId: string, change: RecordChange) => {
      await check(`${name} update`, change.canonicalId);
      return await update(of, externalId, change);
    };
  }
  return wrong;
}

const paths = ['jobTitle', 'notes', 'company', 'address.billing.city', 'custom.shoe'];

/** Conditions that some of the invented values meet, each with a value that meets it. */
const conditions = fc.constantFrom<[Condition, string | null]>(
  ['present', '2 Wert'],
  ['absent', null],
  [{ matches: compilePattern('^\\s*[0-9]*[02468][a-z]') }, '2aa Wert'],
  [{ matches: compilePattern('(?i:WERT$)') }, '2 Wert'],
  [{ not: { matches: compilePattern('^\\s*[0-9]*[13579][a-z]') } }, '2aa Wert'],
  [{ oneOf: ['2 Wert', '0le Wert', '10le Wert', '20es Wert'] }, '2 Wert'],
  [{ not: 'present' }, null],
);

/** A plan whose first CRM is read and takes the field, and nothing in the way of writes that is no matter of sets. */
const setPlans = fc.record({
  plan: plans().filter(({ conflicts }) => conflicts !== 'manual'),
  path: fc.constantFrom(...paths),
  condition: conditions,
});

function withField(plan: Plan, path: string): Plan {
  const [first, ...others] = plan.crms;
  const contact = first!.fields.contact!;
  const crms = [
    {
      ...first!,
      fields: { contact: contact.includes(path) ? contact : [...contact, path] },
      readOnly: [],
      showsEmptyAs: 'null' as const,
      habits: { ...first!.habits, drops: [], shortens: {}, upper: [] },
    },
    ...others,
  ];
  return { ...plan, crms, conflicts: crms.map(({ name }) => name), owners: {} };
}

describe('where a sync has a set of records', () => {
  law.prop([setPlans], { numRuns: Math.ceil(runs / 2) })(
    'nothing outside it is ever written to, no edit is lost, and what returns converges again',
    async ({ plan: drawn, path, condition: [condition, fitting] }) => {
      const plan = withField(drawn, path);
      const where: Where = { [path]: condition };
      const sync = policyOf(plan, { where });
      const world = await openPlan(plan, { syncs: [sync] });
      try {
        const wrong = watchWrites(world, sync);
        await live(world, plan);
        await world.cycle();
        await world.cycle();
        expect(wrong).toEqual([]);
        expect(await lostEdits(world)).toEqual([]);
        expect(await clearedBySilence(world, 'contact')).toEqual([]);
        expect(await disagreements(world, 'contact')).toEqual([]);

        const { name } = plan.crms[0]!;
        const first = world.crms.get(name)!;
        // What was never written there cannot be emptied there: somebody types something first.
        for (const value of ['9xx Wert', fitting]) {
          for (const id of first.ids('contact')) world.edit(name, 'contact', id, { [path]: value });
          await world.cycle();
          await world.cycle();
        }
        const standing = await world.records('contact');
        const here = standing.filter(({ links }) =>
          links.some((one) => one.connection === name && one.state === 'live'),
        );
        expect(here.filter(({ record }) => !isInSet('contact', where, record.values, world.clock.now()))).toEqual([]);
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(await lostEdits(world)).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
        expect(wrong).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

describe('a record that leaves the set', () => {
  const specs = ['alpha', 'bravo', 'charlie'].map((name) => crm(name, ['jobTitle', 'notes', 'consent']));
  const syncs = [both(['alpha', 'bravo', 'charlie'], { where: { consent: { oneOf: [true] } } })];

  it('stays where it is, is written nowhere, and what people type in it is taken in; when it returns all is carried on', async () => {
    await inWorld(
      specs,
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, consent: true, jobTitle: 'Tailor' });
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { consent: false });
        world.forgetCalls();
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        world.edit('bravo', 'contact', 'bravo-1', { notes: 'by phone' });
        await world.cycle();
        expect(written(world)).toEqual([]);
        const holds = (name: string) => world.crms.get(name)!.holds('contact', `${name}-1`);
        expect(['bravo', 'charlie'].map((name) => holds(name).consent)).toEqual([true, true]);
        const { record } = (await world.recordOf('alpha', 'contact', 'alpha-1'))!;
        expect(record.values).toMatchObject({ consent: false, jobTitle: 'Baker', notes: 'by phone' });

        world.edit('alpha', 'contact', 'alpha-1', { consent: true });
        await world.cycle();
        expect(written(world)).toEqual([
          'alpha update alpha-1: notes',
          'bravo update bravo-1: jobTitle',
          'charlie update charlie-1: jobTitle notes',
        ]);
        expect(await disagreements(world, 'contact')).toEqual([]);
      },
      { syncs },
    );
  });

  it('while it is about to be written is not written', async () => {
    await inWorld(
      specs,
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, consent: true, jobTitle: 'Tailor' });
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        world.forgetCalls();
        const bravo = world.crms.get('bravo')!;
        // Bravo is looked at just before it would be written.
        bravo.before = (verb, id) => {
          if (verb !== 'read') return;
          bravo.before = () => {};
          world.edit('bravo', 'contact', id!, { consent: false });
        };
        await world.cycle();
        expect(written(world)).not.toContain('bravo update bravo-1: jobTitle');
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      { syncs },
    );
  });
});

describe('a record that an edit takes out of the set while it is looked at elsewhere', () => {
  const specs = ['alpha', 'bravo', 'charlie'].map((name) => crm(name, ['jobTitle', 'consent']));
  const sync = policy(
    [
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction: 'read' },
      { connection: 'charlie', direction: 'both' },
    ],
    { where: { consent: { oneOf: [true] } } },
  );

  /** Somebody takes Ann out of the set at bravo, and that is read at once. */
  async function leave(world: World): Promise<void> {
    world.edit('bravo', 'contact', 'bravo-1', { consent: false });
    await pull(world.context, { sync, connection: 'bravo', run: 'another', counts: noCounts() });
  }

  it('is not updated there', async () => {
    await inWorld(
      specs,
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, consent: true, jobTitle: 'Tailor' });
        world.enter('bravo', 'contact', { ...ann, consent: true });
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        world.forgetCalls();
        const charlie = world.crms.get('charlie')!;
        const read = charlie.read.bind(charlie);
        charlie.read = async (...which) => {
          charlie.read = read;
          const reply = await read(...which);
          await leave(world);
          return reply;
        };
        await world.cycle();
        expect(written(world).filter((one) => one.startsWith('charlie'))).toEqual([]);
      },
      { syncs: [sync] },
    );
  });

  it('is not made there', async () => {
    await inWorld(
      specs,
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, consent: true });
        world.enter('bravo', 'contact', { ...ann, consent: true });
        const begin = world.store.beginFirstIntent.bind(world.store);
        world.store.beginFirstIntent = async (...create) => {
          world.store.beginFirstIntent = begin;
          await leave(world);
          return await begin(...create);
        };
        await world.cycle();
        expect(written(world)).toEqual([]);
      },
      { syncs: [sync] },
    );
  });
});

describe('a record that enters the set', () => {
  it('by the passing of days is made within the day, and not looked for in between', async () => {
    await inWorld(
      [crm('alpha', ['birthday']), crm('bravo', ['birthday'])],
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, birthday: '2025-12-30' });
        world.enter('alpha', 'contact', { ...ben, birthday: '2026-01-04' });
        const bravo = world.crms.get('bravo')!;
        const there = () => bravo.ids('contact').map((id) => bravo.holds('contact', id)['name.given']);
        await world.cycle();
        expect(there()).toEqual([]);
        world.clock.advance(5 * dayMs);
        await world.cycle();
        expect(there()).toEqual(['Ann']);
        let pages = 0;
        const records = world.store.records.bind(world.store);
        world.store.records = (...which) => {
          pages += 1;
          return records(...which);
        };
        await world.cycle();
        expect(pages).toBe(0);
        world.clock.advance(5 * dayMs);
        await world.cycle();
        expect(there()).toEqual(['Ann', 'Ben']);
      },
      { syncs: [both(['alpha', 'bravo'], { where: { birthday: { olderThan: { daysAgo: 7 } } } })] },
    );
  });

  it('because the configuration has another set is made in the next run', async () => {
    const syncs = [both(['alpha', 'bravo'], { where: { jobTitle: 'present' } })];
    await inWorld(
      [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])],
      async (world) => {
        world.enter('alpha', 'contact', ann);
        await world.cycle();
        expect(written(world)).toEqual([]);
        syncs[0] = both(['alpha', 'bravo'], { where: { jobTitle: 'absent' } });
        await world.cycle();
        expect(written(world)).toEqual(['bravo create email.primary name.family name.given']);
      },
      { syncs },
    );
  });

  it('and waits for a person in a field is done with for both of two syncs', async () => {
    const members = [
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction: 'both' },
    ] as const;
    const manual = { conflicts: 'manual', where: { jobTitle: 'present' } } as const;
    await inWorld(
      [crm('alpha', ['jobTitle', 'notes']), crm('bravo', ['jobTitle', 'notes'])],
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Cook', notes: 'tall' });
        await world.cycle();
        for (const name of ['alpha', 'bravo']) world.edit(name, 'contact', `${name}-1`, { notes: `of ${name}` });
        await world.cycle();
        expect(await world.store.conflicts(10, 'waiting')).toHaveLength(1);
        for (const { pending } of await world.store.standing()) expect(pending).toBe(0);
      },
      { syncs: [policy(members, { ...manual, name: 'one' }), policy(members, { ...manual, name: 'two' })] },
    );
  });

  it('of one of two syncs of the same members is not taken off the list by the other', async () => {
    const members = [
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction: 'both' },
    ] as const;
    await inWorld(
      [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])],
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Cook' });
        world.enter('alpha', 'contact', { ...ben, jobTitle: 'Baker' });
        await world.cycle();
        expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(2);
        for (const id of ['alpha-1', 'alpha-2']) world.edit('alpha', 'contact', id, { 'name.given': 'Kim' });
        await world.cycle();
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
        for (const { pending } of await world.store.standing()) expect(pending).toBe(0);
      },
      {
        syncs: [
          policy(members, { name: 'cooks', where: { jobTitle: { oneOf: ['Cook'] } } }),
          policy(members, { name: 'bakers', where: { jobTitle: { oneOf: ['Baker'] } } }),
        ],
      },
    );
  });
});
