import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Values } from '../../src/model/values.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { live, openPlan, plans, policyOf, runs } from './generated.ts';
import { disagreements, lostEdits } from './laws.ts';
import { ann, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import { policy, type World } from './world.ts';

const paths = ['name.nickname', 'jobTitle', 'department', 'company', 'notes', 'custom.shoe'];

const defaulted = plans().chain((plan) => {
  const names = plan.crms.map(({ name }) => name);
  const values = fc.dictionary(fc.constantFrom(...paths), fc.constant('Vorgabe'), {
    minKeys: 1,
    noNullPrototype: true,
  });
  return fc
    .dictionary(fc.constantFrom(...names), values, { minKeys: 1, noNullPrototype: true })
    .map((defaults) => ({ plan, defaults }));
});

/** Canonical values, and what others hold, that no person has typed. */
async function spread(world: World): Promise<readonly string[]> {
  const found: string[] = [];
  const look = (where: string, values: Values) => {
    for (const [path, value] of Object.entries(values))
      if (/vorg/i.test(String(value))) found.push(`${where} ${path}: ${value}`);
  };
  for (const { record } of await world.records('contact')) {
    look(record.id, record.values);
    for (const { path, from, to } of await world.store.history(record.id))
      look(record.id, { [path]: [`${from} ${to}`] });
  }
  for (const [name, { writes }] of world.crms)
    for (const { verb, externalId, values } of writes) if (verb === 'update') look(`${name}:${externalId}`, values);
  return found;
}

describe('defaults on create', () => {
  law.prop([defaulted], { numRuns: Math.ceil(runs / 2) })(
    'stay in the CRM that they are for: no fact, no update, nothing left to write',
    async ({ plan, defaults }) => {
      const world = await openPlan(plan, { syncs: [policyOf(plan, { defaults })] });
      try {
        await live(world, plan, {
          afterCycle: async () => expect(await spread(world)).toEqual([]),
        });
        await world.cycle();
        await world.cycle();
        expect(await spread(world)).toEqual([]);
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(await lostEdits(world)).toEqual([]);
        for (const [name, { writes, spec }] of world.crms)
          for (const { verb, externalId, values } of writes)
            for (const path of Object.keys(defaults[name] ?? {})) {
              if (verb !== 'create' || path in values || !spec.fields.contact!.includes(path)) continue;
              // Somebody had emptied it before.
              const { record } = (await world.recordOf(name, 'contact', externalId))!;
              if (!spec.readOnly.includes(path)) expect(record.values[path]).toBeDefined();
            }
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

/** Ann is entered at alpha and made at bravo, where new people are in the showroom. */
async function atBravo(values: Values, check: (world: World) => Promise<void>): Promise<void> {
  const specs = ['alpha', 'bravo'].map((name) => crm(name, ['department', 'jobTitle']));
  await inWorld(
    specs,
    async (world) => {
      world.enter('alpha', 'contact', { ...ann, ...values });
      await world.cycle();
      await check(world);
      expect(await lostEdits(world)).toEqual([]);
    },
    { syncs: [both(['alpha', 'bravo'], { conflicts: 'manual', defaults: { bravo: { department: 'Showroom' } } })] },
  );
}

const department = (world: World, name: string) => world.crms.get(name)!.holds('contact', `${name}-1`).department;

describe('a default', () => {
  it('goes with a create where nothing is known, and nowhere else', async () => {
    await atBravo({}, async (world) => {
      expect([department(world, 'alpha'), department(world, 'bravo')]).toEqual([null, 'Showroom']);
      await world.cycle();
      expect(written(world)).toEqual(['bravo create department email.primary name.family name.given']);
    });
    await atBravo({ department: 'Office' }, async (world) => expect(department(world, 'bravo')).toBe('Office'));
  });

  it('gives way to the first value that somebody types elsewhere', async () => {
    await atBravo({}, async (world) => {
      world.edit('alpha', 'contact', 'alpha-1', { department: 'Office' });
      await world.cycle();
      expect(department(world, 'bravo')).toBe('Office');
      expect(await world.store.conflicts(10)).toEqual([]);
    });
  });

  it('of a member that is only written to is no loser of a conflict', async () => {
    const members = [
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction: 'write' },
    ] as const;
    await inWorld(
      ['alpha', 'bravo'].map((name) => crm(name, ['department'])),
      async (world) => {
        world.enter('alpha', 'contact', ann);
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { department: 'Office' });
        await world.cycle();
        expect(department(world, 'bravo')).toBe('Office');
        expect(await world.store.conflicts(10)).toEqual([]);
      },
      { syncs: [policy(members, { defaults: { bravo: { department: 'Showroom' } } })] },
    );
  });

  it('that a person changes there is that person’s word, and contested by nobody', async () => {
    await atBravo({}, async (world) => {
      world.edit('bravo', 'contact', 'bravo-1', { department: 'Workshop' });
      await world.cycle();
      expect(department(world, 'alpha')).toBe('Workshop');
      expect(await world.store.conflicts(10)).toEqual([]);
    });
  });

  it('does not fill what somebody has emptied', async () => {
    await inWorld(
      ['alpha', 'bravo'].map((name) => crm(name, ['department', 'jobTitle'])),
      async (world) => {
        const syncs = world.context.syncs as SyncPolicy[];
        world.enter('alpha', 'contact', { ...ann, department: 'Office' });
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { department: null });
        await world.cycle();
        expect(world.crms.get('bravo')!.ids('contact')).toEqual([]);
        syncs[0] = { ...syncs[0]!, where: {} };
        await world.cycle();
        expect(department(world, 'bravo')).toBe(null);
      },
      {
        syncs: [
          both(['alpha', 'bravo'], { where: { jobTitle: 'present' }, defaults: { bravo: { department: 'Showroom' } } }),
        ],
      },
    );
  });

  it('is recognised as ours where the answer to the create was lost', async () => {
    await inWorld(
      [crm('alpha', ['department']), crm('bravo', ['department'], { reads: 'none' })],
      async (world) => {
        world.enter('alpha', 'contact', ann);
        const bravo = world.crms.get('bravo')!;
        bravo.loses = () => {
          bravo.loses = () => 'nothing';
          return 'answer';
        };
        await world.cycle();
        await world.cycle();
        expect([department(world, 'alpha'), department(world, 'bravo')]).toEqual([null, 'Showroom']);
      },
      { syncs: [both(['alpha', 'bravo'], { defaults: { bravo: { department: 'Showroom' } } })] },
    );
  });
});
