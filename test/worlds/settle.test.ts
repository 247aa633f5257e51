import { test as law } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/engine/explain.ts';
import { byPerson, type Choice, SettleError, settleConflict, typedValue } from '../../src/engine/settle.ts';
import { person } from '../../src/model/values.ts';
import type { NumberedConflict } from '../../src/store/store.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { disagreements, lostEdits } from './laws.ts';
import { ann, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

const specs = [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle']), crm('charlie', ['jobTitle'])];
const manual = both(['alpha', 'bravo', 'charlie'], { conflicts: 'manual' });

async function newest(world: World): Promise<NumberedConflict> {
  const [conflict] = await world.store.conflictPage({}, undefined, 1);
  return conflict!;
}

const titles = (world: World) => [...world.crms].map(([name, held]) => held.holds('contact', `${name}-1`).jobTitle);

/** Ann is a tailor everywhere; then she is a baker at alpha and a cook at bravo. */
async function contested(world: World): Promise<NumberedConflict> {
  world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
  await world.cycle();
  world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
  world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' });
  await world.cycle();
  return await newest(world);
}

describe('a conflict that waits', () => {
  it.each<[string, Choice, string]>([
    ['the winner', { take: 'winner' }, 'Baker'],
    ['the loser', { take: 'loser' }, 'Cook'],
    ['one side by its name', { takeFrom: 'bravo' }, 'Cook'],
    ['the other side by its name', { takeFrom: 'alpha' }, 'Baker'],
    ['what a third one holds', { takeFrom: 'charlie' }, 'Tailor'],
    ['a value of its own', { set: 'Smith' }, 'Smith'],
  ])('takes %s, and the next cycle writes it everywhere', (_, choice, value) =>
    inWorld(
      specs,
      async (world) => {
        const { number, state } = await contested(world);
        expect(state).toBe('waiting');
        const settled = await settleConflict(world.context, number, choice);
        expect(settled.to).toBe(value);
        world.forgetCalls();
        const { people } = await world.cycle();
        expect(titles(world)).toEqual([value, value, value]);
        expect(written(world).map((line) => line.split(' ')[0])).toEqual(settled.pending.toSorted());
        expect(people!.waiting.conflicts).toBe(0);
        expect(await world.store.conflict(number)).toMatchObject({
          state: 'settled',
          rule: byPerson,
          winner: { value },
        });
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
        expect(await lostEdits(world)).toEqual([]);
      },
      { syncs: [manual] },
    ),
  );

  it('is told by explain as a decision of a person', () =>
    inWorld(
      specs,
      async (world) => {
        const { number, recordId } = await contested(world);
        await settleConflict(world.context, number, { take: 'loser' });
        const { fields, timeline, open, runs: named } = (await explain(world.context, recordId))!;
        expect(fields.find(({ path }) => path === 'jobTitle')).toMatchObject({
          value: 'Cook',
          origin: { connection: person, rule: 'taken from bravo' },
          replaced: { value: 'Baker', origin: { connection: 'alpha' } },
        });
        expect(timeline.at(-1)).toMatchObject({ what: 'conflict', state: 'settled', rule: byPerson });
        expect(open.conflicts).toEqual([]);
        expect(named.at(-1)).toMatchObject({ sync: 'decisions of people' });
      },
      { syncs: [manual] },
    ));

  it('takes the winner as it stands by now', () =>
    inWorld(
      specs,
      async (world) => {
        const { number } = await contested(world);
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Head baker' });
        await world.cycle();
        await settleConflict(world.context, number, { take: 'winner' });
        await world.cycle();
        expect(titles(world)).toEqual(['Head baker', 'Head baker', 'Head baker']);
      },
      { syncs: [manual] },
    ));

  it('an edit that comes after the decision and before its write is asked about again', () =>
    inWorld(
      specs,
      async (world) => {
        const { number } = await contested(world);
        await settleConflict(world.context, number, { take: 'winner' });
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Chef' });
        const { people } = await world.cycle();
        expect(people!.waiting.conflicts).toBe(1);
        expect(await newest(world)).toMatchObject({
          winner: { connection: person, value: 'Baker' },
          loser: { connection: 'bravo', value: 'Chef' },
        });
        expect(await lostEdits(world)).toEqual([]);
      },
      { syncs: [manual] },
    ));
});

describe('a conflict that a rule has settled', () => {
  const newestWins = { syncs: [both(['alpha', 'bravo', 'charlie'])] };

  it('is turned round: the other was right', () =>
    inWorld(
      specs,
      async (world) => {
        const { number, state } = await contested(world);
        expect(state).toBe('settled');
        await settleConflict(world.context, number, { take: 'loser' });
        await world.cycle();
        expect(titles(world)).toEqual(['Cook', 'Cook', 'Cook']);
        const log = await world.store.conflictPage({}, undefined, 9);
        expect(log.map(({ winner, rule }) => `${winner.value} ${rule}`)).toEqual([
          `Cook ${byPerson}`,
          'Baker conflict: newest undecided, first member',
        ]);
      },
      newestWins,
    ));

  it('stays as it is where nothing would change, and where the field was edited since', () =>
    inWorld(
      specs,
      async (world) => {
        const { number } = await contested(world);
        expect(await settleConflict(world.context, number, { take: 'winner' })).toMatchObject({ pending: [] });
        expect(await world.store.conflictPage({}, undefined, 9)).toHaveLength(1);
        world.edit('charlie', 'contact', 'charlie-1', { jobTitle: 'Smith' });
        await world.cycle();
        await expect(settleConflict(world.context, number, { take: 'loser' })).rejects.toMatchObject({
          code: 'edited',
        });
        await settleConflict(world.context, number, { set: 'Cook' });
        await world.cycle();
        expect(titles(world)).toEqual(['Cook', 'Cook', 'Cook']);
      },
      newestWins,
    ));

  it('refuses what there is not', () =>
    inWorld(
      specs,
      async (world) => {
        const conflict = await contested(world);
        const refuse = (number: number, choice: Choice) =>
          expect(settleConflict(world.context, number, choice)).rejects.toBeInstanceOf(SettleError);
        await refuse(conflict.number + 1, { take: 'loser' });
        await refuse(conflict.number, { takeFrom: 'nobody' });
        const mail = { ...conflict, path: 'email.primary' };
        await expect(typedValue(world.context, mail, 'no address')).rejects.toMatchObject({ code: 'invalid' });
        expect(await typedValue(world.context, mail, ' a@b.example ')).toBe('a@b.example');
        const account = { ...conflict, path: 'account' };
        await expect(typedValue(world.context, account, conflict.recordId)).rejects.toMatchObject({ code: 'invalid' });
      },
      newestWins,
    ));
});

describe('in any world', () => {
  law.prop([plans({ injected: false }), fc.array(fc.constantFrom('winner', 'loser'), { minLength: 1 })], {
    numRuns: Math.ceil(runs / 4),
  })('decided conflicts are written everywhere and stay decided', async (plan, choices) => {
    const world = await openPlan({ ...plan, conflicts: 'manual' });
    try {
      await live(world, { ...plan, conflicts: 'manual' });
      const waiting = await world.store.conflictPage({ state: 'waiting' }, undefined, 1_000);
      for (const [index, { number }] of waiting.entries())
        await settleConflict(world.context, number, { take: choices[index % choices.length]! });
      for (const _ of [1, 2]) await world.cycle();
      expect(await world.store.conflictPage({ state: 'waiting' }, undefined, 1)).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
      expect(await lostEdits(world)).toEqual([]);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
    } finally {
      await world.close();
    }
  });
});
