import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../src/connector/errors.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { mortal } from './deaths.ts';
import { ann, ben, crm, inWorld } from './small.ts';
import { policy, type World } from './world.ts';

const people: SyncPolicy = policy(
  [
    { connection: 'alpha', direction: 'both' },
    { connection: 'bravo', direction: 'write' },
  ],
  { deletes: 'propagate' },
);

/** Ann is deleted at alpha. At bravo, which is only written to, somebody had typed what nobody could learn. */
async function deleted(check: (world: World) => Promise<void>): Promise<void> {
  await inWorld(
    [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { showsEmptyAs: 'absent' })],
    async (world) => {
      for (const person of [ben, ann]) world.enter('alpha', 'contact', person);
      await world.cycle();
      world.edit('bravo', 'contact', 'bravo-2', { jobTitle: 'Baker' });
      world.crms.get('alpha')!.drop('contact', 'alpha-2');
      await check(world);
      expect(world.crms.get('bravo')!.ids('contact')).toEqual(['bravo-1']);
    },
    { syncs: [people] },
  );
}

const lost = async (world: World) =>
  (await world.store.conflicts(10)).map(({ path, loser }) => `${path} ${loser.connection} ${loser.value}`);

describe('what nobody could learn of a record that we delete', () => {
  it.each(['before', 'after'] as const)('is in the log, once, if the process dies %s any commit', async (when) => {
    for (let step = 0, goesOn = true; goesOn; step += 1)
      await deleted(async (world) => {
        const mortals = mortal(world, [{ of: 'commit', step, when }]);
        for (let cycle = 0; cycle < 3; cycle += 1) await mortals.cycle();
        expect(await lost(world), `${when} commit ${step}`).toEqual(['jobTitle bravo Baker']);
        goesOn = mortals.died.size > 0;
      });
  });

  it('is there once, too, where it takes several runs', () =>
    deleted(async (world) => {
      const bravo = world.crms.get('bravo')!;
      bravo.disturbs = (verb) => {
        if (verb === 'delete') throw new RetryableError('bravo: 503', { connection: 'bravo', status: 503 });
      };
      for (let cycle = 0; cycle < 2; cycle += 1) await world.cycle();
      bravo.disturbs = () => {};
      await world.cycle();
      expect(await lost(world)).toEqual(['jobTitle bravo Baker']);
    }));

  it('is no loss where a person there deletes it before us', () =>
    deleted(async (world) => {
      const bravo = world.crms.get('bravo')!;
      bravo.disturbs = (verb) => {
        if (verb === 'read' && bravo.ids('contact').includes('bravo-2')) bravo.drop('contact', 'bravo-2');
      };
      await world.cycle();
      expect(await lost(world)).toEqual([]);
    }));
});
