import { fold } from '../model/fold.ts';
import type { Value, Values } from '../model/values.ts';
import { fullName } from './nicknames.ts';
import { skeleton, sound } from './spelling.ts';

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

/** Takes the name fields of a contact apart. Fields that hold an e-mail address or a placeholder count as empty. */
export function personOf(values: Values): Person {
  const [rawGiven, rawFamily] = splitAtComma(nameText(values['name.given']), nameText(values['name.family']));
  const given = [...words(rawGiven), ...words(nameText(values['name.middle']))];
  const family = words(rawFamily);
  const suffixes = words(nameText(values['name.suffix']));
  const last = family.length > 1 ? family.at(-1)! : undefined;
  const generation = [...suffixes, ...(last ? [last] : [])].map((word) => generations[word] ?? '').find(Boolean) ?? '';
  return {
    given: keepSome(given, (word) => !titles.has(word), family.length > 0),
    family: keepSome(family, (word) => !particles.has(word) && !(word === last && word in generations), false),
    nickname: words(nameText(values['name.nickname'])).join(''),
    generation,
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
  const last = all.at(-1)!;
  const ends = given.length > 0 && family.length > 1 ? [last, family[0]!] : [last];
  return [...new Set(ends.map((end) => [initialOf(first), initialOf(end)].sort().join('')))];
}

/** "Müller, Anna" in one field, the other empty, is family and given name. */
function splitAtComma(given: string, family: string): readonly [given: string, family: string] {
  const comma = /^([^,]+),([^,]+)$/.exec(given.trim() && family.trim() ? '' : given + family);
  return comma && !(fold(comma[2]!) in generations) ? [comma[2]!, comma[1]!] : [given, family];
}

function initialOf(word: string): string {
  return sound(skeleton(fullName(word)))[0] ?? '';
}

function nameText(value: Value | undefined): string {
  if (typeof value !== 'string' || value.includes('@')) return '';
  return placeholders.has(fold(value)) ? '' : value;
}

function words(text: string): string[] {
  const folded = fold(text);
  return folded === '' ? [] : folded.split(' ').map(skeleton);
}

/** The words that pass; all of them when none does, unless `mayVanish`. */
function keepSome(list: readonly string[], passes: (word: string) => boolean, mayVanish: boolean): readonly string[] {
  const kept = list.filter(passes);
  return kept.length > 0 || mayVanish ? kept : list;
}
