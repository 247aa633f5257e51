import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { readDecided } from '../../src/engine/decided.ts';
import type { DecisionError } from '../../src/engine/decision.ts';
import { findDoubts } from '../../src/engine/doubts.ts';
import { translateOut } from '../../src/engine/references.ts';
import { mergeRecords, splitRecord } from '../../src/engine/regroup.ts';
import { findReview, openReviews, readReview, reviewId } from '../../src/engine/reviews.ts';
import { settleReview, type Verdict } from '../../src/engine/settle-review.ts';
import { isEmpty } from '../../src/model/values.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { given, link } from '../store/samples.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { disagreements } from './laws.ts';
import { ann, ben, both, crm, inWorld, written } from './small.ts';
import { policy, type World } from './world.ts';

/** The same address and another family name: only a person can tell. */
const annMarried = { ...ann, 'name.family': 'Brennecke-Li', jobTitle: 'Tailor' };
const annAtWork = { ...ann, 'email.primary': 'ann@work.example', jobTitle: 'Tailor' };
const paths = ['jobTitle'];

/** Two CRMs that are only read, so that nobody is created there, and one that gets everything. */
const readers = both(['alpha', 'bravo', 'charlie'], {
  members: [
    { connection: 'alpha', direction: 'read' },
    { connection: 'bravo', direction: 'read' },
    { connection: 'charlie', direction: 'both' },
  ],
});

async function settle(world: World, which: string, verdict: Verdict) {
  return await settleReview(world.context, await findReview(world.context, which), verdict);
}

/** The filled values of everybody in a CRM. */
function held(world: World, name: string): readonly object[] {
  const one = world.crms.get(name)!;
  return one
    .ids('contact')
    .map((id) => Object.fromEntries(Object.entries(one.holds('contact', id)).filter(([, value]) => !isEmpty(value))));
}

async function idOf(world: World, connection: string, externalId: string): Promise<string> {
  return (await world.recordOf(connection, 'contact', externalId))!.record.id;
}

/** Every record's links, as CONNECTION:EXTERNALID. */
async function groups(world: World): Promise<readonly string[]> {
  const records = await world.records('contact');
  const named = records.map(({ links }) =>
    links.filter(({ state }) => state === 'live').map(({ connection, externalId }) => `${connection}:${externalId}`),
  );
  return named.map((names) => names.toSorted().join(' ')).toSorted();
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

describe('two records that are one person', () => {
  it('become one with the links of both; a loser is logged', () =>
    inWorld(
      [crm('alpha', paths), crm('bravo', paths), crm('charlie', paths)],
      async (world) => {
        const alpha = world.enter('alpha', 'contact', ann);
        await world.cycle();
        const bravo = world.enter('bravo', 'contact', annAtWork);
        await world.cycle();
        const [a, b] = [await idOf(world, 'alpha', alpha), await idOf(world, 'bravo', bravo)];
        expect(a).not.toBe(b);
        const end = await mergeRecords(world.context, 'contact', a, b);
        expect(end).toMatchObject({ survivorId: a, mergedId: b, moved: [{ connection: 'bravo', externalId: bravo }] });
        expect(end.doubles.map(({ connection }) => connection)).toEqual(['charlie']);
        expect(await groups(world)).toHaveLength(1);
        const conflicts = await world.store.conflictsOf(a);
        expect(conflicts.map(({ path }) => path)).toEqual(['email.primary']);
        const history = await world.store.history(a);
        const { run } = end;
        expect(history.every(({ origin }) => origin.run !== run || origin.rule.startsWith('merged: '))).toBe(true);
        const [record] = await world.records('contact');
        expect(record!.record.values.jobTitle).toBe('Tailor');
        expect(record!.record.origins.jobTitle).toMatchObject({ connection: 'bravo', run, rule: 'merged: first seen' });
        // The double waits, whatever it shows; when the other one is deleted there, it takes its place.
        const [double] = end.doubles;
        await world.cycle();
        expect(await openReviews(world.context)).toMatchObject([
          { connection: 'charlie', externalId: double!.externalId },
        ]);
        world.crms.get('charlie')!.drop('contact', double!.other);
        await world.cycle();
        await world.cycle();
        expect(await openReviews(world.context)).toEqual([]);
        expect(await groups(world)).toEqual([
          [`alpha:${alpha}`, `bravo:${bravo}`, `charlie:${double!.externalId}`].join(' '),
        ]);
        expect(await disagreements(world, 'contact')).toEqual([]);
      },
      { syncs: [readers] },
    ));

  it.each([true, false])(
    'are two again when the merge is taken back, with what each was; with cycles between: %s',
    (isSynced) =>
      inWorld(
        [crm('alpha', paths), crm('bravo', paths), crm('charlie', paths)],
        async (world) => {
          const alpha = world.enter('alpha', 'contact', { ...ann, jobTitle: 'Baker' });
          const other = world.enter('bravo', 'contact', { ...annAtWork, jobTitle: 'Tailor' });
          await world.cycle();
          const before = { charlie: held(world, 'charlie'), groups: await groups(world) };
          const [a, b] = [await idOf(world, 'alpha', alpha), await idOf(world, 'bravo', other)];
          const { doubles: two } = await mergeRecords(world.context, 'contact', a, b);
          if (isSynced) {
            await world.cycle();
            await world.cycle();
          }
          const end = await splitRecord(world.context, 'contact', a, [{ connection: 'bravo', externalId: other }]);
          expect(end).toMatchObject({ stayingId: a, leavingId: b, isTakenBack: true, unclear: [] });
          expect(end.moved).toContainEqual({ connection: 'charlie', externalId: two[0]!.externalId });
          expect(await groups(world)).toEqual(before.groups);
          await world.cycle();
          await world.cycle();
          expect(held(world, 'charlie')).toEqual(before.charlie);
          expect(await groups(world)).toEqual(before.groups);
          expect(await openReviews(world.context)).toEqual([]);
          world.forgetCalls();
          await world.cycle();
          expect(written(world)).toEqual([]);
        },
        { syncs: [readers] },
      ),
  );

  it('and what was edited since the merge stays with whom it was typed at', () =>
    inWorld(
      [crm('alpha', [...paths, 'notes']), crm('bravo', [...paths, 'notes']), crm('charlie', [...paths, 'notes'])],
      async (world) => {
        const alpha = world.enter('alpha', 'contact', ann);
        const bravo = world.enter('bravo', 'contact', annAtWork);
        await world.cycle();
        const [a, b] = [await idOf(world, 'alpha', alpha), await idOf(world, 'bravo', bravo)];
        await mergeRecords(world.context, 'contact', a, b);
        await world.cycle();
        world.edit('bravo', 'contact', bravo, { notes: 'typed at bravo' });
        await world.cycle();
        world.edit('alpha', 'contact', alpha, { 'name.given': 'Anna' });
        await world.cycle();
        await splitRecord(world.context, 'contact', a, [{ connection: 'bravo', externalId: bravo }]);
        await world.cycle();
        const valuesOf = async (id: string) => (await world.store.aggregates([id])).get(id)!.record.values;
        expect(await valuesOf(b)).toMatchObject({ 'name.given': 'Ann', notes: 'typed at bravo', jobTitle: 'Tailor' });
        expect(await valuesOf(a)).toMatchObject({ 'name.given': 'Anna', notes: null, jobTitle: null });
        expect(await disagreements(world, 'contact')).toEqual([]);
      },
      { syncs: [readers] },
    ));

  it('become one also where nothing of what they show says so: doubles wait until one of them is deleted', () =>
    inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const [first, second] = [world.enter('alpha', 'contact', ann), world.enter('alpha', 'contact', ben)];
      await world.cycle();
      const [a, b] = [await idOf(world, 'alpha', first), await idOf(world, 'alpha', second)];
      expect((await mergeRecords(world.context, 'contact', a, b)).doubles).toHaveLength(2);
      await world.cycle();
      await world.cycle();
      expect(await openReviews(world.context)).toHaveLength(2);
      expect(await groups(world)).toHaveLength(1);
      world.crms.get('alpha')!.drop('contact', first);
      await world.cycle();
      await world.cycle();
      expect(await openReviews(world.context)).toMatchObject([{ connection: 'bravo' }]);
      expect(await idOf(world, 'alpha', second)).toBe(a);
    }));

  it('become one only after a create that is under way: what it makes is a double, and nobody’s', () =>
    inWorld(
      [crm('alpha', paths), crm('bravo', paths), crm('charlie', paths)],
      async (world) => {
        const alpha = world.enter('alpha', 'contact', ann);
        await world.cycle();
        const bravo = world.enter('bravo', 'contact', annAtWork);
        const a = await idOf(world, 'alpha', alpha);
        const merge = async () => await mergeRecords(world.context, 'contact', a, await idOf(world, 'bravo', bravo));
        let merging: ReturnType<typeof merge> | undefined;
        world.crms.get('charlie')!.before = (verb) => {
          if (verb === 'create') merging ??= merge();
        };
        await world.cycle();
        const [, made] = world.crms.get('charlie')!.ids('contact');
        expect((await merging)?.doubles).toMatchObject([{ connection: 'charlie', externalId: made }]);
      },
      { syncs: [readers] },
    ));

  it('take over what waits for a person: conflicts, and who may be one of them', () =>
    inWorld(
      [crm('alpha', paths), crm('bravo', paths), crm('charlie', paths), crm('delta', paths)],
      async (world) => {
        const alpha = world.enter('alpha', 'contact', ann);
        const bravo = world.enter('bravo', 'contact', { ...annAtWork, 'name.given': 'Anna' });
        const charlie = world.enter('charlie', 'contact', { ...annAtWork, 'name.given': 'Anna' });
        await world.cycle();
        world.edit('bravo', 'contact', bravo, { jobTitle: 'Baker' });
        world.edit('charlie', 'contact', charlie, { jobTitle: 'Cook' });
        world.enter('delta', 'contact', { ...annAtWork, 'name.given': 'Anna', 'name.family': 'Brennecke-Li' });
        await world.cycle();
        const [a, b] = [await idOf(world, 'alpha', alpha), await idOf(world, 'bravo', bravo)];
        const waiting = async (id: string) => (await world.store.waitingConflicts([id])).map(({ path }) => path);
        const asked = async () =>
          (await openReviews(world.context)).map(({ candidates }) => candidates.map(({ recordId }) => recordId));
        expect([await waiting(a), await waiting(b)]).toEqual([[], ['jobTitle']]);
        expect(await asked()).toEqual([[b]]);
        await mergeRecords(world.context, 'contact', a, b);
        expect(await waiting(a)).toEqual(['name.given', 'email.primary', 'jobTitle']);
        expect(await waiting(b)).toEqual([]);
        expect(await asked()).toEqual([[a]]);
        expect([...(await world.store.claims([a, b])).keys()]).toEqual([a]);
        await splitRecord(world.context, 'contact', a, [
          { connection: 'bravo', externalId: bravo },
          { connection: 'charlie', externalId: charlie },
        ]);
        expect(await waiting(a)).toEqual([]);
      },
      {
        syncs: [
          both([], {
            members: ['alpha', 'bravo', 'charlie', 'delta'].map((connection) => ({ connection, direction: 'read' })),
            conflicts: 'manual',
          }),
        ],
      },
    ));

  it('mean one to whoever points to either of them', async () => {
    const office = (name: string) => crm(name, [], { fields: { contact: ['account'], account: ['name', 'website'] } });
    const companies = policy(readers.members, { name: 'companies', entity: 'account', match: ['domain', 'name'] });
    await inWorld(
      [office('alpha'), office('bravo'), office('charlie')],
      async (world) => {
        const acme = world.enter('alpha', 'account', { name: 'Acme', website: 'https://acme.example' });
        const other = world.enter('bravo', 'account', { name: 'Emca', website: 'https://emca.example' });
        await world.cycle();
        const recordOf = async (connection: string, id: string) => (await world.recordOf(connection, 'account', id))!;
        const [a, b] = [await recordOf('alpha', acme), await recordOf('bravo', other)];
        const account = async (id: string) =>
          (await translateOut(world.context, 'charlie', 'contact', { account: id })).values.account;
        const before = await account(a.record.id);
        expect(await account(b.record.id)).not.toBe(before);
        await mergeRecords(world.context, 'account', a.record.id, b.record.id);
        expect([await account(a.record.id), await account(b.record.id)]).toEqual([before, before]);
      },
      { syncs: [companies] },
    );
  });

  it('are refused where that makes no sense', () =>
    inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const alpha = world.enter('alpha', 'contact', ann);
      await world.cycle();
      const a = await idOf(world, 'alpha', alpha);
      await expect(mergeRecords(world.context, 'contact', a, a)).rejects.toMatchObject({ code: 'same' });
      await expect(mergeRecords(world.context, 'contact', a, 'nobody')).rejects.toMatchObject({ code: 'unknown' });
      await expect(mergeRecords(world.context, 'account', a, 'nobody')).rejects.toMatchObject({ code: 'unknown' });
      const all = (await world.records('contact'))[0]!.links.map(({ connection, externalId }) => ({
        connection,
        externalId,
      }));
      await expect(splitRecord(world.context, 'contact', a, all)).rejects.toMatchObject({ code: 'nothing_left' });
      const stranger = [{ connection: 'alpha', externalId: '99' }];
      await expect(splitRecord(world.context, 'contact', a, stranger)).rejects.toMatchObject({ code: 'unknown' });
    }));
});

describe('one record that is two people', () => {
  it('is parted: each gets back what is known of its own, is created where it lacks, and is never linked again', () =>
    inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      const alpha = world.enter('alpha', 'contact', { ...ann, jobTitle: 'Baker' });
      const bravo = world.enter('bravo', 'contact', { ...ann, jobTitle: 'Tailor' });
      await world.cycle();
      await world.cycle();
      expect(held(world, 'bravo')).toEqual([{ ...ann, jobTitle: 'Baker' }]);
      const a = await idOf(world, 'alpha', alpha);
      const end = await splitRecord(world.context, 'contact', a, [{ connection: 'bravo', externalId: bravo }]);
      expect(end).toMatchObject({ stayingId: a, isTakenBack: false });
      await world.cycle();
      await world.cycle();
      const titles = (name: string) => held(world, name).map((one) => (one as { jobTitle: string }).jobTitle);
      expect(titles('alpha').toSorted()).toEqual(['Baker', 'Tailor']);
      expect(titles('bravo').toSorted()).toEqual(['Baker', 'Tailor']);
      expect(await groups(world)).toHaveLength(2);
      expect(await openReviews(world.context)).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
    }));

  it('is one again by a merge', () =>
    inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      const alpha = world.enter('alpha', 'contact', ann);
      const bravo = world.enter('bravo', 'contact', ann);
      await world.cycle();
      const a = await idOf(world, 'alpha', alpha);
      const { leavingId } = await splitRecord(world.context, 'contact', a, [
        { connection: 'bravo', externalId: bravo },
      ]);
      expect(await mergeRecords(world.context, 'contact', a, leavingId)).toMatchObject({ doubles: [] });
      const names = (await world.records('contact')).flatMap(({ links }) => links);
      expect(await world.store.apartOf('contact', names)).toEqual([]);
      world.forgetCalls();
      await world.cycle();
      expect(written(world)).toEqual([]);
      expect(await groups(world)).toEqual([`alpha:${alpha} bravo:${bravo}`]);
    }));
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

const deed = fc.record({
  does: fc.constantFrom('link', 'keep-apart', 'create', 'skip', 'merge', 'merge', 'split', 'split'),
  first: fc.nat({ max: 9 }),
  second: fc.nat({ max: 9 }),
});
type Deed = typeof deed extends fc.Arbitrary<infer One> ? One : never;

/** A person decides something, wisely or not. What is refused changes nothing. */
async function act(world: World, { does, first, second }: Deed): Promise<void> {
  const { context } = world;
  const records = await world.records('contact');
  const pick = <One>(from: readonly One[], index: number): One | undefined => from[index % from.length];
  const [one, other] = [pick(records, first)?.record.id, pick(records, second)?.record.id];
  try {
    if (does === 'merge' && one && other) await mergeRecords(context, 'contact', one, other);
    else if (does === 'split' && one) {
      const links = pick(records, first)!.links.filter(({ state }) => state === 'live');
      const link = pick(links, second);
      if (link) await splitRecord(context, 'contact', one, [link]);
    } else {
      const review = pick(await openReviews(context), first);
      if (!review) return;
      const recordId = other ?? one;
      if (does === 'link' && recordId) await settleReview(context, review, { say: 'link', recordId });
      else if (does === 'keep-apart' || does === 'create' || does === 'skip')
        await settleReview(context, review, { say: does });
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DecisionError') throw error;
  }
}

describe('in any world', () => {
  law.prop([plans({ injected: false }), fc.array(fc.array(deed, { maxLength: 4 }), { minLength: 1, maxLength: 3 })], {
    numRuns: Math.ceil(runs / 4),
  })('whatever people decide, two cycles bring agreement, and nobody is made twice', async (plan, days) => {
    const world = await openPlan(plan);
    try {
      await live(world, plan);
      for (const deeds of days) {
        for (const one of deeds) await act(world, one);
        await world.cycle();
      }
      // What waits for a person is written nowhere; in the end all of it is settled.
      for (let day = 0; day < 20; day += 1) {
        for (const review of await openReviews(world.context))
          await settleReview(world.context, review, { say: 'create' });
        await world.cycle();
        if ((await openReviews(world.context)).length === 0) break;
      }
      expect(await openReviews(world.context)).toEqual([]);
      await world.cycle();
      await world.cycle();
      expect(await disagreements(world, 'contact')).toEqual([]);
      const before = [...world.crms.values()].map((one) => one.ids('contact').length);
      world.forgetCalls();
      await world.cycle();
      expect(written(world)).toEqual([]);
      expect([...world.crms.values()].map((one) => one.ids('contact').length)).toEqual(before);
      expect(await shared(world)).toEqual([]);
    } finally {
      await world.close();
    }
  });
});

/** CRM records that two canonical records call their own, and canonical records with two records of one CRM. */
async function shared(world: World): Promise<readonly string[]> {
  const links = (await world.records('contact')).flatMap((one) => one.links.filter(({ state }) => state === 'live'));
  const names = links.flatMap(({ connection, externalId, recordId }) => [
    `${connection}:${externalId}`,
    `${connection} of ${recordId}`,
  ]);
  return names.filter((name, index) => names.indexOf(name) !== index);
}
