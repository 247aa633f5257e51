import { type CrmName, type Kept, kinds } from './bed.ts';

/** A record in a CRM's own shape, as a person there sees it. */
export type Wire = Readonly<Record<string, unknown>>;

/** What people edit, in words of this harness: nothing by which anybody is recognised. */
export const editable = ['street', 'city', 'postcode', 'notes', 'company'] as const;
export type FieldName = (typeof editable)[number];

const wireNames = {
  conecrm: {
    id: 'id',
    contact: { who: 'lastName', street: 'address', city: 'city', postcode: 'postalCode', company: 'companyName' },
    account: { who: 'name', street: 'address', city: 'city', postcode: 'postalCode' },
  },
  treepl: {
    id: 'Id',
    contact: { who: 'LastName', street: 'Address', city: 'City', postcode: 'ZipCode', notes: 'Notes' },
    account: { who: 'none' },
  },
} as const;

const paths: Readonly<Record<FieldName, string>> = {
  street: 'address.billing.street',
  city: 'address.billing.city',
  postcode: 'address.billing.postalCode',
  notes: 'notes',
  company: 'company',
};

/** The canonical path of a field. */
export function pathOf(field: FieldName): string {
  return paths[field];
}

function namesAt(crm: CrmName, entity: Kept): Readonly<Partial<Record<FieldName | 'who', string>>> {
  return wireNames[kinds[crm]][entity];
}

/** The fields that a CRM has of an entity. */
export function fieldsAt(crm: CrmName, entity: Kept): readonly FieldName[] {
  const names = namesAt(crm, entity);
  return editable.filter((field) => names[field] !== undefined);
}

/** The value of a field; empty and missing are both null. */
export function valueIn(crm: CrmName, entity: Kept, wire: Wire, field: FieldName): string | null {
  const value = wire[namesAt(crm, entity)[field] ?? ''];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A change of one field as a person makes it; null empties it. */
export function changeOf(crm: CrmName, entity: Kept, field: FieldName, value: string | null): Wire {
  return { [namesAt(crm, entity)[field]!]: value };
}

export function idIn(crm: CrmName, wire: Wire): string {
  return String(wire[wireNames[kinds[crm]].id]);
}

/** Who the record is about: a name that is given once in a life and never edited. Carriers of contacts are nobody. */
export function whoIn(crm: CrmName, entity: Kept, wire: Wire): string {
  return String(wire[namesAt(crm, entity).who ?? '']);
}

/** A new record about somebody, as a person enters it. */
export function newWire(crm: CrmName, entity: Kept, who: string, values: Readonly<Record<string, string>>): Wire {
  const fields = Object.fromEntries(
    fieldsAt(crm, entity).flatMap((field) =>
      values[field] === undefined ? [] : Object.entries(changeOf(crm, entity, field, values[field])),
    ),
  );
  const email = `${who.toLowerCase()}@example.com`;
  if (entity === 'account')
    return { ...fields, name: who, primaryEmail: `office@${who.toLowerCase()}.example`, isActive: true };
  return kinds[crm] === 'conecrm'
    ? {
        ...fields,
        firstName: 'Ann',
        lastName: who,
        isActive: true,
        ...(isNamedOnly(who) ? {} : { primaryEmail: email }),
      }
    : { ...fields, FirstName: 'Ann', LastName: who, ...(isNamedOnly(who) ? {} : { Email: email }) };
}

/** A contact without an e-mail: after a death only what we noted before we sent it tells that it is ours. */
export function isNamedOnly(who: string): boolean {
  return who.startsWith('Lone');
}
