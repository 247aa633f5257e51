import { describe, expect, it } from 'vitest';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { ann, both, crm, inWorld, written } from './small.ts';
import type { World } from './world.ts';

/** `chat` lists nothing; its only contact is Ann, a cook, and a create for her finds that one, and fills what is empty. */
async function found(overrides: Partial<SyncPolicy>, check: (world: World) => Promise<void>, lost = 0): Promise<void> {
  const chat = crm('chat', ['jobTitle', 'notes'], { lists: false, knowsOurIds: true });
  await inWorld(
    [crm('alpha', ['jobTitle', 'notes']), chat],
    async (world) => {
      const there = world.crms.get('chat')!;
      const id = there.enter('contact', { ...ann, jobTitle: 'Cook' });
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Baker', notes: 'Prefers mornings' });
      there.create = async (_, { values }) => {
        there.calls.create += 1;
        there.type('contact', id, { notes: values.notes! });
        if (there.calls.create <= lost) throw new Error('we died');
        return { externalId: id, met: ['jobTitle'] };
      };
      if (lost > 0) await expect(world.cycle()).rejects.toThrow('we died');
      await world.cycle();
      await world.cycle();
      world.forgetCalls();
      await check(world);
      await world.cycle();
      expect(written(world)).toEqual([]);
    },
    { syncs: [both(['alpha', 'chat'], overrides)] },
  );
}

const shown = (world: World) =>
  [...world.crms]
    .map(([name, one]) => one.holds('contact', `${name}-1`))
    .map(({ jobTitle, notes }) => [jobTitle, notes]);

const conflicts = async (world: World) =>
  (await world.store.conflicts(9)).map(({ path, winner, loser, rule }) => [path, winner.value, loser.value, rule]);

describe('a create that finds a record which nobody could list', () => {
  for (const [rule, wins, loses] of [
    [['alpha', 'chat'], 'Baker', 'Cook'],
    [['chat', 'alpha'], 'Cook', 'Baker'],
  ] as const)
    it(`meets it for the first time: the conflict rule decides what differs (${rule.join(' before ')})`, async () => {
      await found({ conflicts: rule }, async (world) => {
        expect(shown(world)).toEqual([
          [wins, 'Prefers mornings'],
          [wins, 'Prefers mornings'],
        ]);
        expect(await conflicts(world)).toEqual([['jobTitle', wins, loses, expect.stringContaining('conflict')]]);
      });
    });

  it('takes what differs for an edit where an earlier one was not answered: it may be our own, edited since', async () => {
    await found(
      { conflicts: ['alpha', 'chat'] },
      async (world) => {
        expect(shown(world).map(([jobTitle]) => jobTitle)).toEqual(['Cook', 'Cook']);
        expect(await conflicts(world)).toEqual([]);
      },
      1,
    );
  });
});
