import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { none } from '../../src/connector/connector.ts';
import { MalformedReplyError, RejectedError, RetryableError } from '../../src/connector/errors.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { type AuditOutcome, auditSync, type Drift } from '../../src/engine/audit.ts';
import type { Store } from '../../src/store/store.ts';
import { type Death, mortal } from './deaths.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { noHabits } from './habits.ts';
import { ann, ben, both, crm, inWorld, written } from './small.ts';
import { policy, type World } from './world.ts';

const reading = new Set<string | symbol>([
  'aggregates',
  'forgotten',
  'isAnyForgotten',
  'known',
  'linked',
  'linkCount',
  'liveLinks',
  'pendingOf',
  'quarantined',
  'records',
  'unmatched',
  'waitingConflicts',
]);

/** The store for one who must not change it. */
function readOnly(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      if (!reading.has(name)) throw new Error(`an audit asked the store for ${String(name)}`);
      return Reflect.get(target, name);
    },
  });
}

interface Audited extends AuditOutcome {
  readonly drifts: readonly Drift[];
}

/** Audits a world's only sync, and makes sure that nothing was written anywhere. */
async function audit(world: World): Promise<Audited> {
  const drifts: Drift[] = [];
  world.forgetCalls();
  const context = { ...world.context, store: readOnly(world.store) };
  const outcome = await auditSync(context, world.context.syncs[0]!, { onDrift: (drift) => drifts.push(drift) });
  expect(written(world)).toEqual([]);
  const counted = Object.values(outcome.tallies).map(
    ({ edited, unwritten, vanished, unknown, lacking }) => edited + unwritten + vanished + unknown + lacking,
  );
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(drifts.length);
  return { ...outcome, drifts };
}

/** `kind connection:externalId path`, as far as there is one. */
function said({ kind, connection, externalId, path }: Drift): string {
  const where = externalId === undefined ? connection : `${connection}:${externalId}`;
  return path === undefined ? `${kind} ${where}` : `${kind} ${where} ${path}`;
}

describe('an audit finds nothing', () => {
  law.prop([plans({ maxCrms: 4 })], { numRuns: runs })('after two cycles, in any world', async (plan) => {
    const world = await openPlan(plan);
    try {
      await live(world, plan);
      await world.cycle();
      await world.cycle();
      const { drifts, problems, tallies } = await audit(world);
      expect(drifts).toEqual([]);
      expect(problems).toEqual([]);
      for (const [name, one] of world.crms) expect(tallies[name]!.read).toBe(one.ids('contact').length);
    } finally {
      await world.close();
    }
  });

  const death: fc.Arbitrary<Death> = fc.record({
    of: fc.constantFrom('call', 'commit', 'write'),
    step: fc.nat({ max: 60 }),
    when: fc.constantFrom('before', 'after', 'late'),
    delayCalls: fc.nat({ max: 60 }),
  });

  law.prop(
    [plans(), fc.array(death, { maxLength: 3 }), fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 3, max: 9 })],
    { numRuns: runs },
  )('after two quiet cycles, whatever failed or died before', async (plan, deaths, seed, oneIn) => {
    const world = await openPlan(plan);
    try {
      const random = seededIds(seed);
      let isCalm = false;
      const fails = () => !isCalm && random.integer(oneIn) === 0;
      for (const [connection, one] of world.crms) {
        one.disturbs = () => {
          if (fails()) throw new RetryableError(`${connection}: 503`, { connection, status: 503 });
        };
        one.loses = () => (fails() ? (['request', 'answer'] as const)[random.integer(2)]! : 'nothing');
      }
      const mortals = mortal(world, deaths);
      await live(mortals, plan);
      while (mortals.ahead.length > 0) await mortals.cycle();
      isCalm = true;
      await mortals.cycle();
      await mortals.cycle();
      expect((await audit(world)).drifts).toEqual([]);
    } finally {
      await world.close();
    }
  });

  it('where a write waits, was refused or cannot be made', async () => {
    const specs = [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle']), crm('charlie', ['jobTitle'])];
    await inWorld(specs, async (world) => {
      const { bravo, charlie } = { bravo: world.crms.get('bravo')!, charlie: world.crms.get('charlie')! };
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      bravo.update = async () => {
        throw new RejectedError('bravo: 422', { connection: 'bravo', status: 422 });
      };
      charlie.update = async () => {
        throw new RetryableError('charlie: 503', { connection: 'charlie', status: 503 });
      };
      world.enter('alpha', 'contact', ben);
      Object.assign(charlie.capabilities.contact!, { create: none('no create there') });
      await world.cycle();
      expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe(null);
      expect(charlie.ids('contact')).toHaveLength(1);
      expect((await audit(world)).drifts).toEqual([]);
    });
  });

  it('where a person must decide: a conflict, or who is who', async () => {
    const specs = [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])];
    const syncs = [both(['alpha', 'bravo'], { conflicts: 'manual' })];
    await inWorld(
      specs,
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' });
        world.enter('bravo', 'contact', ann);
        const { people } = await world.cycle();
        expect(people!.waiting).toMatchObject({ conflicts: 1, reviews: 1 });
        expect((await audit(world)).drifts).toEqual([]);
      },
      { syncs },
    );
  });

  it('where a record takes no part, or was deleted at one CRM by somebody there', async () => {
    await inWorld(
      [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])],
      async (world) => {
        world.enter('alpha', 'contact', ben);
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Cook' });
        const cleo = { 'name.given': 'Cleo', 'email.primary': 'cleo@castellanos.example', jobTitle: 'Smith' };
        world.enter('alpha', 'contact', cleo);
        await world.cycle();
        world.crms.get('bravo')!.drop('contact', 'bravo-1');
        world.edit('alpha', 'contact', 'alpha-2', { jobTitle: 'Baker' });
        await world.cycle();
        expect(world.crms.get('bravo')!.ids('contact')).toEqual(['bravo-2']);
        expect((await audit(world)).drifts).toEqual([]);
      },
      { syncs: [both(['alpha', 'bravo'], { where: { jobTitle: 'present' } })] },
    );
  });

  for (const isEdited of [false, true])
    it(`after a delete was carried on${isEdited ? ', or lost to an edit elsewhere' : ''}`, async () => {
      const names = ['alpha', 'bravo', 'charlie'];
      await inWorld(
        names.map((name) => crm(name, ['jobTitle'])),
        async (world) => {
          for (const one of [ann, ben]) world.enter('alpha', 'contact', one);
          await world.cycle();
          world.crms.get('alpha')!.drop('contact', 'alpha-1');
          if (isEdited) world.edit('charlie', 'contact', 'charlie-1', { jobTitle: 'Baker' });
          expect((await audit(world)).drifts.map(said)).toContain('vanished alpha:alpha-1');
          await world.cycle();
          await world.cycle();
          const held = names.map((name) => world.crms.get(name)!.ids('contact').length);
          expect(held).toEqual(isEdited ? [1, 2, 2] : [1, 1, 1]);
          expect((await audit(world)).drifts).toEqual([]);
        },
        { syncs: [both(names, { deletes: 'propagate' })] },
      );
    });

  it('where a reference points to a record that the CRM is not to have', async () => {
    const fields = { contact: ['name.given', 'email.primary', 'account'], account: ['name', 'website'] };
    const members = ['alpha', 'bravo'].map((connection) => ({ connection, direction: 'both' as const }));
    const companies = policy(members, { name: 'companies', entity: 'account', where: { website: 'present' } });
    await inWorld(
      [crm('alpha', [], { fields }), crm('bravo', [], { fields })],
      async (world) => {
        const account = world.enter('alpha', 'account', { name: 'Acme' });
        world.enter('alpha', 'contact', { 'name.given': 'Ann', 'email.primary': 'ann@ashworth.example', account });
        await world.cycle();
        await world.cycle();
        expect(await world.store.pending('bravo', 'contact', world.clock.now(), 0, 9)).toEqual([]);
        const [person] = await world.records('contact');
        expect(person!.record.values.account).toBe((await world.records('account'))[0]!.record.id);
        expect(world.crms.get('bravo')!.holds('contact', 'bravo-1').account).toBe(null);
        expect((await audit(world)).drifts).toEqual([]);
      },
      { syncs: [both(['alpha', 'bravo']), companies] },
    );
  });

  it('where a CRM keeps what it is sent in a form of its own', async () => {
    const habits = { ...noHabits, shortens: { jobTitle: 4 }, drops: ['department'], upper: ['name.family'] };
    const paths = ['jobTitle', 'department'];
    await inWorld([crm('alpha', paths), crm('bravo', paths, { habits, tells: 'id', reads: 'none' })], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Locksmith', department: 'Keys' });
      await world.cycle();
      expect(world.crms.get('bravo')!.holds('contact', 'bravo-1')).toMatchObject({
        jobTitle: 'Lock',
        department: null,
      });
      expect((await audit(world)).drifts).toEqual([]);
    });
  });
});

describe('an audit tells', () => {
  const inSync = (check: (world: World) => Promise<void>) =>
    inWorld([crm('alpha', ['jobTitle', 'notes']), crm('bravo', ['jobTitle', 'notes'])], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      world.enter('alpha', 'contact', ben);
      await world.cycle();
      await world.cycle();
      await check(world);
    });

  it('which fields a person has edited since, and the next cycle takes them in', () =>
    inSync(async (world) => {
      world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Baker', notes: 'tall' });
      const { drifts, tallies } = await audit(world);
      const recordId = (await world.recordOf('bravo', 'contact', 'bravo-1'))!.record.id;
      const where = { kind: 'edited', connection: 'bravo', externalId: 'bravo-1', recordId };
      expect(drifts).toEqual([
        { ...where, path: 'jobTitle', expected: 'Tailor', found: 'Baker' },
        { ...where, path: 'notes', expected: null, found: 'tall' },
      ]);
      expect(tallies).toMatchObject({ alpha: { read: 2, edited: 0 }, bravo: { read: 2, edited: 2 } });
      await world.cycle();
      expect((await audit(world)).drifts).toEqual([]);
    }));

  it('which records a person has deleted or created since', () =>
    inSync(async (world) => {
      world.crms.get('alpha')!.drop('contact', 'alpha-2');
      const id = world.enter('bravo', 'contact', { ...ann, 'email.primary': 'other@ashworth.example' });
      expect((await audit(world)).drifts.map(said).sort()).toEqual([`unknown bravo:${id}`, 'vanished alpha:alpha-2']);
    }));

  it('where a canonical value or a whole record was never written, though nothing says so', () =>
    inSync(async (world) => {
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      world.enter('alpha', 'contact', { 'name.given': 'Cleo', 'email.primary': 'cleo@castellanos.example' });
      // A store that forgets what is pending: nothing else would bring the value, or the record, to bravo.
      const commit = world.store.commit;
      world.store.commit = (batch) =>
        commit({
          ...batch,
          pending: [],
          ...(batch.births && { births: batch.births.map((birth) => ({ ...birth, pending: [] })) }),
        });
      await world.cycle();
      world.store.commit = commit;
      const { drifts } = await audit(world);
      expect(drifts.map(said)).toEqual(['unwritten bravo:bravo-1 jobTitle', 'lacking bravo']);
      expect(drifts[0]).toMatchObject({ expected: 'Baker', found: 'Tailor' });
    }));

  it('nothing about fields that a member only shows', () =>
    inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { readOnly: ['jobTitle'] })], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      await world.cycle();
      expect(world.crms.get('bravo')!.holds('contact', 'bravo-1').jobTitle).toBe(null);
      expect((await audit(world)).drifts).toEqual([]);
    }));

  it('which member could not be read, judges nothing there by what is missing, and goes on with the others', () =>
    inSync(async (world) => {
      const [alpha, bravo] = [world.crms.get('alpha')!, world.crms.get('bravo')!];
      alpha.disturbs = (verb) => {
        if (verb === 'list') throw new MalformedReplyError('alpha: cut short', { connection: 'alpha' });
      };
      world.edit('bravo', 'contact', 'bravo-2', { notes: 'tall' });
      const { drifts, problems } = await audit(world);
      expect(problems).toEqual([
        { sync: 'people', connection: 'alpha', code: 'malformed_reply', message: 'alpha: cut short' },
      ]);
      expect(drifts.map(said)).toEqual(['edited bravo:bravo-2 notes']);
      expect(bravo.calls.list).toBe(1);
    }));

  it('nothing of a record that its CRM has made something else, of which it says so when it is asked', () =>
    inWorld([crm('alpha'), crm('bravo')], async (world) => {
      for (const person of [ann, ben]) world.enter('alpha', 'contact', person);
      await world.cycle();
      const alpha = world.crms.get('alpha')!;
      const [{ read }, before] = [alpha, alpha.holds('contact', 'alpha-1')];
      alpha.drop('contact', 'alpha-1');
      expect((await audit(world)).drifts.map(said)).toEqual(['vanished alpha:alpha-1']);
      alpha.read = async (entity, id) => (id === 'alpha-1' ? { state: 'unknown' } : await read.call(alpha, entity, id));
      expect((await audit(world)).drifts).toEqual([]);
      await world.cycle();
      await world.cycle();
      expect((await audit(world)).drifts).toEqual([]);
      expect(world.crms.get('bravo')!.holds('contact', 'bravo-1')).toEqual(before);
    }));

  it('of records that came unreadable how many there are, and does not take them for vanished', () =>
    inSync(async (world) => {
      const bravo = world.crms.get('bravo')!;
      const shown = bravo.shown.bind(bravo);
      const list = bravo.list.bind(bravo);
      const bad = { externalId: 'bravo-2', reason: 'jobTitle: expected a text, got an object' };
      bravo.list = async function* (entity) {
        for await (const { records } of list(entity))
          yield { records: records.filter(({ externalId }) => externalId !== 'bravo-2'), bad: [bad] };
      };
      expect(shown('contact', 'bravo-2').externalId).toBe('bravo-2');
      const { drifts, tallies } = await audit(world);
      expect(drifts).toEqual([]);
      expect(tallies.bravo).toMatchObject({ read: 2, unusable: 1 });
    }));

  it('nothing of what is missing where a record came without an id, which may be the missing one', () =>
    inSync(async (world) => {
      const bravo = world.crms.get('bravo')!;
      bravo.drop('contact', 'bravo-2');
      bravo.bad = [{ externalId: undefined, reason: 'id: expected a text, got nothing' }];
      expect((await audit(world)).drifts).toEqual([]);
      bravo.bad = [];
      expect((await audit(world)).drifts.map(said)).toEqual(['vanished bravo:bravo-2']);
    }));

  it('nothing of what is missing from a listing that says of itself that it is partial', () =>
    inSync(async (world) => {
      const bravo = world.crms.get('bravo')!;
      const list = bravo.list.bind(bravo);
      bravo.drop('contact', 'bravo-2');
      world.edit('bravo', 'contact', 'bravo-1', { notes: 'tall' });
      bravo.list = async function* (entity) {
        yield* list(entity);
        yield { records: [], bad: [], partial: true };
      };
      expect((await audit(world)).drifts.map(said)).toEqual(['edited bravo:bravo-1 notes']);
    }));

  it('nothing of what we write while it runs: its page shows the time before', () =>
    inSync(async (world) => {
      const bravo = world.crms.get('bravo')!;
      const list = bravo.list.bind(bravo);
      bravo.list = async function* (entity) {
        bravo.list = list;
        for await (const page of list(entity)) {
          for (const id of ['alpha-1', 'alpha-2']) world.edit('alpha', 'contact', id, { jobTitle: 'Baker' });
          world.enter('alpha', 'contact', { 'name.given': 'Cleo', 'email.primary': 'cleo@castellanos.example' });
          await world.cycle();
          world.forgetCalls();
          yield { ...page, records: page.records.filter(({ externalId }) => externalId === 'bravo-1') };
        }
      };
      const { drifts } = await audit(world);
      expect(drifts.filter(({ connection }) => connection === 'bravo')).toEqual([]);
      expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
    }));

  it('what a CRM without a listing shows of the records that are known there', () =>
    inSync(async (world) => {
      const bravo = world.crms.get('bravo')!;
      Object.assign(bravo.capabilities.contact!, { list: none('no list there') });
      world.edit('bravo', 'contact', 'bravo-1', { notes: 'tall' });
      bravo.drop('contact', 'bravo-2');
      expect((await audit(world)).drifts.map(said)).toEqual(['edited bravo:bravo-1 notes', 'vanished bravo:bravo-2']);
      expect(bravo.calls.list).toBe(0);
      Object.assign(bravo.capabilities.contact!, { read: none('no read there') });
      // What can only be written to shows nothing that could be compared, and is no problem.
      const { drifts, problems } = await audit(world);
      expect(problems).toEqual([]);
      expect(drifts.filter(({ connection }) => connection === 'bravo')).toEqual([]);
    }));
});
