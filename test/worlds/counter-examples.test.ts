import { describe, expect, it } from 'vitest';
import { deliver } from '../../src/engine/deliver.ts';
import { noCounts } from '../../src/engine/engine.ts';
import { matchUnmatched } from '../../src/engine/match.ts';
import { pull } from '../../src/engine/pull.ts';
import { mortal } from './deaths.ts';
import { noHabits } from './habits.ts';
import { disagreements, doubles, lostEdits } from './laws.ts';
import { ann, ben, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';

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

  it('a listing right after a write that shows one field as before has all the same shown the others', async () => {
    const room = crm('room', ['jobTitle']);
    const shop = crm('shop', ['jobTitle'], {
      tells: 'id',
      reads: 'none',
      habits: { ...noHabits, upper: ['name.family'] },
    });
    await inWorld([room, shop], async (world) => {
      world.enter('room', 'contact', { ...ann, jobTitle: 'Chef' });
      world.enter('shop', 'contact', ann);
      await world.cycle();
      expect(world.crms.get('shop')!.holds('contact', 'shop-1')).toMatchObject({ jobTitle: 'Chef' });
      await world.cycle(world.context, 1_000);
      world.edit('shop', 'contact', 'shop-1', { jobTitle: null });
      await world.cycle();
      expect(world.crms.get('room')!.holds('contact', 'room-1').jobTitle).toBe(null);
      expect(await lostEdits(world)).toEqual([]);
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

  it('a person who is entered anew in one CRM and brought back in another is not made there a second time', async () => {
    await inWorld(
      [crm('alpha'), crm('bravo', [], { reads: 'none' })],
      async (world) => {
        const bravo = world.crms.get('bravo')!;
        for (const person of [ben, ann]) world.enter('alpha', 'contact', person);
        await world.cycle();
        const before = bravo.holds('contact', 'bravo-2');
        bravo.drop('contact', 'bravo-2');
        await world.cycle();
        await world.cycle();
        expect(world.crms.get('alpha')!.ids('contact')).toEqual(['alpha-1']);
        world.enter('alpha', 'contact', ann);
        bravo.bringBack('contact', 'bravo-2', before);
        for (let cycle = 0; cycle < 3; cycle += 1) await world.cycle();
        expect(bravo.ids('contact')).toHaveLength(2);
        expect(await disagreements(world, 'contact')).toEqual([]);
      },
      { syncs: [both(['alpha', 'bravo'], { deletes: 'propagate' })] },
    );
  });

  it('the spelling of a CRM does not become the truth when a record gets another id there', async () => {
    const shouts = { habits: { ...noHabits, shortens: { 'name.family': 4 } } };
    await inWorld(
      [crm('alpha'), crm('bravo', [], shouts)],
      async (world) => {
        for (const person of [ben, ann]) world.enter('alpha', 'contact', person);
        await world.cycle();
        const bravo = world.crms.get('bravo')!;
        const before = bravo.holds('contact', 'bravo-2');
        bravo.drop('contact', 'bravo-2');
        bravo.bringBack('contact', 'bravo-9', before);
        world.forgetCalls();
        await world.cycle();
        await world.cycle();
        expect(written(world)).toEqual([]);
        expect(world.crms.get('alpha')!.holds('contact', 'alpha-2')['name.family']).toBe('Ashworth');
      },
      { syncs: [both(['bravo', 'alpha'], { conflicts: ['bravo', 'alpha'] })] },
    );
  });

  it('nor when a create was not answered and a person edited another field before it was seen', async () => {
    const shouts = { habits: { ...noHabits, shortens: { 'name.family': 4 } } };
    await inWorld(
      [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], shouts)],
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
        const bravo = world.crms.get('bravo')!;
        const create = bravo.create.bind(bravo);
        bravo.create = async (...args) => {
          await create(...args);
          bravo.create = create;
          throw new Error('we died');
        };
        await expect(world.cycle()).rejects.toThrow('we died');
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Baker' });
        await world.cycle();
        await world.cycle();
        const alpha = world.crms.get('alpha')!.holds('contact', 'alpha-1');
        expect([alpha['name.family'], alpha.jobTitle]).toEqual(['Ashworth', 'Baker']);
        expect(bravo.ids('contact')).toEqual(['bravo-1']);
      },
      { syncs: [both(['bravo', 'alpha'], { conflicts: ['bravo', 'alpha'] })] },
    );
  });

  it('a delete that somebody else has done is not counted as ours', async () => {
    await inWorld(
      [crm('alpha'), crm('bravo', [], { reads: 'search' })],
      async (world) => {
        for (const person of [ben, ann]) world.enter('alpha', 'contact', person);
        await world.cycle();
        world.crms.get('alpha')!.drop('contact', 'alpha-2');
        const bravo = world.crms.get('bravo')!;
        bravo.before = (verb) => {
          if (verb === 'read') bravo.drop('contact', 'bravo-2');
        };
        const { people } = await world.cycle();
        expect(people!.counts.bravo!.deleted).toBe(0);
      },
      { syncs: [both(['alpha', 'bravo'], { deletes: 'propagate' })] },
    );
  });

  for (const reads of ['id', 'none'] as const)
    it(`a listing that lags behind our own write is no edit, and a person's edit just after it is one: ${reads}`, async () => {
      await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { reads })], async (world) => {
        world.enter('alpha', 'contact', ann);
        await world.cycle();
        await world.cycle();
        const bravo = world.crms.get('bravo')!;
        const stale = bravo.shown('contact', 'bravo-1');
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        await world.cycle();
        const list = bravo.list.bind(bravo);
        bravo.list = async function* () {
          yield { records: [stale], bad: [] };
        };
        await world.cycle(undefined, 1_000);
        expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Baker');
        bravo.list = list;
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' });
        await world.cycle(undefined, 1_000);
        expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Cook');
      });
    });

  it('the default that a CRM gives a record of ours is no edit that would win over a delete', async () => {
    await inWorld(
      [crm('alpha'), crm('bravo', ['active'])],
      async (world) => {
        const bravo = world.crms.get('bravo')!;
        const create = bravo.create.bind(bravo);
        bravo.create = async (entity, record) =>
          await create(entity, { ...record, values: { ...record.values, active: true } });
        for (const person of [ben, ann]) world.enter('alpha', 'contact', person);
        await world.cycle();
        world.crms.get('alpha')!.drop('contact', 'alpha-2');
        const { people } = await world.cycle();
        expect(people!.counts.bravo!.deleted).toBe(1);
        expect(await world.store.conflicts(10)).toEqual([]);
      },
      { syncs: [both(['alpha', 'bravo'], { deletes: 'propagate' })] },
    );
  });

  it('a create that a CRM carried out on the record of somebody else is no edit of that record, and is put right', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const bravo = world.crms.get('bravo')!;
      const create = bravo.create.bind(bravo);
      bravo.create = async (entity, record) => {
        const [first] = bravo.ids(entity);
        if (first === undefined) return await create(entity, record);
        bravo.type(entity, first, record.values);
        return { externalId: first, record: bravo.shown(entity, first) };
      };
      world.enter('alpha', 'contact', ann);
      world.enter('alpha', 'contact', { ...ann, 'name.given': 'Theodor' });
      for (let cycle = 0; cycle < 3; cycle += 1) await world.cycle();
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-1')['name.given']).toBe('Ann');
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-2')['name.given']).toBe('Theodor');
      expect(bravo.holds('contact', 'bravo-1')['name.given']).toBe('Ann');
      expect(await world.store.deadLetters('bravo', 'contact', 10)).toHaveLength(1);
    });
  });

  it('who was deleted, cannot be deleted at one member and is entered anew at another is one person there', async () => {
    await inWorld(
      [crm('alpha', [], { deletes: false }), crm('bravo'), crm('charlie')],
      async (world) => {
        for (const person of [ben, ann]) world.enter('bravo', 'contact', person);
        await world.cycle();
        world.crms.get('charlie')!.drop('contact', 'charlie-2');
        await world.cycle();
        expect(world.crms.get('bravo')!.ids('contact')).toEqual(['bravo-1']);
        world.enter('bravo', 'contact', ann);
        for (let cycle = 0; cycle < 2; cycle += 1) await world.cycle();
        expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
        expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(2);
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      { syncs: [both(['alpha', 'bravo', 'charlie'], { deletes: 'propagate' })] },
    );
  });

  it('who was deleted stays so where a member that cannot delete gives the record another id', async () => {
    await inWorld(
      [crm('alpha'), crm('bravo', [], { deletes: false })],
      async (world) => {
        for (const person of [ben, ann]) world.enter('alpha', 'contact', person);
        await world.cycle();
        world.crms.get('alpha')!.drop('contact', 'alpha-2');
        await world.cycle();
        world.crms.get('bravo')!.drop('contact', 'bravo-2');
        world.enter('bravo', 'contact', ann);
        for (let cycle = 0; cycle < 2; cycle += 1) await world.cycle();
        expect(world.crms.get('alpha')!.ids('contact')).toEqual(['alpha-1']);
        expect(await world.records('contact')).toHaveLength(1);
      },
      { syncs: [both(['alpha', 'bravo'], { deletes: 'propagate' })] },
    );
  });
});
