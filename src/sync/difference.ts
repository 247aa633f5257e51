import { fieldAt, slotOf } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import type { Base } from './merge.ts';

export interface DifferenceInput {
  readonly entity: Entity;
  /** The canonical values. */
  readonly values: Values;
  readonly base: Base;
  /** The paths that this CRM takes in a write of this sort. */
  readonly paths: readonly string[];
  /** Slots whose conflict waits for a person: written nowhere until it is settled. */
  readonly contested: ReadonlySet<string>;
  readonly context: KindContext;
}

/**
 * What has to be written so that the CRM holds the canonical values: only fields that differ from what it is known to
 * hold (law 11), and not those where it already answered a write of the same value with a form of its own (law 2).
 * A field about which nothing canonical is known is never named (law 5).
 */
export function difference({ entity, values, base, paths, contested, context }: DifferenceInput): Values {
  const changes: Record<string, Value> = {};
  for (const path of paths) {
    const slot = slotOf(entity, path, values);
    const wanted = values[slot];
    if (wanted === undefined || contested.has(slot)) continue;
    const { kind } = fieldAt(entity, path);
    const held = base.shadow[path];
    const written = base.sent[path];
    if (held === undefined ? isEmpty(wanted) : equal(kind, wanted, held, context)) continue;
    if (written !== undefined && equal(kind, wanted, written, context)) continue;
    changes[path] = wanted;
  }
  return changes;
}
