import { describe, expect, it } from 'vitest';
import type { SyncOutcome } from '../../src/engine/engine.ts';
import { allowedBy, type Limit, type SyncPolicy } from '../../src/sync/policy.ts';
import { ann, both, crm, inWorld, written } from './small.ts';
import type { World } from './world.ts';

const free: Limit = { share: 1, atLeast: 1 };
const noLimits = { deletes: free, overwrites: free, blankings: free };

/** Two CRMs with `size` people each; guards as given. */
async function crowd(
  size: number,
  limits: Partial<SyncPolicy['limits']>,
  check: (world: World) => Promise<void>,
  reads: 'id' | 'none' = 'id',
): Promise<void> {
  const specs = ['alpha', 'bravo'].map((name) => crm(name, ['jobTitle', 'tags'], { reads }));
  const sync = both(['alpha', 'bravo'], { deletes: 'propagate', limits: { ...noLimits, ...limits } });
  await inWorld(
    specs,
    async (world) => {
      for (let n = 1; n <= size; n += 1)
        world.enter('alpha', 'contact', {
          ...ann,
          'name.family': `Ashworth${'abcdefghijklmnopqrstuvwxyz'[n]}`,
          'email.primary': `p${n}@p${n}.example`,
          jobTitle: 'Tailor',
          tags: ['red', 'blue'],
        });
      await world.cycle();
      world.forgetCalls();
      await check(world);
    },
    { syncs: [sync] },
  );
}

const at = (world: World, name: string) => world.crms.get(name)!;
const people = async (world: World): Promise<SyncOutcome> => (await world.cycle()).people!;

describe('a limit', () => {
  it.each([
    [{ count: 0 }, 100, 0],
    [{ count: 7 }, 3, 7],
    [{ share: 0.05, atLeast: 3 }, 20, 3],
    [{ share: 0.05, atLeast: 3 }, 100, 5],
    [{ share: 0.29, atLeast: 0 }, 100, 29],
    [{ share: 1, atLeast: 1 }, 0, 1],
  ] as const)('%j lets of %i records %i pass', (limit, records, allowed) => {
    expect(allowedBy(limit, records)).toBe(allowed);
  });
});

describe('a guard', () => {
  it('stops more deletes than allowed before the first of them, and goes on once they are approved', async () => {
    for (const reads of ['id', 'none'] as const)
      await crowd(
        10,
        { deletes: { count: 2 } },
        async (world) => {
          for (const n of [1, 2, 3]) at(world, 'alpha').drop('contact', `alpha-${n}`);
          world.edit('alpha', 'contact', 'alpha-9', { jobTitle: 'Baker' });
          for (let cycle = 0; cycle < 3; cycle += 1) {
            const { state, stops } = await people(world);
            expect(state).toBe('waiting');
            expect(stops).toMatchObject([{ connection: 'alpha', what: 'absence', records: 3, allowed: 2, of: 10 }]);
            expect(stops[0]!.examples).toHaveLength(3);
            expect(written(world)).toEqual([]);
          }
          expect(await world.store.approve('people')).toBe(3);
          for (let cycle = 0; cycle < 3; cycle += 1) expect((await people(world)).state).toBe('done');
          expect(at(world, 'bravo').ids('contact')).toHaveLength(7);
          expect(at(world, 'bravo').holds('contact', 'bravo-9').jobTitle).toBe('Baker');
          expect(await world.store.held()).toEqual([]);
        },
        reads,
      );
  });

  it('is asked about an empty listing whatever the limit', async () => {
    await crowd(3, {}, async (world) => {
      for (const id of at(world, 'alpha').ids('contact')) at(world, 'alpha').drop('contact', id);
      expect((await people(world)).stops).toMatchObject([{ what: 'absence', records: 3, allowed: 0 }]);
      await world.store.approve('people');
      expect((await people(world)).stops).toEqual([]);
      expect(at(world, 'bravo').ids('contact')).toEqual([]);
    });
  });

  it('goes on by itself when what was missing is there again', async () => {
    await crowd(10, { deletes: { count: 1 } }, async (world) => {
      const alpha = at(world, 'alpha');
      const list = alpha.list.bind(alpha);
      alpha.list = async function* (...args) {
        for await (const page of list(...args)) yield { ...page, records: page.records.slice(0, 4) };
      };
      expect((await people(world)).state).toBe('waiting');
      alpha.list = list;
      expect((await people(world)).state).toBe('done');
      expect(await world.store.held()).toEqual([]);
      expect(written(world)).toEqual([]);
    });
  });

  it('stops more overwrites than allowed, counts records and not fields, and no gaps, tags that are added, or creates', async () => {
    await crowd(10, { overwrites: { count: 2 } }, async (world) => {
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Baker', 'name.given': 'Anna' });
      for (const n of [3, 4, 5]) world.edit('alpha', 'contact', `alpha-${n}`, { tags: ['red', 'blue', 'green'] });
      world.enter('alpha', 'contact', { ...ann, 'email.primary': 'new@new.example', 'name.family': 'Newman' });
      expect((await people(world)).state).toBe('done');
      world.forgetCalls();
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Cook' });
      world.edit('alpha', 'contact', 'alpha-3', { tags: ['green'] });
      const { stops, state } = await people(world);
      expect([state, stops]).toMatchObject([
        'waiting',
        [{ connection: 'bravo', what: 'overwrite', records: 3, allowed: 2 }],
      ]);
      expect(written(world)).toEqual([]);
    });
  });

  it('stops more blankings than allowed', async () => {
    await crowd(10, { blankings: { count: 1 } }, async (world) => {
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: null });
      expect((await people(world)).stops).toMatchObject([{ connection: 'bravo', what: 'blanking', records: 2 }]);
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Tailor' });
      expect((await people(world)).state).toBe('done');
      expect(written(world)).toEqual([]);
    });
  });

  it('takes an approval for these very values: others, and more of them, are asked about again', async () => {
    await crowd(10, { overwrites: { count: 1 } }, async (world) => {
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Baker' });
      await world.cycle();
      await world.store.approve('people');
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Cook' });
      expect((await people(world)).stops).toMatchObject([{ records: 2 }]);
      await world.store.approve('people');
      for (const n of [3, 4]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Cook' });
      expect((await people(world)).stops).toMatchObject([{ records: 2 }]);
      expect(written(world)).toEqual([]);
      await world.store.approve('people');
      expect((await people(world)).state).toBe('done');
      expect(written(world)).toHaveLength(4);
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Baker' });
      await world.cycle();
      for (const n of [1, 2]) world.edit('alpha', 'contact', `alpha-${n}`, { jobTitle: 'Cook' });
      expect((await people(world)).stops).toEqual([]);
    });
  });

  it('counts deletes that are still to be made', async () => {
    await crowd(10, { deletes: { count: 2 } }, async (world) => {
      for (const ids of [
        [1, 2],
        [3, 4],
      ]) {
        at(world, 'bravo').disturbs = (verb) => {
          if (verb === 'delete') throw new Error('we died');
        };
        for (const n of ids) at(world, 'alpha').drop('contact', `alpha-${n}`);
        await world.cycle().catch(() => undefined);
      }
      at(world, 'bravo').disturbs = () => {};
      expect((await people(world)).stops).toMatchObject([
        { connection: 'bravo', what: 'delete', records: 4, allowed: 2 },
      ]);
      expect(written(world)).toEqual([]);
      expect(await world.store.approve('people')).toBe(4);
      expect((await people(world)).counts.bravo!.deleted).toBe(4);
    });
  });
});
