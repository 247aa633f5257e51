import { describe, expect, it } from 'vitest';
import { none, type Page } from '../../src/connector/connector.ts';
import type { Entity } from '../../src/model/values.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { FakeCrm } from './fake-crm.ts';
import { crm, written } from './small.ts';
import { openWorld, policy, type World } from './world.ts';

const fields = { lead: ['title', 'description'] };
const chance = { title: 'Test drive', description: 'After five' };

/** Shows only some of what it has, and says so; or nothing at all. Nothing can be read by id there, changed or deleted. */
class NarrowCrm extends FakeCrm {
  /** Ids that the listing leaves out. */
  readonly closed = new Set<string>();

  constructor(...given: ConstructorParameters<typeof FakeCrm>) {
    super(...given);
    const no = none('only listed in part, and created');
    Object.assign(this, { capabilities: { lead: { ...this.capabilities.lead, read: no, update: no, delete: no } } });
  }

  override async *list(entity: Entity): AsyncIterable<Page> {
    for await (const page of super.list(entity))
      yield { ...page, records: page.records.filter(({ externalId }) => !this.closed.has(externalId)) };
    yield { records: [], bad: [], partial: true };
  }
}

const members = ['alpha', 'bravo'].map((connection) => ({ connection, direction: 'both' as const }));

async function beside(
  check: (world: World, bravo: NarrowCrm) => Promise<void>,
  overrides: Partial<SyncPolicy> = {},
): Promise<void> {
  const specs = ['alpha', 'bravo'].map((name) => crm(name, [], { fields }));
  const sync = policy(members, { name: 'chances', entity: 'lead', match: ['xref'], ...overrides });
  const world = await openWorld(specs, [sync], 1, {
    crm: (spec, clock, random) => new (spec.name === 'bravo' ? NarrowCrm : FakeCrm)(spec, clock, random),
  });
  try {
    await check(world, world.crms.get('bravo') as NarrowCrm);
  } finally {
    await world.close();
  }
}

const blind = (bravo: NarrowCrm) =>
  Object.assign(bravo, {
    capabilities: { lead: { ...bravo.capabilities.lead, list: none('no list of leads') } },
  });

describe('a member whose listing is partial', () => {
  it('loses nothing by what it does not show, and what it shows is taken in', async () => {
    await beside(
      async (world, bravo) => {
        world.enter('alpha', 'lead', chance);
        world.enter('bravo', 'lead', { ...chance, title: 'Trade-in' });
        await world.cycle();
        const alpha = world.crms.get('alpha')!;
        expect(alpha.ids('lead')).toHaveLength(2);
        for (const id of bravo.ids('lead')) bravo.closed.add(id);
        world.forgetCalls();
        for (let cycle = 0; cycle < 3; cycle += 1) expect((await world.cycle()).chances!.state).toBe('done');
        expect(written(world)).toEqual([]);
        expect((await world.records('lead')).map(({ links }) => links.map(({ state }) => state))).toEqual([
          ['live', 'live'],
          ['live', 'live'],
        ]);
      },
      { deletes: 'propagate' },
    );
  });

  it('is found again when it shows what a lost answer told of', async () => {
    await beside(async (world, bravo) => {
      bravo.loses = () => 'answer';
      world.enter('alpha', 'lead', chance);
      const { chances } = await world.cycle();
      expect({ state: chances!.state, created: chances!.counts.bravo!.created }).toEqual({ state: 'done', created: 1 });
      expect((await world.recordOf('bravo', 'lead', bravo.ids('lead')[0]!))?.record.values).toEqual(chance);
      expect(bravo.calls.create).toBe(1);
    });
  });

  it.each(['answer', 'request'] as const)(
    'that does not show it holds the create for a person, and makes no second one (lost: %s)',
    async (lost) => {
      await beside(async (world, bravo) => {
        bravo.loses = () => lost;
        bravo.before = () => {
          for (const id of bravo.ids('lead')) bravo.closed.add(id);
        };
        world.enter('alpha', 'lead', chance);
        const first = (await world.cycle()).chances!;
        expect({ state: first.state, dead: first.waiting.dead, problems: first.problems }).toEqual({
          state: 'waiting',
          dead: 1,
          problems: [],
        });
        const again = (await world.cycle()).chances!;
        expect({ state: again.state, creates: bravo.calls.create }).toEqual({ state: 'waiting', creates: 1 });
      });
    },
  );

  it('shows that it cannot be told of an edit', async () => {
    await beside(async (world) => {
      const lead = world.enter('alpha', 'lead', chance);
      await world.cycle();
      world.edit('alpha', 'lead', lead, { title: 'Test drive at ten' });
      world.forgetCalls();
      const { chances } = await world.cycle();
      expect(written(world)).toEqual([]);
      expect({ state: chances!.state, unsupported: chances!.counts.bravo!.unsupported }).toEqual({
        state: 'done',
        unsupported: 1,
      });
    });
  });
});

describe('a member that can only be written to', () => {
  it('gets what there is, once, and fails nobody', async () => {
    await beside(async (world, bravo) => {
      blind(bravo);
      world.enter('alpha', 'lead', chance);
      const { chances } = await world.cycle();
      expect({ state: chances!.state, problems: chances!.problems, counts: chances!.counts.bravo }).toMatchObject({
        state: 'done',
        problems: [],
        counts: { read: 0, created: 1, failed: 0 },
      });
      world.forgetCalls();
      expect((await world.cycle()).chances!.state).toBe('done');
      expect(written(world)).toEqual([]);
    });
  });

  it('holds a create without an answer for a person, and makes no second one', async () => {
    await beside(async (world, bravo) => {
      blind(bravo);
      bravo.loses = () => 'answer';
      world.enter('alpha', 'lead', chance);
      const { chances } = await world.cycle();
      expect({ state: chances!.state, dead: chances!.waiting.dead }).toEqual({ state: 'waiting', dead: 1 });
      await world.cycle();
      expect(bravo.calls.create).toBe(1);
    });
  });
});
