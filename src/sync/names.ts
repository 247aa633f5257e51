import type { Values } from '../model/values.ts';
import { fullName } from './nicknames.ts';
import { isNameless, type Person, personOf } from './person.ts';
import { isSlip, sharedEnds, sound } from './spelling.ts';

/**
 * What two names say about two records. `same`: equal, whatever the spelling or order. `compatible`: initials, short
 * forms, middle names, slips of the pen. `unknown`: one side says too little. `unclear`: one part agrees and the other
 * does not (a marriage? Martin and Martina?). `different`: another person.
 */
export type NameVerdict = 'same' | 'compatible' | 'unknown' | 'unclear' | 'different';

type Relation = 'equal' | 'close' | 'doubtful' | 'far';

/** A shortening keeps at least this much, and drops at least this much: Alex(ander), not Paul(a). */
const minShortForm = 3;
const minDropped = 3;
/** In shorter given names one letter makes another name: Lena and Lina, Eric and Erin. */
const minSlipInGiven = 5;
/** What makes a woman's name of a man's: Pauline is no long form of Paul. */
const feminineEndings = /^(?:ina|ine|inha|ita|etta|ette|ella|elle|otta|otte|oline|ida)$/;

/** Compares the names of two contacts. Symmetric. */
export function compareNames(a: Values, b: Values): NameVerdict {
  return comparePeople(personOf(a), personOf(b));
}

/** As {@link compareNames}, for names already taken apart. */
export function comparePeople(a: Person, b: Person): NameVerdict {
  if (isNameless(a) || isNameless(b)) return 'unknown';
  if (a.generation && b.generation && a.generation !== b.generation) return 'different';
  if (isPartial(a) || isPartial(b)) return comparePartial(a, b);
  // The middle name in one field here, in the other there.
  if (joined(a.given, a.family) === joined(b.given, b.family)) return 'same';
  const straight = verdictOf(relateGiven(a, b), relateFamily(a.family, b.family));
  if (straight === 'same' || straight === 'compatible') return straight;
  const crossed = [relateFamily(a.given, b.family), relateFamily(a.family, b.given)];
  if (crossed.every((relation) => relation === 'equal')) return 'same';
  if (crossed.includes('equal') && crossed.includes('close')) return 'compatible';
  return straight;
}

function verdictOf(given: Relation, family: Relation): NameVerdict {
  if (given === 'far') return 'different';
  if (family === 'far') return given === 'doubtful' ? 'different' : 'unclear';
  if (given === 'doubtful') return 'unclear';
  return given === 'equal' && family === 'equal' ? 'same' : 'compatible';
}

/** All words in one field, or one part missing. */
function isPartial({ given, family }: Person): boolean {
  return given.length === 0 || family.length === 0;
}

function comparePartial(a: Person, b: Person): NameVerdict {
  const first = [...a.given, ...a.family];
  const second = [...b.given, ...b.family];
  if (isJoinedEqual(a, b)) return 'same';
  const [shorter, longer] = first.length <= second.length ? [first, second] : [second, first];
  if (isWithin(shorter, longer)) {
    // Two words in either order are one name; of more, say, "Anna Müller" in "Anna Maria Müller", both ends must be there.
    if (longer.length === 2 && shorter.length === 2) return 'same';
    return isWithin([longer[0]!, longer.at(-1)!], shorter) ? 'compatible' : 'unknown';
  }
  const bothGiven = a.given.length > 0 && b.given.length > 0;
  if (bothGiven) {
    const given = relateGiven(a, b);
    return given === 'far' ? 'different' : given === 'doubtful' ? 'unclear' : 'unknown';
  }
  const bothFamily = a.family.length > 0 && b.family.length > 0;
  return bothFamily && relateFamily(a.family, b.family) === 'close' ? 'unknown' : 'unclear';
}

/** Whether every word is found in the other name, each there for one here. */
function isWithin(some: readonly string[], all: readonly string[]): boolean {
  const left = all.map(sound);
  return some.map(sound).every((word) => {
    const at = left.indexOf(word);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** `李明` in one word is `明` `李` in two fields. */
function isJoinedEqual(a: Person, b: Person): boolean {
  const spellings = ({ given, family }: Person) => [joined(given, family), joined(family, given)];
  const others = spellings(b);
  return spellings(a).some((spelling) => others.includes(spelling));
}

function joined(first: readonly string[], second: readonly string[]): string {
  return [...first, ...second].join('');
}

function relateFamily(a: readonly string[], b: readonly string[]): Relation {
  const first = a.join('');
  const second = b.join('');
  if (first === second) return 'equal';
  if (sound(first) === sound(second) || isSlip(first, second)) return 'close';
  if (isInitial(first, second) || isInitial(second, first)) return 'close';
  const [shorter, longer] = a.length <= b.length ? [a, b] : [b, a];
  return shorter.every((word) => longer.includes(word)) ? 'close' : 'far';
}

function relateGiven(a: Person, b: Person): Relation {
  if (a.given.join('') === b.given.join('')) return 'equal';
  const firsts = relateWords(a.given[0]!, b.given[0]!);
  if (a.isCouple || b.isCouple) return a.given.some((word) => b.given.includes(word)) ? 'doubtful' : 'far';
  const [shorter, longer] = a.given.length <= b.given.length ? [a.given, b.given] : [b.given, a.given];
  if (isAligned(shorter, longer)) return 'close';
  if (goesBy(a, b) || goesBy(b, a)) return 'close';
  return firsts === 'far' ? 'far' : 'doubtful';
}

function goesBy(a: Person, b: Person): boolean {
  return a.nickname !== '' && a.nickname === b.given[0];
}

/** Whether the words of one follow each other in the other, which may hold more: middle names, initials. */
function isAligned(shorter: readonly string[], longer: readonly string[]): boolean {
  let at = 0;
  return shorter.every((word, index) => {
    while (at < longer.length && !isSameWord(word, longer[at]!, index === at)) at += 1;
    at += 1;
    return at <= longer.length;
  });
}

function isSameWord(word: string, other: string, isSamePlace: boolean): boolean {
  // An initial in another place is chance: R. is not John Robert.
  if (word !== other && (word.length === 1 || other.length === 1)) return isSamePlace && word[0] === other[0];
  const relation = relateWords(word, other);
  return relation === 'equal' || relation === 'close';
}

/** Two single given names. */
function relateWords(a: string, b: string): Relation {
  if (a === b) return 'equal';
  if (isInitial(a, b) || isInitial(b, a)) return 'close';
  if (sound(a) === sound(b) || fullName(a) === fullName(b)) return 'close';
  const [shorter, longer] = a.length <= b.length ? [a, b] : [b, a];
  if (longer.startsWith(shorter)) {
    const dropped = longer.slice(shorter.length);
    const isShortForm =
      shorter.length >= minShortForm && dropped.length >= minDropped && !feminineEndings.test(dropped);
    return isShortForm ? 'close' : 'doubtful';
  }
  if (!isSlip(sound(a), sound(b)) && !isSlip(a, b)) return 'far';
  // A slip amid a long name; at either end it makes another name: Mario and Maria, Anna and Hanna.
  const ends = sharedEnds(a, b);
  return shorter.length >= minSlipInGiven && ends.start > 0 && ends.end > 0 ? 'close' : 'doubtful';
}

function isInitial(letter: string, word: string): boolean {
  return letter.length === 1 && word.length > 1 && word.startsWith(letter);
}
