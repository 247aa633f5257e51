import PQueue from 'p-queue';
import type { BadRecord, CrmRecord, Page } from '../connector/connector.ts';
import { MalformedReplyError, RejectedError } from '../connector/errors.ts';
import type { Entity } from '../model/values.ts';
import type { Store } from '../store/store.ts';
import type { Connection, EngineContext } from './engine.ts';

/** How many ids are asked for in one page. */
export const idsPerPage = 100;

/** Records set aside that are asked for again in one scan. */
const mostSetAside = 100_000;

/** What a CRM says about some ids: each is in one of the lists. */
export interface Answers {
  /** Each record once, under the id that it has there. */
  readonly records: readonly CrmRecord[];
  /** The record is there and cannot be used. */
  readonly bad: readonly (BadRecord & { readonly externalId: string })[];
  /** The CRM refuses the question. */
  readonly refused: readonly (BadRecord & { readonly externalId: string })[];
  readonly gone: readonly string[];
  /** The CRM cannot tell: nothing follows from it. */
  readonly unknown: readonly string[];
}

/** An id, with what its connector needs besides to find the record. */
interface KnownId {
  readonly externalId: string;
  readonly locator: string | undefined;
}

/**
 * Reads the records that are known at a CRM without a listing, one by one, as pages: those that are linked, those that
 * wait to be matched and those that are set aside. What is gone is in no page.
 * @throws CrmError when the CRM cannot be asked
 */
export async function* readKnown(
  { store }: EngineContext,
  from: Connection,
  entity: Entity,
  signal?: AbortSignal,
): AsyncIterable<Page> {
  const { name } = from;
  const { live } = await store.linkCount(name, entity);
  const unlinked = await unlinkedIds(store, name, entity);
  const total = live + unlinked.length;
  for (let after = 0; ; ) {
    const links = await store.liveLinks(name, entity, after, idsPerPage);
    const last = links.at(-1);
    if (!last) break;
    after = last.number;
    const ids = links.map(({ externalId }) => externalId);
    yield { ...asPage(await readIds(from, entity, await located(store, name, entity, ids), signal)), total };
  }
  for (let start = 0; start < unlinked.length; start += idsPerPage)
    yield { ...asPage(await readIds(from, entity, unlinked.slice(start, start + idsPerPage), signal)), total };
}

function asPage({ records, bad, refused }: Answers): Page {
  return { records, bad: [...bad, ...refused] };
}

/** Ids without a link that a CRM is known to have: no listing would ever show them again. */
async function unlinkedIds(store: Store, connection: string, entity: Entity): Promise<readonly KnownId[]> {
  const found = new Map<string, KnownId>();
  for (let after = 0; ; ) {
    const rows = await store.unmatched(entity, after, idsPerPage);
    const last = rows.at(-1);
    if (!last) break;
    after = last.position;
    for (const { externalId, locator, ...row } of rows)
      if (row.connection === connection) found.set(externalId, { externalId, locator });
  }
  const aside = (await store.quarantined(connection, entity, mostSetAside)).flatMap(
    ({ externalId }) => externalId ?? [],
  );
  for (let start = 0; start < aside.length; start += idsPerPage) {
    const page = aside.slice(start, start + idsPerPage);
    const known = await store.known(connection, entity, page);
    for (const externalId of page)
      if (known.get(externalId)?.state !== 'linked' && !found.has(externalId))
        found.set(externalId, { externalId, locator: undefined });
  }
  return [...found.values()];
}

/** The same ids, each with the locator of its link. */
export async function located(
  store: Store,
  connection: string,
  entity: Entity,
  ids: readonly string[],
): Promise<readonly KnownId[]> {
  const aggregates = await store.linked(connection, entity, ids);
  return ids.map((externalId) => {
    const link = aggregates
      .get(externalId)
      ?.links.find((one) => one.connection === connection && one.externalId === externalId);
    return { externalId, locator: link?.locator };
  });
}

/**
 * Reads records one by one, up to the connection's `concurrent` at once. One that cannot be read does not keep the others
 * from being read. @throws CrmError when the CRM cannot be asked
 */
export async function readIds(
  { connector, concurrent }: Connection,
  entity: Entity,
  asked: readonly KnownId[],
  signal?: AbortSignal,
): Promise<Answers> {
  const queue = new PQueue({ concurrency: concurrent });
  // Two spellings of an id may name one record.
  const records = new Map<string, CrmRecord>();
  const bad: Answers['bad'][number][] = [];
  const refused: Answers['refused'][number][] = [];
  const gone: string[] = [];
  const unknown: string[] = [];
  const ask = async ({ externalId, locator }: KnownId) => {
    try {
      const reply = await connector.read(entity, externalId, locator, signal);
      if (reply.state === 'found') records.set(reply.record.externalId, reply.record);
      else if (reply.state === 'gone') gone.push(externalId);
      else unknown.push(externalId);
    } catch (error) {
      if (error instanceof MalformedReplyError) bad.push({ externalId, reason: error.message });
      else if (error instanceof RejectedError) refused.push({ externalId, reason: error.message });
      else throw error;
    }
  };
  try {
    await queue.addAll(asked.map((one) => async () => await ask(one)));
  } finally {
    // After a failure that concerns all, the rest is not asked.
    queue.clear();
  }
  return { records: [...records.values()], bad, refused, gone, unknown };
}
