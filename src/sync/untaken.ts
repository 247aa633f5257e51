import { fieldAt, slotOf } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { caseless } from '../model/text.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import { type Forms, outward } from './forms.ts';
import type { Base } from './merge.ts';

export interface UntakenInput {
  readonly entity: Entity;
  /** The canonical values. */
  readonly values: Values;
  readonly base: Base;
  /** Paths that this CRM shows and does not take in an update, each with the reason in words. */
  readonly fixed: ReadonlyMap<string, string>;
  /** How fields are written to this CRM. Default: as they are. */
  readonly forms?: Forms | undefined;
  readonly context: KindContext;
}

/** Why a value that was written does not stand. */
const notKept = 'sent, and not kept there';

/**
 * The fields in which a CRM shows another value than the canonical one, and will go on showing it: it takes no update of
 * them, or was sent the value and has kept none or another one. Not those of which it shows nothing at all (law 5), nor
 * those that it holds in a form of its own (law 2).
 * @returns path → reason in words, without values
 */
export function untaken({ entity, values, base, fixed, forms, context }: UntakenInput): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const { shadow, sent } = base;
  for (const [path, why] of fixed) {
    const shown = shadow[path];
    const wanted = values[slotOf(entity, path, values)];
    if (shown === undefined || wanted === undefined) continue;
    const { kind, viewOf = [], partOf } = fieldAt(entity, path);
    if (equal(kind, wanted, shown, context) || viewOf.some((slot) => equal(kind, values[slot], shown, context)))
      continue;
    if (partOf !== undefined && isWhole(shadow[partOf], values)) continue;
    found.set(path, why);
  }
  for (const path in sent) {
    const shown = shadow[path];
    const wanted = forms ? outward(entity, forms, path, values, context) : values[slotOf(entity, path, values)];
    if (fixed.has(path) || shown === undefined || wanted === undefined) continue;
    const { kind } = fieldAt(entity, path);
    const isSent = equal(kind, wanted, sent[path], context);
    if (!isSent || equal(kind, wanted, shown, context)) continue;
    if (isEmpty(shown) || !isReshaped(kind, wanted, shown, context)) found.set(path, notKept);
  }
  return found;
}

/** Whether the parts of a name make up the one that is shown in one piece: a guess at the parts contradicts nothing then. */
function isWhole(whole: Value | undefined, values: Values): boolean {
  if (whole === undefined || isEmpty(whole)) return false;
  const given = words(values['name.given']);
  const family = words(values['name.family']);
  const shown = words(whole).join(' ');
  return [
    [...given, ...family],
    [...given, ...words(values['name.middle']), ...family],
  ].some((parts) => parts.sort().join(' ') === shown);
}

/** In an order that says nothing. */
function words(value: Value | undefined): string[] {
  return value === undefined || isEmpty(value)
    ? []
    : caseless(String(value))
        .split(/[\s,]+/)
        .filter((word) => word !== '')
        .sort();
}
