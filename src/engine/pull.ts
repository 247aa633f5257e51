import { absence } from '../connector/connector.ts';
import { MalformedReplyError, UnsupportedError } from '../connector/errors.ts';
import type { Entity } from '../model/values.ts';
import type { Checkpoint } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Counts, EngineContext } from './engine.ts';
import { ingestPage, type Scan } from './ingest.ts';
import { connectionNamed } from './participation.ts';
import { loseTwins, twinsUnderReview } from './twins.ts';

/** Which scan, and where to count and report it. */
export interface PullOrder {
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  readonly counts: Counts;
  readonly signal?: AbortSignal;
  readonly onPage?: (read: number, total: number | undefined) => void;
}

/** Records set aside that are looked out for in one scan. */
const quarantineLimit = 100_000;

const unmatchedPage = 500;

/**
 * Reads every record of one entity at one connection and takes it in, page by page. The checkpoint moves with each page's
 * transaction; `complete` is noted only after the listing has ended in order. A scan that died starts over: pages that
 * were taken in cost one look-up each, and only a scan from end to end is evidence of what is not there.
 *
 * @throws CrmError when the listing fails; what was read until then stays.
 */
export async function pull(context: EngineContext, order: PullOrder): Promise<void> {
  const { store, clock } = context;
  const { sync, connection, run, counts, signal } = order;
  const { entity } = sync;
  const { connector } = connectionNamed(context, connection);
  const list = connector.capabilities[entity]?.list;
  const missing = list ? absence(list) : `no ${entity} there`;
  if (missing !== undefined)
    throw new UnsupportedError(`${connection} cannot list ${entity}s: ${missing}`, { connection });

  const startedAt = clock.now();
  const before = await store.checkpoint(connection, entity);
  const scan: Scan = {
    sync,
    connection,
    run,
    startedAt,
    intents: await store.intents(connection, entity),
    quarantined: new Set(
      (await store.quarantined(connection, entity, quarantineLimit)).flatMap(({ externalId }) => externalId ?? []),
    ),
    stillUnmatched: new Set(),
    twins: await twinsUnderReview(context, sync, connection),
  };
  let checkpoint: Checkpoint = { connection, entity, run, startedAt, read: 0, complete: before?.complete };
  for await (const page of connector.list(entity, signal)) {
    const read = checkpoint.read + page.records.length + page.bad.length;
    await ingestPage(context, scan, page, { ...checkpoint, read }, counts);
    checkpoint = { ...checkpoint, read };
    order.onPage?.(read, page.total);
  }
  if (checkpoint.read === 0) await refuseSuddenlyEmpty(context, connection, entity);
  await forgetVanished(context, scan);
  await loseTwins(context, order, scan.twins);
  const complete = { startedAt, endedAt: clock.now(), read: checkpoint.read };
  await store.commit({
    run,
    at: clock.now(),
    entity,
    checkpoint: { ...checkpoint, complete },
    released: [...scan.quarantined].map((externalId) => ({ connection, externalId })),
  });
}

/**
 * Drops unmatched records that a complete scan has not shown: they were deleted there, or given another id, often by the
 * person who settled a double. Nothing else is concluded from an absence here.
 */
async function forgetVanished(context: EngineContext, { sync, connection, run, stillUnmatched }: Scan): Promise<void> {
  const { store, clock } = context;
  const { entity } = sync;
  for (let after = 0; ; ) {
    const rows = await store.unmatched(entity, after, unmatchedPage);
    const last = rows.at(-1);
    if (!last) return;
    after = last.position;
    const matched = rows
      .filter((row) => row.connection === connection && row.run !== run && !stillUnmatched.has(row.externalId))
      .map(({ externalId }) => ({ connection, externalId }));
    if (matched.length > 0) await store.commit({ run, at: clock.now(), entity, matched, closedReviews: matched });
  }
}

/**
 * An empty listing of a CRM in which we know records is far more often a fault than the truth.
 * @throws MalformedReplyError
 */
async function refuseSuddenlyEmpty({ store }: EngineContext, connection: string, entity: Entity): Promise<void> {
  const standing = (await store.standing()).find((one) => one.connection === connection && one.entity === entity);
  const links = standing?.links ?? 0;
  if (links === 0) return;
  throw new MalformedReplyError(
    `${connection}: the listing of ${entity}s is empty, though ${links} records are known there; taken for a fault: nothing counts as deleted, and nothing is written there until it shows a record`,
    { connection },
  );
}
