import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test as law } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Connector } from '../../src/connector/connector.ts';
import { WithheldError } from '../../src/connector/http.ts';
import { type PlannedChange, plannedPrefix, rehearsal } from '../../src/engine/rehearsal.ts';
import type { Values } from '../../src/model/values.ts';
import { runCycle } from '../../src/queue/cycle.ts';
import { backUp } from '../../src/store/sqlite/backup.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Forms } from '../../src/sync/forms.ts';
import { compilePattern } from '../../src/sync/pattern.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { passingFolder } from '../simulator/file-store.ts';
import { live, openPlan, plans, policyOf, runs } from './generated.ts';
import type { World } from './world.ts';

/** The same CRM for someone who must not write: what would change something is withheld, as by a read-only client. */
function readOnly(connector: Connector): Connector {
  const withhold = async () => {
    throw new WithheldError('only read here');
  };
  const only: Partial<Connector> = { create: withhold, update: withhold, delete: withhold };
  return new Proxy(connector, {
    get: (whole, name) => {
      const member: unknown = Reflect.get(only, name) ?? Reflect.get(whole, name, whole);
      return typeof member === 'function' ? member.bind(whole) : member;
    },
  });
}

/** What a plan over a copy of the world's store says that the next cycle writes. */
async function planOf(world: World, file: string): Promise<readonly PlannedChange[]> {
  const copy = `${file}.copy`;
  await backUp(file, copy, { onProgress: () => {}, signal: new AbortController().signal });
  const store = await openSqliteStore(copy);
  const changes: PlannedChange[] = [];
  try {
    const connections = [...world.context.connections.values()].map(
      (one) => [one.name, { ...one, connector: readOnly(one.connector) }] as const,
    );
    const context = { ...world.context, store, connections: new Map(connections) };
    const rehearsed = rehearsal(context, world.clock.now(), (change) => changes.push(change));
    for (const sync of world.context.syncs) await runCycle(rehearsed, sync, { run: 'plan', pastGuards: true });
  } finally {
    await store.close();
    rmSync(copy);
  }
  return changes;
}

function told(connection: string, verb: string, externalId: string | undefined, values: Values): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${verb} ${connection}:${externalId ?? ''} ${JSON.stringify(sorted)}`;
}

/** Of two spellings of one value the one that was read first is kept; so that both read in one order, none is shuffled. */
const steady = plans({ injected: false }).map((plan) => ({
  ...plan,
  crms: plan.crms.map((crm) => ({ ...crm, shuffles: false })),
}));

/** Rules that have a part in what is written. */
const rules = fc.record({
  where: fc.constantFrom<SyncPolicy['where']>(
    {},
    { jobTitle: 'present' },
    { notes: { not: { matches: compilePattern('[13579]') } } },
  ),
  fields: fc.constantFrom<SyncPolicy['fields']>({}, { jobTitle: { from: ['alpha'] }, notes: { to: ['bravo'] } }),
  defaults: fc.constantFrom<SyncPolicy['defaults']>({}, { bravo: { department: 'Vorgabe', 'custom.shoe': '42' } }),
  forms: fc.constantFrom<Readonly<Record<string, Forms>>>(
    {},
    {
      bravo: {
        'name.family': { steps: ['upper'] },
        notes: { template: [{ path: 'name.given' }, ' ', { path: 'jobTitle' }] },
      },
    },
  ),
});

describe('a plan', () => {
  law.prop([steady, rules], { numRuns: Math.ceil(runs / 5) })(
    'names exactly the writes of the sync that follows, with a reason for each field, and writes nothing',
    async (plan, { forms, ...policies }) => {
      const folder = passingFolder();
      const file = join(folder, 'world.db');
      const syncs = [policyOf(plan, policies)];
      const world = await openPlan(plan, { store: await openSqliteStore(file), syncs, forms });
      let planned: readonly string[] = [];
      try {
        await live(world, plan, {
          async beforeCycle() {
            // A listing within seconds of a write may lag behind it, and then says nothing: to a sync as to a plan.
            world.clock.advance(60_000);
            const changes = await planOf(world, file);
            for (const { fields } of changes)
              for (const { reason } of Object.values(fields)) expect(reason).not.toBe('');
            planned = changes.map(({ connection, action, externalId, fields }) =>
              told(
                connection,
                action,
                externalId?.startsWith(plannedPrefix) ? undefined : externalId,
                Object.fromEntries(Object.entries(fields).map(([path, { to }]) => [path, to])),
              ),
            );
            expect([...world.crms.values()].flatMap(({ writes }) => writes)).toEqual([]);
          },
          async afterCycle() {
            const written = [...world.crms].flatMap(([name, { writes }]) =>
              writes.map(({ verb, externalId, values }) =>
                told(name, verb, verb === 'create' ? undefined : externalId, values),
              ),
            );
            expect(planned.toSorted()).toEqual(written.toSorted());
            world.forgetCalls();
          },
        });
      } finally {
        await world.close();
        rmSync(folder, { recursive: true });
      }
    },
  );
});
