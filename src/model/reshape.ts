import { equal, type KindContext, type KindName, normalise } from './kinds.ts';
import { readDay, readMoment } from './moment.ts';
import { decimalsOf, isRounded, readDecimal } from './money.ts';
import { isEmpty, type Value } from './values.ts';

/**
 * Whether a CRM that was sent `sent` could hold `seen` by its own habits rather than by a person's edit: it trims,
 * recases, drops accents and punctuation, shortens, rounds, cuts a moment to its second or day, reorders and drops
 * tags, or cannot hold the value at all. True is no proof: a person may have done the same. False is: this was an edit.
 */
export function isReshaped(kind: KindName, sent: Value, seen: Value, context: KindContext = {}): boolean {
  if (equal(kind, sent, seen, context)) return true;
  if (isEmpty(seen) || normalise(kind, seen, context) === null) return true;
  if (isEmpty(sent)) return false;
  if (kind === 'tags') return areFewerTags(sent, seen);
  if (typeof sent === 'object' || typeof seen === 'object') return false;
  return isReshapedText(kind, String(sent).trim(), String(seen).trim());
}

function isReshapedText(kind: KindName, sent: string, seen: string): boolean {
  switch (kind) {
    case 'text':
    case 'option':
    case 'region':
    case 'country':
    case 'url':
      return isShortened(sent, seen) || isSpelledOtherwise(sent, seen);
    case 'email':
      // Punctuation makes another mailbox here: ann.smith@ is a correction of annsmith@, not a habit.
      return isShortened(sent.toLowerCase(), seen.toLowerCase());
    case 'phone':
      return isShortened(sent, seen) || isShortened(digitsOf(sent), digitsOf(seen));
    case 'money':
      return isRoundedText(sent, seen);
    case 'date':
    case 'dateTime':
      return isCutMoment(sent, seen);
    default:
      return false;
  }
}

function isShortened(sent: string, seen: string): boolean {
  return seen !== '' && sent.startsWith(seen);
}

/** Whether only case, accents, white space and punctuation differ, or the CRM shortened as well. */
function isSpelledOtherwise(sent: string, seen: string): boolean {
  const after = lettersOf(seen);
  // Shouting makes letters of some accents (ᾀ → ΑΙ), so both orders of the two habits count.
  return [lettersOf(sent), lettersOf(sent.toUpperCase())].some((before) =>
    after === '' ? before === '' : before.startsWith(after),
  );
}

/** Letters and digits alone, without accents. In capitals, by way of small ones: STRASSE and STRAẞE are Straße. */
function lettersOf(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .toUpperCase()
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '');
}

function digitsOf(text: string): string {
  return text.replace(/\D/g, '');
}

function isRoundedText(sent: string, seen: string): boolean {
  const before = readDecimal(sent);
  const after = readDecimal(seen);
  if (before === undefined || after === undefined) return false;
  // A CRM that shows 10.00 holds two decimals, although the zeros say nothing as a number.
  const written = /^[+-]?\d*\.\d*$/.test(seen) ? decimalsOf(seen) : decimalsOf(after);
  return isRounded(before, after, written);
}

/** Cut or rounded to the second, cut to the minute, or to the day as it was written or as it is in UTC. */
function isCutMoment(sent: string, seen: string): boolean {
  const before = readMoment(sent);
  const after = readMoment(seen);
  if (before === undefined || after === undefined) return false;
  if (after.endsWith('T00:00:00.000Z')) return [before.slice(0, 10), readDay(sent)].includes(after.slice(0, 10));
  if (after.endsWith(':00.000Z') && before.slice(0, 16) === after.slice(0, 16)) return true;
  return after.endsWith('.000Z') && Math.abs(Date.parse(after) - Date.parse(before)) < 1_000;
}

function areFewerTags(sent: Value, seen: Value): boolean {
  const before = listOf(sent);
  return listOf(seen).every((tag) => before.some((other) => isReshapedText('text', other, tag)));
}

function listOf(value: Value): readonly string[] {
  const tags = normalise('tags', value);
  return Array.isArray(tags) ? tags : [];
}
