import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test as law } from '@fast-check/vitest';
import Sqlite, { type Database } from 'better-sqlite3';
import { describe, expect, vi } from 'vitest';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { live, openPlan, type Plan, plans, runs } from './generated.ts';
import { disagreements, doubles, lostEdits } from './laws.ts';
import type { World } from './world.ts';

const scenario = fc.tuple(plans({ rounds: 4 }), fc.nat({ max: 3 }));

/** Lives through a plan; then the database is lost, and the copy of it is put back that was made after `backupAfter` cycles. */
async function restored([plan, backupAfter]: [Plan, number], check: (world: World) => Promise<void>): Promise<void> {
  const pragma = vi.spyOn(Sqlite.prototype, 'pragma');
  const world = await openPlan(plan);
  const database = pragma.mock.contexts.at(-1) as Database;
  pragma.mockRestore();
  const folder = mkdtempSync(join(tmpdir(), 'restored-'));
  const file = join(folder, 'copy.db');
  try {
    let cycles = 0;
    await live(world, plan, {
      afterCycle: async () => {
        if (cycles === backupAfter || cycles === 0) writeFileSync(file, database.serialize());
        cycles += 1;
      },
    });
    const store = await openSqliteStore(file);
    const context = { ...world.context, store };
    // What had been edited over before the disaster is told by logs that are lost.
    const edits = world.edits.filter(({ connection, entity, externalId, path, to }) => {
      const crm = world.crms.get(connection)!;
      if (!crm.ids(entity).includes(externalId)) return false;
      return equal(fieldAt(entity, path).kind, crm.holds(entity, externalId)[path]!, to, { region: 'DE' });
    });
    await check({
      ...world,
      store,
      context,
      edits,
      cycle: (as = context, restMs) => world.cycle(as, restMs),
      records: (entity) => store.records(entity, undefined, 10_000),
      recordOf: async (connection, entity, id) => (await store.linked(connection, entity, [id])).get(id),
    });
    await store.close();
  } finally {
    await world.close();
    rmSync(folder, { recursive: true });
  }
}

describe('with a backup put back in any world', () => {
  law.prop([scenario], { numRuns: runs })('nobody is twice in one CRM, no edit is lost, and all agree again', (given) =>
    restored(given, async (world) => {
      await world.cycle();
      expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
      await world.cycle();
      await world.cycle();
      expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
      expect(await lostEdits(world)).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
      world.forgetCalls();
      await world.cycle();
      expect([...world.crms.values()].flatMap(({ writes }) => writes)).toEqual([]);
    }),
  );
});
