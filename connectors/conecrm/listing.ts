import type { Page } from '../../src/connector/connector.ts';
import { MalformedReplyError } from '../../src/connector/errors.ts';
import { scan } from '../../src/connector/listing.ts';
import type { Shared } from './context.ts';
import { idOf, isWire, nested, type Wire } from './decode.ts';

export type Listed = 'account' | 'contact';

const listOf = { account: '_getAccounts', contact: '_getContacts' } as const;

/**
 * Reads all accounts or contacts in pages (conecrm.md §4). The account list leaves out the carriers: they are our
 * device, and no sync must ever see them as companies.
 */
export async function* list(crm: Shared, entity: Listed, signal?: AbortSignal): AsyncGenerator<Page> {
  for await (const page of scanWire(crm, entity, () => {}, signal)) {
    const records =
      entity === 'account' ? page.records.filter(({ values }) => !crm.isCarrier({ name: values.name })) : page.records;
    yield { ...page, records };
  }
}

/** Scans until `visit` has seen everything, carriers included, or says that it has seen enough. */
export async function visitAll(
  crm: Shared,
  entity: Listed,
  visit: (item: Wire) => 'enough' | undefined,
  signal?: AbortSignal,
): Promise<void> {
  let isEnough = false;
  const look = (item: unknown): void => {
    if (isWire(item) && visit(item) === 'enough') isEnough = true;
  };
  for await (const _ of scanWire(crm, entity, look, signal)) if (isEnough) return;
}

function scanWire(
  crm: Shared,
  entity: Listed,
  look: (item: unknown) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page> {
  return scan({
    connection: crm.connection,
    operation: listOf[entity],
    pageSize: crm.options.pageSize,
    ahead: crm.concurrent,
    fetch: (offset, limit, pageSignal) => fetchPage(crm, entity, { offset, limit }, pageSignal),
    idOf,
    decode: (item) => {
      look(item);
      return entity === 'account' ? crm.account(item) : crm.contact(item);
    },
    ...(signal && { signal }),
  });
}

/** Pages of a search that are looked through: a server that ignores `search` would otherwise cost a whole scan. */
const SEARCH_PAGES_MAX = 5;

/** What `search` finds, as it comes. Its semantics are not documented (§4): whoever asks checks each row. */
export async function* searchWire(
  crm: Shared,
  entity: Listed,
  search: string,
  signal?: AbortSignal,
): AsyncGenerator<Wire> {
  const limit = crm.options.pageSize;
  const seen = new Set<string>();
  let offset = 0;
  for (let page = 0; page < SEARCH_PAGES_MAX; page++) {
    const { items } = await fetchPage(crm, entity, { offset, limit, search }, signal);
    const fresh = items.filter((item): item is Wire => isWire(item) && !seen.has(idOf(item) ?? ''));
    for (const item of fresh) {
      seen.add(idOf(item) ?? '');
      yield item;
    }
    // A server may give smaller pages than asked for, so only a page without anything new is the end.
    if (fresh.length === 0) return;
    offset += items.length;
  }
}

interface PageWanted {
  readonly offset: number;
  readonly limit: number;
  readonly search?: string;
}

/** One page. Both names of the start are sent, for accounts and contacts differ there (§4, §8 1). */
async function fetchPage(
  crm: Shared,
  entity: Listed,
  { offset, limit, search }: PageWanted,
  signal: AbortSignal | undefined,
): Promise<{ items: unknown[]; total?: number }> {
  const { sortField } = crm.options;
  const { body } = await crm.call(listOf[entity], {
    params: {
      offset,
      start: offset,
      limit,
      ...(sortField !== null && { sortField, sortDirection: 'ASC' }),
      ...(search !== undefined && { search }),
    },
    ...(signal && { signal }),
  });
  const rows = rowsOf(crm, entity, body);
  if (entity === 'account') crm.showsMembers ||= rows.items.some((account) => nested(account).length > 0);
  return rows;
}

/** A bare array, or one wrapped as `{total, accounts}`, `{total, contacts}` or `{data}`, in both lists (§8, 2). */
function rowsOf(crm: Shared, entity: Listed, body: unknown): { items: unknown[]; total?: number } {
  if (Array.isArray(body)) return { items: body };
  if (isWire(body)) {
    const items = [body.accounts, body.contacts, body.data].find((rows) => Array.isArray(rows));
    if (items) return { items, ...(typeof body.total === 'number' && { total: body.total }) };
  }
  throw new MalformedReplyError(
    `${crm.connection}: ${listOf[entity]} answered with no list of ${entity}s; the scan stops and counts as incomplete`,
    crm.fields(listOf[entity]),
  );
}
