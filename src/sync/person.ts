import { fold } from '../model/fold.ts';
import type { Values } from '../model/values.ts';
import { textOf } from './marks.ts';
import { fullName } from './nicknames.ts';
import { skeleton, soundInitial } from './spelling.ts';

/** A person's name, taken apart and folded. All words are skeletons. */
export interface Person {
  /** Given and middle names, without titles. */
  readonly given: readonly string[];
  /** Family name, without particles such as `van der` where something else is left. */
  readonly family: readonly string[];
  readonly nickname: string;
  /** `jr`, `sr`, `ii` …: a father and his son share everything else. Empty: not said. */
  readonly generation: string;
  /** Two people in one record: "Anna & Peter". */
  readonly isCouple: boolean;
}

const titles = new Set('dr prof mr mrs ms miss herr frau mme mlle mag ing dipl sir rev'.split(' '));
const particles = new Set(
  'van von vom zu zur der den de het la le du di da del della dos das al el bin ibn af av'.split(' '),
);
const generations: Readonly<Record<string, string>> = {
  jr: 'jr',
  jun: 'jr',
  junior: 'jr',
  ii: 'jr',
  sr: 'sr',
  sen: 'sr',
  senior: 'sr',
  iii: 'iii',
  iv: 'iv',
};
const placeholders = new Set(['unknown', 'n a', 'null', 'undefined', 'no name', 'unbekannt', 'inconnu']);

/** More are no name; comparing them costs the square of their number. */
const mostWords = 12;

/** Takes the name fields of a contact apart. Fields that hold an e-mail address or a placeholder count as empty. */
export function personOf(values: Values): Person {
  const [rawGiven, rawFamily] = splitAtComma(textOf(values, 'name.given'), textOf(values, 'name.family'));
  const middle = words(textOf(values, 'name.middle'));
  const given = middle.length > 0 ? [...words(rawGiven), ...middle] : words(rawGiven);
  const family = words(rawFamily);
  const suffixes = words(textOf(values, 'name.suffix'));
  const last = family.length > 1 ? generations[family.at(-1)!] : undefined;
  const surname = last === undefined ? family : family.slice(0, -1);
  return {
    given: given.length > 1 || family.length > 0 ? without(titles, given, family.length > 0) : given,
    family: surname.length > 1 ? without(particles, surname, false) : surname,
    nickname: words(textOf(values, 'name.nickname')).join(''),
    generation: suffixes.map((word) => generations[word]).find((known) => known !== undefined) ?? last ?? '',
    isCouple: /[&+]|\s(?:und|and|et)\s/i.test(rawGiven),
  };
}

/** Whether the record names nobody. */
export function isNameless({ given, family }: Person): boolean {
  return given.length === 0 && family.length === 0;
}

/**
 * What a name keeps in most of its spellings: the sorted initials of the first given and the last family name,
 * nicknames resolved; of a double name also with its first part, which people drop or add. They keep the index entries
 * of a switchboard or an `info@` small. One entry, an empty text, for a record without a name.
 */
export function initialsOf({ given, family }: Person): readonly string[] {
  const all = [...given, ...family];
  const [first] = all;
  if (first === undefined) return [''];
  if (all.length === 1) return [initialOf(first)];
  const initial = initialOf(first);
  const withLast = inOrder(initial, initialOf(all.at(-1)!));
  if (given.length === 0 || family.length < 2) return [withLast];
  const withFirst = inOrder(initial, initialOf(family[0]!));
  return withFirst === withLast ? [withLast] : [withLast, withFirst];
}

function inOrder(a: string, b: string): string {
  return a < b ? a + b : b + a;
}

/** "Müller, Anna" in one field, the other empty, is family and given name. */
function splitAtComma(given: string, family: string): readonly [given: string, family: string] {
  const comma = given.trim() && family.trim() ? null : /^([^,]+),([^,]+)$/.exec(given + family);
  return comma && !(fold(comma[2]!) in generations) ? [comma[2]!, comma[1]!] : [given, family];
}

function initialOf(word: string): string {
  return soundInitial(fullName(word));
}

const noWords: readonly string[] = [];

function words(text: string): readonly string[] {
  if (text === '' || text.includes('@')) return noWords;
  const folded = fold(text);
  return folded === '' || placeholders.has(folded) ? noWords : folded.split(' ', mostWords).map(skeleton);
}

/** The words that are not in the list; all of them when none would be left, unless `mayVanish`. */
function without(list: ReadonlySet<string>, all: readonly string[], mayVanish: boolean): readonly string[] {
  if (!all.some((word) => list.has(word))) return all;
  const kept = all.filter((word) => !list.has(word));
  return kept.length > 0 || mayVanish ? kept : all;
}
