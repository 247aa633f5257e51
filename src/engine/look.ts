import { absence } from '../connector/connector.ts';
import type { Entity } from '../model/values.ts';
import type { IntentRow, Store } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { openDepartures } from './departures.ts';
import type { Counts, EngineContext } from './engine.ts';
import { ingestPage } from './ingest.ts';
import { located, readIds } from './known-ids.ts';
import { connectionNamed } from './participation.ts';
import type { Scan } from './scans.ts';
import { Sightings } from './sightings.ts';

/** Which records, and where to count what becomes of them. */
export interface LookOrder {
  /** Whose rules hold for what comes in. `connection` is a member of it. */
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  /** `hintedAt`: when it was first heard of, epoch milliseconds. */
  readonly records: readonly { readonly externalId: string; readonly hintedAt: number }[];
  readonly counts: Counts;
  readonly signal?: AbortSignal;
}

/** What a look left open. Everything else was taken in, or is as it was known. */
export interface Looked {
  /** External ids about which nothing can be said at this moment: to be looked at once more, soon. */
  readonly later: readonly string[];
  /** External ids about which only a complete listing tells: not found, or shown as they were long ago. */
  readonly unclear: readonly string[];
}

/** Records set aside that are looked out for. */
const quarantineLimit = 100_000;

/** Our own writes that come in between send us back this many times. */
const maxLooks = 3;

/** For how long after a create was sent its answer may still be on the way, milliseconds. */
const answerMs = 60_000;

/**
 * Opens a look at single records. It is no scan: nothing follows from what it does not show, and where the scans stand
 * does not change.
 */
export async function openLook(
  context: EngineContext,
  sync: SyncPolicy,
  connection: string,
  run: string,
): Promise<Scan> {
  const { store, clock } = context;
  const { entity } = sync;
  const startedAt = clock.now();
  return {
    sync,
    connection,
    run,
    startedAt,
    quarantined: new Set(
      (await store.quarantined(connection, entity, quarantineLimit)).flatMap(({ externalId }) => externalId ?? []),
    ),
    stillUnmatched: new Set(),
    lastUnmatched: 0,
    seen: new Sightings(0),
    linksBefore: 0,
    shownUntil: startedAt,
    departures: await openDepartures(store, connection, entity),
    shownAgain: new Set(),
    leftOut: new Set(),
  };
}

/**
 * Reads records by their ids and takes them in like a page of a pull. An unchanged one costs one read and one comparison.
 * What is not there is not taken for deleted, and what reads older than what we know is not taken in.
 *
 * @throws CrmError when the CRM cannot be asked; what was taken in until then stays
 */
export async function look(context: EngineContext, order: LookOrder): Promise<Looked> {
  const { sync, connection, records, counts, signal } = order;
  const { store } = context;
  const { entity } = sync;
  const from = connectionNamed(context, connection);
  const isReadable = absence(from.connector.capabilities[entity]?.read ?? { absent: 'entity' }) === undefined;
  const hintedAt = new Map(records.map((record) => [record.externalId, record.hintedAt]));
  const unclear = new Set<string>();
  let ids: readonly string[] = [...hintedAt.keys()];
  if (!isReadable) return { later: [], unclear: await alive(store, connection, entity, ids) };
  for (let looks = 1; ids.length > 0 && looks <= maxLooks; looks += 1) {
    signal?.throwIfAborted();
    const opened = await openLook(context, sync, connection, order.run);
    const notes = {
      later: new Set<string>(),
      old: unclear,
      // What was heard of before a create was sent is not what that create has made.
      mayBeOurs: (externalId: string, open: readonly IntentRow[]) =>
        open.some(({ at }) => at > opened.startedAt - answerMs && at <= (hintedAt.get(externalId) ?? at)),
    };
    const answers = await readIds(from, entity, await located(store, connection, entity, ids), signal);
    // The CRM may refuse the question about an id that is none: that concerns nobody.
    const known = await store.known(connection, entity, ids);
    const refused = answers.refused.filter(({ externalId }) => known.has(externalId));
    const page = { records: answers.records, bad: [...answers.bad, ...refused] };
    await ingestPage(context, { ...opened, look: notes }, page, undefined, counts);
    const lost = answers.gone.filter((externalId) => known.has(externalId));
    for (const externalId of await alive(store, connection, entity, [...lost, ...answers.unknown]))
      unclear.add(externalId);
    ids = [...notes.later];
  }
  return { later: ids, unclear: [...unclear] };
}

/** Those of the ids that are not known to be gone. */
async function alive(
  store: Store,
  connection: string,
  entity: Entity,
  ids: readonly string[],
): Promise<readonly string[]> {
  const known = await store.known(connection, entity, ids);
  return ids.filter((externalId) => known.get(externalId)?.state !== 'gone');
}
