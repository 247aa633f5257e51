import { fieldAt, valueAt } from '../model/entities.ts';
import { equal, type KindName } from '../model/kinds.ts';
import { readDay, readMoment } from '../model/moment.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import type { Pattern } from './pattern.ts';

/** A point in time: fixed, epoch milliseconds, or so many days before the day on which it is asked. */
export type PointInTime = { readonly at: number } | { readonly daysAgo: number };

/** A test on one canonical field; docs/rules.md. */
export type Condition =
  | 'present'
  | 'absent'
  | { readonly oneOf: readonly (string | number | boolean)[] }
  | { readonly matches: Pattern }
  | { readonly olderThan: PointInTime }
  | { readonly newerThan: PointInTime }
  | { readonly not: Condition };

/** Field path → its condition; all must hold. */
export type Where = Readonly<Record<string, Condition>>;

const dayMs = 86_400_000;

/** The day (UTC) of a moment, in days since 1970: what conditions that count days depend on. */
export function dayOf(now: number): number {
  return Math.floor(now / dayMs);
}

/** Whether a record with these canonical values is in the set. @param now epoch milliseconds; days are counted from its day in UTC */
export function isInSet(entity: Entity, where: Where, values: Values, now: number): boolean {
  return Object.entries(where).every(([path, condition]) =>
    holds(condition, fieldAt(entity, path).kind, valueAt(entity, path, values), now),
  );
}

/** Whether what a `where` says of a record may change by the passing of days alone. */
export function countsDays(where: Where): boolean {
  return Object.values(where).some((condition) => isRelative(condition));
}

function isRelative(condition: Condition): boolean {
  if (typeof condition === 'string') return false;
  if ('not' in condition) return isRelative(condition.not);
  if ('olderThan' in condition) return 'daysAgo' in condition.olderThan;
  return 'newerThan' in condition && 'daysAgo' in condition.newerThan;
}

/** Of a set such as tags one element is enough. An empty field is absent, and fits nothing else. */
function holds(condition: Condition, kind: KindName, value: Value | undefined, now: number): boolean {
  if (condition === 'present') return !isEmpty(value);
  if (condition === 'absent') return isEmpty(value);
  if ('not' in condition) return !holds(condition.not, kind, value, now);
  if (value === undefined || value === null || isEmpty(value)) return false;
  const elements = typeof value === 'object' ? value : [value];
  if ('oneOf' in condition) return elements.some((element) => condition.oneOf.some((one) => equal(kind, element, one)));
  if ('matches' in condition) return elements.some((element) => condition.matches.test(String(element)));
  const moments = elements.flatMap((element) => momentOf(String(element)) ?? []);
  if ('olderThan' in condition) return moments.some((moment) => moment < beginningOf(condition.olderThan, now));
  return moments.some((moment) => moment > beginningOf(condition.newerThan, now));
}

/** A day counts as its first moment in UTC. */
function momentOf(text: string): number | undefined {
  const read = readMoment(text.trim()) ?? readDay(text.trim());
  return read === undefined ? undefined : Date.parse(read);
}

function beginningOf(point: PointInTime, now: number): number {
  return 'at' in point ? point.at : (dayOf(now) - point.daysAgo) * dayMs;
}
