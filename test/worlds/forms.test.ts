import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/engine/explain.ts';
import type { Form, Forms, Step } from '../../src/sync/forms.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { clearedBySilence, disagreements, lostEdits, unexplained } from './laws.ts';
import { ann, both, crm, written, writtenInOneMoreCycle } from './small.ts';
import { openWorld, type World } from './world.ts';

const steps = (among: readonly Step[]) =>
  fc.shuffledSubarray([...among], { minLength: 1 }).map((chosen): Form => ({ steps: chosen }));
const text = steps(['trim', 'upper', 'lower', 'title']);
const phone = steps([{ phone: 'national' }, { phone: 'international' }, { phone: 'e164' }]);
const template = fc.constantFrom<Form>(
  { template: [{ path: 'name.given' }, ' ', { path: 'name.family' }] },
  { template: [{ path: 'jobTitle' }, ' at ', { path: 'company' }] },
);
const ofCrm = fc.record<Record<string, Form>>(
  {
    'name.family': text,
    'email.primary': steps(['trim', 'lower']),
    jobTitle: text,
    company: text,
    notes: fc.oneof(text, template),
    'address.billing.city': text,
    'name.nickname': template,
    'custom.shoe': fc.oneof(text, template),
    'phone.mobile': phone,
    'phone.primary': phone,
  },
  { requiredKeys: [] },
);
const formed = plans().chain((plan) =>
  fc
    .tuple(...plan.crms.map(() => ofCrm))
    .map((all) => ({ plan, forms: Object.fromEntries(plan.crms.map(({ name }, index) => [name, all[index]!])) })),
);

describe('where fields are written in a form', () => {
  law.prop([formed], { numRuns: Math.ceil(runs / 2) })(
    'nothing is left to write after two cycles, nothing of it comes back as an edit, and no edit is lost',
    async ({ plan, forms }) => {
      const world = await openPlan(plan, { forms });
      try {
        await live(world, plan);
        await world.cycle();
        await world.cycle();
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(await lostEdits(world)).toEqual([]);
        expect(await clearedBySilence(world, 'contact')).toEqual([]);
        expect(await unexplained(world, 'contact')).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

const paths = ['jobTitle', 'company', 'notes', 'phone.mobile'];
const bravos: Forms = {
  'name.family': { steps: ['upper'] },
  jobTitle: { steps: ['trim', 'title'] },
  'phone.mobile': { steps: [{ phone: 'national' }] },
  notes: { template: [{ path: 'jobTitle' }, ' of ', { path: 'company' }] },
};

/** Two CRMs, of which bravo is written to in forms. */
async function inForms(check: (world: World) => Promise<void>, tells: 'all' | 'id' = 'all'): Promise<void> {
  const specs = ['alpha', 'bravo'].map((name) => crm(name, paths, { tells, reads: tells === 'id' ? 'none' : 'id' }));
  const syncs = [both(['alpha', 'bravo'], { conflicts: ['alpha', 'bravo'] })];
  const world = await openWorld(specs, syncs, 1, { forms: { bravo: bravos } });
  try {
    await check(world);
    expect(await lostEdits(world)).toEqual([]);
    expect(await disagreements(world, 'contact')).toEqual([]);
    expect(await writtenInOneMoreCycle(world)).toEqual([]);
  } finally {
    await world.close();
  }
}

const holds = (world: World, name: string) => world.crms.get(name)!.holds('contact', `${name}-1`);
const cook = { ...ann, jobTitle: 'head cook', company: 'Acme', 'phone.mobile': '+49307000001' };

describe('a value in a form', () => {
  for (const tells of ['all', 'id'] as const)
    it(`is what is written, and stays what it was elsewhere; answers tell ${tells}`, async () => {
      await inForms(async (world) => {
        world.enter('alpha', 'contact', cook);
        await world.cycle();
        expect(holds(world, 'bravo')).toMatchObject({
          'name.family': 'ASHWORTH',
          jobTitle: 'Head Cook',
          'phone.mobile': '030 7000001',
          notes: 'head cook of Acme',
        });
        await world.cycle();
        expect(holds(world, 'alpha')).toMatchObject({ ...cook, notes: null });
        const { record } = (await world.recordOf('alpha', 'contact', 'alpha-1'))!;
        const { fields = [] } = (await explain(world.context, record.id)) ?? {};
        const compared = (path: string) => fields.find((one) => one.path === path)?.held.map((one) => one.compared);
        expect(['name.family', 'name.given', 'notes'].map(compared)).toEqual([
          ['same', 'kept as'],
          ['same', 'same'],
          ['same', 'kept as'],
        ]);
      }, tells);
    });

  it('that a CRM holds already is no conflict and no reason to write, and neither is the plain one', async () => {
    await inForms(async (world) => {
      world.enter('alpha', 'contact', cook);
      world.enter('bravo', 'contact', {
        ...cook,
        'name.family': 'ASHWORTH',
        jobTitle: 'head cook',
        notes: 'head cook of Acme',
      });
      await world.cycle();
      expect(written(world)).toEqual([]);
      expect(await world.store.conflicts(10)).toEqual([]);
    });
  });

  it('that a person types over is an edit like any other, and contested by nobody', async () => {
    await inForms(async (world) => {
      world.enter('alpha', 'contact', cook);
      await world.cycle();
      world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'baker' });
      await world.cycle();
      expect([holds(world, 'alpha').jobTitle, holds(world, 'bravo').jobTitle]).toEqual(['baker', 'baker']);
      expect(await world.store.conflicts(10)).toEqual([]);
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'chief baker' });
      await world.cycle();
      expect(holds(world, 'bravo').jobTitle).toBe('Chief Baker');
    });
  });
});

describe('a field that is made of others', () => {
  it('follows them; what is typed into it is logged and written over', async () => {
    await inForms(async (world) => {
      world.enter('alpha', 'contact', cook);
      await world.cycle();
      world.edit('bravo', 'contact', 'bravo-1', { notes: 'a friend' });
      world.edit('alpha', 'contact', 'alpha-1', { company: 'Bakery' });
      await world.cycle();
      expect(holds(world, 'bravo').notes).toBe('head cook of Bakery');
      expect(
        (await world.store.conflicts(10)).map(({ path, winner, loser, rule }) => [path, winner, loser, rule]),
      ).toEqual([
        [
          'notes',
          { connection: 'alpha', value: 'head cook of Bakery' },
          { connection: 'bravo', value: 'a friend' },
          'transform',
        ],
      ]);
    });
  });

  it('is written over what stood there only when something is known to make it of, and the log keeps that', async () => {
    await inForms(async (world) => {
      world.enter('bravo', 'contact', { ...ann, notes: 'a friend' });
      await world.cycle();
      expect(holds(world, 'bravo').notes).toBe('a friend');
      world.edit('alpha', 'contact', 'alpha-1', { company: 'Acme', jobTitle: 'cook' });
      await world.cycle();
      expect(holds(world, 'bravo').notes).toBe('cook of Acme');
      expect((await world.store.conflicts(10)).map(({ path, loser, rule }) => [path, loser.value, rule])).toEqual([
        ['notes', 'a friend', 'transform'],
      ]);
    });
  });

  it('gives nothing to a record that is entered there', async () => {
    await inForms(async (world) => {
      world.enter('bravo', 'contact', { ...cook, notes: 'a friend' });
      await world.cycle();
      expect(holds(world, 'alpha').notes).toBe(null);
      expect(holds(world, 'bravo').notes).toBe('head cook of Acme');
    });
  });
});
