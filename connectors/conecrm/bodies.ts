import { type Mapping, writeValues } from '../../src/connector/mapping.ts';
import { normaliseRegion } from '../../src/model/region.ts';
import type { Values } from '../../src/model/values.ts';
import { isEmpty } from '../../src/model/values.ts';
import { idOf, isWire, type Wire } from './decode.ts';
import type { ConecrmOptions } from './options.ts';

/** Fields of a contact that a write body may hold, besides `id` and `thirdPartyIds` (conecrm.md §3.1). */
const contactFields = [
  'civility',
  'firstName',
  'lastName',
  'companyName',
  'preferredMethodOfContact',
  'primaryEmail',
  'secondaryEmail',
  'homePhone',
  'workPhone',
  'workPhoneExtension',
  'mobilePhone',
  'address',
  'city',
  'province',
  'postalCode',
  'country',
  'language',
  'isActive',
] as const;

/** The fields to create a record with: empty ones are left out. */
export function newFields(mapping: Mapping, values: Values, options: ConecrmOptions): Record<string, unknown> {
  const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)));
  return changedFields(mapping, filled, options);
}

/**
 * The fields to change, and nothing else. A value that is cleared is sent as the option says; `isActive` cannot be
 * cleared, and links to accounts are not fields.
 */
export function changedFields(mapping: Mapping, changes: Values, options: ConecrmOptions): Record<string, unknown> {
  const { accounts: _accounts, province, ...fields } = writeValues(mapping, changes);
  const wire: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== null) wire[key] = value;
    else if (key !== 'isActive') wire[key] = options.clearWith;
  }
  if (province === null) wire.province = options.clearWith;
  else if (typeof province === 'string') {
    const short = shortProvince(province, options.provinceLength);
    if (short !== undefined) wire.province = short;
  }
  return wire;
}

/**
 * A region in at most `max` characters (conecrm.md §8, 26): as it is, else as the code of the subdivision it names
 * within its country (`Québec` → `QC`). Undefined when that does not fit either: a cut name would be another fact.
 */
export function shortProvince(region: string, max: number | null): string | undefined {
  if (max === null || region.trim().length <= max) return region;
  const code = /^[A-Z]{2}-([A-Z0-9]{1,3})$/.exec(normaliseRegion(region.trim()))?.[1];
  return code !== undefined && code.length <= max ? code : undefined;
}

/**
 * A contact that stands in an account already, to be sent back as it is: every documented field that is filled, and the
 * outside ids without their audit fields. Left out are empty fields (saying nothing cannot change them), keys that we
 * do not know, and the contact's own accounts. Of a bare `{id}` the id goes back alone.
 */
export function heldContact(contact: Wire): Record<string, unknown> {
  const wire: Record<string, unknown> = { id: idOf(contact) };
  for (const key of contactFields) {
    const value = contact[key];
    if (value !== undefined && value !== null && value !== '') wire[key] = value;
  }
  const outside = outsideIds(contact.thirdPartyIds);
  if (outside.length > 0) wire.thirdPartyIds = outside;
  return wire;
}

/** Whether a nested contact tells no more than its id. */
export function isStub(contact: Wire): boolean {
  return contactFields.every((key) => contact[key] === undefined);
}

function outsideIds(rows: unknown): Record<string, unknown>[] {
  if (!Array.isArray(rows)) return [];
  return rows.filter(isWire).flatMap((row) => {
    if (row.isDeleted === true) return [];
    const kept = ['id', 'systemName', 'thirdPartyId', 'metadata'].filter((key) => row[key] != null);
    return [Object.fromEntries(kept.map((key) => [key, row[key]]))];
  });
}
