import { describe, expect, it } from 'vitest';
import type { Death } from '../worlds/deaths.ts';
import { both } from '../worlds/small.ts';
import { type Life, type SimSpec, type SimVerb, type Step, type Trouble, troubles } from './life.ts';
import { expectAllLaws, person, spec, sync } from './small.ts';
import { happens } from './trouble.ts';

const verbs: readonly SimVerb[] = ['list', 'read', 'create', 'update', 'delete'];

/** Two CRMs with people of their own and one in common, and then a round in which everything happens that a CRM is asked for. */
function ordinaryLife(inTheRound: readonly Step[], overrides: Partial<SimSpec> = {}, run: Step = sync): Life {
  return {
    seed: 1,
    crms: [spec('alpha'), spec('bravo', overrides), spec('charlie')],
    sync: both(['alpha', 'bravo', 'charlie'], { deletes: 'propagate' }),
    steps: [
      { do: 'enter', crm: 'alpha', who: 0, values: person(0, 'Tailor') },
      { do: 'enter', crm: 'bravo', who: 1, values: person(1, 'Baker') },
      { do: 'enter', crm: 'bravo', who: 0, values: person(0, 'Tailor') },
      { do: 'enter', crm: 'charlie', who: 2, values: person(2, 'Smith') },
      sync,
      { do: 'enter', crm: 'alpha', who: 3, values: person(3, 'Miller') },
      { do: 'edit', crm: 'alpha', who: 0, path: 'jobTitle', to: 'Cook' },
      { do: 'edit', crm: 'charlie', who: 1, path: 'tags', to: ['red'] },
      { do: 'edit', crm: 'bravo', who: 0, path: 'notes', to: 'likes tea' },
      { do: 'delete', crm: 'charlie', who: 2 },
      ...inTheRound,
      run,
    ],
  };
}

describe('a call that goes wrong', () => {
  for (const what of troubles)
    for (const verb of verbs)
      if (happens(what, verb))
        for (const times of [1, 40])
          it(`(${verb}: ${what}, ${times === 1 ? 'once' : 'for the whole cycle'}) breaks no law`, async () => {
            const skip = verb === 'list' ? 1 : 0;
            const trouble: Step = { do: 'trouble', crm: 'bravo', verb, skip, times, what };
            const story = await expectAllLaws(ordinaryLife([trouble]));
            expect(story.join('\n')).toContain(`bravo, ${verb}: ${what}`);
          });

  it('(a listing without a count that ends early) is not the end of those whom it did not show', async () => {
    const what: Trouble = 'ends early';
    for (const reads of ['id', 'search', 'none'] as const)
      await expectAllLaws(
        ordinaryLife([{ do: 'trouble', crm: 'bravo', verb: 'list', skip: 0, times: 1, what }], {
          counts: false,
          reads,
        }),
      );
  });
});

describe('a listing', () => {
  it('whose pages shift while it is read shows everybody', async () => {
    const away: Step = {
      do: 'meanwhile',
      at: 'list',
      skip: 1,
      edit: { do: 'edit', crm: 'bravo', who: 0, path: 'jobTitle', to: 'Nurse' },
    };
    await expectAllLaws(ordinaryLife([away], { shuffles: true }));
  });

  it('that lags behind shows no create as missing', async () => {
    await expectAllLaws(
      ordinaryLife([{ do: 'trouble', crm: 'bravo', verb: 'create', skip: 0, times: 1, what: 'answer lost' }], {
        lagMs: 4_000,
      }),
    );
  });
});

describe('a CRM', () => {
  it('that gives a record another id keeps its person', async () => {
    await expectAllLaws(ordinaryLife([{ do: 'merge', crm: 'bravo', who: 0, stays: 'newer' }]));
  });

  for (const skewMs of [-3_600_000, -1_500, 1_500, 90_000])
    it(`whose clock is ${skewMs / 1_000} s ahead loses nobody's edit`, async () => {
      const meets: Step = { do: 'edit', crm: 'bravo', who: 0, path: 'jobTitle', to: 'Nurse' };
      await expectAllLaws(ordinaryLife([meets], { stamps: true, skewMs }));
    });
});

describe('a process', () => {
  for (const when of ['before', 'after', 'late'] as const)
    it(`that dies ${when} its n-th call, whichever that is, leaves nothing to repair`, {
      timeout: 120_000,
    }, async () => {
      // After a call is before the next one, but for what else is under way; `test/worlds/deaths.test.ts` has the calls between.
      for (let step = 0; ; step += { before: 2, after: 4, late: 1 }[when]) {
        const death: Death = { of: when === 'late' ? 'write' : 'call', step, when, delayCalls: step * 7 };
        const story = await expectAllLaws(ordinaryLife([], {}, { ...sync, death }));
        if (!story.some((line) => line.includes('the process dies'))) break;
      }
    });

  it('that is one of two at once makes nobody twice', async () => {
    for (let pace = 1; pace <= 20; pace += 1) await expectAllLaws(ordinaryLife([], {}, { do: 'two at once', pace }));
  });

  it('that does a job again, or late, changes nothing', async () => {
    await expectAllLaws(
      ordinaryLife([
        { do: 'job', crm: 'bravo', who: 0 },
        { do: 'job', crm: 'bravo', who: 0 },
      ]),
    );
  });
});
