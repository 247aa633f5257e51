import { type Converter, field, type Mapping, mapping } from '../src/connector/mapping.ts';
import { readMoment } from '../src/model/moment.ts';
import { caseless } from '../src/model/text.ts';
import { isEmpty, type Value } from '../src/model/values.ts';

/** What the mapping depends on; see `options` in connectors/alpha/options.ts. */
export interface AlphaMappingOptions {
  /** What an emptied next action is written as. */
  readonly clearWith: null | '';
  /** Status of Alpha → its name elsewhere. */
  readonly statusNames: Readonly<Record<string, string>>;
  /** User id of Alpha → the owner's name elsewhere. */
  readonly ownerNames: Readonly<Record<string, string>>;
}

/**
 * An option whose values may go by other names elsewhere. Several may share a name: the first one is written. A value
 * without a name stays as it is.
 *
 * @param known All that there are; undefined: any. `toWire` gives undefined for what cannot be said in Alpha.
 */
function named(names: Readonly<Record<string, string>>, known: readonly string[] | undefined): Converter {
  const same = (a: string, b: string): boolean => caseless(a) === caseless(b);
  return {
    name: 'named',
    toCanonical: (wire) =>
      typeof wire === 'string' && Object.hasOwn(names, wire) ? (names[wire] as string) : (wire as Value | undefined),
    toWire: (value) => {
      if (isEmpty(value)) return null;
      const wanted = String(value);
      const byName = Object.keys(names).find((key) => same(names[key] as string, wanted));
      if (byName !== undefined) return byName;
      const own = known ? known.find((key) => same(key, wanted)) : wanted;
      // One that has another name here would read back under that name.
      return own === undefined || Object.hasOwn(names, own) ? undefined : own;
    },
  };
}

/** ISO 8601 in UTC, as the samples write it. `toWire` gives undefined for what is no moment. */
const moment: Converter = {
  name: 'moment',
  toCanonical: (wire) => wire as Value | undefined,
  toWire: (value) => (isEmpty(value) ? null : readMoment(String(value).trim())?.replace('.000Z', 'Z')),
};

/** Street and number in one line, in the Dutch order: the number, which is apart here, comes last. */
const streetLine: Converter = {
  name: 'streetLine',
  toCanonical: (wire) => {
    if (typeof wire !== 'object' || wire === null) return undefined;
    const { street, houseNumber } = wire as Readonly<Record<string, unknown>>;
    if (street === undefined && houseNumber === undefined) return undefined;
    const parts = [street, houseNumber].filter((part) => typeof part === 'string' && part.trim() !== '');
    return parts.length === 0 ? null : parts.join(' ');
  },
  toWire: (value) => ({ street: value }),
};

/**
 * Canonical fields ⇄ Alpha customer (alpha.md §3.1–3.3; api/README.md §3–5). A contact is a customer or a contact person;
 * `company` and `person` are put there by the connector: the customer that a record stands in, or is. What is left out,
 * and why: connectors/alpha/README.md.
 *
 * @param statuses All that a customer can have.
 */
export function alphaMappings(
  { clearWith, statusNames, ownerNames }: AlphaMappingOptions,
  statuses: readonly string[],
): { readonly contact: Mapping; readonly account: Mapping; readonly lead: Mapping } {
  const text: Converter = {
    name: 'text',
    toCanonical: (wire) => wire as Value | undefined,
    toWire: (value) => (isEmpty(value) ? clearWith : value),
  };
  const status = field('status', 'crmStatus', 'readWrite', named(statusNames, statuses));
  const owner = field('owner', 'ownerId', 'readWrite', named(ownerNames, undefined));
  const customer = [
    field('email.primary', 'email', 'readOnly'),
    field('phone.primary', 'phone', 'readOnly'),
    field('address.billing.street', 'billingAddress', 'readOnly', streetLine),
    field('address.billing.city', 'billingAddress.city', 'readOnly'),
    field('address.billing.region', 'region', 'readOnly'),
    field('address.billing.postalCode', 'billingAddress.postalCode', 'readOnly'),
    field('address.billing.country', 'billingAddress.country', 'readOnly'),
    field('website', 'website', 'readOnly'),
    field('industry', 'industry', 'readOnly'),
    field('language', 'preferredLanguage', 'readOnly'),
    status,
    owner,
    field('tags', 'tags'),
    field('nextAction.text', 'nextAction', 'readWrite', text),
    field('nextAction.due', 'nextActionDueDate', 'readWrite', moment),
  ];
  return {
    contact: mapping('contact', [
      field('name.full', 'name', 'readOnly'),
      field('name.given', 'firstName', 'readOnly'),
      field('name.family', 'lastName', 'readOnly'),
      ...customer,
      field('company', 'company.name', 'readOnly'),
      field('account', 'company.id', 'readOnly'),
      field('department', 'department', 'readOnly'),
    ]),
    account: mapping('account', [
      field('name', 'name', 'readOnly'),
      field('type', 'type', 'readOnly'),
      ...customer,
      field('registryNumber', 'kvk', 'readOnly'),
      field('vatNumber', 'btw', 'readOnly'),
    ]),
    lead: mapping('lead', [
      field('title', 'name', 'readOnly'),
      field('contact', 'person.id', 'readOnly'),
      field('account', 'company.id', 'readOnly'),
      field('source', 'leadSource', 'readOnly'),
      status,
      owner,
      field('due', 'nextActionDueDate', 'readWrite', moment),
    ]),
  };
}
