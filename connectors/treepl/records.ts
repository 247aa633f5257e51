import { type BadRecord, type CrmRecord, ownSystem } from '../../src/connector/connector.ts';
import { type Mapping, readValues } from '../../src/connector/mapping.ts';
import { contact, faultOf, isUsualContact, readOnlyKeys, updateKeys } from './schemas.ts';

export type Wire = Readonly<Record<string, unknown>>;

const documented = new Map([...updateKeys, ...readOnlyKeys].map((key) => [key.toLowerCase(), key]));

/**
 * The record under the documented spelling of its keys. The vendor spells `ZipCode` and `Zipcode` (treepl.md §8, 7),
 * so keys are compared without case, but only where a key that is always there is missing: most records pass untouched.
 */
export function withDocumentedKeys(item: unknown): unknown {
  if (typeof item !== 'object' || item === null || Array.isArray(item) || ('Id' in item && 'ZipCode' in item))
    return item;
  const record: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(item)) {
    const known = documented.get(key.toLowerCase());
    record[known === undefined || known in item ? key : known] = value;
  }
  return record;
}

/** The id of a contact as text; undefined when there is none that could be used. "0" is an id, "" is not. */
export function idOf(item: unknown): string | undefined {
  return usableId(withDocumentedKeys(item));
}

function usableId(record: unknown): string | undefined {
  const id = typeof record === 'object' && record !== null ? (record as Wire).Id : undefined;
  if (typeof id === 'number') return Number.isSafeInteger(id) ? String(id) : undefined;
  return typeof id === 'string' && id.trim() !== '' ? id.trim() : undefined;
}

/** Validates and maps one contact of a reply. Never throws: what cannot be used is a bad record with its reason. */
export function decoder(mapping: Mapping, xrefField: string | undefined): (item: unknown) => CrmRecord | BadRecord {
  const [group, alias] = xrefField?.split('.') ?? [];
  return (item) => {
    const record = withDocumentedKeys(item);
    const externalId = usableId(record);
    const reason = isUsualContact(record) ? undefined : faultOf(contact, record);
    if (reason !== undefined || externalId === undefined)
      return { externalId, reason: reason ?? 'Id: expected an integer or a non-empty text' };
    try {
      const values = readValues(mapping, record as Wire);
      const xref =
        group === undefined ? undefined : objectAt(objectAt(record, 'CustomCrmGroups'), group)[alias as string];
      return typeof xref === 'string' && xref.trim() !== ''
        ? { externalId, values, xrefs: [{ system: ownSystem, id: xref.trim() }] }
        : { externalId, values };
    } catch (error) {
      if (error instanceof RangeError) return { externalId, reason: error.message };
      throw error;
    }
  };
}

/** Never sent back, whatever a reply carries: a password read is not the password (a hash, a mask). */
const NEVER_SENT = new Set([...readOnlyKeys, 'Password'].map((key) => key.toLowerCase()));

/**
 * The body of a PUT, which replaces the whole record: `fresh` as it was read, with `changes` laid over it, custom
 * groups field by field (treepl.md §8, 10). Read-only keys are left out.
 * @param undocumented whether keys that the documentation does not know are sent back as they came.
 */
export function replacement(fresh: Wire, changes: Wire, undocumented: 'send' | 'omit'): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fresh)) {
    if (NEVER_SENT.has(key.toLowerCase())) continue;
    if (undocumented === 'send' || documented.has(key.toLowerCase())) body[key] = value;
  }
  const { CustomCrmGroups: groups, ...flat } = changes;
  Object.assign(body, flat);
  if (groups !== undefined) {
    const merged: Record<string, unknown> = { ...objectAt(body, 'CustomCrmGroups') };
    for (const [group, fields] of Object.entries(groups as Wire))
      merged[group] = { ...objectAt(merged, group), ...(fields as Wire) };
    body.CustomCrmGroups = merged;
  }
  return body;
}

/**
 * A record as it was read, with what it is known to hold in the mapped fields that the reply left out: a PUT without
 * them would empty them, and the silence of one reply would become a fact (law 5).
 */
export function completed(fresh: Wire, known: Wire): Wire {
  const { CustomCrmGroups: groups, ...flat } = known;
  const whole = { ...flat, ...fresh };
  if (groups === undefined) return whole;
  const merged: Record<string, unknown> = { ...objectAt(fresh, 'CustomCrmGroups') };
  for (const [group, fields] of Object.entries(groups as Wire))
    merged[group] = { ...(fields as Wire), ...objectAt(merged, group) };
  return { ...whole, CustomCrmGroups: merged };
}

/** Whether a record carries keys that the documentation does not know. */
export function hasUndocumentedKeys(record: Wire): boolean {
  return Object.keys(record).some((key) => !documented.has(key.toLowerCase()) && !NEVER_SENT.has(key.toLowerCase()));
}

function objectAt(value: unknown, key: string): Wire {
  const inner = typeof value === 'object' && value !== null ? (value as Wire)[key] : undefined;
  return typeof inner === 'object' && inner !== null ? (inner as Wire) : {};
}
