import { describe, expect, it } from 'vitest';
import { LookAgainError, RejectedError, RetryableError } from '../../src/connector/errors.ts';
import { noCounts } from '../../src/engine/engine.ts';
import { look } from '../../src/engine/look.ts';
import type { Batch, Store } from '../../src/store/store.ts';
import { noHabits } from './habits.ts';
import { disagreements, lostEdits } from './laws.ts';
import { ann, ben, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import { policy } from './world.ts';

describe('what simulated lives have shown', () => {
  it('an update that never landed is not taken for ours when a person types the same much later', async () => {
    const paths = ['jobTitle'];
    await inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      await world.cycle();
      const bravo = world.crms.get('bravo')!;
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      bravo.disturbs = (verb) => {
        if (verb === 'update')
          throw new LookAgainError(new RetryableError('bravo: reset', { connection: 'bravo', operation: 'update' }));
      };
      await world.cycle();
      bravo.disturbs = () => {};
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Tailor' });
      // One that looks too soon does not settle it, and is not the last.
      await world.cycle(undefined, 1_000);
      await world.cycle();
      world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Baker' });
      await world.cycle();
      for (const [name, one] of world.crms) expect(one.holds('contact', `${name}-1`).jobTitle).toBe('Baker');
    });
  });

  it('what somebody typed at a member that is only written to is in the log when the record is deleted', async () => {
    const people = policy(
      [
        { connection: 'alpha', direction: 'both' },
        { connection: 'bravo', direction: 'write' },
      ],
      { deletes: 'propagate' },
    );
    for (const isLate of [false, true])
      await inWorld(
        [crm('alpha', ['tags']), crm('bravo', ['tags'], { showsEmptyAs: 'absent' })],
        async (world) => {
          for (const person of [ben, ann]) world.enter('alpha', 'contact', person);
          await world.cycle();
          const bravo = world.crms.get('bravo')!;
          world.crms.get('alpha')!.drop('contact', 'alpha-2');
          if (isLate) {
            bravo.disturbs = (verb) => {
              if (verb === 'delete') throw new RetryableError('bravo: 503', { connection: 'bravo', status: 503 });
            };
            await world.cycle();
            bravo.disturbs = () => {};
          }
          world.edit('bravo', 'contact', 'bravo-2', { tags: ['likes tea'] });
          await world.cycle();
          expect(world.crms.get('bravo')!.ids('contact')).toEqual(['bravo-1']);
          expect(await world.store.conflicts(10)).toMatchObject([
            { path: 'tags', winner: { connection: 'alpha', value: null }, loser: { value: ['likes tea'] } },
          ]);
          expect(await lostEdits(world)).toEqual([]);
        },
        { syncs: [people] },
      );
  });

  it('of two processes, one that learns what is typed where nothing counts and one that learns what wins, one logs it', async () => {
    const people = policy([
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction: 'write' },
    ]);
    for (const late of ['alpha', 'bravo'])
      await inWorld(
        [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { showsEmptyAs: 'absent' })],
        async (world) => {
          world.enter('alpha', 'contact', ann);
          await world.cycle();
          world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
          world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Tailor' });
          const [hasRead, mayWrite] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
          const commit = async (batch: Batch) => {
            hasRead.resolve();
            await mayWrite.promise;
            await world.store.commit(batch);
          };
          const take = (connection: string, store: Store) =>
            look(
              { ...world.context, store },
              {
                ...{ sync: people, connection, run: 'run-2', counts: noCounts() },
                records: [{ externalId: `${connection}-1`, hintedAt: world.clock.now() }],
              },
            );
          world.clock.advance(60_000);
          const slow = take(late, { ...world.store, commit });
          await hasRead.promise;
          await take(late === 'alpha' ? 'bravo' : 'alpha', world.store);
          mayWrite.resolve();
          await slow;
          await world.cycle();
          expect(world.crms.get('bravo')!.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
          expect(await world.store.conflicts(9), `${late} is late`).toMatchObject([
            { path: 'jobTitle', winner: { connection: 'alpha', value: 'Baker' }, loser: { value: 'Tailor' } },
          ]);
        },
        { syncs: [people] },
      );
  });

  it('a number typed where it does not count is in the log when another number is written over it', async () => {
    const members = [
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction: 'both' },
    ] as const;
    const alone = { from: ['alpha'] };
    for (const people of [
      policy([members[0], { connection: 'bravo', direction: 'write' }]),
      policy(members, { fields: { 'phone.mobile': alone, 'phone.work': alone } }),
    ])
      await inWorld(
        [crm('alpha', ['phone.work']), crm('bravo', ['phone.primary'], { showsEmptyAs: 'absent' })],
        async (world) => {
          world.enter('alpha', 'contact', ann);
          await world.cycle();
          world.edit('alpha', 'contact', 'alpha-1', { 'phone.work': '+49307013372' });
          world.edit('bravo', 'contact', 'bravo-1', { 'phone.primary': '+49307013506' });
          await world.cycle();
          expect(world.crms.get('bravo')!.holds('contact', 'bravo-1')['phone.primary']).toBe('+49307013372');
          expect(await world.store.conflicts(9)).toMatchObject([
            { path: 'phone.work', winner: { connection: 'alpha' }, loser: { value: '+49307013506' } },
          ]);
        },
        { syncs: [people] },
      );
  });

  it('an edit at a CRM that only another sync reads wins over a delete, whichever sync is first', async () => {
    const both = (connection: string) => ({ connection, direction: 'both' }) as const;
    const syncs = [
      policy([both('alpha'), both('bravo')], { name: 'first', deletes: 'propagate' }),
      policy([both('bravo'), both('charlie')], { name: 'second', deletes: 'propagate' }),
    ];
    for (const reads of ['id', 'none'] as const)
      await inWorld(
        [crm('alpha', []), crm('bravo', []), crm('charlie', ['jobTitle'], { reads })],
        async (world) => {
          const cleo = { 'name.given': 'Cleo', 'name.family': 'Crane', 'email.primary': 'cleo@crane.example' };
          for (const person of [ben, ann, cleo]) world.enter('alpha', 'contact', person);
          for (let cycles = 0; cycles < 3; cycles += 1) await world.cycle();
          world.crms.get('alpha')!.drop('contact', 'alpha-2');
          world.edit('charlie', 'contact', 'charlie-2', { jobTitle: 'Baker' });
          for (let cycles = 0; cycles < 4; cycles += 1) await world.cycle();
          expect(world.crms.get('bravo')!.ids('contact')).toEqual(['bravo-1', 'bravo-2', 'bravo-3']);
          expect(world.crms.get('charlie')!.holds('contact', 'charlie-2').jobTitle).toBe('Baker');
          expect(await world.store.conflicts(10)).toMatchObject([
            { path: 'jobTitle', winner: { connection: 'charlie', value: 'Baker' }, loser: { connection: 'alpha' } },
          ]);
          world.crms.get('alpha')!.drop('contact', 'alpha-1');
          for (let cycles = 0; cycles < 4; cycles += 1) await world.cycle();
          const left = world.crms.get('charlie')!.ids('contact');
          expect(left, 'a delete that nothing contradicts').toEqual(['charlie-2', 'charlie-3']);
        },
        { syncs },
      );
  });

  it('what a write without an answer has done stays ours when the next one is refused', async () => {
    const habits = { ...noHabits, upper: ['jobTitle'] };
    const specs = [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { reads: 'none', habits })];
    await inWorld(specs, async (world) => {
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Tailor' });
      const bravo = world.crms.get('bravo')!;
      const update = bravo.update.bind(bravo);
      let updates = 0;
      bravo.update = async (entity, id, change) => {
        updates += 1;
        if (updates > 1) throw new RejectedError('bravo: 422', { connection: 'bravo', status: 422 });
        await update(entity, id, change);
        throw new LookAgainError(new RetryableError('bravo: reset', { connection: 'bravo', operation: 'update' }));
      };
      await world.cycle();
      expect(updates, 'one without an answer, and one that was refused').toBe(2);
      for (let cycles = 0; cycles < 2; cycles += 1) await world.cycle();
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Tailor');
      expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('TAILOR');
      expect(await world.store.conflicts(9)).toEqual([]);
    });
  });

  it('what a listing that lags shows of the time before two writes is no edit', async () => {
    const paths = ['jobTitle'];
    await inWorld([crm('alpha', paths), crm('bravo', paths, { reads: 'none' })], async (world) => {
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      const [alpha, bravo] = [world.crms.get('alpha')!, world.crms.get('bravo')!];
      const held = [{ at: 0, record: bravo.shown('contact', 'bravo-1') }];
      const update = bravo.update.bind(bravo);
      bravo.update = async (entity, id, change) => {
        const reply = await update(entity, id, change);
        held.push({ at: world.clock.now(), record: bravo.shown('contact', 'bravo-1') });
        return reply;
      };
      bravo.list = async function* () {
        yield { records: [held.findLast(({ at }) => at <= world.clock.now() - 4_000)!.record], bad: [] };
      };
      for (const jobTitle of ['Tailor', 'Baker']) {
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle });
        await world.cycle(undefined, 1_000);
      }
      for (const restMs of [1_000, 3_500, 60_000]) await world.cycle(undefined, restMs);
      for (const [name, one] of world.crms) expect(one.holds('contact', `${name}-1`).jobTitle).toBe('Baker');
      expect(alpha.writes, 'what a person typed is the last word').toEqual([]);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
    });
  });

  it('a second record of a person takes no tags away when it is left alone', async () => {
    const paths = ['tags'];
    await inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      world.edit('bravo', 'contact', 'bravo-1', { tags: ['red', 'blue'] });
      world.enter('alpha', 'contact', { ...ann, tags: ['green', 'Blue'] });
      await world.cycle();
      world.crms.get('alpha')!.drop('contact', 'alpha-1');
      await world.cycle();
      await world.cycle();
      const tags = world.crms.get('bravo')!.holds('contact', 'bravo-1').tags as readonly string[];
      expect([...tags].map((tag) => tag.toLowerCase()).sort()).toEqual(['blue', 'green', 'red']);
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });

  it('a record that is brought back as it was gets what came in while it was gone', async () => {
    const paths = ['jobTitle'];
    await inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      for (const person of [ben, { ...ann, jobTitle: 'Tailor' }]) world.enter('alpha', 'contact', person);
      await world.cycle();
      const alpha = world.crms.get('alpha')!;
      const before = alpha.holds('contact', 'alpha-2');
      alpha.drop('contact', 'alpha-2');
      await world.cycle();
      world.edit('bravo', 'contact', 'bravo-2', { jobTitle: 'Baker' });
      await world.cycle();
      alpha.bringBack('contact', 'alpha-2', before);
      await world.cycle();
      expect(alpha.holds('contact', 'alpha-2').jobTitle).toBe('Baker');
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });
});
