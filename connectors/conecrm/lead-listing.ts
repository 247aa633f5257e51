import type { BadRecord, CrmRecord, Page } from '../../src/connector/connector.ts';
import { MalformedReplyError } from '../../src/connector/errors.ts';
import type { Shared } from './context.ts';
import { idOf, isWire, type Wire } from './decode.ts';
import { answered, queriedLeads } from './lead-query.ts';
import { list } from './listing.ts';

/** Rows per page that is handed on; neither source of leads knows pages. */
const ROWS_PER_PAGE = 200;

/**
 * Reads leads: all of them by the query builder where it proves that it lists them, else the open ones of every contact.
 * The last page then says that the scan is partial: a lead that was closed just disappears from the open ones (conecrm.md §5).
 */
export async function* listLeads(crm: Shared, signal?: AbortSignal): AsyncGenerator<Page> {
  crm.stages = await stageNames(crm, signal);
  const shown = new Set<string>();
  const queried = queriedLeads(crm, signal);
  for (;;) {
    const { value, done } = await queried.next();
    if (done) {
      if (value) return;
      break;
    }
    for (const row of value) shown.add(String(row.id));
    yield* pagesOf(crm, value);
  }
  if (crm.options.openLeads)
    for await (const rows of openLeads(crm, signal)) {
      yield* pagesOf(
        crm,
        rows.filter((row) => !shown.has(idOf(row) ?? '')),
      );
    }
  yield { records: [], bad: [], partial: true };
}

/** Deleted leads may still be shown, marked as such (BaseRecord, conecrm.md §11). */
function* pagesOf(crm: Shared, rows: readonly unknown[]): Generator<Page> {
  for (let start = 0; start < rows.length; start += ROWS_PER_PAGE) {
    const records: CrmRecord[] = [];
    const bad: BadRecord[] = [];
    for (const row of rows.slice(start, start + ROWS_PER_PAGE)) {
      if (isWire(row) && row.isDeleted === true) continue;
      const decoded = crm.lead(row);
      if ('values' in decoded) records.push(decoded);
      else bad.push(decoded);
    }
    yield { records, bad };
  }
}

/** Contacts that may be refused before the call itself counts as not working here. */
const REFUSALS_MAX = 3;

/**
 * The open leads of all contacts, contact by contact (conecrm.md §2, 13). The contact's id is an integer in the text and
 * a UUID everywhere else (§8, 3): it is sent as read, and a server that takes none of the first few is not asked again.
 */
export async function* openLeads(crm: Shared, signal: AbortSignal | undefined): AsyncGenerator<readonly Wire[]> {
  let isTaken = false;
  let refusals = 0;
  for await (const { records, bad } of list(crm, 'contact', signal)) {
    const ids = [...records, ...bad].flatMap(({ externalId }) => externalId ?? []);
    while (!isTaken && ids.length > 0) {
      const rows = await openLeadsOf(crm, ids.shift() as string, signal);
      isTaken = rows !== undefined;
      if (rows) yield rows;
      else refusals += 1;
      if (refusals === REFUSALS_MAX) return;
    }
    const found = await Promise.all(ids.map((id) => openLeadsOf(crm, id, signal)));
    yield found.flatMap((rows) => rows ?? []);
  }
}

/** Undefined: this contact is not taken. @throws MalformedReplyError when the answer is no list. */
async function openLeadsOf(
  crm: Shared,
  contact: string,
  signal: AbortSignal | undefined,
): Promise<readonly Wire[] | undefined> {
  const call = { params: { contact }, ...(signal && { signal }) };
  const body = await answered(crm, '_get_contact_open_leads', call);
  if (body === undefined) return undefined;
  const rows: unknown = isWire(body) ? (body.data ?? body.leads) : (body ?? []);
  if (Array.isArray(rows)) return rows.filter(isWire);
  throw new MalformedReplyError(
    `${crm.connection}: _get_contact_open_leads answered with no list of leads; the scan stops and counts as incomplete`,
    crm.fields('_get_contact_open_leads'),
  );
}

/** Names of the stages by id; none where the call is not offered, and then nothing is said about stages. */
async function stageNames(crm: Shared, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
  const stages = await answered(crm, 'get_api_stage_list', signal ? { signal } : {});
  const named = Array.isArray(stages) ? stages.filter(isWire) : [];
  return new Map(
    named.flatMap(({ id, name }): [string, string][] =>
      typeof id === 'string' && typeof name === 'string' && name !== '' ? [[id, name]] : [],
    ),
  );
}
