import { asIs, type Converter, type FieldMapping, field, type Mapping, mapping } from '../src/connector/mapping.ts';
import type { Value } from '../src/model/values.ts';

/** What the mapping depends on; see `options` in connectors/treepl/options.ts. */
export interface TreeplMappingOptions {
  /** What an emptied text is written as. */
  readonly clearWith: null | '';
  /** Canonical name → `GroupAlias.FieldAlias`. */
  readonly customFields: Readonly<Record<string, string>>;
}

/** Canonical contact ⇄ Treepl contact (treepl.md §3.1). What is left out, and why: connectors/treepl/README.md. */
export function treeplContact({ clearWith, customFields }: TreeplMappingOptions): Mapping {
  const text: Converter = {
    name: 'text',
    toCanonical: asIs.toCanonical,
    toWire: (value) => (value === null ? clearWith : value),
  };
  const line = (path: string, wire: string): FieldMapping => field(path, wire, 'readWrite', text);
  return mapping('contact', [
    line('email.primary', 'Email'),
    line('name.given', 'FirstName'),
    line('name.family', 'LastName'),
    line('phone.primary', 'Phone'),
    line('address.billing.street', 'Address'),
    line('address.billing.city', 'City'),
    line('address.billing.region', 'State'),
    line('address.billing.postalCode', 'ZipCode'),
    line('address.billing.country', 'Country'),
    line('website', 'Site'),
    line('status', 'Status'),
    line('notes', 'Notes'),
    field('consent', 'IsDataUsingAllowed'),
    ...Object.entries(customFields).map(([name, alias]) =>
      field(`custom.${name}`, `CustomCrmGroups.${alias}`, 'readWrite', custom),
    ),
  ]);
}

const MAX_CUSTOM_TEXT = 64 * 1024;

/** The value of a custom field: any scalar. Emptied with null, for its type is not known (treepl.md §3.2). */
const custom: Converter = {
  name: 'custom',
  toCanonical: (wire) => {
    if (typeof wire === 'object' && wire !== null)
      throw new RangeError(
        `expected a text, a number, true or false, got ${Array.isArray(wire) ? 'a list' : 'an object'}`,
      );
    if (typeof wire === 'string' && wire.length > MAX_CUSTOM_TEXT)
      throw new RangeError(`expected a text of at most ${MAX_CUSTOM_TEXT} characters, got one of ${wire.length}`);
    return wire as Value | undefined;
  },
  toWire: (value) => value,
};
