import { fieldAt } from '../../src/model/entities.ts';
import { type Entity, isEmpty, type Value } from '../../src/model/values.ts';

/** What a CRM does to whatever is written to it or typed in it. Every habit is idempotent. */
export interface Habits {
  readonly trims: boolean;
  /** Paths that it shouts. */
  readonly upper: readonly string[];
  readonly lowerCasesEmail: boolean;
  /** Path → how many characters it keeps. */
  readonly shortens: Readonly<Record<string, number>>;
  readonly sortsTags: boolean;
  /** Cuts moments to the second. */
  readonly wholeSeconds: boolean;
  /** Path → what it puts before every value that does not begin so. No rule of ours knows that habit. */
  readonly prefixes: Readonly<Record<string, string>>;
  /** Paths that it takes in a write and does not hold: always empty there. */
  readonly drops: readonly string[];
}

export const noHabits: Habits = {
  trims: false,
  upper: [],
  lowerCasesEmail: false,
  shortens: {},
  sortsTags: false,
  wholeSeconds: false,
  prefixes: {},
  drops: [],
};

/** What a CRM with these habits holds after `value` was written to `path`. Null: nothing. */
export function kept(habits: Habits, entity: Entity, path: string, value: Value | undefined): Value {
  if (value === undefined || isEmpty(value) || habits.drops.includes(path)) return null;
  const { kind } = fieldAt(entity, path);
  if (Array.isArray(value)) return habits.sortsTags ? [...value].sort() : [...value];
  if (typeof value !== 'string') return value;
  let text = value;
  const longest = habits.shortens[path];
  if (longest !== undefined) text = text.slice(0, longest);
  if (habits.upper.includes(path)) text = text.toUpperCase();
  if (habits.lowerCasesEmail && kind === 'email') text = text.toLowerCase();
  if (habits.wholeSeconds && kind === 'dateTime') text = text.replace(/\.\d+Z$/, '.000Z');
  const prefix = habits.prefixes[path] ?? '';
  if (!text.startsWith(prefix)) text = prefix + text;
  if (habits.trims) text = text.trim();
  return text === '' ? null : text;
}
