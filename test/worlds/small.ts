import type { SyncPolicy } from '../../src/sync/policy.ts';
import type { CrmSpec } from './fake-crm.ts';
import { noHabits } from './habits.ts';
import { openWorld, policy, type World } from './world.ts';

/** A CRM of contacts that does everything right and nothing to what it is given. `paths`: what it maps besides name and e-mail. */
export function crm(name: string, paths: readonly string[] = [], overrides: Partial<CrmSpec> = {}): CrmSpec {
  return {
    name,
    fields: { contact: ['name.given', 'name.family', 'email.primary', ...paths] },
    readOnly: [],
    habits: noHabits,
    tells: 'all',
    reads: 'id',
    pageSize: 10,
    shuffles: false,
    stamps: false,
    showsEmptyAs: 'null',
    concurrent: 1,
    ...overrides,
  };
}

/** A sync of contacts in which all connections read and write. */
export function both(connections: readonly string[], overrides: Partial<SyncPolicy> = {}): SyncPolicy {
  return policy(
    connections.map((connection) => ({ connection, direction: 'both' as const })),
    overrides,
  );
}

export const ann = { 'name.given': 'Ann', 'name.family': 'Ashworth', 'email.primary': 'ann@ashworth.example' };
export const ben = { 'name.given': 'Ben', 'name.family': 'Brennecke', 'email.primary': 'ben@brennecke.example' };

/** Opens a world of these CRMs, runs the check, closes it. Without syncs: one, in which all read and write. */
export async function inWorld(
  specs: readonly CrmSpec[],
  check: (world: World) => Promise<void>,
  { syncs = [both(specs.map(({ name }) => name))], seed = 1 }: { syncs?: readonly SyncPolicy[]; seed?: number } = {},
): Promise<void> {
  const world = await openWorld(specs, syncs, seed);
  try {
    await check(world);
  } finally {
    await world.close();
  }
}

/** Everything that was written to the CRMs since their calls were forgotten: `connection verb externalId: paths`. */
export function written(world: World): readonly string[] {
  return [...world.crms].flatMap(([name, { writes }]) =>
    writes.map(
      ({ verb, externalId, values }) =>
        `${name} ${verb} ${verb === 'create' ? '' : `${externalId}: `}${Object.keys(values).sort().join(' ')}`,
    ),
  );
}

/** What one more cycle writes, which must be nothing when all is told. */
export async function writtenInOneMoreCycle(world: World): Promise<readonly string[]> {
  world.forgetCalls();
  await world.cycle();
  return written(world);
}
