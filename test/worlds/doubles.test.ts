import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { runs } from './generated.ts';
import { disagreements } from './laws.ts';
import { ann, ben, both, crm, inWorld, written } from './small.ts';
import type { World } from './world.ts';

const annAgain = { ...ann, 'name.given': 'ANN', jobTitle: 'Tailor' };

/** What a world looks like from outside: who holds whom, and what waits. */
async function standing(world: World) {
  return {
    held: Object.fromEntries(
      [...world.crms].map(([name, one]) => [
        name,
        one
          .ids('contact')
          .map((id) => Object.values(one.holds('contact', id)).join(' '))
          .sort(),
      ]),
    ),
    reviews: (await world.store.openReviews('contact')).length,
  };
}

describe('a person who is twice in one CRM', () => {
  it('is merged by nobody, goes nowhere else, and waits for a person', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', ann);
      world.enter('alpha', 'contact', annAgain);
      world.enter('alpha', 'contact', ben);
      const { people } = await world.cycle();
      expect(written(world)).toEqual(['bravo create email.primary name.family name.given']);
      expect(people!.waiting.reviews).toBeGreaterThan(0);
      expect(people!.state).toBe('waiting');
      await world.cycle();
      expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
    });
  });

  it('is not linked to either when another CRM has that person once', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', ann);
      world.enter('alpha', 'contact', annAgain);
      world.enter('bravo', 'contact', { ...ann, jobTitle: 'Baker' });
      await world.cycle();
      await world.cycle();
      expect(written(world)).toEqual([]);
      expect((await world.store.openReviews('contact')).length).toBeGreaterThan(0);
    });
  });

  it('goes to no third CRM either when another one, that has the person once, is read first', async () => {
    await inWorld(
      [crm('alpha', [], { pageSize: 1 }), crm('bravo', [], { pageSize: 1 }), crm('charlie')],
      async (world) => {
        world.enter('bravo', 'contact', ann);
        world.enter('alpha', 'contact', ben);
        world.enter('alpha', 'contact', ann);
        world.enter('alpha', 'contact', ann);
        await world.cycle();
        await world.cycle();
        expect(
          world.crms
            .get('charlie')!
            .ids('contact')
            .map((id) => world.crms.get('charlie')!.holds('contact', id)),
        ).toEqual([ben]);
      },
    );
  });

  it('under two addresses is not guessed when another CRM has one record with both', async () => {
    await inWorld(
      [crm('alpha', ['email.secondary']), crm('bravo', ['email.secondary']), crm('charlie')],
      async (world) => {
        world.enter('alpha', 'contact', ann);
        world.enter('alpha', 'contact', { ...ann, 'email.primary': 'ann@work.example' });
        world.enter('bravo', 'contact', { ...ann, 'email.secondary': 'ann@work.example' });
        const { people } = await world.cycle();
        expect(people!.waiting.reviews).toBeGreaterThan(0);
        expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
        expect(world.crms.get('alpha')!.ids('contact')).toHaveLength(2);
        expect(
          (await world.records('contact')).flatMap(({ links }) => links.map(({ connection }) => connection)),
        ).not.toContain('bravo');
      },
    );
  });

  law.prop(
    [
      fc.shuffledSubarray(['alpha', 'bravo', 'charlie'], { minLength: 3 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 3 }),
      fc.uniqueArray(fc.constantFrom('bravo', 'charlie')),
      fc.boolean(),
    ],
    { numRuns: runs },
  )('has the same end whichever page or member is read first', async (order, seed, pageSize, alsoAt, isBothAtOnce) => {
    const ends: unknown[] = [];
    for (const [names, someSeed, size] of [
      [['alpha', 'bravo', 'charlie'], 1, 10],
      [order, seed, pageSize],
    ] as const)
      await inWorld(
        names.map((name) => crm(name, ['jobTitle'], { pageSize: size, shuffles: true })),
        async (world) => {
          world.enter('alpha', 'contact', ann);
          if (!isBothAtOnce) await world.cycle();
          world.enter('alpha', 'contact', annAgain);
          world.enter('alpha', 'contact', ben);
          for (const name of alsoAt) world.enter(name, 'contact', { ...ann, jobTitle: name });
          await world.cycle();
          await world.cycle();
          ends.push(await standing(world));
        },
        { syncs: [both(['alpha', 'bravo', 'charlie'], { conflicts: ['alpha', 'bravo', 'charlie'] })], seed: someSeed },
      );
    expect(ends[1]).toEqual(ends[0]);
  });

  for (const deleted of [0, 1])
    for (const isElsewhere of [true, false])
      it(`is settled in the cycle after one of the doubles is deleted there: the ${['linked', 'unlinked'][deleted]} one, ${isElsewhere ? 'known' : 'unknown'} elsewhere`, async () => {
        await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
          const doubles = [world.enter('alpha', 'contact', ann), world.enter('alpha', 'contact', annAgain)];
          if (isElsewhere) world.enter('bravo', 'contact', ann);
          await world.cycle();
          expect((await world.store.openReviews('contact')).length).toBeGreaterThan(0);
          world.crms.get('alpha')!.drop('contact', doubles[deleted]!);
          await world.cycle();
          expect(await world.store.openReviews('contact')).toEqual([]);
          expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
          expect(world.crms.get('alpha')!.ids('contact')).toHaveLength(1);
          await world.cycle();
          const [record, ...others] = await world.records('contact');
          expect(others).toEqual([]);
          expect(record!.links.filter(({ state }) => state === 'live')).toHaveLength(2);
          expect(await disagreements(world, 'contact')).toEqual([]);
        });
      });

  it('is left to a person where the CRM cannot say whether a record is gone', async () => {
    await inWorld([crm('alpha', [], { reads: 'search' }), crm('bravo')], async (world) => {
      const [first] = [world.enter('alpha', 'contact', ann), world.enter('alpha', 'contact', ann)];
      await world.cycle();
      world.crms.get('alpha')!.drop('contact', first!);
      await world.cycle();
      expect(await world.store.openReviews('contact')).toHaveLength(1);
      expect(world.crms.get('bravo')!.ids('contact')).toEqual([]);
    });
  });
});

describe('people who share an address', () => {
  it('and have clearly different names are two people in every CRM', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const shared = { 'email.primary': 'family@ashworth.example' };
      world.enter('alpha', 'contact', { ...ann, ...shared });
      world.enter('alpha', 'contact', { 'name.given': 'Theodora', 'name.family': 'Ashworth', ...shared });
      world.enter('bravo', 'contact', { ...ann, ...shared });
      await world.cycle();
      expect(written(world)).toEqual(['bravo create email.primary name.family name.given']);
      expect(await world.store.openReviews('contact')).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });
});
