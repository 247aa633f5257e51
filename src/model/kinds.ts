import type { Value } from './values.ts';

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

export function normalise(_kind: KindName, value: Value, _context: KindContext = {}): Value {
  return value;
}

export function equal(
  _kind: KindName,
  a: Value | undefined,
  b: Value | undefined,
  _context: KindContext = {},
): boolean {
  return a === b;
}
