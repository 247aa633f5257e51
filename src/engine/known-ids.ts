import PQueue from 'p-queue';
import type { BadRecord, CrmRecord, Page } from '../connector/connector.ts';
import { MalformedReplyError, RejectedError, RetryableError } from '../connector/errors.ts';
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
  const witness: Witness = {};
  const read = async (known: readonly KnownId[]) => asPage(await readIds(from, entity, known, signal, witness));
  for (let after = 0; ; ) {
    const links = await store.liveLinks(name, entity, after, idsPerPage);
    const last = links.at(-1);
    if (!last) break;
    after = last.number;
    const ids = links.map(({ externalId }) => externalId);
    yield { ...(await read(await located(store, name, entity, ids))), total };
  }
  for (let start = 0; start < unlinked.length; start += idsPerPage)
    yield { ...(await read(unlinked.slice(start, start + idsPerPage))), total };
}

/** What a CRM says about some ids, as a page of a scan; what is gone is in none. */
export function asPage({ records, bad, refused }: Answers): Page {
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

/** The record that a CRM has shown last. */
export interface Witness {
  known?: KnownId;
}

/** Records that cannot be read, with none read before, after which the CRM counts as down. */
const failuresInARow = 5;

/**
 * Reads records one by one, up to the connection's `concurrent` at once. One that cannot be read does not keep the others
 * from being read: where the CRM still shows the record that it has shown last, the trouble is with this one alone.
 * @param witness handed on from page to page
 * @throws CrmError when the CRM cannot be asked
 */
export async function readIds(
  connection: Connection,
  entity: Entity,
  asked: readonly KnownId[],
  signal?: AbortSignal,
  witness: Witness = {},
): Promise<Answers> {
  const { connector } = connection;
  const queue = new PQueue({ concurrency: connection.concurrent });
  // Two spellings of an id may name one record.
  const records = new Map<string, CrmRecord>();
  const bad: Answers['bad'][number][] = [];
  const refused: Answers['refused'][number][] = [];
  const gone: string[] = [];
  const unknown: string[] = [];
  const doubtful: { readonly known: KnownId; readonly trouble: Trouble }[] = [];
  const setAside = ({ externalId }: KnownId, trouble: Trouble) => {
    (trouble instanceof MalformedReplyError ? bad : refused).push({ externalId, reason: trouble.message });
  };
  const ask = async (known: KnownId) => {
    const { externalId, locator } = known;
    try {
      const reply = await connector.read(entity, externalId, locator, signal);
      witness.known = known;
      if (reply.state === 'found') records.set(reply.record.externalId, reply.record);
      else if (reply.state === 'gone') gone.push(externalId);
      else unknown.push(externalId);
    } catch (error) {
      if (error instanceof RejectedError) refused.push({ externalId, reason: error.message });
      else if (!isTrouble(error)) throw error;
      else if (witness.known) {
        if (!(await isShown(connection, entity, witness.known, signal))) throw error;
        setAside(known, error);
      } else if (doubtful.push({ known, trouble: error }) >= failuresInARow) throw error;
    }
  };
  try {
    await queue.addAll(asked.map((one) => async () => await ask(one)));
    const [worst] = doubtful.filter(({ trouble }) => trouble instanceof RetryableError);
    // Nobody was shown: it is not known that anybody can be.
    if (worst && !witness.known) throw worst.trouble;
    for (const { known, trouble } of doubtful) {
      if (witness.known) await ask(known);
      else setAside(known, trouble);
    }
  } finally {
    // After a failure that concerns all, the rest is not asked.
    queue.clear();
  }
  return { records: [...records.values()], bad, refused, gone, unknown };
}

/** What may be the matter with one record, or with the whole CRM. */
type Trouble = MalformedReplyError | RetryableError;

function isTrouble(error: unknown): error is Trouble {
  return error instanceof MalformedReplyError || error instanceof RetryableError;
}

async function isShown(
  { connector }: Connection,
  entity: Entity,
  { externalId, locator }: KnownId,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await connector.read(entity, externalId, locator, signal);
    return true;
  } catch (error) {
    if (!isTrouble(error)) throw error;
    return false;
  }
}
