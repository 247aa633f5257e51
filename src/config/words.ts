import { closest, distance } from 'fastest-levenshtein';

/** The known word that a person probably meant. */
function suggestion(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const near = closest(word, known);
  const edits = distance(word.toLowerCase(), near.toLowerCase());
  return edits < near.length && edits <= Math.max(1, Math.floor(near.length / 3)) ? near : undefined;
}

/** ` (did you mean X?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = suggestion(word, known);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

/** `a, b and c`; `none` for an empty list. */
export function listed(words: Iterable<string>, last = 'or'): string {
  const all = [...words];
  if (all.length === 0) return 'none';
  return all.length === 1 ? String(all[0]) : `${all.slice(0, -1).join(', ')} ${last} ${all.at(-1)}`;
}
