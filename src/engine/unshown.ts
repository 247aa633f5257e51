import type { LinkNumber } from '../store/store.ts';
import { confirm, missingLinks } from './departures.ts';
import type { Counts, EngineContext } from './engine.ts';
import { guardAbsences } from './guard.ts';
import { ingestPage } from './ingest.ts';
import { asPage, idsPerPage, located, readIds, type Witness } from './known-ids.ts';
import { connectionNamed } from './participation.ts';
import type { Scan } from './scans.ts';
import type { Stop } from './stop.ts';

/** Records that are read by id in one run because a listing does not show them any more; the others follow in later runs. */
const mostFresh = 500;
/** Of those that it has not shown for longer, so many are read once more in one run, in turn. */
const mostAgain = 50;

/**
 * Learns what has become of known records that a partial listing does not show (any more): each is read by its id, once at
 * first, and then now and again. What its CRM calls gone is gone, under the guard; from not being shown nothing follows.
 * @param read records that the scan has shown
 * @returns what the guard stopped
 * @throws CrmError when the CRM cannot be asked
 */
export async function readUnshown(
  context: EngineContext,
  scan: Scan,
  read: number,
  counts: Counts,
  signal?: AbortSignal,
): Promise<Stop | undefined> {
  const { store, clock } = context;
  const { sync, connection, run, startedAt, departures } = scan;
  const { entity } = sync;
  const missing = scan.seen.count < scan.linksBefore ? await missingLinks(context, scan) : [];
  const lastRead = ({ externalId }: LinkNumber): number => departures.get(externalId)?.missedAt ?? 0;
  const [fresh, older] = [missing.filter((one) => lastRead(one) === 0), missing.filter((one) => lastRead(one) > 0)];
  const due = [...fresh.slice(0, mostFresh), ...older.sort((a, b) => lastRead(a) - lastRead(b)).slice(0, mostAgain)];
  const gone: LinkNumber[] = [];
  const witness: Witness = {};
  const complete = (await store.checkpoint(connection, entity))?.complete;
  let seen = read;
  for (let start = 0; start < due.length; start += idsPerPage) {
    const page = due.slice(start, start + idsPerPage);
    const ids = page.map(({ externalId }) => externalId);
    const asked = await located(store, connection, entity, ids);
    const answers = await readIds(connectionNamed(context, connection), entity, asked, signal, witness);
    const shown = asPage(answers);
    seen += shown.records.length + shown.bad.length;
    await ingestPage(context, scan, shown, { connection, entity, run, startedAt, read: seen, complete }, counts);
    const missed = ids.filter((externalId) => !answers.gone.includes(externalId));
    await store.commit({
      run,
      at: clock.now(),
      entity,
      departures: missed.map((externalId) => ({ connection, externalId, run, missedAt: startedAt, state: 'missed' })),
    });
    gone.push(...page.filter(({ externalId }) => answers.gone.includes(externalId)));
  }
  await endOfShown(context, scan, missing);
  const lost = gone.map(({ recordId }) => recordId);
  const stop = lost.length > 0 ? await guardAbsences(context, sync, connection, lost, false) : undefined;
  if (stop) return stop;
  for (const { recordId, externalId } of gone)
    await confirm(context, scan, recordId, externalId, departures.get(externalId));
  return undefined;
}

/** What the listing shows again is not missed any more. */
async function endOfShown(
  { store, clock }: EngineContext,
  { sync, connection, run, departures }: Scan,
  missing: readonly LinkNumber[],
): Promise<void> {
  const absent = new Set(missing.map(({ externalId }) => externalId));
  const over = [...departures.values()].filter(
    ({ state, externalId }) => state === 'missed' && !absent.has(externalId),
  );
  if (over.length === 0) return;
  const ended = over.map(({ externalId, state }) => ({ connection, externalId, state }));
  await store.commit({ run, at: clock.now(), entity: sync.entity, endedDepartures: ended });
}
