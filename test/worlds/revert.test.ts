import { test as law } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../src/connector/errors.ts';
import type { SyncOutcome } from '../../src/engine/engine.ts';
import { explain } from '../../src/engine/explain.ts';
import type { LeftBecause } from '../../src/engine/revert.ts';
import { deletedBy, linksMade } from '../../src/engine/revert-links.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Values } from '../../src/model/values.ts';
import { runCycle } from '../../src/queue/cycle.ts';
import { hasDueRows } from '../../src/queue/due.ts';
import { type RevertOrder, revertDetour } from '../../src/queue/revert.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { kept } from './habits.ts';
import { ann, ben, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import { policy, runId, type World } from './world.ts';

interface Reverted {
  readonly outcome: SyncOutcome;
  readonly left: readonly { readonly recordId: string; readonly path: string; readonly because: LeftBecause }[];
  /** `path: from → to`. */
  readonly putBack: readonly string[];
  /** `connection:id: why it stays`. */
  readonly removals: readonly string[];
}

/** Takes a run back in a cycle of its own. */
async function revert(
  world: World,
  order: Partial<RevertOrder> & Pick<RevertOrder, 'of'>,
  run = `revert of ${order.of}`,
  sync = world.context.syncs[0]!,
): Promise<Reverted> {
  world.clock.advance(60_000);
  const left: Reverted['left'][number][] = [];
  const putBack: string[] = [];
  const removals: string[] = [];
  const detour = revertDetour(world.context, sync, run, {
    deletesCreated: false,
    onJudged: (judged) => {
      for (const one of judged) {
        left.push(...one.left.map((field) => ({ recordId: one.aggregate.record.id, ...field })));
        putBack.push(...one.putBack.map(({ path, from, to }) => `${path}: ${from} → ${to}`));
      }
    },
    onRemoval: ({ connection, externalId }, stays) => removals.push(`${connection}:${externalId}: ${stays}`),
    ...order,
  });
  const outcome = await runCycle(world.context, sync, { run, detour });
  return { outcome, left, putBack, removals };
}

/** Everything that the CRMs hold, by `connection:id`. */
function holdings(world: World): ReadonlyMap<string, Values> {
  return new Map(
    [...world.crms].flatMap(([name, held]) =>
      held.ids('contact').map((id) => [`${name}:${id}`, held.holds('contact', id)] as const),
    ),
  );
}

/** Fields of records that were there before and do not hold what they held, as far as they can be written. */
async function unlike(
  world: World,
  before: ReadonlyMap<string, Values>,
  left: Reverted['left'],
): Promise<readonly string[]> {
  const found: string[] = [];
  const [sync] = world.context.syncs;
  for (const [name, values] of before) {
    const [connection, id] = name.split(':') as [string, string];
    const { spec } = world.crms.get(connection)!;
    if (sync!.members.find((member) => member.connection === connection)?.direction !== 'both') continue;
    const aggregate = await world.recordOf(connection, 'contact', id);
    // What waits for a person has not become canonical, and was written nowhere.
    const waiting = await world.store.waitingConflicts(aggregate ? [aggregate.record.id] : []);
    const leftHere = [...left.filter(({ recordId }) => recordId === aggregate?.record.id), ...waiting].map(
      ({ path }) => path,
    );
    for (const [path, value] of Object.entries(values)) {
      const { kind, viewOf = [path] } = fieldAt('contact', path);
      if (spec.readOnly.includes(path) || viewOf.some((slot) => leftHere.includes(slot))) continue;
      const now = world.crms.get(connection)!.holds('contact', id)[path]!;
      const asKept = kept(spec.habits, 'contact', path, value);
      const isSame = [value, asKept].some((one) => equal(kind, one, now, { region: 'DE' }));
      if (!isSame) found.push(`${name} ${path}: ${JSON.stringify(value)} → ${JSON.stringify(now)}`);
    }
  }
  return found;
}

describe('in any world', () => {
  const settled = plans({ injected: false, rounds: 3 }).map((plan) => ({
    ...plan,
    rounds: plan.rounds.map((round, index) =>
      index === plan.rounds.length - 1
        ? round
        : round.map((edit) => (edit.does === 'enter' ? { ...edit, does: 'set' as const } : edit)),
    ),
  }));

  law.prop([settled, fc.boolean()], { numRuns: Math.ceil(runs / 2) })(
    'a run that is taken back leaves the former values, and nothing to do',
    async (plan, deletesCreated) => {
      const world = await openPlan(plan);
      try {
        await live(world, { ...plan, rounds: plan.rounds.slice(0, -1) });
        for (const _ of [1, 2]) await world.cycle();
        const before = holdings(world);
        await live(world, { ...plan, rounds: plan.rounds.slice(-1) });
        const [last] = await world.store.runs(1);
        const { left, outcome } = await revert(world, { of: last!.id, deletesCreated });
        expect(outcome.problems).toEqual([]);
        const allowed: readonly LeftBecause[] = ['no value before', 'waits for a person'];
        expect(left.filter(({ because }) => !allowed.includes(because))).toEqual([]);
        expect(await unlike(world, before, left)).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

const specs = [crm('room', ['jobTitle', 'notes']), crm('site', ['jobTitle', 'notes'])];
const holds = (world: World, name: string, id = `${name}-1`) => world.crms.get(name)!.holds('contact', id);
const titles = (world: World) => [...world.crms.keys()].map((name) => holds(world, name).jobTitle);
const because = ({ left }: Reverted) => left.map((one) => `${one.path}: ${one.because}`);

/** Ann the clerk is at both CRMs. */
async function annAtBoth(world: World): Promise<void> {
  world.enter('room', 'contact', { ...ann, jobTitle: 'Clerk' });
  await world.cycle();
}

/** Somebody who was always there: a CRM that shows nobody at all is not believed. */
async function benAtBoth(world: World): Promise<void> {
  for (const name of ['room', 'site']) world.enter(name, 'contact', ben);
  await world.cycle();
}

describe('a run is taken back', () => {
  it('to what was there before the first of its edits, with the run and the former giver in the history', () =>
    inWorld(specs, async (world) => {
      await annAtBoth(world);
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Cook', notes: 'new' });
      world.edit('room', 'contact', 'room-1', { jobTitle: 'Baker' });
      await world.cycle();
      const { putBack } = await revert(world, { of: runId(2) }, 'taken-back');
      expect(putBack.toSorted()).toEqual(['jobTitle: Baker → Clerk', 'notes: new → null']);
      expect(titles(world)).toEqual(['Clerk', 'Clerk']);
      expect([holds(world, 'room').notes, holds(world, 'site').notes]).toEqual([null, null]);
      const { record } = (await world.recordOf('room', 'contact', 'room-1'))!;
      const { fields, runs: named } = (await explain(world.context, record.id))!;
      expect(fields.find(({ path }) => path === 'jobTitle')).toMatchObject({
        value: 'Clerk',
        origin: { connection: 'room', run: 'taken-back', rule: 'revert of run-2' },
        replaced: { value: 'Baker' },
      });
      expect(named.map(({ id }) => id)).toContain('taken-back');
      // A revert is a run, and can be taken back as well.
      await revert(world, { of: 'taken-back' });
      expect(titles(world)).toEqual(['Baker', 'Baker']);
    }));

  it('but for what was edited since, known here or not yet', () =>
    inWorld(specs, async (world) => {
      await annAtBoth(world);
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Cook', notes: 'new' });
      await world.cycle();
      world.edit('room', 'contact', 'room-1', { jobTitle: 'Chef' });
      await world.cycle();
      world.edit('room', 'contact', 'room-1', { notes: 'newer' });
      const reverted = await revert(world, { of: runId(2) });
      expect(reverted.putBack).toEqual([]);
      expect(because(reverted)).toEqual(['jobTitle: edited since']);
      await world.cycle();
      expect([titles(world), holds(world, 'site').notes]).toEqual([['Chef', 'Chef'], 'newer']);
    }));

  it('but for what a person is asked about, and for records that are deleted since', () =>
    inWorld(
      specs,
      async (world) => {
        await annAtBoth(world);
        await benAtBoth(world);
        world.edit('site', 'contact', 'site-1', { jobTitle: 'Cook' });
        world.edit('room', 'contact', 'room-1', { jobTitle: 'Baker' });
        await world.cycle();
        expect(because(await revert(world, { of: runId(3) }))).toEqual(['jobTitle: waits for a person']);
        for (const name of ['room', 'site']) world.crms.get(name)!.drop('contact', `${name}-1`);
        for (const _ of [1, 2]) await world.cycle();
        expect(because(await revert(world, { of: runId(3) }, 'again'))).toEqual(['jobTitle: deleted since']);
      },
      { syncs: [both(['room', 'site'], { conflicts: 'manual', deletes: 'propagate' })] },
    ));

  it('but for values of records that first met in it: no value was there that both had', () =>
    inWorld(specs, async (world) => {
      world.enter('room', 'contact', { ...ann, jobTitle: 'Clerk' });
      world.enter('site', 'contact', { ...ann, jobTitle: 'Cook', notes: 'of site' });
      await world.cycle();
      const before = holdings(world);
      const reverted = await revert(world, { of: runId(1) });
      expect(reverted.putBack).toEqual([]);
      expect(holdings(world)).toEqual(before);
    }));

  it('but for a value that came with a record which was linked in it', () =>
    inWorld(
      [...specs, crm('desk', ['jobTitle'])],
      async (world) => {
        await annAtBoth(world);
        world.enter('desk', 'contact', { ...ann, jobTitle: 'Cook' });
        await world.cycle();
        expect(titles(world)).toEqual(['Cook', 'Cook', 'Cook']);
        const reverted = await revert(world, { of: runId(2) });
        expect(because(reverted)).toEqual(['jobTitle: no value before']);
        expect(titles(world)).toEqual(['Cook', 'Cook', 'Cook']);
      },
      {
        syncs: [
          policy(
            (['room', 'site', 'desk'] as const).map((connection) => ({
              connection,
              direction: connection === 'desk' ? 'read' : 'both',
            })),
            { conflicts: ['desk', 'room', 'site'] },
          ),
        ],
      },
    ));

  it('in what one connection gave', () =>
    inWorld(specs, async (world) => {
      await annAtBoth(world);
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Cook' });
      world.edit('room', 'contact', 'room-1', { 'name.given': 'Anna' });
      await world.cycle();
      const { putBack } = await revert(world, { of: runId(2), connection: 'site' });
      expect(putBack).toEqual(['jobTitle: Cook → Clerk']);
      expect(holds(world, 'site')['name.given']).toBe('Anna');
    }));

  it('by itself: nothing else is written, and a member that fails gets its values with the next sync', () =>
    inWorld(specs, async (world) => {
      await annAtBoth(world);
      const benAt = world.enter('room', 'contact', ben);
      await world.cycle();
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Cook' });
      await world.cycle();
      world.edit('room', 'contact', benAt, { jobTitle: 'Smith' });
      world.crms.get('site')!.disturbs = () => {
        throw new Error('away');
      };
      await expect(revert(world, { of: runId(3) })).rejects.toThrow('away');
      world.crms.get('site')!.disturbs = () => {};
      world.forgetCalls();
      await revert(world, { of: runId(3) });
      expect(written(world).toSorted()).toEqual(['room update room-1: jobTitle', 'site update site-1: jobTitle']);
      await world.cycle();
      expect(holds(world, 'site', 'site-2').jobTitle).toBe('Smith');
    }));
});

describe('a run of two syncs', () => {
  const three = [...specs, crm('desk', ['jobTitle', 'notes'])];
  const syncs = [both(['room', 'site']), both(['site', 'desk'], { name: 'partners' })];

  it('is taken back in both, and told once', () =>
    inWorld(
      three,
      async (world) => {
        world.enter('room', 'contact', { ...ann, jobTitle: 'Clerk' });
        for (const _ of [1, 2]) await world.cycle();
        world.edit('room', 'contact', 'room-1', { jobTitle: 'Cook' });
        await world.cycle();
        expect(titles(world)).toEqual(['Cook', 'Cook', 'Cook']);
        const told = [];
        for (const sync of syncs) told.push(await revert(world, { of: runId(3) }, 'taken-back', sync));
        expect(titles(world)).toEqual(['Clerk', 'Clerk', 'Clerk']);
        expect(told.map(({ putBack, left }) => [...putBack, ...left])).toEqual([['jobTitle: Cook → Clerk'], []]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      { syncs },
    ));
});

describe('what a run made', () => {
  it('is deleted when asked for, is not made there again, and comes back when somebody enters it anew', () =>
    inWorld(specs, async (world) => {
      await annAtBoth(world);
      const { removals } = await revert(world, { of: runId(1), deletesCreated: true });
      expect(removals).toEqual(['site:site-1: undefined']);
      for (const _ of [1, 2]) await world.cycle();
      expect(world.crms.get('site')!.ids('contact')).toEqual([]);
      world.edit('room', 'contact', 'room-1', { jobTitle: 'Cook' });
      await world.cycle();
      expect(world.crms.get('site')!.ids('contact')).toEqual([]);
      const id = world.enter('site', 'contact', ann);
      for (const _ of [1, 2]) await world.cycle();
      expect(holds(world, 'site', id).jobTitle).toBe('Cook');
      expect(world.crms.get('room')!.ids('contact')).toEqual(['room-1']);
    }));

  it('stays where somebody has edited it, known here or not yet', () =>
    inWorld(specs, async (world) => {
      await annAtBoth(world);
      world.enter('room', 'contact', ben);
      await world.cycle();
      world.edit('site', 'contact', 'site-2', { notes: 'mine' });
      await world.cycle();
      const edited = (await revert(world, { of: runId(2), deletesCreated: true })).removals;
      expect(edited).toEqual(['site:site-2: it was edited there since']);
      const site = world.crms.get('site')!;
      site.before = (verb, id) => {
        if (verb === 'read' && id === 'site-1') world.edit('site', 'contact', 'site-1', { notes: 'just now' });
      };
      const lately = (await revert(world, { of: runId(1), deletesCreated: true }, 'again')).removals;
      expect(lately).toEqual(['site:site-1: it was edited there since']);
      expect(site.ids('contact')).toEqual(['site-1', 'site-2']);
    }));

  it('stays where nobody else has it, and where nothing can be deleted', async () => {
    await inWorld(specs, async (world) => {
      await annAtBoth(world);
      await benAtBoth(world);
      world.crms.get('room')!.drop('contact', 'room-1');
      await world.cycle();
      expect((await revert(world, { of: runId(1), deletesCreated: true })).removals).toEqual([
        'site:site-1: no other CRM has this record any more',
      ]);
    });
    await inWorld([specs[0]!, crm('site', [], { deletes: false })], async (world) => {
      await annAtBoth(world);
      expect((await revert(world, { of: runId(1), deletesCreated: true })).removals).toEqual([
        'site:site-1: this CRM deletes nothing',
      ]);
    });
  });

  describe.each(['id', 'search', 'none'] as const)('at a CRM that reads by %s', (reads) => {
    /** Ben is at both, and the second run has made Ann at the site. */
    const annMade = async (world: World) => {
      await benAtBoth(world);
      world.enter('room', 'contact', ann);
      await world.cycle();
      return world.crms.get('site')!;
    };
    const troubles = {
      death: () => new Error('killed'),
      'a lost answer': () => new RetryableError('site: 503', { connection: 'site', status: 503 }),
    };
    it.each(['death', 'a lost answer'] as const)('is deleted there alone after %s', (trouble) =>
      inWorld(
        [specs[0]!, crm('site', ['jobTitle', 'notes'], { reads })],
        async (world) => {
          const site = await annMade(world);
          site.disturbs = (verb) => {
            if (verb !== 'delete') return;
            site.drop('contact', 'site-2');
            throw troubles[trouble]();
          };
          const reverted = revert(world, { of: runId(2), deletesCreated: true });
          if (trouble === 'death') await expect(reverted).rejects.toThrow('killed');
          else expect((await reverted).removals).toHaveLength(1);
          site.disturbs = () => {};
          for (const _ of [1, 2, 3]) {
            world.clock.advance(60_000);
            await world.cycle();
          }
          expect(world.crms.get('room')!.ids('contact')).toEqual(['room-1', 'room-2']);
          expect(site.ids('contact')).toEqual(['site-1']);
          expect(await writtenInOneMoreCycle(world)).toEqual([]);
          expect(await world.store.departures('site', 'contact', 0, 9)).toEqual([]);
        },
        { syncs: [both(['room', 'site'], { deletes: 'propagate' })] },
      ),
    );

    it('is an ordinary record again where the delete was never carried out', () =>
      inWorld(
        [specs[0]!, crm('site', ['jobTitle', 'notes'], { reads })],
        async (world) => {
          const site = await annMade(world);
          site.disturbs = (verb) => {
            if (verb === 'delete') throw new Error('killed');
          };
          await expect(revert(world, { of: runId(2), deletesCreated: true })).rejects.toThrow('killed');
          site.disturbs = () => {};
          world.clock.advance(600_000);
          for (const _ of [1, 2]) await world.cycle();
          expect(site.ids('contact')).toEqual(['site-1', 'site-2']);
          // What a person deletes from then on is deleted everywhere.
          site.drop('contact', 'site-2');
          for (const _ of [1, 2, 3]) await world.cycle();
          expect(world.crms.get('room')!.ids('contact')).toEqual(['room-1']);
        },
        { syncs: [both(['room', 'site'], { deletes: 'propagate' })] },
      ));
  });

  it('is counted by the guard of deletes, and goes once that is approved', () =>
    inWorld(
      specs,
      async (world) => {
        for (const who of [ann, ben]) world.enter('room', 'contact', who);
        await world.cycle();
        const stopped = await revert(world, { of: runId(1), deletesCreated: true });
        expect(stopped.outcome.stops).toMatchObject([{ connection: 'site', what: 'delete', records: 2, allowed: 1 }]);
        expect(world.crms.get('site')!.ids('contact')).toHaveLength(2);
        // It holds up nothing else: what waits to be written is tried again meanwhile.
        const site = world.crms.get('site')!;
        site.disturbs = () => {
          throw new RetryableError('site: 503', { connection: 'site', status: 503 });
        };
        world.edit('room', 'contact', 'room-1', { 'name.given': 'Anna' });
        await world.cycle();
        site.disturbs = () => {};
        world.clock.advance(3_600_000);
        expect(await hasDueRows(world.context, world.context.syncs[0]!)).toBe(true);
        // A worker's cycles come in between: they do none of this, and let none of it lapse.
        const cycle = async () => expect((await world.cycle()).people).toMatchObject({ stops: [], state: 'done' });
        await cycle();
        expect(await world.store.approve('people')).toBe(2);
        await cycle();
        expect(world.crms.get('site')!.ids('contact')).toHaveLength(2);
        const done = await revert(world, { of: runId(1), deletesCreated: true }, 'again');
        expect(done.outcome.stops).toEqual([]);
        expect(done.outcome.counts.site?.deleted).toBe(2);
        expect(world.crms.get('site')!.ids('contact')).toEqual([]);
        await cycle();
        expect(await world.store.held()).toEqual([]);
      },
      {
        syncs: [
          both(['room', 'site'], {
            limits: { deletes: { count: 1 }, overwrites: { count: 9 }, blankings: { count: 9 } },
          }),
        ],
      },
    ));
});

describe('what a run found and deleted', () => {
  it('is told', () =>
    inWorld(
      specs,
      async (world) => {
        world.enter('room', 'contact', ann);
        world.enter('site', 'contact', ann);
        world.enter('room', 'contact', ben);
        await world.cycle();
        const [sync] = world.context.syncs;
        const [links] = await Array.fromAsync(linksMade(world.context, sync!, { of: runId(1) }));
        expect(links!.met.map(({ evidence }) => evidence)).toEqual(['same e-mail and name']);
        expect(links!.made.map(({ connection, stays }) => [connection, stays])).toEqual([['site', undefined]]);
        world.crms.get('room')!.drop('contact', 'room-2');
        for (const _ of [1, 2]) await world.cycle();
        const deleted = [];
        for (const run of await world.store.runs(9))
          for await (const page of deletedBy(world.context, sync!, run, { of: run.id }))
            deleted.push(...page.map(({ connection }) => `${run.id} ${connection}`));
        expect(deleted).toEqual(['run-2 site']);
      },
      { syncs: [both(['room', 'site'], { deletes: 'propagate' })] },
    ));
});
