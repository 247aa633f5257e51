import { describe, expect, it } from 'vitest';
import { disagreements, lostEdits } from './laws.ts';
import { ann, crm, inWorld, written } from './small.ts';

describe('what generated worlds have shown', () => {
  it('a field emptied by a person right after a write whose answer told nothing is an edit, not a habit', async () => {
    await inWorld([crm('alpha'), crm('bravo', [], { tells: 'id' })], async (world) => {
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      const [id] = world.crms.get('bravo')!.ids('contact');
      world.edit('bravo', 'contact', id!, { 'name.given': null });
      await world.cycle();
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-1')['name.given']).toBe(null);
      expect(await lostEdits(world)).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });

  it('a person who is at three CRMs is linked at all of them in the first cycle, and needs nobody', async () => {
    await inWorld([crm('alpha'), crm('bravo'), crm('charlie')], async (world) => {
      for (const name of ['alpha', 'bravo', 'charlie']) world.enter(name, 'contact', ann);
      const { people } = await world.cycle();
      expect(people!.waiting.reviews).toBe(0);
      expect((await world.records('contact')).map(({ links }) => links.length)).toEqual([3]);
      expect(written(world)).toEqual([]);
    });
  });
});
