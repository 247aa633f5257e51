import { describe, expect, it } from 'vitest';
import { readDecided } from '../../src/engine/decided.ts';
import type { DecisionError } from '../../src/engine/decision.ts';
import { findDoubts } from '../../src/engine/doubts.ts';
import { findReview, openReviews, readReview, reviewId } from '../../src/engine/reviews.ts';
import { settleReview, type Verdict } from '../../src/engine/settle-review.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { given, link } from '../store/samples.ts';
import { annAtWork, annMarried, groups, held, idOf, paths, readers } from './decided.ts';
import { disagreements } from './laws.ts';
import { ann, ben, both, crm, inWorld } from './small.ts';
import type { World } from './world.ts';

async function settle(world: World, which: string, verdict: Verdict) {
  return await settleReview(world.context, await findReview(world.context, which), verdict);
}

describe('a review', () => {
  const solo = { syncs: [readers] };
  const three = [crm('alpha', paths), crm('bravo', paths), crm('charlie', paths)];

  async function waiting(world: World) {
    const alpha = world.enter('alpha', 'contact', ann);
    const bravo = world.enter('bravo', 'contact', annMarried);
    await world.cycle();
    await world.cycle();
    return { alpha, bravo };
  }

  it('shows the record and its candidates side by side, with their evidence', () =>
    inWorld(
      three,
      async (world) => {
        const { alpha, bravo } = await waiting(world);
        const [review, ...others] = await openReviews(world.context);
        expect(others).toEqual([]);
        expect(await openReviews(world.context, { connection: 'nobody' })).toEqual([]);
        expect(await openReviews(world.context, { entity: 'lead' })).toEqual([]);
        const item = await readReview(world.context, review!);
        expect(item).toMatchObject({ id: reviewId(review!), skippedAt: null });
        const [mine, theirs] = item!.connection === 'bravo' ? [bravo, alpha] : [alpha, bravo];
        expect(item!.externalId).toBe(mine);
        expect(item!.candidates).toMatchObject([{ evidence: expect.stringContaining('e-mail') as string }]);
        expect(item!.candidates[0]!.score).toBeGreaterThan(0);
        expect(item!.candidates[0]!.links.some((link) => link.endsWith(`:${theirs}`))).toBe(true);
        expect(item!.fields.map(({ path, others: [other] }) => [path, other!.isSame])).toEqual([
          ['name.given', true],
          ['name.family', false],
          ['email.primary', true],
          ['jobTitle', false],
        ]);
      },
      solo,
    ));

  it('is named by its id or by the record, and by nothing else', () =>
    inWorld(
      three,
      async (world) => {
        await waiting(world);
        const [review] = await openReviews(world.context);
        const { connection, externalId } = review!;
        expect(await findReview(world.context, reviewId(review!))).toEqual(review);
        expect(await findReview(world.context, `${connection}:${externalId}`)).toEqual(review);
        await expect(findReview(world.context, 'nobody:1')).rejects.toMatchObject({ code: 'unknown' });
      },
      solo,
    ));

  it('that is settled by a link makes one person of two, whose values are merged and written', () =>
    inWorld(
      three,
      async (world) => {
        await waiting(world);
        const [review] = await openReviews(world.context);
        const [candidate] = review!.candidates;
        await settleReview(world.context, review!, { say: 'link', recordId: candidate!.recordId });
        expect(await openReviews(world.context)).toEqual([]);
        await world.cycle();
        expect(await groups(world)).toHaveLength(1);
        expect(held(world, 'charlie')).toHaveLength(1);
        expect(held(world, 'charlie')[0]).toMatchObject({ jobTitle: 'Tailor' });
        const [record] = await world.records('contact');
        expect(record!.links.map(({ evidence }) => evidence)).toContain('linked by a person');
        expect(await disagreements(world, 'contact')).toEqual([]);
      },
      solo,
    ));

  it.each(['keep-apart', 'create'] as const)('that is settled by %s makes two people, for ever', (say) =>
    inWorld(
      three,
      async (world) => {
        const { alpha, bravo } = await waiting(world);
        const [review] = await openReviews(world.context);
        await settleReview(world.context, review!, { say });
        await world.cycle();
        expect(held(world, 'charlie')).toHaveLength(2);
        // Whatever they show from now on, and also if one of them gets lost and comes back.
        world.edit('bravo', 'contact', bravo, { 'name.family': 'Ashworth' });
        await world.cycle();
        for (const [name, id] of [
          ['alpha', alpha],
          ['bravo', bravo],
        ] as const) {
          const one = world.crms.get(name)!;
          const values = one.holds('contact', id);
          one.drop('contact', id);
          await world.cycle();
          await world.cycle();
          one.enter('contact', values, id);
          await world.cycle();
          await world.cycle();
        }
        for (const { links } of await world.records('contact'))
          expect(
            links.filter(({ connection }) => connection !== 'charlie').map((link) => link.connection),
          ).toHaveLength(1);
      },
      solo,
    ),
  );

  it('that was settled by keep-apart holds also when one of the two was deleted everywhere and comes back', () =>
    inWorld(
      [crm('alpha', paths), crm('bravo', paths)],
      async (world) => {
        const { bravo } = await waiting(world);
        for (const name of world.crms.keys()) world.enter(name, 'contact', ben);
        const [review] = await openReviews(world.context);
        await settleReview(world.context, review!, { say: 'keep-apart' });
        await world.cycle();
        world.edit('bravo', 'contact', bravo, { 'name.family': 'Ashworth' });
        await world.cycle();
        for (const [name, one] of world.crms) {
          const [id] = one.ids('contact');
          const values = one.holds('contact', id!);
          one.drop('contact', id!);
          await world.cycle();
          await world.cycle();
          expect(await world.records('contact'), name).toHaveLength(2);
          one.enter('contact', values, id);
          await world.cycle();
          await world.cycle();
          expect(await groups(world), name).toHaveLength(3);
        }
      },
      { syncs: [both([], { members: readers.members.slice(0, 2) })] },
    ));

  it('that was settled by keep-apart holds for everything else that the two were linked to', async () => {
    const store = await openSqliteStore(':memory:');
    try {
      const gone = link('9', 'a', { connection: 'room', state: 'gone' });
      await given(store, ['a', 'b'], {
        links: [link('x-a', 'a'), link('x-b', 'b'), gone],
        apart: [{ one: { connection: 'site', externalId: 'x-a' }, other: { connection: 'site', externalId: 'x-b' } }],
      });
      const [a, b] = [...(await store.aggregates(['a', 'b'])).values()];
      const decided = await readDecided(store, 'room', 'contact', ['8', '9']);
      expect([decided.isApart('9', b!), decided.isApart('9', a!), decided.isApart('8', b!)]).toEqual([
        true,
        false,
        false,
      ]);
    } finally {
      await store.close();
    }
  });

  it('that is left for later stays open and unlinked, and comes last', () =>
    inWorld(
      three,
      async (world) => {
        await waiting(world);
        const [review] = await openReviews(world.context);
        await settleReview(world.context, review!, { say: 'skip' });
        await world.cycle();
        expect(await openReviews(world.context)).toMatchObject([{ skippedAt: expect.any(Number) as number }]);
        expect(held(world, 'charlie')).toHaveLength(1);
      },
      solo,
    ));

  it('is not linked to a person who has a record in that CRM, but once that is deleted', () =>
    inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      const first = world.enter('alpha', 'contact', ann);
      await world.cycle();
      const second = world.enter('alpha', 'contact', annMarried);
      await world.cycle();
      const recordId = await idOf(world, 'alpha', first);
      const item = await readReview(world.context, await findReview(world.context, `alpha:${second}`));
      expect(item!.candidates).toMatchObject([{ canonicalId: recordId, twin: first }]);
      const refusal = settle(world, `alpha:${second}`, { say: 'link', recordId });
      await expect(refusal).rejects.toMatchObject({ code: 'double' } satisfies Partial<DecisionError>);
      await expect(refusal).rejects.toThrow(`merge ${first} and ${second} in alpha`);
    }));

  it('that was settled by somebody else is refused', () =>
    inWorld(
      three,
      async (world) => {
        await waiting(world);
        const [review] = await openReviews(world.context);
        await settleReview(world.context, review!, { say: 'create' });
        await expect(settleReview(world.context, review!, { say: 'create' })).rejects.toMatchObject({
          code: 'settled',
        });
      },
      solo,
    ));
});

describe('links of before a change of the rules', () => {
  const phone = { 'phone.mobile': '+4930123456' };
  const two = ['alpha', 'bravo'].map((name) => crm(name, [...paths, 'phone.mobile']));

  it('are in doubt where their evidence does not count any more, and another sync does not have its rule', () =>
    inWorld(two, async (world) => {
      world.enter('alpha', 'contact', { ...ann, ...phone });
      world.enter('bravo', 'contact', { ...annAtWork, ...phone });
      world.enter('alpha', 'contact', ben);
      world.enter('bravo', 'contact', ben);
      await world.cycle();
      expect(await groups(world)).toHaveLength(2);
      const doubts = async (...rules: readonly SyncPolicy['match'][]) => {
        const syncs = rules.map((match) => both(['alpha', 'bravo'], { match }));
        const found = await findDoubts({ ...world.context, syncs }, syncs.slice(0, 1));
        return found.map(({ rule, count, links }) => [rule, count, links.length]);
      };
      expect(await doubts(['xref', 'email', 'phone'])).toEqual([]);
      expect(await doubts(['email'])).toEqual([['phone', 1, 1]]);
      expect(await doubts(['phone'])).toEqual([['email', 1, 1]]);
      expect(await doubts(['email'], ['phone'])).toEqual([]);
    }));
});
