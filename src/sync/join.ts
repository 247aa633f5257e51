import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { type Entity, type Origin, type Origins, person, type Value, type Values } from '../model/values.ts';
import { type Conflict, merge } from './merge.ts';
import type { SyncPolicy } from './policy.ts';

/** The values of a canonical record, each with its origin. */
export interface Canonical {
  readonly values: Values;
  readonly origins: Origins;
}

/** A decision of a person, as origins name it. */
export interface Decree {
  readonly run: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * The values of a canonical record that turns out to be another one as well: equal values stay, gaps are filled, and
 * differences are decided by the sync's rules as at first sight, the losing value reported. What the other one gave keeps
 * its connection and stamp, and names the decision as its run. Pure: nothing given is changed.
 */
export function joinValues(
  entity: Entity,
  policy: Pick<SyncPolicy, 'conflicts' | 'owners' | 'members'>,
  into: Canonical,
  other: Canonical,
  decree: Decree,
  context: KindContext,
): Canonical & { readonly conflicts: readonly Conflict[] } {
  let joined = into;
  const conflicts: Conflict[] = [];
  // What a person gave to concordat itself is no CRM's, and wins against every one of them.
  const said = [into, other].flatMap(({ origins }) =>
    Object.keys(origins).filter((path) => origins[path]!.connection === person),
  );
  const owners = { ...policy.owners, ...Object.fromEntries(said.map((path) => [path, person])) };
  for (const { origin, values } of byOrigin(other)) {
    const { connection, run, at, modifiedAt } = origin;
    const merged = merge({
      entity,
      policy: { ...policy, owners },
      canonical: joined,
      base: { shadow: {}, sent: {} },
      theirs: values,
      seen: { connection, run, at, ...(modifiedAt === undefined ? {} : { modifiedAt }) },
      counts: true,
      context,
    });
    joined = merged.canonical;
    conflicts.push(...merged.conflicts);
  }
  const origins: Record<string, Origin> = {};
  for (const [path, origin] of Object.entries(joined.origins)) {
    const before = into.origins[path];
    const isSame = before && equal(fieldAt(entity, path).kind, joined.values[path], into.values[path], context);
    origins[path] = isSame ? before : { ...origin, ...decree, rule: `merged: ${origin.rule}` };
  }
  return { values: joined.values, origins, conflicts };
}

/** What one CRM showed at one time is compared at once: a name that was split by guess shows beside its whole. */
function byOrigin({ values, origins }: Canonical): readonly { origin: Origin; values: Values }[] {
  const groups = new Map<string, { origin: Origin; values: Record<string, Value> }>();
  for (const [path, value] of Object.entries(values)) {
    const origin = origins[path];
    if (!origin) continue;
    const key = JSON.stringify([origin.connection, origin.run, origin.at, origin.modifiedAt]);
    const group = groups.get(key) ?? { origin, values: {} };
    group.values[path] = value;
    groups.set(key, group);
  }
  return [...groups.values()];
}
