import { describe, expect, it } from 'vitest';
import { translateOut } from '../../src/engine/references.ts';
import { mergeRecords, splitRecord } from '../../src/engine/regroup.ts';
import { openReviews } from '../../src/engine/reviews.ts';
import { person } from '../../src/model/values.ts';
import { joinValues } from '../../src/sync/join.ts';
import { annAtWork, groups, held, idOf, paths, readers } from './decided.ts';
import { disagreements } from './laws.ts';
import { ann, ben, both, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import { policy } from './world.ts';

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
          expect(await writtenInOneMoreCycle(world)).toEqual([]);
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

  it('get back their own also where a CRM has had several records of them', () =>
    inWorld([crm('alpha'), crm('bravo')], async (world) => {
      const [first, second] = [world.enter('bravo', 'contact', ann), world.enter('bravo', 'contact', ben)];
      await world.cycle();
      const [a, b] = [await idOf(world, 'bravo', first), await idOf(world, 'bravo', second)];
      await mergeRecords(world.context, 'contact', b, a);
      await splitRecord(world.context, 'contact', b, [{ connection: 'bravo', externalId: second }]);
      await world.cycle();
      expect(await idOf(world, 'bravo', first)).toBe(b);
      const back = await splitRecord(world.context, 'contact', b, [{ connection: 'bravo', externalId: first }]);
      expect(back).toMatchObject({ leavingId: a, isTakenBack: true });
      const both = await world.store.aggregates([a, b]);
      expect([both.get(a)!.record.values, both.get(b)!.record.values]).toEqual([ann, ben]);
    }));

  it('keep what a person gave to concordat, whichever of them has it', () =>
    inWorld(
      [crm('alpha', paths), crm('bravo', paths), crm('charlie', paths)],
      async (world) => {
        const alpha = world.enter('alpha', 'contact', { ...ann, jobTitle: 'Baker' });
        const bravo = world.enter('bravo', 'contact', annAtWork);
        await world.cycle();
        const [a, b] = [await idOf(world, 'alpha', alpha), await idOf(world, 'bravo', bravo)];
        const records = await world.store.aggregates([a, b]);
        const origin = { connection: person, run: 'r', at: 1, rule: 'typed' };
        const join = (into: string, other: string, path: string) => {
          const [one, two] = [records.get(into)!.record, records.get(other)!.record];
          const said = { values: { ...two.values, [path]: 'Said' }, origins: { ...two.origins, [path]: origin } };
          return [
            joinValues('contact', readers, one, said, { run: 'd', at: 2 }, {}),
            joinValues('contact', readers, said, one, { run: 'd', at: 2 }, {}),
          ];
        };
        for (const joined of join(a, b, 'jobTitle')) {
          expect(joined.values.jobTitle).toBe('Said');
          expect(joined.conflicts.find(({ path }) => path === 'jobTitle')).toMatchObject({
            winner: { connection: person },
            loser: { value: 'Baker' },
          });
        }
      },
      { syncs: [readers] },
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
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
      expect(await groups(world)).toEqual([`alpha:${alpha} bravo:${bravo}`]);
    }));
});
