import { type Entity, withArticle } from '../model/values.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Counts, EngineContext } from './engine.ts';
import { ingestPage } from './ingest.ts';
import { idsPerPage, located, readIds } from './known-ids.ts';
import { openLook } from './look.ts';
import { connectionNamed } from './participation.ts';
import type { Scan } from './scans.ts';

/** What became of the ids of an import so far, to be counted up. */
export interface ImportTally {
  /** Ids that the CRM was asked for. */
  asked: number;
  /** Records that were linked before. */
  known: number;
  /** Records that became canonical ones. */
  taken: number;
  /** Records that may be somebody we know: the next sync decides. */
  waiting: number;
  /** Ids that the CRM does not have. */
  readonly missing: string[];
  /** Ids that the CRM refuses to look for, or about which it cannot tell. Nothing is kept of them. */
  readonly refused: { readonly externalId: string; readonly reason: string }[];
}

/** Which ids, and where to count and report what becomes of them. */
export interface ImportOrder {
  /** Whose rules hold for what comes in. `connection` is a member of it, and reads by id. */
  readonly sync: SyncPolicy;
  readonly connection: string;
  /** Each once. */
  readonly ids: Iterable<string>;
  readonly run: string;
  /** As in a pull; `read` are the records that were there. */
  readonly counts: Counts;
  readonly tally: ImportTally;
  readonly signal?: AbortSignal;
  readonly onPage?: () => void;
}

/** A fresh tally, to be counted up. */
export function noTally(): ImportTally {
  return { asked: 0, known: 0, taken: 0, waiting: 0, missing: [], refused: [] };
}

/**
 * Makes ids known: reads each record and takes it in like a page of a pull. It is no scan: nothing follows from what it does
 * not show, and the checkpoint's `complete` stays. Who is who is left to the next sync, which reads all members before it
 * matches. The caller holds the leases of the syncs concerned. May be repeated: what is linked is merged or unchanged.
 *
 * @throws CrmError when the CRM cannot be asked; what was counted until then is taken in
 */
export async function importIds(context: EngineContext, order: ImportOrder): Promise<void> {
  const { store, clock } = context;
  const { sync, connection, run, counts, tally } = order;
  const name = `import-ids ${connection}`;
  await store.beginRun({ id: run, sync: name, startedAt: clock.now() });
  const end = async (outcome: 'done' | 'waiting' | 'failed', error?: Error) => {
    await store.endRun(run, name, {
      endedAt: clock.now(),
      outcome,
      counts: JSON.stringify({ [connection]: counts }),
      ...(error ? { error: error.message } : {}),
    });
  };
  try {
    const scan = await openLook(context, sync, connection, run);
    for (const ids of pagesOf(order.ids)) {
      order.signal?.throwIfAborted();
      await importPage(context, order, scan, ids);
      order.onPage?.();
    }
  } catch (error) {
    // What broke the import matters more than this note about it.
    await end('failed', error instanceof Error ? error : undefined).catch(() =>
      context.log.warn({ connection, run }, 'the end of the run could not be written down'),
    );
    throw error;
  }
  await end(counts.quarantined + tally.missing.length + tally.refused.length > 0 ? 'waiting' : 'done');
}

async function importPage(
  context: EngineContext,
  { sync, connection, counts, tally, signal }: ImportOrder,
  scan: Scan,
  ids: readonly string[],
): Promise<void> {
  const { store } = context;
  const { entity } = sync;
  const asked = await located(store, connection, entity, ids);
  const answers = await readIds(connectionNamed(context, connection), entity, asked, signal);
  const { records, bad, refused, gone, unknown } = answers;
  const shown = records.map(({ externalId }) => externalId);
  const before = await store.known(connection, entity, shown);
  await ingestPage(context, scan, { records, bad }, undefined, counts);
  const after = await store.known(connection, entity, shown);
  tally.asked += ids.length;
  for (const externalId of shown) {
    const state = after.get(externalId)?.state;
    if (before.get(externalId)?.state === 'linked') tally.known += 1;
    else if (state === 'linked') tally.taken += 1;
    else if (state === 'unmatched') tally.waiting += 1;
    else if (state === 'gone') tally.missing.push(externalId);
    else if (scan.leftOut.has(externalId)) tally.refused.push({ externalId, reason: wasForgotten });
  }
  tally.missing.push(...inOrderOf(ids, gone));
  tally.refused.push(
    ...refused,
    ...unknown.map((externalId) => ({ externalId, reason: cannotTell(connection, entity) })),
  );
}

const wasForgotten = 'of somebody who was forgotten: concordat forget --undo lets them in again';

function cannotTell(connection: string, entity: Entity): string {
  return `${connection}: cannot tell whether this is the id of ${withArticle(entity)}`;
}

/** Answers come in any order; people look for ids in the order in which they gave them. */
function inOrderOf(ids: readonly string[], some: readonly string[]): readonly string[] {
  const chosen = new Set(some);
  return ids.filter((id) => chosen.has(id));
}

function* pagesOf(ids: Iterable<string>): Iterable<readonly string[]> {
  let page: string[] = [];
  for (const id of ids) {
    page.push(id);
    if (page.length < idsPerPage) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
