import { test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ownSystem } from '../../src/connector/connector.ts';
import { AuthError } from '../../src/connector/errors.ts';
import { forget, previewForgetting } from '../../src/engine/forget.ts';
import { forgottenAmong, leftOut } from '../../src/engine/forgotten.ts';
import type { Aggregate } from '../../src/store/store.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { ann, ben, crm, inWorld, written } from './small.ts';
import type { World } from './world.ts';

const unread = new AuthError('charlie: list: 401', { connection: 'charlie', status: 401 });
const known = (aggregate: Aggregate | undefined) =>
  (aggregate?.links ?? [])
    .filter(({ state }) => state === 'live')
    .map(({ connection, externalId }) => ({ connection, externalId }));
async function forgetAnn(world: World, id: string): Promise<void> {
  await forget(world.context, { recordId: (await world.recordOf('alpha', 'contact', id))!.record.id });
  world.forgetCalls();
}
const names = async (world: World) => (await world.records('contact')).map(({ record }) => record.values['name.given']);

describe('who was forgotten', () => {
  law.prop([plans()], { numRuns: Math.ceil(runs / 4) })(
    'is in no canonical record and no write any more, and nobody else is touched',
    async (plan) => {
      const world = await openPlan(plan);
      try {
        await live(world, plan);
        await world.cycle();
        await world.cycle();
        const records = await world.records('contact');
        const one = records[plan.seed % records.length];
        if (!one) return;
        const others = records.filter(({ record }) => record.id !== one.record.id);
        const { others: alike } = await previewForgetting(world.context, { recordId: one.record.id });
        const { erasure } = await forget(world.context, { recordId: one.record.id });
        expect(erasure.remaining).toEqual(
          expect.arrayContaining(known(one).map((link) => expect.objectContaining(link))),
        );
        world.forgetCalls();
        const outcomes = [await world.cycle(), await world.cycle()];
        for (const { connection, externalId } of known(one))
          expect(await world.recordOf(connection, 'contact', externalId)).toBeUndefined();
        const after = await world.store.aggregates(others.map(({ record }) => record.id));
        for (const { record, links } of others)
          expect(known(after.get(record.id)), `contact ${record.id}`).toEqual(known({ record, links }));
        // What somebody alike waited for may go on now; else nothing is left to do.
        if (alike.length === 0 && erasure.traces.reviews + erasure.traces.unmatched === 0)
          expect(written(world)).toEqual([]);
        for (const outcome of outcomes)
          for (const { state, counts } of Object.values(outcome)) {
            expect(state).not.toBe('failed');
            for (const { read, unchanged, unsupported, conflicts } of Object.values(counts))
              expect(read - unchanged).toBeLessThanOrEqual(unsupported + conflicts);
          }
      } finally {
        await world.close();
      }
    },
  );

  it('is not taken in from a CRM that was not read until then, and counts there', async () => {
    await inWorld(
      ['alpha', 'bravo', 'charlie'].map((name) => crm(name)),
      async (world) => {
        const id = world.enter('alpha', 'contact', ann);
        world.enter('alpha', 'contact', ben);
        const late = world.enter('charlie', 'contact', { ...ann, 'name.given': 'A.' });
        world.crms.get('charlie')!.disturbs = (verb) => {
          if (verb === 'list') throw unread;
        };
        await world.cycle();
        await forgetAnn(world, id);
        world.crms.get('charlie')!.disturbs = () => {};
        const { people } = await world.cycle();
        expect(await world.recordOf('charlie', 'contact', late)).toBeUndefined();
        expect(await names(world)).toEqual(['Ben']);
        expect(people!.counts.charlie).toMatchObject({
          read: 1,
          created: 1,
          unsupported: 1,
          quarantined: 0,
          failed: 0,
        });
        expect(people!.state).toBe('done');
        expect(await leftOut(world.store, 'charlie', 'contact')).toBe(1);
        expect(written(world).filter((line) => !line.startsWith('charlie create'))).toEqual([]);
        world.crms.get('charlie')!.drop('contact', late);
        await world.cycle();
        expect(await leftOut(world.store, 'charlie', 'contact')).toBe(0);
      },
    );
  });

  it('is not born of a create whose answer was lost', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const id = world.enter('alpha', 'contact', ann);
      world.crms.get('bravo')!.loses = () => 'answer';
      await world.cycle();
      world.crms.get('bravo')!.loses = () => 'nothing';
      await forgetAnn(world, id);
      await world.cycle();
      await world.cycle();
      expect(await names(world)).toEqual([]);
      expect(written(world)).toEqual([]);
    });
  });

  it('is not taken in because a webhook names them, whatever they are called by then', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const id = world.enter('alpha', 'contact', ann);
      await world.cycle();
      await forgetAnn(world, id);
      world.edit('alpha', 'contact', id, ben);
      const hint = { entity: 'contact', externalId: id, what: 'changed' } as const;
      await world.store.receive([{ connection: 'alpha', id: undefined, hints: [hint], at: world.clock.now() }]);
      expect((await world.round()).people).toMatchObject({ state: 'done', ended: 1 });
      expect(await names(world)).toEqual([]);
      expect(written(world)).toEqual([]);
    });
  });

  it('is known by cross-references, to us and to other CRMs', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const id = world.enter('alpha', 'contact', ann);
      await world.cycle();
      const recordId = (await world.recordOf('alpha', 'contact', id))!.record.id;
      await forgetAnn(world, id);
      const shown = [
        { externalId: 'ours', values: {}, xrefs: [{ system: ownSystem, id: recordId }] },
        { externalId: 'theirs', values: {}, xrefs: [{ system: 'alpha', id }] },
        { externalId: 'other', values: {}, xrefs: [{ system: 'alpha', id: `${id}0` }] },
        { externalId: 'none', values: {} },
      ];
      const found = await forgottenAmong(world.context, 'bravo', 'contact', shown);
      expect([...found]).toEqual(['ours', 'theirs']);
    });
  });

  it('takes a record along that waits to be matched and shows their address, and no other', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const id = world.enter('alpha', 'contact', ann);
      const doubles = [1, 2].map(() => world.enter('bravo', 'contact', { ...ann, 'name.given': 'Anna' }));
      await world.cycle();
      expect(await world.store.openReviews('contact')).not.toEqual([]);
      await forgetAnn(world, id);
      expect((await world.store.unmatchedOf('bravo', 'contact', doubles)).size).toBe(0);
      expect(await world.store.openReviews('contact')).toEqual([]);
      await world.cycle();
      expect(await names(world)).toEqual([]);
    });
  });
});
