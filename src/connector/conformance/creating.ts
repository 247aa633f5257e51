import assert from 'node:assert/strict';
import { fieldAt } from '../../model/entities.ts';
import { equal } from '../../model/kinds.ts';
import type { Entity, Values } from '../../model/values.ts';
import { type CrmRecord, type EntityCapabilities, ownSystem, type WriteReply } from '../connector.ts';
import { UnknownOutcomeError } from '../errors.ts';
import type { Faults, SeenRequest } from '../sandbox.ts';
import { type Bed, can, ourId, withBed } from './bed.ts';
import type { Check, Subject } from './subject.ts';
import { assertHeld, assertRefused, assertTold, shown } from './writing.ts';

/** Writes that one create may take. */
const MAX_WRITES = 10;

/** What a connector's creates do, also when their answers are lost. */
export function creating(subject: Subject, entity: Entity, able: EntityCapabilities): Check[] {
  if (!('via' in able.create)) return [];
  const checks: Check[] = [];
  const check = (name: string, use: (bed: Bed) => Promise<void>): void => {
    checks.push({ name: `${entity}: ${name}`, run: () => withBed(subject, use) });
  };
  const isReadable = can(able, 'list') || can(able, 'read');
  const isIdempotent = able.create.idempotent === true;
  const { via } = able.create;
  /** What changes something: a POST may also be a way to ask. */
  const asked = [able.list, able.read, able.search].flatMap((ability) => ('via' in ability ? ability.via : []));
  const writes = subject.definition.operations
    .filter(({ id, method }) => method !== 'GET' && via.includes(id) && !asked.includes(id))
    .map(({ id }) => id);
  const carriesXref = 'via' in able.xref && able.xref.via.some((id) => writes.includes(id));

  const isWrite = ({ operation = '' }: SeenRequest): boolean => writes.includes(operation);

  check('a create makes one record, which holds what was written', async (bed) => {
    const values = everything(bed, entity);
    const reply = await create(bed, entity, values);
    assert.deepEqual(bed.ids(entity), [reply.externalId]);
    if (!isReadable) return;
    const held = await shown(bed, entity, reply.externalId);
    assertHeld(bed, entity, values, held.values);
    assertTold(reply, held);
  });

  if (carriesXref && isReadable)
    check('a created record carries our id, and keeps it', async (bed) => {
      const { externalId } = await create(bed, entity, everything(bed, entity));
      const created = await shown(bed, entity, externalId);
      assert.deepEqual(ownIds(created), [ourId(1)]);
      if (!can(able, 'update')) return;
      await bed.connector.update(entity, externalId, bed.change(created, bed.values(entity, 2, 'readWrite')));
      assert.deepEqual(ownIds(await shown(bed, entity, externalId)), [ourId(1)], 'after an update');
    });

  check('a create that is refused makes no record, and its message holds none of its values', async (bed) => {
    const values = everything(bed, entity);
    bed.sandbox.faults.status = { code: 400, times: 1, only: isWrite };
    await assert.rejects(create(bed, entity, values), (error: unknown) => {
      assertRefused(error, entity, values);
      return true;
    });
    assert.deepEqual(bed.ids(entity), []);
  });

  for (const trouble of ['the answer is lost', 'the request is lost', 'the CRM fails'] as const)
    check(`a create is not made twice when ${trouble}`, async (bed) => {
      for (let nth = 1; ; nth++) {
        assert(nth <= MAX_WRITES, `one create took more than ${MAX_WRITES} writes`);
        for (const id of bed.ids(entity)) bed.sandbox.people.remove(entity, id);
        const values = everything(bed, entity);
        const spent = interfere(bed.sandbox.faults, trouble, nth, isWrite);
        const reply = await create(bed, entity, values).catch((error: unknown) => {
          assert(
            error instanceof UnknownOutcomeError,
            `write ${nth} of a create came to nothing that is known: an UnknownOutcomeError is due, not ${error}`,
          );
          return undefined;
        });
        const made = bed.ids(entity);
        assert(made.length <= 1, `a create has left ${made.length} records behind`);
        const isSpent = spent();
        if (reply !== undefined) assert.deepEqual(made, [reply.externalId]);
        else if (isIdempotent) await again(bed, entity, values);
        else if (can(able, 'list')) await find(bed, entity, values, carriesXref);
        if (!isSpent) return;
      }
    });
  return checks;
}

/** Makes the n-th write from now go wrong. @returns a function that says whether there was such a write, and ends it. */
function interfere(
  faults: Faults,
  trouble: string,
  nth: number,
  isWrite: (seen: SeenRequest) => boolean,
): () => boolean {
  let count = 0;
  const only = (seen: SeenRequest): boolean => isWrite(seen) && ++count === nth;
  const fault = { times: 1, only };
  if (trouble === 'the CRM fails') faults.status = { code: 500, ...fault };
  else faults.cut = { when: trouble === 'the answer is lost' ? 'after' : 'before', ...fault };
  return () => {
    delete faults.status;
    delete faults.cut;
    return count >= nth;
  };
}

/** A create that may be repeated brings the first record, whole. */
async function again(bed: Bed, entity: Entity, values: Values): Promise<void> {
  const { externalId } = await create(bed, entity, values);
  assert.deepEqual(bed.ids(entity), [externalId], 'a repeated create finds the first record');
  const held = await bed.look(entity, externalId);
  if (held) assertHeld(bed, entity, values, held.values);
}

/** One that may not be repeated is found in a listing by our id, or else by what was written. */
async function find(bed: Bed, entity: Entity, values: Values, carriesXref: boolean): Promise<void> {
  const telling = Object.entries(values).filter(([path]) => ['email', 'phone'].includes(fieldAt(entity, path).kind));
  const isOurs = (record: CrmRecord): boolean =>
    carriesXref
      ? ownIds(record).includes(ourId(1))
      : (telling.length > 0 ? telling : Object.entries(values)).some(([path, value]) =>
          equal(fieldAt(entity, path).kind, record.values[path], value),
        );
  const found = (await bed.scan(entity)).filter(isOurs);
  assert.deepEqual(
    found.map(({ externalId }) => externalId),
    bed.ids(entity),
    'what was created is found in the listing',
  );
}

function ownIds({ xrefs = [] }: CrmRecord): string[] {
  return xrefs.filter(({ system }) => system === ownSystem).map(({ id }) => id);
}

function create(bed: Bed, entity: Entity, values: Values): Promise<WriteReply> {
  return bed.connector.create(entity, { canonicalId: ourId(1), values });
}

function everything(bed: Bed, entity: Entity): Values {
  return bed.values(entity, 1, 'readWrite', 'writeOnly', 'createOnly');
}
