import { type Converter, type FieldMapping, field, firstId, type Mapping, mapping } from '../src/connector/mapping.ts';
import { caseless } from '../src/model/text.ts';
import { type Entity, isEmpty, type Value } from '../src/model/values.ts';

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
  return table('contact', writable, fields);
}

function table(entity: Entity, writable: boolean, fields: readonly FieldMapping[]): Mapping {
  return mapping(entity, writable ? fields : fields.map((row) => ({ ...row, access: 'readOnly' })));
}

/** What the mapping of leads depends on; see `options` in connectors/conecrm/options.ts. */
export interface LeadMappingOptions {
  /** Stands in for a title that nobody gave: ConeCRM wants a subject. */
  readonly leadSubject: string;
  /** Source elsewhere → its id here. Empty: sources are not mapped. */
  readonly sources: Readonly<Record<string, string>>;
}

/**
 * Lead (conecrm.md §11, LeadCreateRequest and Lead). Everything is written once, with the create: no call changes a lead.
 * `stage.name` is put there by the connector: a lead shows the id of its stage alone.
 * @param writable false: nothing of it is written, because ids are missing that every new lead needs.
 */
export function leadMapping({ leadSubject, sources }: LeadMappingOptions, writable = true): Mapping {
  return table('lead', writable, [
    field('title', 'subject', 'readWrite', subject(leadSubject)),
    field('contact', 'contact', 'readWrite', reference),
    field('account', 'account', 'readWrite', reference),
    field('description', 'description'),
    ...(Object.keys(sources).length === 0 ? [] : [field('source', 'source', 'readWrite', sourceId(sources))]),
    field('stage', 'stage.name', 'readOnly'),
    field('due', 'dueDate', 'readOnly'),
  ]);
}

/** The stand-in says nothing about the lead, whoever reads it. */
function subject(standIn: string): Converter {
  return {
    name: 'subject',
    toCanonical: (wire) => (wire === standIn ? undefined : (wire as Value | undefined)),
    toWire: (value) => (isEmpty(value) ? standIn : value),
  };
}

function idIn(wire: unknown): unknown {
  return typeof wire === 'object' && wire !== null && 'id' in wire ? wire.id : wire;
}

/** `{ id }` ⇄ id. A bare id is read as well: rows of the query builder are not documented. */
const reference: Converter = {
  name: 'reference',
  toCanonical: (wire) => (wire === null ? null : typeof idIn(wire) === 'string' ? (idIn(wire) as string) : undefined),
  toWire: (value) => (isEmpty(value) ? null : { id: value }),
};

/** An id without a name is no word that another CRM knows: silence. A name without an id is not sent. */
function sourceId(sources: Readonly<Record<string, string>>): Converter {
  const rows = Object.entries(sources);
  return {
    name: 'sourceId',
    toCanonical: (wire) => rows.find(([, id]) => id === idIn(wire))?.[0],
    toWire: (value) => {
      const id = rows.find(([name]) => caseless(name) === caseless(String(value)))?.[1];
      return id === undefined ? undefined : { id };
    },
  };
}
