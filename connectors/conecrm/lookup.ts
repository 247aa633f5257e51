import { GoneError, RejectedError } from '../../src/connector/errors.ts';
import type { Shared } from './context.ts';
import { idOf, isWire, nested, type Wire } from './decode.ts';
import { type Listed, searchWire, visitAll } from './listing.ts';
import type { AccountHint, ContactLocator } from './locator.ts';

/** The first row that a search for one of `terms` brings and that `isIt`. Not finding it proves nothing. */
export async function findBySearch(
  crm: Shared,
  entity: Listed,
  terms: readonly (string | undefined)[],
  isIt: (item: Wire) => boolean,
  signal?: AbortSignal,
): Promise<Wire | undefined> {
  for (const term of new Set(terms)) {
    if (!term) continue;
    for await (const item of searchWire(crm, entity, term, signal)) if (isIt(item)) return item;
  }
  return undefined;
}

/** The first row of a complete scan that `isIt`; undefined: there is none. */
export async function findByScan(
  crm: Shared,
  entity: Listed,
  isIt: (item: Wire) => boolean,
  signal?: AbortSignal,
): Promise<Wire | undefined> {
  let found: Wire | undefined;
  await visitAll(
    crm,
    entity,
    (item) => {
      if (!found && isIt(item)) found = item;
      return found && 'enough';
    },
    signal,
  );
  return found;
}

/** An account as it is now. There is no read by id: it is searched for, and scanned for when that fails. Undefined: it is gone. */
export async function findAccount(crm: Shared, hint: AccountHint, signal?: AbortSignal): Promise<Wire | undefined> {
  const isIt = (item: Wire): boolean => item.id === hint.id;
  const terms = [crm.seenAccounts.term(hint.id), hint.name];
  const found = await findBySearch(crm, 'account', terms, isIt, signal);
  if (found) return found;
  // The query builder can look by id, but the shape of its rows is not documented: it only gives a better term.
  const row = (await query(crm, 'account', { id: hint.id }, signal)).find(isIt);
  const learnt = [row?.name, row?.primaryEmail].filter((term) => typeof term === 'string');
  return (await findBySearch(crm, 'account', learnt, isIt, signal)) ?? (await findByScan(crm, 'account', isIt, signal));
}

/** A contact as the contact list shows it now, by search alone; undefined: not found, which proves nothing. */
export function searchContact(
  crm: Shared,
  id: string,
  { email, name }: ContactLocator,
  signal?: AbortSignal,
): Promise<Wire | undefined> {
  return findBySearch(crm, 'contact', [email, name], (item) => item.id === id, signal);
}

/** A contact as it is now. Undefined: a complete scan does not have it. */
export async function findContact(
  crm: Shared,
  id: string,
  locator: ContactLocator,
  signal?: AbortSignal,
): Promise<Wire | undefined> {
  return (
    (await searchContact(crm, id, locator, signal)) ??
    (await findByScan(crm, 'contact', (item) => item.id === id, signal))
  );
}

/**
 * The contacts of an account, which all go back with a write into its list: who is left out may be unlinked. An empty
 * list is believed only where accounts are known to show contacts, for a server may cut the nesting off (§8, 27); else
 * the list of contacts is asked who belongs here.
 */
export async function membersOf(crm: Shared, id: string, account: Wire, signal?: AbortSignal): Promise<Wire[]> {
  const shown = nested(account);
  if (shown.length > 0 || crm.showsMembers) return shown;
  const { lastJoined } = crm;
  if (lastJoined !== undefined && lastJoined !== id) await findAccount(crm, { id: lastJoined }, signal);
  return crm.showsMembers ? shown : await contactsOf(crm, id, signal);
}

/** All contacts that the contact list shows as belonging to an account. A whole scan. */
export async function contactsOf(crm: Shared, accountId: string, signal?: AbortSignal): Promise<Wire[]> {
  const found = new Map<string, Wire>();
  await visitAll(
    crm,
    'contact',
    (item) => {
      const id = idOf(item);
      if (id !== undefined && accountIdsOf(item).includes(accountId)) found.set(id, item);
      return undefined;
    },
    signal,
  );
  return [...found.values()];
}

/** Ids of the accounts that a contact shows. */
export function accountIdsOf(contact: Wire): string[] {
  const { accounts } = contact;
  return Array.isArray(accounts) ? accounts.flatMap((entry) => idOf(entry) ?? []) : [];
}

/**
 * Rows of the query builder in which one of `fields` has its value. Entity names, row shape and paging are not
 * documented (conecrm.md §4): any answer but rows counts as none, and a refusal turns it off for this connection.
 */
export async function query(
  crm: Shared,
  entity: Listed,
  fields: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<readonly Wire[]> {
  const name = crm.options.queryEntities[entity];
  if (name === null || crm.refusedQueries.has(entity)) return [];
  const rules = Object.entries(fields).map(([field, value], index) => ({
    id: `r${index}`,
    field,
    operator: '=',
    valueSource: 'value',
    value,
  }));
  try {
    const { body } = await crm.call('post_api_query_builder_filter', {
      params: { entity: name },
      body: { query: { id: 'q', combinator: 'or', rules } },
      repeatable: true,
      ...(signal && { signal }),
    });
    const rows = isWire(body) && Array.isArray(body.data) ? body.data : Array.isArray(body) ? body : [];
    return rows.filter(isWire);
  } catch (error) {
    if (!(error instanceof GoneError || error instanceof RejectedError)) throw error;
    crm.refusedQueries.add(entity);
    return [];
  }
}
