import assert from 'node:assert/strict';
import { fieldAt } from '../../model/entities.ts';
import { equal } from '../../model/kinds.ts';
import { type Entity, isEmpty, type Value, type Values } from '../../model/values.ts';
import type { CrmRecord, EntityCapabilities, WriteReply } from '../connector.ts';
import { GoneError, LookAgainError, RejectedError } from '../errors.ts';
import { type Bed, can, withBed } from './bed.ts';
import type { Check, Subject } from './subject.ts';

const UNCLEARABLE = new Set(['reference', 'option', 'boolean', 'tags']);

/** What a connector's updates and deletes do to the records of an entity. */
export function writing(subject: Subject, entity: Entity, able: EntityCapabilities): Check[] {
  const checks: Check[] = [];
  const check = (name: string, use: (bed: Bed) => Promise<void>): void => {
    checks.push({ name: `${entity}: ${name}`, run: () => withBed(subject, use) });
  };
  const isReadable = can(able, 'list') || can(able, 'read');

  if (can(able, 'update') && isReadable) {
    check('each field can be written by itself, and nothing else changes', async (bed) => {
      const id = bed.plant(entity, 1);
      for (const [path, value] of Object.entries(bed.values(entity, 2, 'readWrite'))) {
        const before = await shown(bed, entity, id);
        const reply = await bed.connector.update(entity, id, bed.change(before, { [path]: value }));
        const after = await shown(bed, entity, id);
        assertHeld(bed, entity, { [path]: value }, after.values);
        assertOthers(path, before.values, after.values);
        assertTold(reply, after);
      }
    });

    check('each field can be emptied by itself, and nothing else changes', async (bed) => {
      const id = bed.plant(entity, 1);
      for (const path of Object.keys(bed.values(entity, 2, 'readWrite'))) {
        if (UNCLEARABLE.has(fieldAt(entity, path).kind)) continue;
        const before = await shown(bed, entity, id);
        try {
          const reply = await bed.connector.update(entity, id, bed.change(before, { [path]: null }));
          const after = await shown(bed, entity, id);
          assert(isEmpty(after.values[path]), `${path} was emptied, and holds ${JSON.stringify(after.values[path])}`);
          assertOthers(path, before.values, after.values);
          assertTold(reply, after);
        } catch (error) {
          // A CRM may insist on a value, if it says so.
          if (!(error instanceof RejectedError)) throw error;
          assert.deepEqual((await shown(bed, entity, id)).values, before.values, `${path} was refused`);
        }
      }
    });

    check('several fields can be written at once', async (bed) => {
      const id = bed.plant(entity, 1);
      const changes = bed.values(entity, 2, 'readWrite');
      const before = await shown(bed, entity, id);
      const reply = await bed.connector.update(entity, id, bed.change(before, changes));
      const after = await shown(bed, entity, id);
      assertHeld(bed, entity, changes, after.values);
      assertTold(reply, after);
    });

    check('what a write tells is what is held, whatever the CRM makes of it', async (bed) => {
      const id = bed.plant(entity, 1);
      for (const [path, value] of Object.entries(bed.values(entity, 2, 'readWrite'))) {
        const { kind } = fieldAt(entity, path);
        if (kind === 'reference' || kind === 'option' || typeof value !== 'string') continue;
        for (const awkward of [
          `  ${value.toUpperCase()}  `,
          `${value}${' and more'.repeat(60)}`,
          'Zoe\u0308 \u{1F44D}',
        ]) {
          const before = await shown(bed, entity, id);
          const reply = await bed.connector
            .update(entity, id, bed.change(before, { [path]: awkward }))
            .catch((error: unknown) => assert(error instanceof RejectedError, `${path}: ${error}`));
          if (reply) assertTold(reply, await shown(bed, entity, id));
        }
      }
    });

    check('what the mapping does not know survives every update', async (bed) => {
      const { unknown } = bed.specimen(entity);
      assert(Object.keys(unknown).length > 0, 'the specimen has keys that the mapping does not know');
      const id = bed.plant(entity, 1, unknown);
      const known = await shown(bed, entity, id);
      for (const [path, value] of Object.entries(bed.values(entity, 2, 'readWrite'))) {
        await bed.connector.update(entity, id, bed.change(known, { [path]: value }));
        assertContains(bed.held(entity, id), unknown, `after a change of ${path}`);
      }
    });

    check('an update that rests on old knowledge takes no edit of a person back', async (bed) => {
      for (const [path, value] of Object.entries(bed.values(entity, 2, 'readWrite'))) {
        const id = bed.plant(entity, 1);
        const old = await shown(bed, entity, id);
        bed.sandbox.people.edit(entity, id, bed.specimen(entity).edit(3));
        const edited = await shown(bed, entity, id);
        await bed.connector
          .update(entity, id, bed.change(old, { [path]: value }))
          // The field itself may be what the person has just changed: then it may be left to another look.
          .catch((error: unknown) => assert(error instanceof LookAgainError, `${path}: ${error}`));
        assertOthers(path, edited.values, (await shown(bed, entity, id)).values);
        bed.sandbox.people.remove(entity, id);
      }
    });

    check('an update that is refused changes nothing, and its message holds none of its values', async (bed) => {
      const id = bed.plant(entity, 1);
      const before = await shown(bed, entity, id);
      const changes = bed.values(entity, 2, 'readWrite');
      bed.sandbox.faults.status = { code: 400, times: 1000, only: ({ method }) => method !== 'GET' };
      await assert.rejects(bed.connector.update(entity, id, bed.change(before, changes)), (error: unknown) => {
        assertRefused(error, entity, changes);
        return true;
      });
      delete bed.sandbox.faults.status;
      assert.deepEqual((await shown(bed, entity, id)).values, before.values);
    });

    check('an update of a record that is gone says so, and makes no new one', async (bed) => {
      const id = bed.plant(entity, 1);
      const known = await shown(bed, entity, id);
      bed.sandbox.people.remove(entity, id);
      const changes = bed.values(entity, 2, 'readWrite');
      await assert.rejects(bed.connector.update(entity, id, bed.change(known, changes)), GoneError);
      assert.deepEqual(bed.ids(entity), []);
    });
  }

  if (can(able, 'delete'))
    check('a delete takes the record away, that record alone, and once', async (bed) => {
      const [stays, goes] = [bed.plant(entity, 1), bed.plant(entity, 2)];
      const { locator } = await shown(bed, entity, goes);
      await bed.connector.delete(entity, goes, locator);
      assert.deepEqual(bed.ids(entity), [stays]);
      await assert.rejects(bed.connector.delete(entity, goes, locator), GoneError);
      assert.deepEqual(bed.ids(entity), [stays]);
    });

  return checks;
}

/** A record that must be there, as the connector shows it. */
export async function shown(bed: Bed, entity: Entity, id: string): Promise<CrmRecord> {
  const record = await bed.look(entity, id);
  assert(record, `${entity} ${id} is not there`);
  return record;
}

/** A refusal (400), told without the values that were refused: the message ends in logs. */
export function assertRefused(error: unknown, entity: Entity, values: Values): void {
  assert(error instanceof RejectedError, `a refusal (400) is a RejectedError, not ${error}`);
  for (const [path, value] of Object.entries(values))
    if (typeof value === 'string' && fieldAt(entity, path).kind !== 'reference')
      assert(!error.message.includes(value), `the message holds the value of ${path}`);
}

/** What was written is held: as it is, or in the form that the specimen knows of. */
export function assertHeld(bed: Bed, entity: Entity, written: Values, held: Values): void {
  const fields = bed.connector.mappings[entity]?.fields ?? [];
  for (const [path, value] of Object.entries(written)) {
    if (fields.some((field) => field.path === path && field.access === 'writeOnly')) continue;
    const expected = bed.specimen(entity).keeps?.[path]?.(value) ?? value;
    assert(
      same(bed, entity, path, held[path], expected),
      `${path}: ${JSON.stringify(value)} was written, ${JSON.stringify(held[path])} is held`,
    );
  }
}

/** What a write says that the CRM holds is what the CRM shows: the shadow rests on it, and so does every later merge. */
export function assertTold({ externalId, record }: WriteReply, held: CrmRecord): void {
  assert.equal(externalId, held.externalId);
  for (const [path, value] of Object.entries(record?.values ?? {}))
    if (held.values[path] !== undefined) assert.deepEqual(value, held.values[path], `the write tells another ${path}`);
}

function assertOthers(path: string, before: Values, after: Values): void {
  for (const other of new Set([...Object.keys(before), ...Object.keys(after)]))
    if (other !== path && !(isEmpty(after[other]) && isEmpty(before[other])))
      assert.deepEqual(after[other], before[other], `${other} changed when ${path} was written`);
}

function assertContains(held: unknown, expected: unknown, when: string, at = ''): void {
  if (typeof expected !== 'object' || expected === null) {
    assert.deepEqual(held, expected, `${at} ${when}`);
    return;
  }
  assert(typeof held === 'object' && held !== null, `${at} is gone ${when}`);
  for (const [key, value] of Object.entries(expected))
    assertContains((held as Readonly<Record<string, unknown>>)[key], value, when, at === '' ? key : `${at}.${key}`);
}

function same(bed: Bed, entity: Entity, path: string, a: Value | undefined, b: Value | undefined): boolean {
  const region = bed.connector.phoneRegion;
  return equal(fieldAt(entity, path).kind, a, b, region === undefined ? {} : { region });
}
