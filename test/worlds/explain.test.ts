import { test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type Explanation, explain } from '../../src/engine/explain.ts';
import { findRecord } from '../../src/engine/find-record.ts';
import { fieldAt, fieldsOf } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { type Entity, isEmpty, type Value, type Values } from '../../src/model/values.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { noHabits } from './habits.ts';
import { ann, ben, both, crm, inWorld } from './small.ts';
import { runId, type World } from './world.ts';

const context = { region: 'DE' };

/** What people entered as new records, in the form in which the CRM kept it. */
type Entered = Map<string, Values>;

/** Notes everything that people enter in a world from now on, and what they have entered before. */
function watchEntries(world: World): Entered {
  const entered: Entered = new Map();
  for (const [name, crm] of world.crms) {
    for (const id of crm.ids('contact')) entered.set(`${name}:${id}`, crm.holds('contact', id));
    const enter = crm.enter.bind(crm);
    crm.enter = (entity, values, under) => {
      const id = enter(entity, values, under);
      entered.set(`${name}:${id}`, crm.holds(entity, id));
      return id;
    };
  }
  return entered;
}

function slotsAndViews(path: string): readonly string[] {
  const views = Object.entries(fieldsOf.contact).filter(([, { viewOf }]) => viewOf?.includes(path));
  return [path, ...views.map(([view]) => view)];
}

/** Values whose explanation names a CRM in which nobody typed them, or a run in which it did not show them. */
function falseOrigins(world: World, entered: Entered, { fields, links }: Explanation): readonly string[] {
  const found: string[] = [];
  for (const { path, value, origin } of fields) {
    if (value === undefined) continue;
    const { kind } = fieldAt('contact', path);
    const ids = links.filter(({ connection }) => connection === origin?.connection).map((link) => link.externalId);
    const isTyped = (typed: Value | undefined) =>
      typed !== undefined &&
      (kind === 'tags'
        ? tagsOf(typed).length === 0 || tagsOf(typed).some((tag) => tagsOf(value).includes(tag))
        : equal(kind, typed, value, context) || (isEmpty(typed) && isEmpty(value)));
    const typedAt = (id: string, paths: readonly string[]) =>
      paths.some(
        (one) =>
          isTyped(entered.get(`${origin?.connection}:${id}`)?.[one]) ||
          world.edits.some(
            (edit) =>
              edit.connection === origin?.connection &&
              edit.externalId === id &&
              edit.path === one &&
              (isTyped(edit.to) || (kind === 'tags' && isTyped(edit.from))),
          ),
      );
    const paths = slotsAndViews(path);
    if (!ids.some((id) => typedAt(id, paths)))
      found.push(`${path} = ${JSON.stringify(value)}: nobody typed it at ${origin?.connection}`);
    const shown = (id: string) =>
      paths.some((one) => world.showed(origin!.run, origin!.connection, 'contact', id, one, value));
    if (kind !== 'tags' && !isEmpty(value) && !ids.some(shown))
      found.push(`${path} = ${JSON.stringify(value)}: ${origin?.connection} did not show it in ${origin?.run}`);
  }
  return found;
}

function tagsOf(value: Value): readonly string[] {
  return (Array.isArray(value) ? value : []).map((tag) => tag.trim().toLowerCase());
}

/** The values that a timeline leads to, and the fields that it never mentions. */
function retold({ fields, timeline }: Explanation): readonly string[] {
  const wrong: string[] = [];
  for (const { path, value } of fields) {
    if (value === undefined) continue;
    const { kind } = fieldAt('contact', path);
    const isFirst = timeline.some((event) => event.what === 'first values' && event.paths.includes(path));
    const changes = timeline.filter((event) => event.what === 'changed').filter((event) => event.path === path);
    const last = changes.at(-1);
    if (!isFirst && changes[0]?.from !== undefined) wrong.push(`${path}: nothing says where its first value was from`);
    if (last && !equal(kind, last.to, value, context)) wrong.push(`${path}: ends with ${JSON.stringify(last.to)}`);
  }
  return wrong;
}

async function explained(world: World, id: string): Promise<Explanation> {
  const explanation = await explain(world.context, id);
  expect(explanation).toBeDefined();
  return explanation!;
}

describe('in any world', () => {
  law.prop([plans()], { numRuns: runs })(
    'every value is explained by the CRM in which somebody typed it and a run in which it was shown',
    async (plan) => {
      const world = await openPlan(plan);
      try {
        const entered = watchEntries(world);
        await live(world, plan, {
          afterCycle: async () => {
            for (const { record } of await world.records('contact')) {
              const explanation = await explained(world, record.id);
              expect(Object.fromEntries(explanation.fields.map(({ path, value }) => [path, value]))).toMatchObject(
                record.values,
              );
              expect(falseOrigins(world, entered, explanation)).toEqual([]);
              expect(retold(explanation)).toEqual([]);
            }
          },
        });
        await world.cycle();
        await world.cycle();
        // Once everything has settled, what is told of each CRM is what it holds.
        for (const { record } of await world.records('contact'))
          for (const { held } of (await explained(world, record.id)).fields)
            for (const { connection, externalId, path, value } of held) {
              const crm = world.crms.get(connection)!;
              const holds = crm.holds('contact', externalId)[path];
              // Where empty fields are left out, nobody can see that what was sent is not kept.
              if (isEmpty(holds) && crm.spec.showsEmptyAs === 'absent') continue;
              expect(equal(fieldAt('contact', path).kind, value, holds, context), `${connection} ${path}`).toBe(true);
            }
      } finally {
        await world.close();
      }
    },
  );
});

describe('explained', () => {
  const specs = [crm('room', ['jobTitle', 'notes']), crm('site', ['jobTitle', 'notes'])];

  async function only(world: World): Promise<Explanation> {
    const [record] = await world.records('contact');
    return await explained(world, record!.record.id);
  }

  it('a value names who gave it, when and by which rule, what it replaced, and who holds it', () =>
    inWorld(specs, async (world) => {
      const id = world.enter('room', 'contact', { ...ann, jobTitle: 'Clerk' });
      await world.cycle();
      const [siteId] = world.crms.get('site')!.ids('contact');
      world.edit('site', 'contact', siteId!, { jobTitle: 'Manager' });
      await world.cycle();
      const { fields, links, timeline, runs: named } = await only(world);
      expect(fields.find(({ path }) => path === 'jobTitle')).toMatchObject({
        title: 'job title',
        value: 'Manager',
        origin: { connection: 'site', externalId: siteId, run: runId(2), rule: 'edit' },
        replaced: { value: 'Clerk', origin: { connection: 'room', externalId: id, run: runId(1), rule: 'first seen' } },
        held: [
          { connection: 'room', externalId: id, value: 'Manager', compared: 'same' },
          { connection: 'site', externalId: siteId, value: 'Manager', compared: 'same' },
        ],
      });
      expect(links).toMatchObject([
        { connection: 'room', evidence: 'first seen', run: runId(1), isUnanswered: false },
        { connection: 'site', evidence: 'created', run: runId(1) },
      ]);
      expect(timeline.map(({ what, run }) => `${run} ${what}`)).toEqual([
        'run-1 linked',
        'run-1 linked',
        'run-1 first values',
        'run-2 changed',
      ]);
      expect(named.map(({ id, sync }) => `${id} ${sync}`)).toEqual(['run-1 people', 'run-2 people']);
    }));

  it('a conflict tells both values and the rule, and that it waits', () =>
    inWorld(
      specs,
      async (world) => {
        const id = world.enter('room', 'contact', { ...ann, notes: 'old' });
        await world.cycle();
        const [siteId] = world.crms.get('site')!.ids('contact');
        world.edit('room', 'contact', id, { notes: 'of room' });
        world.edit('site', 'contact', siteId!, { notes: 'of site' });
        await world.cycle();
        const { open, timeline, fields } = await only(world);
        const sides = { path: 'notes', rule: 'conflict: manual', state: 'waiting' };
        expect(open.conflicts).toMatchObject([sides]);
        expect(timeline.at(-1)).toMatchObject({ what: 'conflict', ...sides });
        expect(
          fields
            .find(({ path }) => path === 'notes')
            ?.held.map(({ compared }) => compared)
            .sort(),
        ).toEqual(['differs', 'same']);
      },
      { syncs: [both(['room', 'site'], { conflicts: 'manual' })] },
    ));

  it('a field that a CRM keeps in another form is called so, and no difference', () =>
    inWorld(
      [crm('room', ['notes']), crm('site', ['notes'], { habits: { ...noHabits, shortens: { notes: 4 } } })],
      async (world) => {
        world.enter('room', 'contact', { ...ann, notes: 'much longer' });
        await world.cycle();
        const { fields } = await only(world);
        expect(fields.find(({ path }) => path === 'notes')?.held).toMatchObject([
          { connection: 'room', value: 'much longer', compared: 'same' },
          { connection: 'site', value: 'much', compared: 'kept as' },
        ]);
      },
    ));

  it('what is open is told: writes with their failure, creates without an answer, reviews, what a guard holds', () =>
    inWorld(specs, async (world) => {
      world.enter('room', 'contact', ann);
      await world.cycle();
      const [record] = await world.records('contact');
      const key = { connection: 'site', recordId: record!.record.id };
      await world.store.commit({ run: 'r', at: 1, entity: 'contact', pending: [key] });
      const failure = { code: 'rejected', message: 'no' };
      const { version } = record!.record;
      const set = { version, attempts: 2, notBefore: 5, state: 'dead' as const };
      await world.store.defer(key.connection, key.recordId, { ...set, ...failure });
      await world.store.beginIntent({ ...key, entity: 'contact', at: 3, run: 'r', values: ann });
      await world.store.hold('people', 'site', 'delete', [{ ...key, what: 'delete', mark: '' }], 1);
      for (const _ of [1, 2]) world.enter('room', 'contact', { ...ben, 'email.primary': ann['email.primary'] });
      await world.store.commit({
        run: 'r',
        at: 2,
        entity: 'contact',
        reviews: [
          {
            entity: 'contact',
            connection: 'site',
            externalId: '77',
            candidates: [{ recordId: key.recordId, evidence: 'same e-mail' }],
            reason: 'two of them',
            at: 2,
            run: 'r',
          },
        ],
      });
      const { open } = await only(world);
      expect(open.writes).toMatchObject([{ connection: 'site', state: 'dead', attempts: 2, failure }]);
      expect(open.intents).toEqual([{ ...key, entity: 'contact', at: 3, run: 'r' }]);
      expect(open.reviews).toMatchObject([{ externalId: '77', reason: 'two of them' }]);
      expect(open.held).toMatchObject([{ sync: 'people', connection: 'site', what: 'delete' }]);
    }));

  it('nobody is undefined', () =>
    inWorld(specs, async (world) => expect(await explain(world.context, 'nobody')).toBeUndefined()));
});

describe('found', () => {
  const specs = [crm('room'), crm('site')];
  const ids = async (world: World, which: string, entity: Entity = 'contact') => {
    const { by, records } = await findRecord(world.context, entity, which);
    return [by, ...records.map(({ record }) => String(record.values['name.given']))];
  };

  it('by canonical id, by an id in a CRM with or without its name, by e-mail in any spelling', () =>
    inWorld(specs, async (world) => {
      const id = world.enter('room', 'contact', ann);
      await world.cycle();
      const [record] = await world.records('contact');
      expect(await ids(world, record!.record.id)).toEqual(['canonical id', 'Ann']);
      expect(await ids(world, `room:${id}`)).toEqual(['external id', 'Ann']);
      expect(await ids(world, id)).toEqual(['external id', 'Ann']);
      expect(await ids(world, ' Ann@ASHWORTH.example')).toEqual(['e-mail', 'Ann']);
      expect(await ids(world, 'ann+list@ashworth.example')).toEqual(['e-mail', 'Ann']);
      expect(await ids(world, 'anna@ashworth.example')).toEqual(['e-mail']);
      expect(await ids(world, 'site:nobody')).toEqual(['external id']);
      expect(await ids(world, record!.record.id, 'account')).toEqual(['canonical id']);
    }));

  it('by a former e-mail only when nobody has it now', () =>
    inWorld(specs, async (world) => {
      const id = world.enter('room', 'contact', ann);
      await world.cycle();
      world.edit('room', 'contact', id, { 'email.primary': 'ann@new.example' });
      await world.cycle();
      expect(await ids(world, 'ann@ashworth.example')).toEqual(['e-mail', 'Ann']);
      world.enter('room', 'contact', { ...ben, 'email.primary': 'ann@ashworth.example' });
      await world.cycle();
      expect(await ids(world, 'ann@ashworth.example')).toEqual(['e-mail', 'Ben']);
    }));

  it('several of one mailbox', () =>
    inWorld(specs, async (world) => {
      world.enter('room', 'contact', ann);
      world.enter('room', 'contact', { ...ben, 'email.primary': ann['email.primary'] });
      await world.cycle();
      expect((await ids(world, ann['email.primary'])).sort()).toEqual(['Ann', 'Ben', 'e-mail']);
    }));

  it('aside, where a record waits for a decision or could not be used', () =>
    inWorld(specs, async (world) => {
      const twins = [world.enter('room', 'contact', ann), world.enter('room', 'contact', ann)];
      world.enter('site', 'contact', ann);
      await world.cycle();
      const found = await Promise.all(twins.map((id) => findRecord(world.context, 'contact', `room:${id}`)));
      const aside = found.flatMap((one) => one.aside);
      expect(aside.length).toBeGreaterThan(0);
      for (const one of aside) expect(one).toMatchObject({ connection: 'room', state: 'unmatched', quarantine: null });
      const at = { connection: 'site', entity: 'contact' as const, externalId: '9', reason: 'Email: no text', at: 1 };
      await world.store.commit({ run: 'r', at: 1, entity: 'contact', quarantine: [at] });
      expect((await findRecord(world.context, 'contact', 'site:9')).aside).toMatchObject([
        { state: 'quarantined', quarantine: { reason: 'Email: no text' }, review: null },
      ]);
    }));
});
