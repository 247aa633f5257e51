import { isDeepStrictEqual } from 'node:util';
import { readBoolean } from './boolean.ts';
import { readCountry } from './country.ts';
import { normaliseEmail } from './email.ts';
import { readLanguage, sameLanguage } from './language.ts';
import { readDay, readMoment, sameMoment } from './moment.ts';
import { readDecimal } from './money.ts';
import { normalisePhone, samePhone } from './phone.ts';
import { normaliseRegion, sameRegion } from './region.ts';
import { caseless, tidy } from './text.ts';
import { readUrl, sameUrl } from './url.ts';
import { isEmpty, type Value } from './values.ts';

/** The kinds of field. Each says how values are brought to a normal form and when two are the same. */
export type KindName =
  | 'text'
  | 'email'
  | 'phone'
  | 'country'
  | 'region'
  | 'language'
  | 'currency'
  | 'date'
  | 'dateTime'
  | 'money'
  | 'boolean'
  | 'url'
  | 'tags'
  | 'reference'
  | 'option';

/** What a normal form may depend on besides the value. */
export interface KindContext {
  /** ISO 3166-1 alpha-2 region in which phone numbers without a country code are read. */
  readonly region?: string;
}

/**
 * The normal form of a value: for comparison, index keys and fingerprints, never for writing. What cannot be read as
 * its kind stays as tidy text, so that nothing is lost and nothing throws; every kind of empty is null. Idempotent.
 * A list in a field that holds no list stays as it is.
 */
export function normalise(kind: KindName, value: Value, context: KindContext = {}): Value {
  if (isEmpty(value)) return null;
  if (kind === 'tags') return normaliseTags(value);
  if (typeof value === 'object') return value;
  const text = typeof value === 'string' ? tidy(value) : String(value);
  switch (kind) {
    case 'text':
    case 'reference':
      return text;
    case 'option':
      return caseless(text);
    case 'email':
      return normaliseEmail(text);
    case 'phone':
      return normalisePhone(text, context.region);
    case 'country':
      return readCountry(text) ?? text;
    case 'region':
      return normaliseRegion(text);
    case 'language':
      return readLanguage(text) ?? text;
    case 'currency':
      return /^[a-z]{3}$/i.test(text) ? text.toUpperCase() : text;
    case 'date':
      return readDay(text) ?? text;
    case 'dateTime':
      return readMoment(text) ?? text;
    case 'money':
      return readDecimal(text) ?? text;
    case 'boolean':
      return readBoolean(text) ?? text;
    case 'url':
      return readUrl(text) ?? text;
  }
}

/**
 * Whether two values of a kind are the same fact. Symmetric; true whenever the normal forms are equal, and also where
 * they differ only in how precisely they were written: a phone number without its country code, a moment without
 * milliseconds, a language without its region, `WA` for `Washington`, a web address with `www.`. Empty equals empty, in whatever spelling, and absent.
 */
export function equal(kind: KindName, a: Value | undefined, b: Value | undefined, context: KindContext = {}): boolean {
  // Nearly every comparison ends here.
  if (a === b) return true;
  // What is empty has no other normal form; of tags, some that are not empty have the same.
  if (kind !== 'tags' && (isEmpty(a) || isEmpty(b))) return isEmpty(a) && isEmpty(b);
  const first = a === undefined ? null : normalise(kind, a, context);
  const second = b === undefined ? null : normalise(kind, b, context);
  if (first === second) return true;
  if (typeof first === 'object' || typeof second === 'object') return isDeepStrictEqual(first, second);
  if (typeof first !== 'string' || typeof second !== 'string') return false;
  switch (kind) {
    case 'phone':
      return samePhone(first, second);
    case 'dateTime':
      return sameMoment(first, second);
    case 'language':
      return sameLanguage(first, second);
    case 'region':
      return sameRegion(tidy(String(a)), tidy(String(b)));
    case 'url':
      return sameUrl(tidy(String(a)), tidy(String(b)));
    default:
      return false;
  }
}

/** A set: order, case and repetition say nothing. A single text is a set of one. */
function normaliseTags(value: Value): Value {
  const members: readonly unknown[] = Array.isArray(value) ? value : [value];
  const tags = members.map((tag) => caseless(typeof tag === 'object' ? JSON.stringify(tag) : String(tag)));
  const distinct = [...new Set(tags)].filter((tag) => tag !== '').sort();
  return distinct.length === 0 ? null : distinct;
}
