import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test as law } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { isEmpty, type Value } from '../../src/model/values.ts';
import { noDisk } from '../../src/store/sqlite/disk.ts';
import { openFile } from '../../src/store/sqlite/file.ts';
import { openSqliteStore, storeOver } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { disagreements, doubles, lostEdits } from './laws.ts';
import { both, crm } from './small.ts';
import { type Edit, openWorld, type Parts, type World } from './world.ts';

/** Each world is lived through twice, in a file. */
const third = Math.ceil(runs / 3);

/** No guard stops. */
const free = { share: 1, atLeast: 100 };

const scenario = fc.tuple(plans({ rounds: 4 }), fc.nat({ max: 3 }));

/** A world, and the means to copy its database and to go on with the copy. */
interface Place {
  readonly world: World;
  /** Copies the database as it is now, in the place of an earlier copy. */
  backUp(): void;
  /** The world as it is, with the database that the copy holds. */
  restore(): Promise<World>;
}

async function inPlace(open: (parts: Parts) => Promise<World>, check: (place: Place) => Promise<void>): Promise<void> {
  const database = openFile(':memory:', 0);
  const world = await open({ store: storeOver(database, noDisk, ':memory:') });
  const folder = mkdtempSync(join(tmpdir(), 'restored-'));
  const file = join(folder, 'copy.db');
  const stores: Store[] = [];
  try {
    await check({
      world,
      backUp: () => writeFileSync(file, database.serialize()),
      restore: async () => {
        const store = await openSqliteStore(file);
        stores.push(store);
        return await withStore(world, store);
      },
    });
  } finally {
    for (const store of stores) await store.close();
    await world.close();
    rmSync(folder, { recursive: true });
  }
}

async function withStore(world: World, store: Store): Promise<World> {
  const context = { ...world.context, store };
  const edits: Edit[] = [];
  for (const edit of world.edits) if (!(await isUnknowable(edit, world, store))) edits.push(edit);
  return {
    ...world,
    store,
    context,
    edits,
    cycle: (as = context, restMs) => world.cycle(as, restMs),
    records: (entity) => store.records(entity, undefined, 10_000),
    recordOf: async (connection, entity, id) => (await store.linked(connection, entity, [id])).get(id),
  };
}

/**
 * An edit that was edited over since is told by logs that are lost; one that went back to what stood there at the time of
 * the copy looks like none.
 */
async function isUnknowable({ connection, entity, externalId, path, to }: Edit, world: World, store: Store) {
  const crm = world.crms.get(connection)!;
  const { kind } = fieldAt(entity, path);
  const same = (a: Value | undefined, b: Value | undefined) => equal(kind, a ?? null, b ?? null, { region: 'DE' });
  if (!crm.ids(entity).includes(externalId) || !same(crm.holds(entity, externalId)[path], to)) return true;
  const link = (await store.linked(connection, entity, [externalId]))
    .get(externalId)
    ?.links.find((one) => one.connection === connection && one.externalId === externalId);
  if (link === undefined) return false;
  // What had been written and not yet been seen at the time of the copy, and is empty now, is what the CRM could not hold.
  return same(link.shadow[path], to) || (isEmpty(to) && link.sent[path] !== undefined);
}

const writes = (world: World) => [...world.crms.values()].flatMap((one) => one.writes);

/** What people do: enter somebody, delete or edit one of the records of a CRM. */
const deed = fc.record({
  crm: fc.nat({ max: 2 }),
  does: fc.constantFrom('enter', 'enter', 'delete', 'edit'),
  record: fc.nat({ max: 9 }),
});
const withDeletes = fc.record({
  deletes: fc.constantFrom('ignore', 'propagate'),
  reads: fc.array(fc.constantFrom('id', 'search', 'none'), { minLength: 3, maxLength: 3 }),
  before: fc.array(fc.array(deed, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  since: fc.array(fc.array(deed, { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
});

describe('with a backup put back in any world', () => {
  law.prop([scenario], { numRuns: third })(
    'nobody is twice in one CRM, no edit is lost, and all agree again',
    async ([plan, after]) => {
      await inPlace(
        (parts) => openPlan(plan, parts),
        async ({ world: before, backUp, restore }) => {
          let cycles = 0;
          await live(before, plan, {
            afterCycle: async () => {
              if (cycles === after || cycles === 0) backUp();
              cycles += 1;
            },
          });
          const world = await restore();
          await world.cycle();
          expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
          await world.cycle();
          await world.cycle();
          expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
          expect(await lostEdits(world)).toEqual([]);
          expect(await disagreements(world, 'contact')).toEqual([]);
          world.forgetCalls();
          await world.cycle();
          expect(writes(world)).toEqual([]);
        },
      );
    },
  );

  law.prop([withDeletes], { numRuns: third })(
    'who was deleted nowhere is everywhere, once',
    async ({ deletes, reads, before, since }) => {
      const names = ['alpha', 'bravo', 'charlie'];
      const specs = names.map((name, index) => crm(name, ['jobTitle'], { reads: reads[index]! }));
      const limits = { deletes: free, overwrites: free, blankings: free };
      await inPlace(
        (parts) => openWorld(specs, [both(names, { deletes, limits })], 1, parts),
        async ({ world, backUp, restore }) => {
          const people = new Set<string>();
          const enter = (name: string) => {
            const email = `p${people.size}@mail${people.size}.example`;
            people.add(email);
            world.enter(name, 'contact', {
              'name.given': `Given${people.size}`,
              'name.family': `Family${people.size}`,
              'email.primary': email,
            });
          };
          // Nobody deletes these: an empty listing would stop everything, as it should.
          for (const name of names) enter(name);
          const safe = [...people];
          const deleted = new Set<string>();
          const act = ({ crm: index, does, record }: typeof deed extends fc.Arbitrary<infer Deed> ? Deed : never) => {
            const name = names[index]!;
            const at = world.crms.get(name)!;
            const emailOf = (id: string) => String(at.holds('contact', id)['email.primary']);
            const ids = at.ids('contact').filter((id) => !safe.includes(emailOf(id)));
            const id = ids[record % Math.max(ids.length, 1)];
            if (does === 'enter' || id === undefined) return enter(name);
            if (does === 'edit') return world.edit(name, 'contact', id, { jobTitle: `Job ${record} ${ids.length}` });
            deleted.add(emailOf(id));
            at.drop('contact', id);
          };
          for (const deeds of before) {
            deeds.forEach(act);
            await world.cycle();
          }
          backUp();
          for (const deeds of since) {
            await world.cycle();
            deeds.forEach(act);
          }
          const after = await restore();
          for (let cycle = 0; cycle < 4; cycle += 1) expect((await after.cycle()).people?.state).toBe('done');
          expect(doubles(after, 'contact', 'email.primary')).toEqual([]);
          for (const at of after.crms.values()) {
            const there = at.ids('contact').map((id) => at.holds('contact', id)['email.primary']);
            expect(there).toEqual(expect.arrayContaining([...people].filter((email) => !deleted.has(email))));
          }
          after.forgetCalls();
          await after.cycle();
          expect(writes(after)).toEqual([]);
        },
      );
    },
  );
});
