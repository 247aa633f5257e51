import { describe, expect, it } from 'vitest';
import { UnknownOutcomeError } from '../../src/connector/errors.ts';
import { disagreements } from './laws.ts';
import { ann, crm, inWorld } from './small.ts';
import type { World } from './world.ts';

/** Ann's create at bravo is answered as done, three times over, and bravo never shows her. @returns how often it was asked */
async function createInVain(world: World): Promise<{ readonly times: () => number; readonly heal: () => void }> {
  world.enter('alpha', 'contact', ann);
  const bravo = world.crms.get('bravo')!;
  const create = bravo.create.bind(bravo);
  let times = 0;
  bravo.create = async () => {
    times += 1;
    throw new UnknownOutcomeError('bravo: answered, and not to be seen', { connection: 'bravo', status: 200 });
  };
  for (let cycle = 0; cycle < 3; cycle += 1) await world.cycle();
  expect(await world.store.deadLetters('bravo', 'contact', 9)).toMatchObject([{ code: 'outcome_unknown' }]);
  const heal = () => {
    bravo.create = async (...asked) => {
      times += 1;
      return await create(...asked);
    };
  };
  return { times: () => times, heal };
}

describe('a create that was answered as done and never seen, taken back', () => {
  it('is made once, when the CRM works again', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const { heal } = await createInVain(world);
      await world.store.takeBack({ state: 'dead' });
      heal();
      await world.cycle();
      await world.cycle();
      expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
      expect(await world.store.intents('bravo', 'contact')).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });

  it('is tried once, and set aside again at once, when the CRM does not', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const { times } = await createInVain(world);
      await world.store.takeBack({ state: 'dead' });
      for (let cycle = 0; cycle < 3; cycle += 1) await world.cycle();
      expect(times()).toBe(4);
      expect(await world.store.deadLetters('bravo', 'contact', 9)).toHaveLength(1);
    });
  });

  it('is not made again when the CRM has shown it meanwhile', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const { times, heal } = await createInVain(world);
      heal();
      world.crms.get('bravo')!.enter('contact', ann);
      await world.store.takeBack({ state: 'dead' });
      await world.cycle();
      expect(times()).toBe(3);
      expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
      expect(await world.store.intents('bravo', 'contact')).toEqual([]);
      expect(await world.store.deadLetters('bravo', 'contact', 9)).toEqual([]);
    });
  });

  it('is not sent on the word of a listing that began too early', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const { times, heal } = await createInVain(world);
      heal();
      const [intent] = await world.store.intents('bravo', 'contact');
      await world.store.beginIntent({ ...intent!, at: world.clock.now() + 3_600_000 });
      await world.store.takeBack({ state: 'dead' });
      await world.cycle();
      expect(times()).toBe(3);
    });
  });
});
