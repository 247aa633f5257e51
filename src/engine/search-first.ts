import { absence, type SearchFor } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { isEmpty, type Values } from '../model/values.ts';
import type { Destination } from './delivery.ts';
import { type Connection, type EngineContext, noCounts } from './engine.ts';
import { ingestPage } from './ingest.ts';
import { openLook } from './look.ts';

/**
 * Whether a record may be created at a connection that was not listed in this run: a person may have entered the same one
 * there since. Where the CRM can be searched, it is, and what is found is taken in: who claims to be this record is for
 * the matching then. Elsewhere it takes a listing; of a CRM without one a cycle would know no more than we do now.
 */
export async function mayCreateNow(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  values: Values,
): Promise<boolean> {
  if (to.restsUpon !== 'look') return true;
  const { store } = context;
  const { entity } = to.sync;
  const abilities = connection.connector.capabilities[entity];
  if (!abilities) return false;
  const isListed = absence(abilities.list) === undefined;
  if (isListed && !(await store.checkpoint(to.connection, entity))?.complete) return false;
  const wanted = 'by' in abilities.search ? searchesFor(to, abilities.search.by, values) : [];
  if (wanted.length === 0) return !isListed;
  const scan = await openLook(context, to.sync, to.connection, to.run);
  const old = new Set<string>();
  for (const search of wanted) {
    const found = await connection.connector.search(entity, search, to.signal);
    const ids = found.map(({ externalId }) => externalId);
    const known = await store.known(to.connection, entity, ids);
    // What is linked is somebody else, or this very record: then the next look at its links tells.
    const records = found.filter(({ externalId }) => known.get(externalId)?.state !== 'linked');
    const look = { later: new Set<string>(), old, mayBeOurs: () => true };
    if (records.length > 0) await ingestPage(context, { ...scan, look }, { records, bad: [] }, undefined, noCounts());
  }
  // Somebody who was deleted there, and may be back.
  return old.size === 0;
}

/** One search for each thing that tells who a record is, as far as the CRM searches by it; by name only where there is nothing else. */
function searchesFor({ sync }: Destination, by: readonly (keyof SearchFor)[], values: Values): readonly SearchFor[] {
  const found: SearchFor[] = [];
  for (const [path, value] of Object.entries(values)) {
    const { kind } = fieldAt(sync.entity, path);
    if (typeof value !== 'string' || isEmpty(value)) continue;
    if (kind === 'email' && by.includes('email')) found.push({ email: value });
    if (kind === 'phone' && by.includes('phone')) found.push({ phone: value });
  }
  const names = values.name ?? values['name.full'] ?? [values['name.given'], values['name.family']];
  const name = [names]
    .flat()
    .filter((part) => typeof part === 'string' && part !== '')
    .join(' ');
  if (found.length === 0 && name !== '' && by.includes('name')) found.push({ name });
  return found;
}
