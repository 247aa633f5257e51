import { describe, expect, it } from 'vitest';
import { deliver } from '../../src/engine/deliver.ts';
import { noCounts } from '../../src/engine/engine.ts';
import { matchUnmatched } from '../../src/engine/match.ts';
import { pull } from '../../src/engine/pull.ts';
import { mortal } from './deaths.ts';
import { disagreements, lostEdits } from './laws.ts';
import { ann, both, crm, inWorld, written } from './small.ts';

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

  it('a record that two processes set aside at the same time has not vanished for the one whose word was overwritten', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      world.enter('alpha', 'contact', ann);
      world.enter('bravo', 'contact', ann);
      const [sync] = world.context.syncs;
      const read = (connection: string, run: string) =>
        pull(world.context, { sync: sync!, connection, run, counts: noCounts() });
      await read('alpha', 'one');
      // Both ask what is known before either writes; the one writes first, and looks for what has vanished last.
      const { store } = world;
      const bravo = world.crms.get('bravo')!;
      const written = Promise.withResolvers<void>();
      const overwritten = Promise.withResolvers<void>();
      const pages = bravo.list.bind(bravo);
      const known = store.known;
      let one: Promise<unknown> | undefined;
      store.known = async (...asked) => {
        const found = await known(...asked);
        store.known = known;
        bravo.list = async function* (entity) {
          yield* pages(entity);
          written.resolve();
          await overwritten.promise;
        };
        one = read('bravo', 'one');
        await written.promise;
        return found;
      };
      await read('bravo', 'other');
      overwritten.resolve();
      await one;
      expect(await world.store.unmatched('contact', 0, 10)).toHaveLength(1);
    });
  });

  it('a record that another process links after we looked for links, and before we look for claims, is not created', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async ({ context, crms, store, enter }) => {
      enter('alpha', 'contact', ann);
      enter('bravo', 'contact', ann);
      const sync = context.syncs[0]!;
      const counts = noCounts();
      for (const connection of ['alpha', 'bravo']) await pull(context, { sync, connection, run: 'one', counts });
      const [pending] = await store.pending('bravo', 'contact', context.clock.now(), 0, 10);
      const claims = store.claims;
      store.claims = async (recordIds) => {
        store.claims = claims;
        await matchUnmatched(context, sync, 'other');
        return await claims(recordIds);
      };
      await deliver(context, { sync, connection: 'bravo', run: 'one', counts }, pending!);
      expect(crms.get('bravo')!.calls.create).toBe(0);
    });
  });

  it("what a create of ours left behind whose answer we did not live to see is nobody's word against a later edit", async () => {
    const paths = ['jobTitle'];
    await inWorld(
      [crm('alpha', paths), crm('bravo', paths)],
      async (world) => {
        const mortals = mortal(world, [{ of: 'write', step: 0, when: 'after' }]);
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
        await mortals.cycle();
        expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        await mortals.cycle();
        for (const [name, one] of world.crms) expect(one.holds('contact', `${name}-1`).jobTitle).toBe('Baker');
        expect(await world.store.conflicts(10)).toEqual([]);
      },
      { syncs: [both(['alpha', 'bravo'], { conflicts: ['bravo', 'alpha'] })] },
    );
  });

  it('a record that another process takes in after we asked what is known is no double of itself', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async ({ context, store, enter }) => {
      enter('alpha', 'contact', ann);
      const read = (run: string) =>
        pull(context, { sync: context.syncs[0]!, connection: 'alpha', run, counts: noCounts() });
      const known = store.known;
      store.known = async (...asked) => {
        const found = await known(...asked);
        store.known = known;
        await read('other');
        return found;
      };
      await read('one');
      expect(await store.unmatched('contact', 0, 10)).toEqual([]);
      expect(await store.records('contact', undefined, 10)).toHaveLength(1);
    });
  });
});
