import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { type Death, mortal, start } from './deaths.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { noHabits } from './habits.ts';
import { clearedBySilence, disagreements, doubles, lostEdits, unexplained } from './laws.ts';
import { ann, ben, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

const death: fc.Arbitrary<Death> = fc.record({
  of: fc.constantFrom('call', 'commit', 'write'),
  step: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 150 })),
  when: fc.constantFrom('before', 'after', 'late'),
  delayCalls: fc.nat({ max: 150 }),
});

/** Simulated lives have such deaths, and such pairs of processes, by the hundred. */
const half = Math.ceil(runs / 2);

const deaths = fc.array(death, { minLength: 1, maxLength: 4 });

async function expectOnceEach(world: World): Promise<void> {
  expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
}

/** Two cycles that nothing disturbs, and then everything that must hold however it went before. */
async function expectAllWell(world: World): Promise<void> {
  await world.cycle();
  await world.cycle();
  await expectOnceEach(world);
  expect(await disagreements(world, 'contact')).toEqual([]);
  expect(await lostEdits(world)).toEqual([]);
  expect(await clearedBySilence(world, 'contact')).toEqual([]);
  expect(await writtenInOneMoreCycle(world)).toEqual([]);
  for (const { connection, pending, openIntents } of await world.store.standing())
    expect({ connection, pending, openIntents }).toEqual({ connection, pending: 0, openIntents: 0 });
}

describe('when the process dies', () => {
  law.prop([plans(), deaths], { numRuns: half })(
    'at any call of store or CRM, once or often, all laws hold after two quiet cycles',
    async (plan, planned) => {
      const world = await openPlan(plan);
      try {
        const mortals = mortal(world, planned);
        await live(mortals, plan, { afterCycle: expectOnceEach });
        while (mortals.ahead.length > 0) await mortals.cycle();
        await expectAllWell(mortals);
        expect(await unexplained(world, 'contact')).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

/** Nothing to be recognised by but what we wrote ourselves. */
const nameOnly = { 'name.given': ann['name.given'], 'name.family': ann['name.family'] };

/** Which ids the two have, by connection. */
async function idsOf(world: World): Promise<Readonly<Record<'ann' | 'ben', Readonly<Record<string, string>>>>> {
  const idsAt = async (connection: string, id: string) =>
    Object.fromEntries(
      (await world.recordOf(connection, 'contact', id))!.links.map((link) => [link.connection, link.externalId]),
    );
  return { ann: await idsAt('alpha', 'alpha-1'), ben: await idsAt('bravo', 'bravo-1') };
}

describe('a process that dies', () => {
  let combination = 0;
  for (const tells of ['all', 'id'] as const)
    for (const reads of ['id', 'none'] as const) {
      const offset = combination++;
      for (const when of ['before', 'after'] as const)
        it(`${when} its n-th call, whichever that is, leaves nothing to repair: answers tell ${tells}, reads ${reads}`, async () => {
          const paths = ['jobTitle', 'notes', 'tags'];
          const habits = { ...noHabits, shortens: { notes: 5 } };
          const specs = [crm('alpha', paths), crm('bravo', paths, { tells, reads, habits, concurrent: 2 })];
          let isThrough = false;
          // Before a call: two of the four share them, the ones that differ in both. After a call is before the next one, but
          // for what else is under way: there all four share them.
          const isUnlike = (tells === 'all') === (reads === 'none');
          const [first, stride] = when === 'before' ? [isUnlike ? 1 : 0, 2] : [offset, 4];
          for (let step = first; !isThrough; step += stride) {
            isThrough = true;
            for (const cycle of [1, 2])
              await inWorld(specs, async (world) => {
                const deaths: Death[] = [{ of: 'call', step, when }];
                const survivor: Death = { of: 'call', step: Number.POSITIVE_INFINITY, when };
                const mortals = mortal(world, cycle === 1 ? deaths : [survivor, ...deaths]);
                world.enter('alpha', 'contact', { ...nameOnly, jobTitle: 'Tailor' });
                world.enter('bravo', 'contact', { ...ben, tags: ['red'] });
                await mortals.cycle();
                world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker', notes: 'likes tea' });
                world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' });
                await mortals.cycle();
                world.edit('bravo', 'contact', 'bravo-1', { tags: ['blue'] });
                await expectAllWell(mortals);
                for (const [name, one] of world.crms) {
                  expect(one.ids('contact')).toHaveLength(2);
                  const ids = await idsOf(world);
                  const notes = name === 'bravo' ? 'likes' : 'likes tea';
                  expect(one.holds('contact', ids.ann[name]!)).toMatchObject({ jobTitle: 'Baker', notes });
                  expect(one.holds('contact', ids.ben[name]!)).toMatchObject({ jobTitle: 'Cook', tags: ['blue'] });
                }
                expect(await world.store.conflicts(10)).toEqual([]);
                expect(await world.records('contact')).toHaveLength(2);
                isThrough &&= mortals.died.size === 0;
              });
          }
        });
    }
});

describe('two processes at once', () => {
  law.prop([plans(), fc.integer({ min: 1, max: 1e6 })], { numRuns: half })(
    'make nobody twice, lose no edit, and end in agreement',
    async (plan, seed) => {
      const world = await openPlan(plan);
      const random = seededIds(seed);
      // Mostly step by step in turns, now and then one of them stands still for long.
      const pause = async () => {
        for (let turns = random.integer(random.integer(8) === 0 ? 150 : 5); turns > 0; turns -= 1) await undefined;
      };
      try {
        const [one, other] = ['one', 'other'].map((name) =>
          start(world.context, name, { isAlive: () => true, pause }, undefined),
        );
        const pair: World = {
          ...world,
          async cycle() {
            await Promise.all([world.cycle(one!.context), world.cycle(other!.context)]);
            return {};
          },
        };
        await live(pair, plan, { afterCycle: expectOnceEach });
        await expectAllWell(world);
      } finally {
        await world.close();
      }
    },
  );
});
