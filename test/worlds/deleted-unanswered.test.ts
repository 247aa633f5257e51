import { expect, it } from 'vitest';
import { RetryableError } from '../../src/connector/errors.ts';
import { editOverDelete } from '../../src/engine/disputes.ts';
import type { Value } from '../../src/model/values.ts';
import { type Death, mortal } from './deaths.ts';
import { noHabits } from './habits.ts';
import { ann, ben, both, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

const names = ['alpha', 'bravo', 'charlie'];
const typed = 'Baker';
/** Charlie writes it in its own way: what it makes of our update must not be taken for an edit either. */
const inItsWay = { ...noHabits, upper: ['jobTitle'] };

/** Whether a CRM holds what was typed, and whether it is known to: its answer was noted. */
async function hasIt(world: World, name: string): Promise<{ readonly isHeld: boolean; readonly isKnown: boolean }> {
  const aggregate = await world.recordOf(name, 'contact', `${name}-1`);
  const link = aggregate?.links.find(({ connection }) => connection === name);
  const held = world.crms.get(name)!.holds('contact', `${name}-1`);
  const isTyped = (value: Value | undefined) => String(value).toLowerCase() === typed.toLowerCase();
  return { isHeld: isTyped(held.jobTitle), isKnown: isTyped(link?.shadow.jobTitle) };
}

/** Somebody types a value at alpha, the process that carries it to the others dies, and somebody deletes the record. */
async function dieThenDelete(death: Death, deletedAt: string) {
  const found = {
    hasDied: false,
    isHeld: false,
    isKnown: false,
    left: [] as readonly string[],
    rules: new Set<string>(),
  };
  await inWorld(
    names.map((name) => crm(name, ['jobTitle'], name === 'charlie' ? { habits: inItsWay } : {})),
    async (world) => {
      // Ben stays everywhere: an empty listing would stop the sync.
      for (const who of [ann, ben]) world.enter('alpha', 'contact', who);
      await world.cycle();
      const mortals = mortal(world, [death]);
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: typed });
      await mortals.cycle();
      found.hasDied = mortals.died.size > 0;
      Object.assign(found, await hasIt(world, deletedAt));
      world.crms.get(deletedAt)!.drop('contact', `${deletedAt}-1`);
      for (let cycle = 0; cycle < 2; cycle += 1) await mortals.cycle();
      found.left = names.filter((name) => world.crms.get(name)!.ids('contact').includes(`${name}-1`));
      found.rules = new Set((await world.store.conflicts(10)).map(({ rule }) => rule));
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
    },
    { syncs: [both(names, { deletes: 'propagate' })] },
  );
  return found;
}

it.each(['bravo', 'charlie'])(
  'an edit wins over a delete at %s unless that CRM is known to have got it; our own update, seen elsewhere, never does',
  async (deletedAt) => {
    const cases = new Set<string>();
    for (const [of, when] of [
      ['commit', 'before'],
      ['write', 'before'],
      ['write', 'after'],
    ] as const)
      for (let step = 0, hasDied = true; hasDied; step += 1) {
        const found = await dieThenDelete({ of, step, when }, deletedAt);
        hasDied = found.hasDied;
        const left = found.isKnown ? [] : names.filter((name) => name !== deletedAt);
        const rules = new Set(found.isKnown ? [] : [editOverDelete]);
        expect({ ...found, of, when, step }).toMatchObject({ left, rules });
        cases.add(`${found.isHeld ? 'held' : 'not held'}, ${found.isKnown ? 'known' : 'not known'}`);
      }
    // Where the answer was lost nobody can tell whether the CRM had got it before somebody there deleted the record.
    expect([...cases].sort()).toEqual(['held, known', 'held, not known', 'not held, not known']);
  },
);

it('a record comes back where we had deleted it, and did not live to hear so', () =>
  inWorld(
    names.map((name) => crm(name, ['jobTitle'])),
    async (world) => {
      for (const who of [ann, ben]) world.enter('alpha', 'contact', who);
      await world.cycle();
      const [bravo, charlie] = [world.crms.get('bravo')!, world.crms.get('charlie')!];
      world.crms.get('alpha')!.drop('contact', 'alpha-1');
      bravo.disturbs = (verb) => {
        if (verb !== 'delete') return;
        bravo.drop('contact', 'bravo-1');
        throw new Error('killed');
      };
      charlie.disturbs = (verb) => {
        if (verb === 'delete') throw new RetryableError('charlie: 503', { connection: 'charlie', status: 503 });
      };
      await expect(world.cycle()).rejects.toThrow('killed');
      bravo.disturbs = charlie.disturbs = () => {};
      expect(charlie.ids('contact')).toContain('charlie-1');
      world.edit('charlie', 'contact', 'charlie-1', { jobTitle: typed });
      for (const _ of [1, 2]) await world.cycle();
      expect(names.map((name) => world.crms.get(name)!.ids('contact').length)).toEqual([1, 2, 2]);
      expect((await world.store.conflicts(10)).map(({ loser }) => loser.connection)).toEqual(['alpha']);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
    },
    { syncs: [both(names, { deletes: 'propagate' })] },
  ));
