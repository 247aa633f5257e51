import type { BadRecord, CrmRecord } from '../../src/connector/connector.ts';
import { type Mapping, readValues } from '../../src/connector/mapping.ts';
import type { Entity } from '../../src/model/values.ts';
import type { AlphaOptions } from './options.ts';
import { faultOf, idFault, mappedCustomer, mappedPerson, usableId } from './schemas.ts';
import { splitName } from './split-name.ts';

export type Wire = Readonly<Record<string, unknown>>;

/** Whether a value is an object of the wire, and no list. */
export function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a row could be used. */
export function isRecord(decoded: CrmRecord | BadRecord): decoded is CrmRecord {
  return 'values' in decoded;
}

/** What a record is known by: a customer, or a contact person within one. */
export interface Address {
  readonly customer: string;
  readonly person?: string;
}

/**
 * Takes an external id apart. A contact person's is `<customer>/<person>`: that ids of persons are unique across customers,
 * or differ from the ids of customers, is not documented. No id of a customer holds a slash (schemas.ts).
 */
export function addressOf(externalId: string): Address {
  const slash = externalId.indexOf('/');
  if (slash < 0) return { customer: externalId };
  return { customer: externalId.slice(0, slash), person: externalId.slice(slash + 1) };
}

/** Turns customers of either shape into records. Nothing here throws: what cannot be used is a bad record with its reason. */
export interface Decoder {
  /** All records of an entity that a row of a list holds: none, the customer, its contact persons. */
  all(entity: Entity, row: unknown): readonly (CrmRecord | BadRecord)[];
  /** The customer itself as this entity, whatever its type and status; undefined only when it is clearly the other of contact and account. */
  customer(entity: Entity, row: unknown): CrmRecord | BadRecord | undefined;
  /** A contact person: `gone` when the customer's list lacks it, `unknown` when the customer shows no list at all (law 5). */
  person(row: unknown, person: string): CrmRecord | BadRecord | 'gone' | 'unknown';
}

/** A decoder with the rules of one connection. */
export function decoder(mappings: Readonly<Record<Entity, Mapping>>, options: AlphaOptions): Decoder {
  const { personTypes, contactPersons, leadStatuses, splitNames } = options;

  /** Undefined: the row does not say. */
  const kindOf = (row: Wire): 'contact' | 'account' | undefined => {
    if (typeof row.type !== 'string' || row.type.trim() === '') return undefined;
    return personTypes.includes(row.type) ? 'contact' : 'account';
  };

  function decodeCustomer(entity: Entity, row: unknown): CrmRecord | BadRecord {
    const externalId = isWire(row) ? usableId(row.id) : undefined;
    if (!isWire(row) || externalId === undefined)
      return { externalId, reason: idFault('id', isWire(row) ? row.id : row) };
    const parsed = mappedCustomer.safeParse(row);
    if (!parsed.success) return { externalId, reason: faultOf(parsed.error, row) };
    const kind = kindOf(row);
    if (kind === undefined && entity !== 'lead')
      return { externalId, reason: 'type: expected a text that tells persons from companies, got none' };
    const wire = {
      ...parsed.data,
      ...(parsed.data.billingAddress === null && { billingAddress: emptyAddress }),
      ...(entity === 'contact' && splitNames && splitName(parsed.data.name)),
      ...(entity === 'lead' && kind && { [kind === 'contact' ? 'person' : 'company']: { id: externalId } }),
    };
    const modifiedAt = typeof row.updated === 'string' ? Date.parse(row.updated) : Number.NaN;
    return {
      externalId,
      values: readValues(mappings[entity], wire),
      ...(Number.isNaN(modifiedAt) ? {} : { modifiedAt }),
    };
  }

  function decodePerson(row: Wire, customer: string, item: unknown, where: string): CrmRecord | BadRecord {
    const person = personIdOf(item);
    if (person === undefined)
      return { externalId: undefined, reason: idFault(`${where}.id`, isWire(item) ? item.id : item) };
    const externalId = `${customer}/${person}`;
    const parsed = mappedPerson.safeParse(item);
    if (!parsed.success) return { externalId, reason: faultOf(parsed.error, item, where) };
    const company = kindOf(row) === 'account' && {
      company: { id: customer, ...(typeof row.name === 'string' && { name: row.name }) },
    };
    return { externalId, values: readValues(mappings.contact, { ...parsed.data, ...company }) };
  }

  function persons(row: unknown): (CrmRecord | BadRecord)[] {
    const customer = isWire(row) ? usableId(row.id) : undefined;
    if (!isWire(row) || customer === undefined || !Array.isArray(row.contacts)) return [];
    const seen = new Set<string>();
    return row.contacts.map((item: unknown, index) => {
      const decoded = decodePerson(row, customer, item, `contacts.${index}`);
      if (decoded.externalId === undefined) return decoded;
      // Which of the two the id means cannot be told; the first one stands.
      if (seen.has(decoded.externalId))
        return {
          externalId: undefined,
          reason: `contacts.${index}.id: expected an id of its own, got that of another`,
        };
      seen.add(decoded.externalId);
      return decoded;
    });
  }

  return {
    all(entity, row) {
      const kind = isWire(row) ? kindOf(row) : undefined;
      if (entity === 'lead') {
        const status = isWire(row) ? row.crmStatus : undefined;
        // A server that overlooks the status in the path must not make leads of all customers.
        const isOther = typeof status === 'string' && !leadStatuses.some((one) => one === status);
        return isOther ? [] : [decodeCustomer('lead', row)];
      }
      const own = kind === undefined || kind === entity ? [decodeCustomer(entity, row)] : [];
      const takesPersons = contactPersons === 'all' || (contactPersons === 'companies' && kind === 'account');
      return entity === 'contact' && takesPersons ? [...own, ...persons(row)] : own;
    },
    customer(entity, row) {
      const kind = isWire(row) ? kindOf(row) : undefined;
      return entity !== 'lead' && kind !== undefined && kind !== entity ? undefined : decodeCustomer(entity, row);
    },
    person(row, person) {
      if (!isWire(row) || !Array.isArray(row.contacts)) return 'unknown';
      const index = row.contacts.findIndex((item) => personIdOf(item) === person);
      if (index < 0) return 'gone';
      return decodePerson(row, usableId(row.id) ?? '', row.contacts[index], `contacts.${index}`);
    },
  };
}

/** An address that is null is known to be empty in all its parts, as one that was taken away is; a missing one is silence. */
const emptyAddress = { street: null, houseNumber: null, postalCode: null, city: null, country: null };

/** Never part of a path, so any text will do. */
function personIdOf(item: unknown): string | undefined {
  const id = isWire(item) ? item.id : undefined;
  if (typeof id === 'number') return Number.isSafeInteger(id) ? String(id) : undefined;
  return typeof id === 'string' && id.trim() !== '' ? id : undefined;
}
