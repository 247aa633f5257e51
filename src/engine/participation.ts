import type { KindContext } from '../model/kinds.ts';
import type { Entity, Values } from '../model/values.ts';
import type { LinkRow } from '../store/store.ts';
import { isInSet } from '../sync/condition.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Connection, EngineContext } from './engine.ts';

/**
 * The connections that a record with these links has to be written to: the writable members of every sync of its entity
 * in which a readable member holds it.
 */
export function writeTargets(syncs: readonly SyncPolicy[], entity: Entity, links: Iterable<LinkRow>): Set<string> {
  const holders = new Set<string>();
  for (const link of links) if (link.state === 'live') holders.add(link.connection);
  const targets = new Set<string>();
  for (const sync of syncs) {
    if (sync.entity !== entity) continue;
    if (!sync.members.some(({ connection, direction }) => direction !== 'write' && holders.has(connection))) continue;
    for (const { connection, direction } of sync.members) if (direction !== 'read') targets.add(connection);
  }
  return targets;
}

/** The connections at which a record with these links is to be deleted when it is a tombstone: those that have it, where deletes travel. */
export function deleteTargets(syncs: readonly SyncPolicy[], entity: Entity, links: Iterable<LinkRow>): Set<string> {
  const holders = new Set<string>();
  for (const link of links) if (link.state === 'live') holders.add(link.connection);
  const travelling = syncs.filter((sync) => sync.entity === entity && sync.deletes === 'propagate');
  const members = travelling.flatMap((sync) => sync.members);
  return new Set(
    members
      .filter(({ connection, direction }) => direction !== 'read' && holders.has(connection))
      .map(({ connection }) => connection),
  );
}

/** Whether a canonical record takes part in a sync now: all conditions of its `where` hold. */
export function takesPart(
  { clock }: Pick<EngineContext, 'clock'>,
  { entity, where }: SyncPolicy,
  values: Values,
): boolean {
  // Nearly every sync takes all there are.
  return Object.keys(where).length === 0 || isInSet(entity, where, values, clock.now());
}

const pathsOf = new WeakMap<object, { readonly create: readonly string[]; readonly update: readonly string[] }>();

/** The canonical paths that a connection takes in a write, by sort of write. Empty when it does not know the entity. */
export function writablePaths(connection: Connection, entity: Entity, sort: 'create' | 'update'): readonly string[] {
  const mapping = connection.connector.mappings[entity];
  if (!mapping) return [];
  let paths = pathsOf.get(mapping);
  if (!paths) {
    const writable = mapping.fields.filter(({ access }) => access !== 'readOnly');
    paths = {
      create: writable.map(({ path }) => path),
      update: writable.filter(({ access }) => access !== 'createOnly').map(({ path }) => path),
    };
    pathsOf.set(mapping, paths);
  }
  return paths[sort];
}

const fixedOf = new WeakMap<object, ReadonlyMap<string, string>>();

/** The canonical paths that a connection shows and does not take in an update, each with the reason in words. */
export function fixedPaths({ connector }: Connection, entity: Entity): ReadonlyMap<string, string> {
  const mapping = connector.mappings[entity];
  if (!mapping) return new Map();
  let fixed = fixedOf.get(mapping);
  if (!fixed) {
    fixed = new Map(
      mapping.fields.flatMap(({ path, access }): [string, string][] => {
        if (access === 'readOnly') return [[path, 'only shown there']];
        return access === 'createOnly' ? [[path, 'taken there with a create only']] : [];
      }),
    );
    fixedOf.set(mapping, fixed);
  }
  return fixed;
}

/** Whether a connection can tell for sure if a record is there: a search that does not find it proves nothing. */
export function readsById({ connector }: Connection, entity: Entity): boolean {
  const read = connector.capabilities[entity]?.read;
  return read !== undefined && 'by' in read && read.by === 'id';
}

/** The connection of that name. @throws RangeError when the configuration names one that was not wired. */
export function connectionNamed(context: EngineContext, name: string): Connection {
  const connection = context.connections.get(name);
  if (!connection)
    throw new RangeError(`no connection "${name}"; known: ${[...context.connections.keys()].join(', ')}`);
  return connection;
}

/** The sync of that name. @throws RangeError when the configuration has none. */
export function syncNamed(context: EngineContext, name: string): SyncPolicy {
  const sync = context.syncs.find((one) => one.name === name);
  if (!sync) throw new RangeError(`no sync "${name}"; known: ${context.syncs.map((one) => one.name).join(', ')}`);
  return sync;
}

/** What normal forms depend on at a connection. */
export function kindsOf({ connector }: Connection): KindContext {
  return connector.phoneRegion === undefined ? {} : { region: connector.phoneRegion };
}
