import { absence } from '../connector/connector.ts';
import type { Entity, Values } from '../model/values.ts';
import type { LinkRow } from '../store/store.ts';
import { difference } from '../sync/difference.ts';
import { untaken } from '../sync/untaken.ts';
import type { Connection, EngineContext } from './engine.ts';
import { fixedPaths, kindsOf, takesPart, writablePaths } from './participation.ts';

/** What still separates a linked record from its canonical values: something to write, or what its CRM does not take. */
export type Gap =
  | { readonly state: 'none' | 'writable' }
  /** `message` names the fields and the reason, never a value. */
  | { readonly state: 'unsupported'; readonly message: string };

/** Why an API does not do this to records of an entity; undefined when it does. */
export function whyNot(
  { connector }: Connection,
  entity: Entity,
  what: 'create' | 'update' | 'delete',
): string | undefined {
  const capabilities = connector.capabilities[entity];
  return capabilities ? absence(capabilities[what]) : `no ${entity} there`;
}

/** How it is told that an API cannot do this to a record. @param paths what an update would have changed */
export function cannot(
  { name }: Connection,
  entity: Entity,
  what: 'create' | 'update' | 'delete',
  why: string,
  paths: readonly string[] = [],
): string {
  const fields = paths.length === 0 ? '' : ` (${[...paths].sort().join(', ')})`;
  return `${name} cannot ${what} a ${entity}${fields}: ${why}`;
}

/** Compares what a connection holds of a record with its canonical values. @param contested slots that wait for a person */
export function gapOf(
  at: Connection,
  entity: Entity,
  values: Values,
  link: LinkRow,
  contested: ReadonlySet<string> = new Set(),
): Gap {
  const paths = writablePaths(at, entity, 'update');
  const changes = difference({ entity, values, base: link, paths, contested, context: kindsOf(at) });
  const changed = Object.keys(changes);
  if (changed.length > 0) {
    const why = whyNot(at, entity, 'update');
    return why === undefined
      ? { state: 'writable' }
      : { state: 'unsupported', message: cannot(at, entity, 'update', why, changed) };
  }
  const message = untakenBy(at, entity, values, link);
  return message === undefined ? { state: 'none' } : { state: 'unsupported', message };
}

/**
 * Names the fields in which a connection goes on showing another value than the canonical one, because it does not take
 * it; the other fields of the record are not concerned. Undefined: there are none.
 */
export function untakenBy(at: Connection, entity: Entity, values: Values, link: LinkRow): string | undefined {
  const fixed = fixedPaths(at, entity);
  const found = untaken({ entity, values, base: link, fixed, context: kindsOf(at) });
  if (found.size === 0) return undefined;
  const byReason = Map.groupBy([...found.keys()].sort(), (path) => found.get(path)!);
  const told = [...byReason].sort().map(([why, paths]) => `${paths.join(', ')} (${why})`);
  return `${at.name} cannot be given fields of a ${entity}: ${told.join('; ')}`;
}

/** Whether some sync writes records with these values to a connection: what takes no part is not missed there. */
export function isWritten({ syncs }: EngineContext, connection: string, entity: Entity, values: Values): boolean {
  return syncs.some(
    (sync) =>
      sync.entity === entity &&
      sync.members.some((member) => member.connection === connection && member.direction !== 'read') &&
      takesPart(sync, values),
  );
}
