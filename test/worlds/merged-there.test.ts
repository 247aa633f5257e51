import { describe, expect, it } from 'vitest';
import { mergeRecords, splitRecord } from '../../src/engine/regroup.ts';
import { openReviews } from '../../src/engine/reviews.ts';
import { groups, idOf } from './decided.ts';
import { disagreements } from './laws.ts';
import { ann, ben, both, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

const names = ['alpha', 'bravo', 'charlie'];

/** Ann is 1 and Ben is 2 in all three CRMs. */
async function twoPeople(deletes: 'ignore' | 'propagate', use: (world: World) => Promise<void>): Promise<void> {
  await inWorld(
    names.map((name) => crm(name)),
    async (world) => {
      for (const one of [ann, ben]) world.enter('alpha', 'contact', one);
      await world.cycle();
      await use(world);
    },
    { syncs: [both(names, { deletes })] },
  );
}

/** Ben turns out to be Ann: somebody gives his record what is hers, and drops hers. */
function mergeAtBravo(world: World): void {
  world.edit('bravo', 'contact', 'bravo-2', ann);
  world.crms.get('bravo')!.drop('contact', 'bravo-1');
}

const waiting = async (world: World) =>
  (await openReviews(world.context)).map(
    ({ connection, externalId, reason }) => `${connection}:${externalId} ${reason}`,
  );

describe('two records that a person has merged in one CRM, the one left taking over who the other was', () => {
  it.each(['ignore', 'propagate'] as const)('are one; where both are still there, one waits: %s', (deletes) =>
    twoPeople(deletes, async (world) => {
      mergeAtBravo(world);
      await world.cycle();
      expect(await groups(world)).toEqual(['alpha:alpha-2 bravo:bravo-2 charlie:charlie-2']);
      expect(await waiting(world)).toEqual([
        'alpha:alpha-1 alpha already has record alpha-2 for the same: merged by a person',
        'charlie:charlie-1 charlie already has record charlie-2 for the same: merged by a person',
      ]);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
      // People merge them there, too: in one the younger record stays, in the other the older one.
      world.crms.get('alpha')!.drop('contact', 'alpha-1');
      world.crms.get('charlie')!.drop('contact', 'charlie-2');
      await world.cycle();
      await world.cycle();
      expect(await waiting(world)).toEqual([]);
      expect(await groups(world)).toEqual(['alpha:alpha-2 bravo:bravo-2 charlie:charlie-1']);
      expect(await disagreements(world, 'contact')).toEqual([]);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
    }),
  );

  it('are two again when the merge is taken back', () =>
    twoPeople('ignore', async (world) => {
      const survivor = await idOf(world, 'bravo', 'bravo-2');
      mergeAtBravo(world);
      await world.cycle();
      // Undone there, it gives her another record.
      world.edit('bravo', 'contact', 'bravo-2', ben);
      world.enter('bravo', 'contact', ann);
      await world.cycle();
      const doubles = ['alpha', 'charlie'].map((connection) => ({ connection, externalId: `${connection}-1` }));
      await splitRecord(world.context, 'contact', survivor, doubles);
      await world.cycle();
      expect(await waiting(world)).toEqual([]);
      expect(await groups(world)).toEqual([
        'alpha:alpha-1 bravo:bravo-3 charlie:charlie-1',
        'alpha:alpha-2 bravo:bravo-2 charlie:charlie-2',
      ]);
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-1')).toMatchObject(ann);
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-2')).toMatchObject(ben);
    }));

  it('wait for each other where another process is at work on one of them, and are one in the next run', () =>
    twoPeople('propagate', async (world) => {
      const lease = `record/alpha/${await idOf(world, 'bravo', 'bravo-1')}`;
      const now = world.clock.now();
      await world.store.lease(lease, 'other#work', now, now + 3_600_000);
      mergeAtBravo(world);
      await world.cycle();
      expect(await groups(world)).toEqual([
        'alpha:alpha-1 charlie:charlie-1',
        'alpha:alpha-2 bravo:bravo-2 charlie:charlie-2',
      ]);
      await world.store.release(lease, 'other#work');
      await world.cycle();
      expect(await groups(world)).toEqual(['alpha:alpha-2 bravo:bravo-2 charlie:charlie-2']);
    }));

  it('stay two where a person has kept them apart', () =>
    twoPeople('propagate', async (world) => {
      const [one, other] = [await idOf(world, 'bravo', 'bravo-1'), await idOf(world, 'bravo', 'bravo-2')];
      await mergeRecords(world.context, 'contact', other, one);
      await splitRecord(
        world.context,
        'contact',
        other,
        names.map((connection) => ({ connection, externalId: `${connection}-1` })),
      );
      await world.cycle();
      mergeAtBravo(world);
      await world.cycle();
      expect(await groups(world)).toEqual([
        'alpha:alpha-1 charlie:charlie-1',
        'alpha:alpha-2 bravo:bravo-2 charlie:charlie-2',
      ]);
    }));

  it('stay two where the one left was like the other long before that was dropped', () =>
    twoPeople('propagate', async (world) => {
      world.edit('bravo', 'contact', 'bravo-2', ann);
      await world.cycle();
      await world.cycle();
      world.crms.get('bravo')!.drop('contact', 'bravo-1');
      await world.cycle();
      expect(await groups(world)).toEqual([
        'alpha:alpha-1 charlie:charlie-1',
        'alpha:alpha-2 bravo:bravo-2 charlie:charlie-2',
      ]);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
    }));
});
