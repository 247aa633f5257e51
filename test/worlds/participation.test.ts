import { describe, expect, it } from 'vitest';
import { ann, ben, both, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import { policy } from './world.ts';

describe('a record that takes no part', () => {
  it('is made nowhere, and follows as soon as it meets the conditions', async () => {
    await inWorld(
      [crm('alpha', ['jobTitle', 'consent']), crm('bravo', ['jobTitle', 'consent'])],
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, consent: false });
        world.enter('alpha', 'contact', { ...ben, consent: true, jobTitle: 'Baker' });
        await world.cycle();
        const bravo = world.crms.get('bravo')!;
        expect(bravo.ids('contact').map((id) => bravo.holds('contact', id)['name.given'])).toEqual(['Ben']);
        world.edit('alpha', 'contact', 'alpha-1', { consent: true });
        await world.cycle();
        expect(bravo.ids('contact').map((id) => bravo.holds('contact', id)['name.given'])).toEqual(['Ben', 'Ann']);
        world.edit('alpha', 'contact', 'alpha-2', { consent: false });
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      { syncs: [both(['alpha', 'bravo'], { where: { consent: { oneOf: [true] } } })] },
    );
  });
});

describe('a member that joins later', () => {
  it('gets everybody, once', async () => {
    const specs = [crm('alpha'), crm('bravo'), crm('charlie')];
    const sync = both(['alpha', 'bravo']);
    const syncs = [sync];
    await inWorld(
      specs,
      async (world) => {
        world.enter('alpha', 'contact', ann);
        world.enter('bravo', 'contact', ben);
        world.enter('charlie', 'contact', { ...ben, 'name.given': 'BEN' });
        await world.cycle();
        expect(world.crms.get('charlie')!.ids('contact')).toHaveLength(1);
        syncs[0] = both(['alpha', 'bravo', 'charlie']);
        await world.cycle();
        await world.cycle();
        const charlie = world.crms.get('charlie')!;
        expect(charlie.ids('contact')).toHaveLength(2);
        expect((await world.records('contact')).map(({ links }) => links.length)).toEqual([3, 3]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      { syncs },
    );
  });
});

describe('two syncs that share a member', () => {
  it('carry an edit from one end to the other', async () => {
    const syncs = [
      policy(
        ['alpha', 'bravo'].map((connection) => ({ connection, direction: 'both' as const })),
        { name: 'east' },
      ),
      policy(
        ['bravo', 'charlie'].map((connection) => ({ connection, direction: 'both' as const })),
        { name: 'west' },
      ),
    ];
    await inWorld(
      [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle']), crm('charlie', ['jobTitle'])],
      async (world) => {
        world.enter('alpha', 'contact', ann);
        world.enter('charlie', 'contact', ben);
        await world.cycle();
        await world.cycle();
        for (const one of world.crms.values()) expect(one.ids('contact')).toHaveLength(2);
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        await world.cycle();
        await world.cycle();
        const charlie = world.crms.get('charlie')!;
        expect(charlie.ids('contact').map((id) => charlie.holds('contact', id).jobTitle)).toContain('Baker');
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      { syncs },
    );
  });
});
