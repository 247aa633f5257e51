import type { Value } from '../model/values.ts';

/**
 * Merges sets of texts by their adds and removes: what `theirs` gained against `base` is added to `ours`, what it lost is
 * taken away. Without a base it is a union. Case does not tell tags apart; the spelling that was there first stays.
 */
export function mergeTags(
  ours: Value | undefined,
  base: Value | undefined,
  theirs: Value | undefined,
): readonly string[] {
  const had = new Set(asTags(base).map(key));
  const has = new Set(asTags(theirs).map(key));
  const result = new Map<string, string>();
  for (const tag of asTags(ours)) if (has.has(key(tag)) || !had.has(key(tag))) result.set(key(tag), tag);
  for (const tag of asTags(theirs)) if (!had.has(key(tag)) && !result.has(key(tag))) result.set(key(tag), tag);
  return [...result.values()];
}

/** The members of a set of texts that another has as well. */
export function sharedTags(value: Value | undefined, other: Value | undefined): readonly string[] {
  const has = new Set(asTags(other).map(key));
  return asTags(value).filter((tag) => has.has(key(tag)));
}

/** Whether a set of texts has fewer different members than another. */
export function hasFewerTags(value: Value | undefined, than: Value | undefined): boolean {
  const count = (tags: Value | undefined) => new Set(asTags(tags).map(key)).size;
  return count(value) < count(than);
}

function key(tag: string): string {
  return tag.normalize('NFC').trim().toLowerCase();
}

function asTags(value: Value | undefined): readonly string[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' && value !== '' ? [value] : [];
}
