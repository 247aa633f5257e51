import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/connector/connector.ts';
import { RejectedError } from '../../src/connector/errors.ts';
import { type EngineContext, noCounts } from '../../src/engine/engine.ts';
import { pull } from '../../src/engine/pull.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Values } from '../../src/model/values.ts';
import type { Store } from '../../src/store/store.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { lostEdits } from './laws.ts';
import { ann, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

/** Everything a store knows that a repeated page must not change. */
async function remembered({ store }: World): Promise<unknown> {
  const records = await store.records('contact', undefined, 1_000);
  return {
    records: records.map(({ record, links }) => ({
      record,
      links: byText(links.map(({ writtenAt: _, ...link }) => link)),
    })),
    history: await Promise.all(records.map(({ record }) => store.history(record.id))),
    conflicts: await store.conflicts(1_000),
    reviews: await store.openReviews('contact'),
    pending: await pendingOf(store),
  };
}

async function pendingOf(store: Store): Promise<unknown> {
  const standing = await store.standing();
  return byText(standing.map(({ connection, links, pending }) => ({ connection, links, pending })));
}

function byText<T>(list: readonly T[]): readonly T[] {
  return [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** A pull whose pages have all been asked for when this resolves, and arrive when `deliver` is called. */
async function latePull(world: World, connection: string): Promise<{ deliver(): Promise<void> }> {
  const one = world.context.connections.get(connection)!;
  const pages: Page[] = [];
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const connector = Object.create(one.connector, {
    list: {
      value: async function* () {
        for await (const page of one.connector.list('contact')) pages.push(page);
        asked.resolve();
        await gate.promise;
        yield* pages;
      },
    },
  });
  const context: EngineContext = {
    ...world.context,
    connections: new Map([...world.context.connections, [connection, { ...one, connector }]]),
  };
  const sync = world.context.syncs[0]!;
  const ended = pull(context, { sync, connection, run: 'late', counts: noCounts() });
  await asked.promise;
  return {
    async deliver() {
      gate.resolve();
      await ended;
    },
  };
}

describe('a pull', () => {
  law.prop([plans(), fc.nat({ max: 2 })], { numRuns: runs })('that runs twice changes nothing', async (plan, which) => {
    const world = await openPlan(plan);
    try {
      await live(world, plan);
      await world.cycle();
      const { name } = plan.crms[which % plan.crms.length]!;
      const [sync] = world.context.syncs;
      const order = { sync: sync!, connection: name, run: 'again' };
      await pull(world.context, { ...order, counts: noCounts() });
      const before = await remembered(world);
      const counts = noCounts();
      await pull(world.context, { ...order, counts });
      expect(await remembered(world)).toEqual(before);
      const size = world.crms.get(name)!.ids('contact').length;
      expect(counts).toEqual({ ...noCounts(), read: size, unchanged: size });
    } finally {
      await world.close();
    }
  });

  law.prop([plans({ injected: false })], { numRuns: runs })(
    'ends the same whatever the size and order of its pages',
    async (plan) => {
      const ends: Map<string, Values>[] = [];
      // Which slot a CRM's only phone stands for depends on the slots that are filled when it is read first.
      const specs = plan.crms.map((spec) => ({
        ...spec,
        fields: { contact: spec.fields.contact!.filter((path) => path !== 'phone.primary') },
      }));
      for (const crms of [
        specs.map((spec) => ({ ...spec, shuffles: false, pageSize: 10 })),
        specs.map((spec) => ({ ...spec, shuffles: true, pageSize: 2 })),
      ]) {
        const world = await openPlan({ ...plan, crms, rounds: [] });
        try {
          await live(world, { ...plan, rounds: [] });
          await world.cycle();
          ends.push(
            new Map(
              [...world.crms].flatMap(([name, one]) =>
                one.ids('contact').map((id) => {
                  const values = one.holds('contact', id);
                  return [`${name} ${String(values['email.primary']).toLowerCase()}`, values] as const;
                }),
              ),
            ),
          );
        } finally {
          await world.close();
        }
      }
      const [first, second] = ends as [Map<string, Values>, Map<string, Values>];
      expect([...second.keys()].sort()).toEqual([...first.keys()].sort());
      for (const [key, values] of first) expect(differences(values, second.get(key)!), key).toEqual([]);
    },
  );
});

/** Of spellings that are the same fact, the first that is seen stays: which one that is, the order may decide. */
function differences(some: Values, others: Values): readonly string[] {
  return Object.keys(some).filter((path) => !equal(fieldAt('contact', path).kind, some[path], others[path]));
}

describe('a page that was asked for', () => {
  it('before we wrote, and arrives after, is no news', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      await world.cycle();
      const late = await latePull(world, 'bravo');
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      await world.cycle();
      const before = await remembered(world);
      await late.deliver();
      expect(await remembered(world)).toEqual(before);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Baker');
    });
  });

  it('before a person edited, and arrives after that edit was read, does not undo it', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      await world.cycle();
      const late = await latePull(world, 'alpha');
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      await world.cycle();
      const before = await remembered(world);
      await late.deliver();
      expect(await remembered(world)).toEqual(before);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
      expect(world.crms.get('bravo')!.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
      expect(await lostEdits(world)).toEqual([]);
    });
  });

  it('before a person edited, and arrives after that edit was seen on the way to a write, does not undo it', async () => {
    await inWorld([crm('alpha', ['jobTitle', 'notes']), crm('bravo', ['jobTitle', 'notes'])], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      await world.cycle();
      const late = await latePull(world, 'alpha');
      world.edit('bravo', 'contact', 'bravo-1', { notes: 'likes tea' });
      const alpha = world.crms.get('alpha')!;
      alpha.before = (verb) => {
        if (verb === 'read') world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        if (verb === 'update') throw new RejectedError('alpha takes nothing today', { connection: 'alpha' });
      };
      await world.cycle();
      alpha.before = () => {};
      const before = await remembered(world);
      await late.deliver();
      expect(await remembered(world)).toEqual(before);
      await world.cycle();
      expect(world.crms.get('bravo')!.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
      expect(await lostEdits(world)).toEqual([]);
    });
  });
});

describe('habits alone', () => {
  law.prop([plans({ rounds: 0 })], { numRuns: runs })('are no edits and bring no further write', async (plan) => {
    const world = await openPlan(plan);
    try {
      await world.cycle();
      const before = (await world.records('contact')).map(({ record }) => [record.id, record.values]);
      const conflicts = await world.store.conflicts(1_000);
      world.forgetCalls();
      await world.cycle();
      await world.cycle();
      expect(written(world)).toEqual([]);
      expect((await world.records('contact')).map(({ record }) => [record.id, record.values])).toEqual(before);
      expect(await world.store.conflicts(1_000)).toEqual(conflicts);
    } finally {
      await world.close();
    }
  });
});
