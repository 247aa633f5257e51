import { fieldAt, slotOf } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import { type Forms, isHeld, outward, sourcesOf } from './forms.ts';
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
  /** How fields are written to this CRM. Default: as they are. */
  readonly forms?: Forms | undefined;
  readonly context: KindContext;
}

/**
 * What has to be written so that the CRM holds the canonical values: only fields that differ from what it is known to
 * hold (law 11), and not those where it already answered a write of the same value with a form of its own (law 2).
 * A field about which nothing canonical is known is never named (law 5).
 */
export function difference({ entity, values, base, paths, contested, forms, context }: DifferenceInput): Values {
  const changes: Record<string, Value> = {};
  for (const path of paths) {
    const slot = slotOf(entity, path, values);
    const isForm = forms?.[path] !== undefined;
    const wanted = isForm ? outward(entity, forms, path, values, context) : values[slot];
    if (wanted === undefined || contested.has(slot)) continue;
    if (isForm && sourcesOf(entity, forms, path, values).some((source) => contested.has(source))) continue;
    const { kind } = fieldAt(entity, path);
    const held = base.shadow[path];
    const written = base.sent[path];
    const isSame = (there: Value) =>
      equal(kind, wanted, there, context) || (isForm && isHeld(entity, forms, path, there, values, context));
    if (held === undefined ? isEmpty(wanted) : isSame(held)) continue;
    if (written !== undefined && isSame(written)) continue;
    changes[path] = wanted;
  }
  return changes;
}
