import assert from 'node:assert/strict';
import { type Entity, isEmpty } from '../../model/values.ts';
import type { CrmRecord, EntityCapabilities, SearchFor } from '../connector.ts';
import { CrmError } from '../errors.ts';
import type { Faults } from '../sandbox.ts';
import { seededIds } from '../seeded-ids.ts';
import { type Bed, can, withBed } from './bed.ts';
import type { Check, Subject } from './subject.ts';

/** Records in a listing, and rows in a page: more than two pages, the last one not full. */
const RECORDS = 11;
const MAX_PAGE = 4;
/** Listings that move, each in its own way. */
const MOVING_LISTS = 12;
const AHEAD = 4;

const ways: readonly NonNullable<Faults['garble']>['how'][] = ['html', 'truncated', 'contentType', 'empty'];
const MANY = 10_000;

/** What a connector shows of the records of an entity. */
export function reading(subject: Subject, entity: Entity, able: EntityCapabilities): Check[] {
  const checks: Check[] = [];
  const check = (name: string, use: (bed: Bed) => Promise<void>, concurrent = 1): void => {
    checks.push({ name: `${entity}: ${name}`, run: () => withBed(subject, use, { maxPage: MAX_PAGE, concurrent }) });
  };
  const numbers = Array.from({ length: RECORDS }, (_, index) => index + 1);

  if (can(able, 'list')) {
    check('a CRM without records lists none, and the list ends', async (bed) => {
      assert.deepEqual(await bed.scan(entity), []);
    });

    check('a list brings every record once, page by page', async (bed) => {
      const planted = numbers.map((n) => bed.plant(entity, n));
      const records = await bed.scan(entity);
      assert.deepEqual(idsOf(records), planted.sort());
      for (const { externalId, values } of records)
        assert(Object.keys(values).length > 0, `${externalId} came without a value`);
    });

    for (const [concurrent, how] of [
      [1, 'page by page'],
      [AHEAD, 'with pages read ahead'],
    ] as const)
      check(
        `a list that moves brings every record that stays, and none twice, ${how}`,
        async (bed) => {
          for (let seed = 1; seed <= MOVING_LISTS; seed++) await movingList(bed, entity, seed);
        },
        concurrent,
      );

    check('a list that is told to stop does not end as if it were complete', async (bed) => {
      for (const n of numbers) bed.plant(entity, n);
      const before = bed.calls();
      await bed.scan(entity);
      // With one call the list is complete before anybody can stop it.
      if (bed.calls() === before + 1) return;
      const stop = new AbortController();
      bed.between(() => stop.abort(new Error('told to stop')));
      await assert.rejects(async () => {
        for await (const _ of bed.connector.list(entity, stop.signal));
      }, /told to stop/);
    });

    check('a damaged or refused list never ends as if it were complete', async (bed) => {
      for (const n of numbers) bed.plant(entity, n);
      const before = bed.calls();
      await bed.scan(entity);
      const calls = bed.calls() - before;
      for (const at of new Set([1, Math.ceil(calls / 2), calls])) {
        for (const how of ways) {
          bed.sandbox.faults.garble = { how, times: MANY, only: from(at) };
          await assertIncomplete(bed, entity, `call ${at} of ${calls} was answered with ${how}`);
        }
        delete bed.sandbox.faults.garble;
        for (const code of [404, 500]) {
          bed.sandbox.faults.status = { code, times: MANY, only: from(at) };
          await assertIncomplete(bed, entity, `call ${at} of ${calls} was answered with status ${code}`);
        }
        delete bed.sandbox.faults.status;
      }
    });

    check('a record that cannot be used is set aside, and the others come', async (bed) => {
      const good = [bed.plant(entity, 1)];
      const spoilt = bed.plant(entity, 2, bed.specimen(entity).unusable);
      good.push(bed.plant(entity, 3));
      const [records, bad]: [string[], (string | undefined)[]] = [[], []];
      for await (const page of bed.connector.list(entity)) {
        records.push(...page.records.map(({ externalId }) => externalId));
        bad.push(...page.bad.map(({ externalId }) => externalId));
        for (const { reason } of page.bad) assert(reason.trim() !== '', 'a record set aside says why');
      }
      assert.deepEqual(records.sort(), good.sort());
      assert.deepEqual(bad, [spoilt]);
    });

    check('a record that a person deleted is not listed any more', async (bed) => {
      const [stays, goes] = [bed.plant(entity, 1), bed.plant(entity, 2)];
      assert.deepEqual(idsOf(await bed.scan(entity)), [stays, goes].sort());
      bed.sandbox.people.remove(entity, goes);
      assert.deepEqual(idsOf(await bed.scan(entity)), [stays]);
    });

    if (can(able, 'read'))
      check('a read shows nothing else than the list', async (bed) => {
        bed.plant(entity, 1);
        bed.plant(entity, 2);
        for (const { externalId, values, locator } of await bed.scan(entity)) {
          const reply = await bed.connector.read(entity, externalId, locator);
          assert(reply.state === 'found', `${externalId} is listed, and read as ${reply.state}`);
          assert.equal(reply.record.externalId, externalId);
          for (const [path, value] of Object.entries(reply.record.values))
            if (values[path] !== undefined) assert.deepEqual(value, values[path], path);
        }
      });
  }

  if ('by' in able.read) {
    const isById = able.read.by === 'id';
    check('a read finds a record, and tells one that is gone from one that it cannot find', async (bed) => {
      const [stays, goes] = [bed.plant(entity, 1), bed.plant(entity, 2)];
      const locators = await locatorsOf(bed, entity, able);
      const read = (id: string) => bed.connector.read(entity, id, locators.get(id));
      for (const id of [stays, goes]) {
        const reply = await read(id);
        assert(reply.state === 'found', `${id} is there, and read as ${reply.state}`);
        assert.equal(reply.record.externalId, id);
      }
      bed.sandbox.people.remove(entity, goes);
      assert.equal((await read(goes)).state, isById ? 'gone' : 'unknown');
      assert.equal((await read(stays)).state, 'found');
    });

    check('a damaged or refused read never says that a record is gone', async (bed) => {
      const id = bed.plant(entity, 1);
      const locator = (await locatorsOf(bed, entity, able)).get(id);
      const read = () => bed.connector.read(entity, id, locator);
      for (const how of ways) {
        bed.sandbox.faults.garble = { how, times: MANY };
        await assert.rejects(read(), CrmError, `a read was answered with ${how}`);
      }
      delete bed.sandbox.faults.garble;
      bed.sandbox.faults.status = { code: 500, times: MANY };
      await assert.rejects(read(), CrmError, 'a read was answered with status 500');
    });
  }

  if ('by' in able.search) {
    const { by } = able.search;
    check(`a search by ${by.join(', ')} finds the record, and no other`, async (bed) => {
      const [wanted] = [bed.plant(entity, 1), bed.plant(entity, 2)];
      const record = await bed.look(entity, wanted as string);
      assert(record);
      for (const key of by) {
        const text = searchText(key, record);
        assert(text, `the specimen has no ${key} to search by`);
        assert.deepEqual(idsOf(await bed.connector.search(entity, { [key]: text })), [wanted], key);
      }
      assert.deepEqual(await bed.connector.search(entity, { [by[0] as string]: 'nobody.at.all@example.com' }), []);
    });
  }

  if (can(able, 'list') || can(able, 'read'))
    check('a key that is left out says nothing, and one that is null says: empty', async (bed) => {
      const wire = bed.specimen(entity).wire(1, bed.plant);
      for (const { path, wire: key, access } of bed.connector.mappings[entity]?.fields ?? []) {
        // A key that reaches into something is of the connector's own making.
        if (access === 'writeOnly' || !(key in wire)) continue;
        const silence = await bed.look(entity, bed.plant(entity, 1, { [key]: undefined }));
        assert.equal(silence?.values[path], undefined, `${path} was left out`);
        const id = bed.plant(entity, 2, { [key]: null });
        let isShown = false;
        bed.between((body) => {
          isShown ||= hasNull(body, bed.specimen(entity).id, id, key);
        });
        const empty = await bed.look(entity, id);
        bed.between(undefined);
        // A CRM may leave out what is null: then it says nothing.
        if (empty && isShown) assert(path in empty.values, `${path} was null, and nothing is said of it`);
        assert(isEmpty(empty?.values[path]), `${path} was null, and is read as ${JSON.stringify(empty?.values[path])}`);
      }
    });

  check('the modified stamp is there where it is declared, and moves with an edit', async (bed) => {
    const id = bed.plant(entity, 1);
    if (!can(able, 'list') && !can(able, 'read')) return;
    const before = (await bed.look(entity, id))?.modifiedAt;
    bed.sandbox.people.edit(entity, id, bed.specimen(entity).edit(1));
    const after = (await bed.look(entity, id))?.modifiedAt;
    if (!can(able, 'modifiedStamp')) assert.deepEqual([before, after], [undefined, undefined]);
    // A CRM may have no stamp for a record that nobody has changed.
    else assert(after !== undefined && after > (before ?? 0), `it was ${before}, and is ${after} after an edit`);
  });
  return checks;
}

/** Whether a reply shows the record with this id, and null under `key`. */
function hasNull(body: unknown, idKey: string, id: string, key: string): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const wire = body as Readonly<Record<string, unknown>>;
  if (String(wire[idKey]) === id && wire[key] === null) return true;
  return Object.values(wire).some((inner) => hasNull(inner, idKey, id, key));
}

/** A scan that throws, or says of itself that it is partial: nothing may count as deleted by it. */
async function assertIncomplete(bed: Bed, entity: Entity, why: string): Promise<void> {
  let isPartial = false;
  try {
    for await (const page of bed.connector.list(entity)) isPartial ||= page.partial === true;
  } catch (error) {
    assert(error instanceof CrmError, `${why}: a CrmError is due, not ${error}`);
    return;
  }
  assert(isPartial, `${why}, and the list ended as if it were complete`);
}

/** A scan while, between any two calls, people add records, delete others and edit the ones that stay. */
async function movingList(bed: Bed, entity: Entity, seed: number): Promise<void> {
  const { people } = bed.sandbox;
  bed.clear();
  const random = seededIds(seed);
  const [stays, goes]: [string[], string[]] = [[], []];
  for (let n = 1; n <= 2 * RECORDS; n++) (random.integer(3) === 0 ? goes : stays).push(bed.plant(entity, n));
  /** Each of these is edited once at most: whoever wanders to and fro may be missed where a list is read in parts. */
  const settled = [...stays];
  let n = 2 * RECORDS;
  bed.between(() => {
    const going = goes[random.integer(goes.length)];
    const what = random.integer(4);
    if (what === 0 && going !== undefined) {
      people.remove(entity, going);
      goes.splice(goes.indexOf(going), 1);
    } else if (what === 1) goes.push(bed.plant(entity, ++n));
    else if (what === 2) {
      const edited = settled.pop();
      if (edited !== undefined) people.edit(entity, edited, bed.specimen(entity).edit(++n));
    }
  });
  const seen = idsOf(await bed.scan(entity));
  bed.between(undefined);
  assert.equal(new Set(seen).size, seen.length, `moving list ${seed}: a record came twice`);
  const missed = stays.filter((id) => !seen.includes(id));
  assert.deepEqual(missed, [], `moving list ${seed}: records that were there all the time did not come`);
}

/** Concerns the calls from the `at`-th on; the token request of OAuth is none of them. */
function from(at: number): (seen: { readonly operation: string | undefined }) => boolean {
  let count = 0;
  return ({ operation }) => operation !== undefined && ++count >= at;
}

function idsOf(records: readonly CrmRecord[]): string[] {
  return records.map(({ externalId }) => externalId).sort();
}

/** What a list, where there is one, gives to read the records again. */
async function locatorsOf(
  bed: Bed,
  entity: Entity,
  able: EntityCapabilities,
): Promise<ReadonlyMap<string, string | undefined>> {
  const records = can(able, 'list') ? await bed.scan(entity) : [];
  return new Map(records.map(({ externalId, locator }) => [externalId, locator]));
}

function searchText(key: keyof SearchFor, { values }: CrmRecord): string | undefined {
  const first = (...paths: string[]) => paths.map((path) => values[path]).find((value) => typeof value === 'string');
  if (key === 'email') return first('email.primary');
  if (key === 'phone') return first('phone.primary', 'phone.mobile', 'phone.work', 'phone.home');
  const parts = [values['name.given'], values['name.family']].filter((part) => typeof part === 'string');
  return first('name', 'name.full', 'title') ?? (parts.length > 0 ? parts.join(' ') : undefined);
}
