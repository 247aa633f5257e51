import { type Converter, type FieldMapping, field, firstId, type Mapping, mapping } from '../src/connector/mapping.ts';

/** Ends the name of an account that we made only to carry one contact, because contacts cannot be written alone. */
export const CARRIER_MARK = '[concordat contact]';

/** Whether an account of this name is a carrier. Told from the name alone, so that it survives the loss of our database. */
export function isCarrierName(name: unknown, mark: string): boolean {
  return typeof name === 'string' && name.trimEnd().endsWith(mark);
}

/** The first account that is no carrier. Carriers alone are silence: they are our device, not a fact about the person. */
function accountReference(mark: string): Converter {
  return {
    name: 'firstIdButCarriers',
    toCanonical: (wire) =>
      Array.isArray(wire) ? firstId.toCanonical(wire.filter((entry) => !isCarrier(entry, mark))) : undefined,
    toWire: firstId.toWire,
  };
}

function isCarrier(entry: unknown, mark: string): boolean {
  return typeof entry === 'object' && entry !== null && 'name' in entry && isCarrierName(entry.name, mark);
}

/** What contacts and accounts have in common (BaseCustomer, conecrm.md §11). */
const customer: readonly FieldMapping[] = [
  field('email.primary', 'primaryEmail'),
  field('email.secondary', 'secondaryEmail'),
  field('phone.home', 'homePhone'),
  field('phone.work', 'workPhone'),
  field('phone.workExtension', 'workPhoneExtension'),
  field('phone.mobile', 'mobilePhone'),
  field('address.billing.street', 'address'),
  field('address.billing.city', 'city'),
  field('address.billing.region', 'province'),
  field('address.billing.postalCode', 'postalCode'),
  field('address.billing.country', 'country'),
  field('language', 'language'),
  field('active', 'isActive'),
];

/** Account (conecrm.md §11). `primaryContact` and `contacts` are the contacts' business, not the account's. */
export const accountMapping: Mapping = mapping('account', [field('name', 'name'), ...customer]);

/**
 * Contact (conecrm.md §11). Written only inside an account body (§3.1).
 * @param writable false: nothing of it is written, e.g. because the connection's options forbid the detour.
 */
export function contactMapping(carrierMark: string = CARRIER_MARK, writable = true): Mapping {
  const fields: readonly FieldMapping[] = [
    field('name.prefix', 'civility'),
    field('name.given', 'firstName'),
    field('name.family', 'lastName'),
    ...customer,
    field('company', 'companyName'),
    field('account', 'accounts', 'readWrite', accountReference(carrierMark)),
    field('preferredChannel', 'preferredMethodOfContact'),
  ];
  return mapping('contact', writable ? fields : fields.map((row) => ({ ...row, access: 'readOnly' })));
}
