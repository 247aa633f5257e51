import type { CrmRecord, SearchFor } from '../../src/connector/connector.ts';
import { GoneError, RejectedError } from '../../src/connector/errors.ts';
import type { Shared } from './context.ts';
import { isWire, type Wire } from './decode.ts';
import { type Listed, searchWire } from './listing.ts';
import { query } from './lookup.ts';

const phoneFields = ['mobilePhone', 'workPhone', 'homePhone'];
const emailFields = ['primaryEmail', 'secondaryEmail'];

/**
 * Records that match at least one of what is wanted. `search` first; for contacts also by phone; the query builder only
 * when nothing was found. How the CRM matches is not documented (conecrm.md §4, §8 9), so every row is checked here, and
 * finding nothing proves nothing. Carriers are never found.
 */
export async function search(
  crm: Shared,
  entity: Listed,
  wanted: SearchFor,
  signal?: AbortSignal,
): Promise<readonly CrmRecord[]> {
  const found = new Map<string, CrmRecord>();
  const consider = (item: unknown): void => {
    if (!isWire(item) || !matches(item, entity, wanted)) return;
    if (entity === 'account' && crm.isCarrier(item)) return;
    const record = entity === 'account' ? crm.account(item) : crm.contact(item);
    if ('values' in record) found.set(record.externalId, record);
  };

  for (const term of new Set([wanted.email, wanted.name, entity === 'account' ? wanted.phone : undefined])) {
    if (!term) continue;
    for await (const item of searchWire(crm, entity, term, signal)) consider(item);
  }
  if (entity === 'contact' && wanted.phone) for (const item of await byPhone(crm, wanted.phone, signal)) consider(item);
  if (found.size === 0) for (const row of await byQuery(crm, entity, wanted, signal)) consider(row);
  return [...found.values()];
}

/** The reply is not documented: one contact, an array, a wrapper, nothing or 404 (§8, 9). */
async function byPhone(crm: Shared, phone: string, signal: AbortSignal | undefined): Promise<readonly unknown[]> {
  try {
    const { body } = await crm.call('get_contact_findByPhone', { params: { phone }, ...(signal && { signal }) });
    if (Array.isArray(body)) return body;
    if (!isWire(body)) return [];
    const inner = [body.contacts, body.contact, body.data].find((part) => Array.isArray(part) || isWire(part));
    if (inner === undefined) return [body];
    return Array.isArray(inner) ? inner : [inner];
  } catch (error) {
    // A number in a form that it does not take is a number that it does not find.
    if (error instanceof GoneError || error instanceof RejectedError) return [];
    throw error;
  }
}

async function byQuery(
  crm: Shared,
  entity: Listed,
  { email, phone, name }: SearchFor,
  signal: AbortSignal | undefined,
): Promise<readonly Wire[]> {
  const fields: Record<string, string> = {};
  if (email) for (const field of emailFields) fields[field] = email;
  if (phone) for (const field of phoneFields) fields[field] = phone;
  if (name && entity === 'account') fields.name = name;
  return Object.keys(fields).length === 0 ? [] : query(crm, entity, fields, signal);
}

function matches(item: Wire, entity: Listed, { email, phone, name }: SearchFor): boolean {
  const holds = (fields: readonly string[], isIt: (text: string) => boolean): boolean =>
    fields.some((field) => typeof item[field] === 'string' && isIt(item[field]));
  if (email && holds(emailFields, (text) => plain(text) === plain(email))) return true;
  if (phone && holds(phoneFields, (text) => isSameNumber(text, phone))) return true;
  if (!name) return false;
  if (entity === 'account') return holds(['name'], (text) => plain(text) === plain(name));
  return plain(`${item.firstName ?? ''} ${item.lastName ?? ''}`) === plain(name);
}

/** Digits that two spellings of one number share at their ends: country codes and trunk zeros differ before them. */
const SHARED_DIGITS = 9;

function isSameNumber(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => text.replace(/\D/g, '').slice(-SHARED_DIGITS)) as [string, string];
  return a !== '' && a === b;
}

function plain(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}
