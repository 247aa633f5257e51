import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/model/entities.ts';
import { isEmpty } from '../../src/model/values.ts';
import { isWrittenTo } from '../../src/sync/direction.ts';
import type { FieldRule, SyncPolicy } from '../../src/sync/policy.ts';
import { live, openPlan, plans, policyOf, runs } from './generated.ts';
import { clearedBySilence, disagreements, lostEdits, unexplained } from './laws.ts';
import { ann, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

const paths = ['jobTitle', 'notes', 'company', 'tags', 'birthday', 'custom.shoe', 'phone.mobile', 'consent'];

const rules = plans().chain((plan) => {
  const { members } = policyOf(plan);
  const read = members.filter(({ direction }) => direction !== 'write').map(({ connection }) => connection);
  const written = members.filter(({ direction }) => direction !== 'read').map(({ connection }) => connection);
  const rule = fc.record<FieldRule>(
    { from: fc.subarray(read, { minLength: 1 }), to: fc.subarray(written) },
    { requiredKeys: [] },
  );
  const fields = fc.dictionary(fc.constantFrom(...paths), rule, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  return fields.map((chosen) => ({ plan, fields: chosen }));
});

/** Edits that the one who typed them has typed over since, where they do not count. */
function isOwnLoss(world: World, edit: World['edits'][number], { fields }: Pick<SyncPolicy, 'fields'>): boolean {
  const isHeard = [edit.path, ...(edit.path === 'phone.primary' ? ['phone.mobile'] : [])].every(
    (path) => fields[path]?.from?.includes(edit.connection) ?? true,
  );
  const isSame = (one: World['edits'][number]) =>
    one.connection === edit.connection && one.externalId === edit.externalId && one.path === edit.path;
  return !isHeard && world.edits.indexOf(edit) < world.edits.findLastIndex(isSame);
}

describe('where a field goes one way', () => {
  law.prop([rules], { numRuns: Math.ceil(runs / 2) })(
    'it is written to no other member, comes from no other one, no edit is lost, and two cycles bring agreement',
    async ({ plan, fields }) => {
      const sync = policyOf(plan, { fields });
      const world = await openPlan(plan, { syncs: [sync] });
      try {
        await live(world, plan);
        await world.cycle();
        await world.cycle();
        for (const [name, { writes }] of world.crms)
          for (const { values, externalId } of writes) {
            const { record } = (await world.recordOf(name, 'contact', externalId))!;
            for (const path of Object.keys(values).filter((one) => one !== 'phone.primary'))
              expect(isWrittenTo(sync, name, slotOf('contact', path, record.values)), `${name} ${path}`).toBe(true);
          }
        for (const { record } of await world.records('contact'))
          for (const [path, { from }] of Object.entries(fields))
            if (from && record.origins[path]) expect(from).toContain(record.origins[path].connection);
        expect(await disagreements(world, 'contact')).toEqual([]);
        const edits = world.edits.filter((edit) => !isOwnLoss(world, edit, sync));
        expect(await lostEdits({ ...world, edits })).toEqual([]);
        expect(await clearedBySilence(world, 'contact')).toEqual([]);
        expect(await unexplained(world, 'contact')).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

const fields = { jobTitle: { from: ['alpha'] }, notes: { from: ['alpha'], to: [] }, 'phone.mobile': { to: ['alpha'] } };

/** Ann is at both, entered at alpha; then somebody edits. */
async function afterEdits(
  edits: readonly (readonly ['alpha' | 'bravo', Readonly<Record<string, string | null>>])[],
  check: (world: World, said: readonly string[]) => Promise<void>,
): Promise<void> {
  const specs = ['alpha', 'bravo'].map((name) => crm(name, ['jobTitle', 'notes', 'phone.mobile']));
  await inWorld(
    specs,
    async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor', notes: 'tall', 'phone.mobile': '+49 30 7000001' });
      await world.cycle();
      world.forgetCalls();
      for (const [name, values] of edits) world.edit(name, 'contact', `${name}-1`, values);
      await world.cycle();
      const said = (await world.store.conflicts(10)).map(
        ({ path, winner, loser, rule, state }) =>
          `${path}: ${winner.connection} ${winner.value} over ${loser.connection} ${loser.value}, ${rule}, ${state}`,
      );
      await check(world, said.sort());
      expect(await lostEdits(world)).toEqual([]);
    },
    { syncs: [both(['alpha', 'bravo'], { fields })] },
  );
}

const holds = (world: World, name: string) => world.crms.get(name)!.holds('contact', `${name}-1`);

describe('an edit at a member from which the field does not come', () => {
  it('is logged with its value, and written over where the field is written', async () => {
    await afterEdits([['bravo', { jobTitle: 'Cook', notes: 'short' }]], async (world, said) => {
      expect(said).toEqual([
        'jobTitle: alpha Tailor over bravo Cook, direction, settled',
        'notes: alpha tall over bravo short, direction, settled',
      ]);
      expect(written(world)).toEqual(['bravo update bravo-1: jobTitle']);
      expect(holds(world, 'bravo')).toMatchObject({ jobTitle: 'Tailor', notes: 'short' });
      expect(holds(world, 'alpha')).toMatchObject({ jobTitle: 'Tailor', notes: 'tall' });
    });
  });

  it('does not win over an edit that counts, whichever is newer', async () => {
    await afterEdits(
      [
        ['alpha', { jobTitle: 'Baker' }],
        ['bravo', { jobTitle: 'Cook' }],
      ],
      async (world, said) => {
        expect(said).toEqual(['jobTitle: alpha Baker over bravo Cook, direction, settled']);
        expect([holds(world, 'alpha').jobTitle, holds(world, 'bravo').jobTitle]).toEqual(['Baker', 'Baker']);
      },
    );
  });

  it('that empties the field empties it nowhere else', async () => {
    await afterEdits([['bravo', { jobTitle: null }]], async (world) => {
      expect([holds(world, 'alpha').jobTitle, holds(world, 'bravo').jobTitle]).toEqual(['Tailor', 'Tailor']);
    });
  });
});

describe('a field that is not written to a member', () => {
  it('is not part of what is created there, nor of an update, and is learnt from there all the same', async () => {
    await afterEdits([['alpha', { 'phone.mobile': '+49 30 7000002', notes: 'taller' }]], async (world) => {
      expect(written(world)).toEqual([]);
      expect(isEmpty(holds(world, 'bravo')['phone.mobile'])).toBe(true);
      world.edit('bravo', 'contact', 'bravo-1', { 'phone.mobile': '+49 30 7000003' });
      await world.cycle();
      expect(holds(world, 'alpha')['phone.mobile']).toBe('+49 30 7000003');
    });
  });

  it('and whose value differs there is no shortcoming of that CRM', async () => {
    const specs = [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { readOnly: ['jobTitle'] })];
    await inWorld(
      specs,
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
        world.enter('bravo', 'contact', { ...ann, jobTitle: 'Cook' });
        const { people } = await world.cycle();
        expect(people!.counts.bravo).toMatchObject({ unsupported: 0 });
      },
      { syncs: [both(['alpha', 'bravo'], { fields: { jobTitle: { to: ['alpha'] } } })] },
    );
  });
});

describe('a record that is entered at a member from which a field does not come', () => {
  it('has no such value elsewhere; the first one that counts is written over it, and the log keeps it', async () => {
    await inWorld(
      [crm('alpha', ['jobTitle', 'notes']), crm('bravo', ['jobTitle', 'notes'])],
      async (world) => {
        world.enter('bravo', 'contact', { ...ann, jobTitle: 'Cook', notes: 'short' });
        await world.cycle();
        expect(written(world)).toEqual(['alpha create email.primary name.family name.given']);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Tailor', notes: 'tall' });
        await world.cycle();
        expect(written(world)).toEqual(['bravo update bravo-1: jobTitle']);
        expect((await world.store.conflicts(10)).map(({ path, loser, rule }) => [path, loser.value, rule])).toEqual([
          ['jobTitle', 'Cook', 'direction'],
        ]);
      },
      { syncs: [both(['alpha', 'bravo'], { fields })] },
    );
  });
});
