/**
 * The words of the model. One meaning each, everywhere in the code:
 *
 * - wire record: what a CRM sends. Canonical record: the merged record of one person, company or lead.
 * - connection: one configured CRM instance, under a name. Connector: the code for one kind of CRM.
 * - external id: a record's id in a CRM, always a string ("0" is an id, "" is none). Canonical id: ours, a UUIDv7.
 * - link: (connection, external id) ↔ canonical id. Shadow: the values a link's CRM was last known to hold.
 */

/** Contact (a person), account (a company), lead (a chance of business). */
export const entities = ['contact', 'account', 'lead'] as const;
export type Entity = (typeof entities)[number];

/** An entity with its article, for messages: `an account`. */
export function withArticle(entity: Entity): string {
  return entity === 'account' ? `an ${entity}` : `a ${entity}`;
}

/** One value of one field. `null` says: known to be empty. A path that is absent from `Values` says nothing at all (law 5). */
export type Value = string | number | boolean | readonly string[] | null;

/** Values at canonical field paths such as `email.primary`. */
export type Values = Readonly<Record<string, Value>>;

/** Where a value came from (law 10). Times are epoch milliseconds of our clock, `modifiedAt` of the CRM's. */
export interface Origin {
  /** The connection whose edit or first sight gave the value, or `person`. */
  readonly connection: string;
  /** The run in which we saw it. */
  readonly run: string;
  /** When we saw it. */
  readonly at: number;
  /** Why it became the canonical value, e.g. `first seen`, `gap filled`, `edit`, `conflict: newest`. */
  readonly rule: string;
  /** The CRM's own modified stamp of the record, where it has one. */
  readonly modifiedAt?: number;
}

/** Stands for a connection in the origin of a value that a person gave to concordat itself. No connection has that name. */
export const person = 'a person';

/** The origin of every value of a record, by field path. */
export type Origins = Readonly<Record<string, Origin>>;

/** Empty is one fact in two spellings: CRMs write it as null or as an empty text, and neither may flap into the other. */
export function isEmpty(value: Value | undefined): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === 'string' && value.trim() === '') ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** The values of a record that are not at one of the paths of `others`. */
export function valuesBeside(values: Values, others: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([path]) => !Object.hasOwn(others, path)));
}
