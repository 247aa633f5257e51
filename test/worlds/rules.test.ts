import { fc, test as law } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Forms } from '../../src/sync/forms.ts';
import { compilePattern } from '../../src/sync/pattern.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { live, openPlan, type Plan, plans, policyOf, runs } from './generated.ts';
import { clearedBySilence, disagreements, lostEdits, unexplained } from './laws.ts';
import { writtenInOneMoreCycle } from './small.ts';

const wheres = fc.constantFrom<SyncPolicy['where']>(
  {},
  { jobTitle: 'present' },
  { notes: { not: { matches: compilePattern('[13579]') } } },
  { consent: { not: { oneOf: [false] } }, birthday: { not: { newerThan: { at: Date.UTC(1970, 5, 1) } } } },
  { 'phone.primary': { not: 'absent' } },
);
const allForms = fc.constantFrom<Forms>(
  {},
  {
    'name.family': { steps: ['upper'] },
    jobTitle: { steps: ['title'] },
    'phone.mobile': { steps: [{ phone: 'national' }] },
  },
  { notes: { template: [{ path: 'jobTitle' }, ', ', { path: 'company' }] }, company: { steps: ['trim', 'lower'] } },
  { 'phone.primary': { steps: [{ phone: 'international' }] }, 'custom.shoe': { template: [{ path: 'notes' }] } },
);
const defaults = fc.constantFrom(
  {},
  { department: 'Vorgabe', notes: 'Vorgabe' },
  { 'custom.shoe': '42', consent: true },
);

function rulesOf({ crms, oneWay }: Plan) {
  const names = crms.map(({ name }) => name);
  const last = names.length > 2 ? oneWay : undefined;
  const read = last === 'write' ? names.slice(0, -1) : names;
  const told = last === 'read' ? names.slice(0, -1) : names;
  const rule = fc.record({ from: fc.subarray(read, { minLength: 1 }), to: fc.subarray(told) }, { requiredKeys: [] });
  const each = <T>(of: fc.Arbitrary<T>) =>
    fc.tuple(...names.map(() => of)).map((all) => Object.fromEntries(names.map((name, index) => [name, all[index]!])));
  return fc.record({
    where: wheres,
    fields: fc.dictionary(fc.constantFrom('jobTitle', 'notes', 'company', 'tags', 'phone.mobile', 'consent'), rule, {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    defaults: each(defaults),
    forms: each(allForms),
  });
}

const ruled = plans().chain((plan) => rulesOf(plan).map((rules) => ({ plan, ...rules })));

describe('where rules of all sorts meet', () => {
  law.prop([ruled], { numRuns: Math.ceil(runs / 2) })(
    'two cycles bring agreement, nothing is left to write, and no edit is lost, emptied or unexplained',
    async ({ plan, forms, ...policies }) => {
      const world = await openPlan(plan, { syncs: [policyOf(plan, policies)], forms });
      try {
        await live(world, plan);
        await world.cycle();
        await world.cycle();
        expect(await disagreements(world, 'contact')).toEqual([]);
        // Where an edit does not count, whoever typed it may type over it unseen.
        const isLast = (edit: (typeof world.edits)[number]) =>
          !world.edits
            .slice(world.edits.indexOf(edit) + 1)
            .some((one) => one.externalId === edit.externalId && one.path === edit.path);
        expect(await lostEdits({ ...world, edits: world.edits.filter(isLast) })).toEqual([]);
        expect(await clearedBySilence(world, 'contact')).toEqual([]);
        expect(await unexplained(world, 'contact')).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});
