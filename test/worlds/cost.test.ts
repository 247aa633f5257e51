import { test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { live, openPlan, plans, runs } from './generated.ts';
import { ann, ben, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';

describe('an unchanged cycle', () => {
  law.prop([plans()], { numRuns: runs })('asks for listings only, and finds every record unchanged', async (plan) => {
    const world = await openPlan(plan);
    try {
      await live(world, plan);
      await world.cycle();
      await world.cycle();
      world.forgetCalls();
      const { store } = world;
      const lookedUp = { linked: 0, candidates: 0, aggregates: 0 };
      for (const question of ['linked', 'candidates', 'aggregates'] as const) {
        const ask = store[question].bind(store) as (...all: unknown[]) => Promise<never>;
        store[question] = (...all: unknown[]) => {
          lookedUp[question] += 1;
          return ask(...all);
        };
      }
      const { people } = await world.cycle();
      expect(lookedUp).toEqual({ linked: 0, candidates: 0, aggregates: 0 });
      for (const [name, { calls, spec, ids }] of [...world.crms].map(
        ([name, one]) => [name, { calls: one.calls, spec: one.spec, ids: one.ids('contact') }] as const,
      )) {
        expect(calls).toEqual({
          list: Math.max(1, Math.ceil(ids.length / spec.pageSize)),
          read: 0,
          create: 0,
          update: 0,
          delete: 0,
        });
        expect(people!.counts[name]).toMatchObject({ read: ids.length, unchanged: ids.length, created: 0, updated: 0 });
      }
    } finally {
      await world.close();
    }
  });
});

describe('one edit of one field of one record', () => {
  for (const tells of ['all', 'some', 'id'] as const)
    for (const reads of ['id', 'search', 'none'] as const)
      it(`is exactly one write per other member, naming that field: answers tell ${tells}, reads by ${reads}`, async () => {
        const paths = ['jobTitle', 'tags', 'phone.mobile', 'birthday'];
        const specs = ['alpha', 'bravo', 'charlie'].map((name) => crm(name, paths, { tells, reads }));
        await inWorld(specs, async (world) => {
          for (const person of [ann, ben])
            world.enter('alpha', 'contact', {
              ...person,
              jobTitle: 'Tailor',
              tags: ['red', 'green'],
              'phone.mobile': '0171 1234567',
              birthday: '1980-02-29',
            });
          await world.cycle();
          for (const [path, value] of [
            ['jobTitle', 'Baker'],
            ['tags', ['green', 'blue']],
            ['phone.mobile', '+49 171 7654321'],
            ['birthday', '1981-03-01'],
            ['jobTitle', null],
          ] as const) {
            world.forgetCalls();
            world.edit('alpha', 'contact', 'alpha-1', { [path]: value });
            const { people } = await world.cycle();
            expect(written(world)).toEqual([`bravo update bravo-1: ${path}`, `charlie update charlie-1: ${path}`]);
            expect(people!.counts).toMatchObject({
              alpha: { read: 2, unchanged: 1, created: 0, updated: 0, conflicts: 0 },
              bravo: { read: 2, created: 0, updated: 1, conflicts: 0 },
              charlie: { read: 2, created: 0, updated: 1, conflicts: 0 },
            });
            expect(await writtenInOneMoreCycle(world)).toEqual([]);
          }
        });
      });
});

describe('what a run counts', () => {
  law.prop([plans({ injected: false })], { numRuns: runs })(
    'agrees with what the CRMs hold and were asked to write',
    async (plan) => {
      const world = await openPlan(plan);
      const cycle = world.cycle.bind(world);
      let edited = 0;
      const counting = {
        ...world,
        async cycle() {
          const before = new Map([...world.crms].map(([name, { writes }]) => [name, writes.length]));
          const held = new Map([...world.crms].map(([name, one]) => [name, one.ids('contact')]));
          const known = new Set<string>();
          for (const [name, ids] of held)
            for (const id of ids) if (await world.recordOf(name, 'contact', id)) known.add(`${name} ${id}`);
          const fresh = world.edits.slice(edited);
          edited = world.edits.length;
          const outcomes = await cycle();
          for (const [name, one] of world.crms) {
            const counts = outcomes.people!.counts[name]!;
            const writes = one.writes.slice(before.get(name));
            const touched = new Set(
              fresh.filter(({ connection }) => connection === name).map((edit) => edit.externalId),
            );
            const ids = held.get(name)!;
            const unchanged = ids.filter((id) => known.has(`${name} ${id}`) && !touched.has(id));
            const what = { read: counts.read, created: counts.created, updated: counts.updated };
            expect(what, name).toEqual({
              read: ids.length,
              created: writes.filter(({ verb }) => verb === 'create').length,
              updated: writes.filter(({ verb }) => verb === 'update').length,
            });
            expect(counts.quarantined + counts.deleted + counts.failed).toBe(0);
            // A record that two people changed to the same value is no news from the second.
            expect(counts.unchanged).toBeGreaterThanOrEqual(unchanged.length);
            expect(counts.unchanged).toBeLessThanOrEqual(ids.filter((id) => known.has(`${name} ${id}`)).length);
          }
          return outcomes;
        },
      };
      try {
        await live(counting, plan);
        await counting.cycle();
      } finally {
        await world.close();
      }
    },
  );

  it('bad rows are read, set aside with their reason, counted, and stop nobody else', async () => {
    await inWorld([crm('alpha', [], { pageSize: 1 }), crm('bravo')], async (world) => {
      world.enter('alpha', 'contact', ann);
      world.enter('alpha', 'contact', ben);
      const alpha = world.crms.get('alpha')!;
      alpha.bad = [
        { externalId: 'x', reason: 'birthday: no date' },
        { externalId: undefined, reason: 'no id' },
        { externalId: undefined, reason: 'no id either' },
      ];
      for (let cycle = 1; cycle <= 2; cycle += 1) {
        const { people } = await world.cycle();
        expect(people!.counts.alpha).toMatchObject({ read: 5, quarantined: 3, unchanged: cycle === 1 ? 0 : 2 });
        expect(people!.state).toBe('waiting');
        expect(people!.waiting.quarantined).toBe(3);
        expect((await world.store.quarantined('alpha', 'contact', 10)).map(({ reason }) => reason).sort()).toEqual([
          'birthday: no date',
          'no id',
          'no id either',
        ]);
        expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(2);
      }
      alpha.bad = [];
      const { people } = await world.cycle();
      expect(people!.waiting.quarantined).toBe(0);
      expect(people!.state).toBe('done');
    });
  });
});
