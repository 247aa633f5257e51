import Database from 'better-sqlite3';
import type { SeenRequest } from '../../src/connector/sandbox.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { concordat, type Ended } from '../cli/harness.ts';
import { type Bed, bedEnv, type CrmName, crmNames, type Kept, keptEntities, members } from './bed.ts';
import { judgeDeleted } from './deleted.ts';
import { editable, type FieldName, fieldsAt, idIn, pathOf, valueIn, type Wire, whoIn } from './fields.ts';
import type { Edit, Oracle } from './oracle.ts';

type Deletes = 'ignore' | 'propagate';

/** Everything that must hold at the end of a life, however it went. @returns what does not, in words */
export async function judge(
  bed: Bed,
  oracle: Oracle,
  deletes: Deletes,
  last: Ended,
  main: string | undefined,
): Promise<readonly string[]> {
  const found = [...quiet(bed, last)];
  const file = new Database(bed.storeFile, { readonly: true });
  const integrity: unknown = file.pragma('integrity_check', { simple: true });
  file.close();
  if (integrity !== 'ok') found.push(`the database is not whole: ${integrity}`);
  const store = await openSqliteStore(bed.storeFile);
  try {
    for (const one of await store.standing())
      if (one.pending + one.dead + one.openIntents + one.quarantined > 0)
        found.push(`something is left undone at ${one.connection}: ${JSON.stringify(one)}`);
    for (const entity of keptEntities)
      for (const review of await store.openReviews(entity)) found.push(`a review is left: ${JSON.stringify(review)}`);
    for (const entity of keptEntities)
      for (const who of oracle.everybody(entity))
        found.push(...(await judgeOne(bed, oracle, deletes, store, entity, who)));
  } finally {
    await store.close();
  }
  return [...found, ...homes(bed, oracle), ...(await audited(bed, main))];
}

/** No writes after quiescence: a further sync asks for listing pages only. */
function quiet(bed: Bed, { status, stderr }: Ended): readonly string[] {
  const listings = ['contacts_list', '_getContacts', '_getAccounts'];
  const isListing = ({ method, operation, query }: SeenRequest) =>
    method === 'GET' && listings.includes(operation ?? '') && query.search === undefined;
  const others = crmNames.flatMap((crm) =>
    bed.crms[crm].requests
      .filter((request) => !isListing(request))
      .map(({ method, path, query }) => `after quiescence ${crm} was asked ${method} ${path} ${JSON.stringify(query)}`),
  );
  return status === 0 ? others : [`the last sync ended with status ${status}: ${stderr}`, ...others];
}

/** One person or company: once everywhere, equal everywhere, no edit lost, no delete undone. */
async function judgeOne(
  bed: Bed,
  oracle: Oracle,
  deletes: Deletes,
  store: Store,
  entity: Kept,
  who: string,
): Promise<readonly string[]> {
  const found: string[] = [];
  const at = new Map<CrmName, Wire>();
  for (const crm of members[entity]) {
    const theirs = bed.seen(crm, entity).filter((wire) => whoIn(crm, entity, wire) === who);
    if (theirs.length > 1) found.push(`${who} is ${theirs.length} times at ${crm}`);
    if (theirs[0]) at.set(crm, theirs[0]);
  }
  const deletions = members[entity].flatMap((crm) => oracle.deletedAt(entity, who, crm) ?? []);
  // Where deletes are carried on, somebody entered again is somebody new, for all CRMs: which one it is nobody can tell.
  if (deletes === 'propagate' && deletions.some((removal) => oracle.isEnteredAgain(removal))) return found;
  for (const { crm } of deletions) if (at.has(crm)) found.push(`${who} was deleted at ${crm} and is there again`);
  if (deletes === 'propagate' && deletions.length > 0) {
    const trusted = new Set((await store.conflicts(1_000_000)).map(({ path, loser }) => key(path, loser.value)));
    return [...found, ...judgeDeleted(oracle, entity, who, at, deletions, (edit) => trusted.has(traceOf(edit)))];
  }
  const missing = members[entity].filter((crm) => !at.has(crm) && !deletions.some((one) => one.crm === crm));
  if (missing.length > 0) found.push(`${who} is not at ${missing.join(', ')}`);
  // Nothing tells a sync that ignores deletes who it was, once no CRM has the record any more.
  if (at.size === 0) return found;

  const final = new Map<FieldName, string | null>();
  for (const field of editable) {
    const shown = [...at].filter(([crm]) => fieldsAt(crm, entity).includes(field));
    const values = new Set(shown.map(([crm, wire]) => valueIn(crm, entity, wire, field)));
    if (values.size > 1)
      found.push(
        `${who} ${field} differs: ${shown.map(([crm, wire]) => `${crm} ${valueIn(crm, entity, wire, field)}`).join(', ')}`,
      );
    if (values.size === 1) final.set(field, [...values][0]!);
  }
  const traces = await tracesOf(store, entity, at);
  for (const edit of oracle.editsOf(entity, who))
    if (!isKept(edit, oracle, final, traces))
      found.push(`lost edit: ${JSON.stringify(edit)}; remembered of that field: ${said(traces, edit)}`);
  return found;
}

/** What the store remembers about somebody's fields. */
interface Traces {
  /** Values that are or were canonical, by path. */
  readonly canonical: ReadonlySet<string>;
  /** Values that won or lost a conflict. */
  readonly conflicts: ReadonlySet<string>;
}

async function tracesOf(store: Store, entity: Kept, at: ReadonlyMap<CrmName, Wire>): Promise<Traces> {
  const records = new Set<string>();
  const canonical = new Set<string>();
  for (const [crm, wire] of at) {
    const aggregate = (await store.linked(crm, entity, [idIn(crm, wire)])).get(idIn(crm, wire));
    if (!aggregate) continue;
    records.add(aggregate.record.id);
    for (const [path, value] of Object.entries(aggregate.record.values)) canonical.add(key(path, value));
  }
  const history = await Promise.all([...records].map((id) => store.history(id)));
  const conflicts = (await store.conflicts(1_000_000)).filter(({ recordId }) => records.has(recordId));
  for (const { path, from, to } of history.flat()) canonical.add(key(path, from)).add(key(path, to));
  return {
    canonical,
    conflicts: new Set(
      conflicts.flatMap(({ path, winner, loser }) => [key(path, winner.value), key(path, loser.value)]),
    ),
  };
}

/**
 * The last edit of a field stands everywhere, or is in the conflict log. An earlier one may also have been replaced by a
 * person: at the same CRM, or elsewhere after it had become canonical.
 */
function isKept(
  edit: Edit,
  oracle: Oracle,
  final: ReadonlyMap<FieldName, string | null>,
  { canonical, conflicts }: Traces,
): boolean {
  const { entity, who, crm, externalId, field, value, at } = edit;
  const trace = traceOf(edit);
  if (final.get(field) === value || conflicts.has(trace)) return true;
  const goneWith = oracle.removals.find((one) => one.crm === crm && one.externalId === externalId);
  // The record that carried it was thrown away by a person who had merged two.
  if (goneWith?.why === 'merge') return true;
  // Nobody but the person who then deleted the record can be shown to have seen the edit; or no CRM has that field now.
  if (goneWith?.unread.includes(field) || (!final.has(field) && canonical.has(trace))) return true;
  const later = oracle.editsOf(entity, who).filter((one) => one.field === field && one.at > at);
  if (later.some((one) => one.crm === crm && one.externalId === externalId)) return true;
  return later.length > 0 && (value === null || canonical.has(trace));
}

function said({ canonical, conflicts }: Traces, { field }: Edit): string {
  const of = (traces: ReadonlySet<string>) =>
    [...traces].filter((trace) => trace.startsWith(key(pathOf(field), null).split('\n')[0]!));
  return JSON.stringify({ canonical: of(canonical), conflicts: of(conflicts) });
}

function traceOf({ field, value }: Edit): string {
  return key(pathOf(field), value);
}

function key(path: string, value: unknown): string {
  return `${path}\n${JSON.stringify(value === '' || value === undefined ? null : value)}`;
}

/** Contacts stand where people put them, and no account was left behind that carries nobody, or one person twice. */
function homes(bed: Bed, oracle: Oracle): readonly string[] {
  const found: string[] = [];
  const accounts = bed.seen('room', 'account') as readonly (Wire & { contacts: readonly Wire[] })[];
  for (const [contact, home] of oracle.homes) {
    const account = accounts.find(({ id }) => id === home);
    // One that is not there any more was deleted elsewhere, and that was carried on: whether it may be gone is judged above.
    if (account && !account.contacts.some(({ id }) => id === contact))
      found.push(`contact ${contact} is not in account ${home} any more`);
  }
  const carried = new Map<string, number>();
  for (const { name, contacts } of accounts) {
    if (!String(name).endsWith('[concordat contact]')) continue;
    for (const { id } of contacts) carried.set(String(id), (carried.get(String(id)) ?? 0) + 1);
  }
  for (const [contact, times] of carried) if (times > 1) found.push(`contact ${contact} has ${times} carriers`);
  return found;
}

/** `concordat audit` reads everything afresh and finds no drift. */
async function audited(bed: Bed, main: string | undefined): Promise<readonly string[]> {
  const options = { directory: bed.folder, env: bedEnv, ...(main === undefined ? {} : { main }) };
  const { status, stdout, stderr } = await concordat(['audit', '--json'], options);
  if (stderr.includes('unknown command')) return [];
  return status === 0 ? [] : [`audit ended with status ${status}: ${stdout}${stderr}`];
}
