import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import type { Base } from './merge.ts';

export interface ShownInput {
  readonly entity: Entity;
  /** What the CRM was last known to hold, and what it was sent. */
  readonly base: Base;
  /** What it shows now. Absent paths are silence (law 5). */
  readonly shown: Values;
  readonly context: KindContext;
}

/** A field that does not hold what it should. */
export interface FieldDrift {
  readonly path: string;
  /** Undefined: nothing was known to be there. */
  readonly expected: Value | undefined;
  readonly found: Value | undefined;
}

/**
 * The fields in which a CRM shows something else than it was last known to hold: what the next merge would take for
 * somebody's edit. The first sight of what the CRM made of a write of ours is none (law 2). Pure.
 */
export function shownDrift({ entity, base, shown, context }: ShownInput): readonly FieldDrift[] {
  const found: FieldDrift[] = [];
  for (const [path, value] of Object.entries(shown)) {
    const { kind } = fieldAt(entity, path);
    const expected = base.shadow[path];
    if (expected === undefined ? isEmpty(value) : equal(kind, value, expected, context)) continue;
    const underway = base.underway?.[path];
    if (underway !== undefined && !isEmpty(value) && isReshaped(kind, underway, value, context)) continue;
    const written = base.sent[path];
    if (written !== undefined && equal(kind, written, expected, context) && isReshaped(kind, written, value)) continue;
    found.push({ path, expected, found: value });
  }
  return found;
}
