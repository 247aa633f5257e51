import { describe, expect, it } from 'vitest';
import { refuseEdited } from '../../src/connector/edited.ts';
import type { FakeCrm, Verb } from './fake-crm.ts';
import { disagreements, lostEdits } from './laws.ts';
import { ann, ben, both, crm, inWorld } from './small.ts';
import type { World } from './world.ts';

const paths = ['jobTitle', 'notes', 'tags'];

/** Lets a person act once, when the engine makes this call to the CRM. */
function once(one: FakeCrm, moment: Verb, act: () => void): void {
  one.before = (verb) => {
    if (verb !== moment) return;
    one.before = () => {};
    act();
  };
}

async function annAtBoth(
  tells: 'all' | 'some' | 'id',
  check: (world: World, bravo: FakeCrm) => Promise<void>,
  conflicts: 'newest' | 'manual' | readonly string[] = 'newest',
): Promise<void> {
  await inWorld(
    [crm('alpha', paths), crm('bravo', paths, { tells })],
    async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor', tags: ['red'] });
      await world.cycle();
      await check(world, world.crms.get('bravo')!);
      await world.cycle();
      expect(await lostEdits(world)).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
    },
    { syncs: [both(['alpha', 'bravo'], { conflicts })] },
  );
}

describe('an edit made between our look and the second one of a connector that lays the change over it', () => {
  for (const tells of ['all', 'some', 'id'] as const)
    it(`of the very field is taken in before anything is written: answers tell ${tells}`, async () => {
      await annAtBoth(tells, async (world, bravo) => {
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        const update = bravo.update.bind(bravo);
        bravo.update = async (entity, id, change) => {
          if (bravo.holds(entity, id).jobTitle === 'Tailor') world.edit('bravo', entity, id, { jobTitle: 'Cook' });
          refuseEdited(entity, change, bravo.holds(entity, id), { connection: 'bravo' });
          return await update(entity, id, change);
        };
        await world.cycle();
        expect(await world.store.conflicts(10)).toMatchObject([
          { path: 'jobTitle', winner: { value: 'Baker' }, loser: { connection: 'bravo', value: 'Cook' } },
        ]);
        expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
      });
    });
});

describe('an edit made between our pull and our write', () => {
  for (const tells of ['all', 'some', 'id'] as const) {
    it(`of the very field that we are about to write is seen before, and the rule decides: answers tell ${tells}`, async () => {
      await annAtBoth(tells, async (world, bravo) => {
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        once(bravo, 'read', () => world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' }));
        const { people } = await world.cycle();
        expect(people!.counts.bravo!.conflicts).toBe(1);
        expect(await world.store.conflicts(10)).toMatchObject([
          { path: 'jobTitle', winner: { value: 'Baker' }, loser: { connection: 'bravo', value: 'Cook' } },
        ]);
        expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
      });
    });

    it(`of the very field that we are about to write goes first where its CRM ranks first: answers tell ${tells}`, async () => {
      await annAtBoth(
        tells,
        async (world, bravo) => {
          world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
          once(bravo, 'read', () => world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' }));
          await world.cycle();
          expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Cook');
          expect(bravo.writes.filter(({ verb }) => verb === 'update')).toEqual([]);
        },
        ['bravo'],
      );
    });

    it(`of the very field that we are about to write stops us under manual: answers tell ${tells}`, async () => {
      await annAtBoth(
        tells,
        async (world, bravo) => {
          world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker', notes: 'likes tea' });
          once(bravo, 'read', () => world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' }));
          await world.cycle();
          expect(bravo.holds('contact', 'bravo-1')).toMatchObject({ jobTitle: 'Cook', notes: 'likes tea' });
        },
        'manual',
      );
    });

    for (const moment of ['read', 'update'] as const)
      it(`of another field, at our ${moment}, goes through beside ours: answers tell ${tells}`, async () => {
        await annAtBoth(tells, async (world, bravo) => {
          world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
          once(bravo, moment, () => world.edit('bravo', 'contact', 'bravo-1', { notes: 'likes tea', tags: [] }));
          await world.cycle();
          await world.cycle();
          for (const [name, one] of world.crms)
            expect(one.holds('contact', `${name}-1`)).toMatchObject({
              jobTitle: 'Baker',
              notes: 'likes tea',
              tags: null,
            });
          expect(await world.store.conflicts(10)).toEqual([]);
        });
      });

    it(`as a delete is seen, and the record is not made again: answers tell ${tells}`, async () => {
      for (const moment of ['read', 'update'] as const)
        await annAtBoth(tells, async (world, bravo) => {
          world.enter('alpha', 'contact', ben);
          await world.cycle();
          world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
          once(bravo, moment, () => bravo.drop('contact', 'bravo-1'));
          await world.cycle();
          await world.cycle();
          expect(bravo.ids('contact')).toEqual(['bravo-2']);
          world.enter('bravo', 'contact', { ...ann, jobTitle: 'Baker', tags: ['red'] });
          await world.cycle();
        });
    });
  }
});
