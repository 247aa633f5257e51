import type { z } from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One path or query parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  /** What it takes, in words: `uuid`, `integer`, `ASC or DESC`. */
  readonly type: string;
  /** Checks the text that a person gave. */
  readonly schema: z.ZodType;
}

/** One documented operation of a vendor's API, as one row of data (api/ sheets, section "Operations"). */
export interface Operation {
  /** The vendor's operation id, or, where the vendor gives none, one made of its title. */
  readonly id: string;
  readonly summary: string;
  readonly method: Method;
  /** It changes nothing though its method is not GET, e.g. a query in a POST. */
  readonly readsOnly?: true;
  /** With `{name}` for path parameters, starting with `/`. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The request body; undefined: none is sent. */
  readonly body?: { readonly schema: z.ZodType; readonly required: boolean };
  /** What a successful reply's JSON body looks like; undefined: no body is documented. */
  readonly reply?: z.ZodType;
  /** Where it is documented, e.g. `conecrm.md §2, 12`. */
  readonly source: string;
}
