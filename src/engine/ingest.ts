import { absence, type BadRecord, type CrmRecord, type Page } from '../connector/connector.ts';
import type { Entity } from '../model/values.ts';
import type { Checkpoint, LinkRow, NewUnmatched, QuarantineRow } from '../store/store.ts';
import { StaleError } from '../store/store.ts';
import { compare, findCandidates, markPaths } from './claims.ts';
import { uncleared } from './cleared.ts';
import { sortReturns } from './departures.ts';
import { Draft } from './draft.ts';
import { type Counts, type EngineContext, noCounts } from './engine.ts';
import { fingerprint, unknownFingerprint } from './fingerprint.ts';
import { forgottenAmong } from './forgotten.ts';
import { current } from './lag.ts';
import { inLane } from './lane.ts';
import { connectionNamed } from './participation.ts';
import { translateIn } from './references.ts';
import type { Scan } from './scans.ts';

/** A record of a page, its values as JSON, and the fingerprint. */
interface Shown {
  readonly record: CrmRecord;
  readonly text: string;
  readonly mark: string;
}

/**
 * Takes in one page of a scan, or of a look, which has no checkpoint: sets bad records aside, passes over unchanged ones, merges changed ones, and makes new
 * ones canonical unless they may be somebody we know; those wait for the matching after the pull. Everything, with the
 * checkpoint, in one transaction (design.md §7). A record over which we stumble ourselves is set aside like a bad one, and
 * does not keep the others from being taken in: then each of the page is, in a transaction of its own.
 */
export async function ingestPage(
  context: EngineContext,
  scan: Scan,
  page: Page,
  checkpoint: Checkpoint | undefined,
  counts: Counts,
): Promise<void> {
  const stumble = await tryPage(context, scan, page, checkpoint, counts);
  if (stumble === undefined) return;
  const bad = [...page.bad];
  let read = (checkpoint?.read ?? 0) - page.records.length - page.bad.length;
  for (const record of page.records) {
    const alone = { records: [record], bad: [] };
    const fault = await tryPage(context, scan, alone, checkpoint && { ...checkpoint, read: read + 1 }, counts);
    if (fault === undefined) read += 1;
    else bad.push(asBad(context, scan, record.externalId, fault));
  }
  // What befalls every record is no fault of a record.
  if (page.records.length > 1 && bad.length === page.records.length + page.bad.length) throw stumble;
  await takePage(context, scan, { records: [], bad }, checkpoint, counts);
}

/** @returns the mistake of ours that kept the page from being taken in; nothing of it was then. @throws any other error */
async function tryPage(
  context: EngineContext,
  scan: Scan,
  page: Page,
  checkpoint: Checkpoint | undefined,
  counts: Counts,
): Promise<Error | undefined> {
  const aside = [...page.records, ...page.bad]
    .flatMap(({ externalId }) => externalId ?? [])
    .filter((externalId) => scan.quarantined.has(externalId));
  const tally = noCounts();
  try {
    await takePage(context, scan, page, checkpoint, tally);
  } catch (error) {
    if (!isMistake(error)) throw error;
    for (const externalId of aside) scan.quarantined.add(externalId);
    return error;
  }
  for (const key of Object.keys(tally) as (keyof Counts)[]) counts[key] += tally[key];
  return undefined;
}

/** Whether code met a value that it was not made for. What comes from outside (a CRM, the store, a stop) has a code. */
function isMistake(error: unknown): error is Error {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return error instanceof Error && !('code' in error);
}

/** The message of the error may hold values of the record, and is not told. */
function asBad(
  { log }: EngineContext,
  { connection, sync }: Scan,
  externalId: string,
  { name, stack }: Error,
): BadRecord {
  const where = stack?.split('\n').find((line) => /^ +at /.test(line));
  log.error({ connection, entity: sync.entity, externalId, error: name, where: where?.trim() }, 'record set aside');
  return { externalId, reason: `concordat stumbles over this record (${name}): please report it` };
}

async function takePage(
  context: EngineContext,
  scan: Scan,
  page: Page,
  checkpoint: Checkpoint | undefined,
  counts: Counts,
): Promise<void> {
  const { store } = context;
  const { sync, connection, run } = scan;
  const { entity } = sync;
  const epochBefore = await store.identityEpoch(entity);
  const known = await store.known(
    connection,
    entity,
    page.records.map(({ externalId }) => externalId),
  );
  const changed: Shown[] = [];
  const gone: Shown[] = [];
  const released: string[] = [];
  for (const record of page.records) {
    const text = JSON.stringify(record.values);
    const mark = fingerprint(record, text);
    const before = known.get(record.externalId);
    if (before?.state === 'linked') scan.seen.add(before.number);
    if (before?.state === 'unmatched') scan.stillUnmatched.add(record.externalId);
    if (scan.quarantined.delete(record.externalId)) released.push(record.externalId);
    if (before?.state === 'gone') gone.push({ record, text, mark });
    else if (before?.fingerprint !== mark) changed.push({ record, text, mark });
  }
  await seeBad(context, scan, page.bad);
  const returns = await sortReturns(
    context,
    scan,
    gone.map(({ record }) => record),
  );
  changed.push(...gone.filter(({ record }) => returns.back.has(record.externalId)));
  counts.read += page.records.length + page.bad.length;
  counts.quarantined += page.bad.length;
  counts.unchanged += page.records.length - changed.length;
  const around = {
    ...(checkpoint && { checkpoint }),
    departures: returns.departures,
    endedDepartures: returns.endedDepartures,
    released: released.map((externalId) => ({ connection, externalId })),
    quarantine: page.bad.map(({ externalId, reason }): QuarantineRow => {
      if (externalId !== undefined) scan.quarantined.delete(externalId);
      return { connection, entity, externalId, reason, at: context.clock.now() };
    }),
  };
  if (changed.length === 0) {
    await store.commit({ run, at: context.clock.now(), entity, ...around });
    return;
  }
  await inLane(store, entity, async () => {
    const identityEpoch = await store.identityEpoch(entity);
    const draft = new Draft(context, sync, run);
    const tally = { unchanged: 0, conflicts: 0 };
    const translated = await translateIn(
      context,
      connection,
      entity,
      changed.map(({ record }) => record),
    );
    // What is being made just now by somebody else, or was made since the scan began, is nobody new.
    const intents = await store.intents(connection, entity);
    // Others may have taken in the same records since we asked; what they linked must not look like a double. Of records
    // without keys the epoch tells nothing.
    const isTold = changed.every(
      ({ record }, index) =>
        known.get(record.externalId)?.state === 'linked' ||
        draft.keysOf(connection, translated[index]!.record.values).length > 0,
    );
    const now =
      isTold && identityEpoch === epochBefore
        ? known
        : await store.known(
            connection,
            entity,
            changed.map(({ record }) => record.externalId),
          );
    const arrivals = changed.flatMap(({ record: shown, text, mark }, index) => {
      const { record, complete } = translated[index]!;
      const state = now.get(record.externalId)?.state ?? 'new';
      if (state !== 'gone' || returns.back.has(record.externalId)) {
        const isAsShown = record.values === shown.values;
        const print = complete ? mark : unknownFingerprint;
        return [{ record, text: isAsShown ? text : undefined, fingerprint: print, state, complete }];
      }
      tally.unchanged += 1;
      return [];
    });

    const from = connectionNamed(context, connection);
    const linked = arrivals.filter(({ state }) => state === 'linked');
    const aggregates = await store.linked(
      connection,
      entity,
      linked.map(({ record }) => record.externalId),
    );
    for (const { record, fingerprint } of linked) {
      const aggregate = aggregates.get(record.externalId);
      if (!aggregate) throw new StaleError(`link of ${connection}:${record.externalId} is gone`);
      draft.adopt(aggregate);
      const link = draft
        .current(aggregate.record.id)
        .links.find((one) => one.connection === connection && one.externalId === record.externalId);
      const sight = link ? await current(context, scan, link, { record, fingerprint }) : { record, fingerprint };
      scan.look?.later.delete(record.externalId);
      if (!sight) {
        if (link) noteUnsaid(scan, link);
        tally.unchanged += 1;
        continue;
      }
      const shown = link ? uncleared(from, entity, link, sight.record) : { record: sight.record };
      const { news, conflicts } = draft.absorb(aggregate.record.id, {
        connection,
        ...sight,
        ...shown,
        lookedAt: scan.startedAt,
      });
      tally.conflicts += conflicts;
      if (!news) tally.unchanged += 1;
    }

    const strangers = arrivals.filter(({ state }) => state !== 'linked');
    const forgotten = await forgottenAmong(
      context,
      connection,
      entity,
      strangers.map(({ record }) => record),
    );
    for (const externalId of forgotten) scan.leftOut.add(externalId);
    const unlinked = strangers.filter(({ record }) => !forgotten.has(record.externalId));
    const candidates = await findCandidates(
      context,
      sync,
      draft,
      connection,
      unlinked.map(({ record }) => record),
      intents,
    );
    // Two new records of one page may be one person: the second sees the first, though the store does not know it yet.
    const born = new Map<number, { readonly id: string; readonly record: CrmRecord }[]>();
    const unmatched: NewUnmatched[] = [];
    const matched = strangers.flatMap(({ record: { externalId }, state }) =>
      state === 'unmatched' && forgotten.has(externalId) ? [externalId] : [],
    );
    const isMark = marksWhatIsListed(context, connection, entity);
    for (const { record, text, fingerprint, state, complete } of unlinked) {
      const keys = draft.keysOf(connection, record.values);
      const possible = [...(candidates.get(record.externalId) ?? [])];
      if (keys.some((key) => born.has(key)))
        for (const twin of new Set(keys.flatMap((key) => born.get(key) ?? []))) {
          const candidate = compare(context, sync, connection, record, twin.id, twin.record.values);
          if (candidate) possible.push(candidate);
        }
      const claims = possible.map(({ recordId, strength }) => ({ recordId, strength }));
      // An answer that is on its way tells more than a person could.
      const isOpen = possible.every(({ verdict, isOurs }) => verdict === 'maybe' && isOurs);
      if (isOpen && scan.look?.mayBeOurs(record.externalId, intents)) {
        scan.look.later.add(record.externalId);
        tally.unchanged += 1;
        continue;
      }
      // Who it is shows when it is known whom it marks: until then it is nobody, and the next listing shows it again.
      if (claims.length === 0 && isMark && !complete) {
        scan.look?.old.add(record.externalId);
        context.log.info(
          { connection, entity, externalId: record.externalId },
          'record waits for the one that it marks',
        );
        tally.unchanged += 1;
        continue;
      }
      if (claims.length === 0) {
        const one = { id: draft.bear({ connection, record, text, fingerprint }), record };
        for (const key of keys) {
          const others = born.get(key);
          if (others) others.push(one);
          else born.set(key, [one]);
        }
        if (state === 'unmatched') matched.push(record.externalId);
        continue;
      }
      // Another process may take in the same record at the same time and have written it last: it has not vanished.
      scan.stillUnmatched.add(record.externalId);
      unmatched.push({
        connection,
        entity,
        externalId: record.externalId,
        fingerprint,
        values: record.values,
        xrefs: record.xrefs ?? [],
        locator: record.locator,
        modifiedAt: record.modifiedAt,
        run,
        claims,
      });
    }

    const gone = matched.map((externalId) => ({ connection, externalId }));
    await draft.reviseConflicts();
    await store.commit({ ...draft.batch(), ...around, identityEpoch, unmatched, matched: gone, closedReviews: gone });
    counts.unchanged += tally.unchanged;
    counts.conflicts += tally.conflicts;
    counts.unsupported += forgotten.size;
  });
}

/** Why a look takes nothing in: we wrote while it was under way, or it shows the time before. */
function noteUnsaid({ look, startedAt }: Scan, { externalId, writtenAt = 0 }: LinkRow): void {
  (writtenAt > startedAt ? look?.later : look?.old)?.add(externalId);
}

/** A record that cannot be used is there all the same. One without an id may be any: then nothing follows from what is not shown. */
async function seeBad(
  { store }: EngineContext,
  { connection, sync, seen }: Scan,
  bad: readonly BadRecord[],
): Promise<void> {
  const ids = bad.flatMap(({ externalId }) => externalId ?? []);
  if (ids.length < bad.length) seen.spoil();
  if (ids.length === 0) return;
  for (const { state, number } of (await store.known(connection, sync.entity, ids)).values())
    if (state === 'linked') seen.add(number);
}

/** Whether the records of an entity are but marks of others at a connection, and a listing shows them. */
function marksWhatIsListed(context: EngineContext, connection: string, entity: Entity): boolean {
  const list = connectionNamed(context, connection).connector.capabilities[entity]?.list;
  return list !== undefined && absence(list) === undefined && markPaths(context, connection, entity).length > 0;
}
