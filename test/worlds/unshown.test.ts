import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/connector/connector.ts';
import type { Entity } from '../../src/model/values.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { FakeCrm } from './fake-crm.ts';
import { crm, written } from './small.ts';
import { openWorld, policy, type World } from './world.ts';

/** Lists open leads only, and says so; reads any lead by its id. */
class OpenLeadsCrm extends FakeCrm {
  readonly closed = new Set<string>();

  override async *list(entity: Entity): AsyncIterable<Page> {
    for await (const page of super.list(entity))
      yield { ...page, records: page.records.filter(({ externalId }) => !this.closed.has(externalId)) };
    yield { records: [], bad: [], partial: true };
  }
}

const members = ['alpha', 'bravo'].map((connection) => ({ connection, direction: 'both' as const }));

/** Leads at `bravo`, known at `alpha` as well. */
async function known(
  leads: number,
  check: (world: World, bravo: OpenLeadsCrm) => Promise<void>,
  overrides: Partial<SyncPolicy> = {},
): Promise<void> {
  const fields = { lead: ['title', 'status'] };
  const specs = ['alpha', 'bravo'].map((name) => crm(name, [], { fields, pageSize: 1_000 }));
  const sync = policy(members, { name: 'chances', entity: 'lead', match: ['xref'], ...overrides });
  const world = await openWorld(specs, [sync], 1, {
    crm: (spec, clock, random) => new (spec.name === 'bravo' ? OpenLeadsCrm : FakeCrm)(spec, clock, random),
  });
  try {
    for (let n = 1; n <= leads; n += 1) world.enter('bravo', 'lead', { title: `Chance ${n}`, status: 'Open' });
    await world.cycle();
    world.forgetCalls();
    await check(world, world.crms.get('bravo') as OpenLeadsCrm);
  } finally {
    await world.close();
  }
}

const chances = async (world: World) => (await world.cycle()).chances!;
const win = (world: World, bravo: OpenLeadsCrm, id: string) => {
  world.edit('bravo', 'lead', id, { status: 'Won' });
  bravo.closed.add(id);
};

describe('a record that a partial listing does not show any more', () => {
  it('is read by its id, and what has become of it goes everywhere', async () => {
    await known(3, async (world, bravo) => {
      win(world, bravo, 'bravo-2');
      const { state, counts } = await chances(world);
      expect([state, counts.bravo, bravo.calls.read]).toMatchObject(['done', { read: 3, unchanged: 2 }, 1]);
      expect(written(world)).toEqual(['alpha update alpha-2: status']);
      expect(world.crms.get('alpha')!.holds('lead', 'alpha-2').status).toBe('Won');
      world.forgetCalls();
      expect((await chances(world)).counts.bravo).toMatchObject({ read: 3, unchanged: 3 });
      expect(written(world)).toEqual([]);
      world.edit('bravo', 'lead', 'bravo-2', { status: 'Lost after all' });
      await chances(world);
      expect(world.crms.get('alpha')!.holds('lead', 'alpha-2').status).toBe('Lost after all');
      bravo.closed.clear();
      world.forgetCalls();
      expect((await chances(world)).counts.bravo).toMatchObject({ read: 3, unchanged: 3 });
      expect([bravo.calls.read, await world.store.departures('bravo', 'lead', 0, 9)]).toEqual([0, []]);
    });
  });

  it('costs a bounded number of reads in each run, and its turn comes', async () => {
    await known(130, async (world, bravo) => {
      for (const id of bravo.ids('lead')) win(world, bravo, id);
      await chances(world);
      expect(bravo.calls.read).toBe(130);
      world.edit('bravo', 'lead', 'bravo-130', { status: 'Lost after all' });
      for (let cycles = 0; cycles < 3; cycles += 1) {
        bravo.forgetCalls();
        await chances(world);
        expect(bravo.calls.read).toBe(50);
      }
      expect(world.crms.get('alpha')!.holds('lead', 'alpha-130').status).toBe('Lost after all');
    });
  });

  it('is not deleted for that; what its CRM calls gone is, unless there is too much of it', async () => {
    await known(
      6,
      async (world, bravo) => {
        for (const id of ['bravo-1', 'bravo-2', 'bravo-3', 'bravo-4']) bravo.closed.add(id);
        bravo.drop('lead', 'bravo-1');
        expect((await chances(world)).state).toBe('done');
        const alpha = world.crms.get('alpha')!;
        expect(alpha.ids('lead')).toEqual(['alpha-2', 'alpha-3', 'alpha-4', 'alpha-5', 'alpha-6']);
        for (const id of ['bravo-2', 'bravo-3', 'bravo-4']) bravo.drop('lead', id);
        const { state, stops } = await chances(world);
        expect([state, stops[0]?.what, stops[0]?.records]).toEqual(['waiting', 'absence', 3]);
        expect(alpha.ids('lead')).toHaveLength(5);
      },
      { deletes: 'propagate', limits: { ...policy([]).limits, deletes: { count: 2 } } },
    );
  });
});
