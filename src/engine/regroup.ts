import type { Entity } from '../model/values.ts';
import type { Aggregate, Batch, CrmName, LinkRow, MergedRow, ReviewRow, UnmatchedRow } from '../store/store.ts';
import { joinValues } from '../sync/join.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { certain, mergedEvidence } from './claims.ts';
import { type Decision, DecisionError, decide } from './decision.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { unknownFingerprint } from './fingerprint.ts';
import { connectionNamed, kindsOf } from './participation.ts';
import { type Past, part, partMerged } from './parting.ts';

const splitEvidence = 'split off by a person';

/** What a merge has done. */
export interface MergeEnd extends Decision {
  readonly survivorId: string;
  readonly mergedId: string;
  /** Records of CRMs that are the survivor's now. */
  readonly moved: readonly CrmName[];
  /** Doubles: their CRM has another record of the same person, and only a person there can merge the two. They are unlinked. */
  readonly doubles: readonly (CrmName & { readonly other: string })[];
}

/**
 * Makes one of two canonical records: its links are those of both, its values are merged by the sync's rules, the losing
 * ones are logged. A CRM that has a record for each keeps that of the survivor linked; the other one becomes a review, and
 * is linked by itself when the survivor's is deleted there. In one transaction.
 * @throws DecisionError when that cannot be: nothing was changed
 */
export async function mergeRecords(
  context: EngineContext,
  entity: Entity,
  survivorId: string,
  mergedId: string,
): Promise<MergeEnd> {
  if (survivorId === mergedId) throw new DecisionError('same', `both are ${entity} ${survivorId} already`);
  return await decide(context, entity, [survivorId, mergedId], async ({ run, at }) => {
    const { store } = context;
    const [survivor, other] = await liveOnes(context, entity, [survivorId, mergedId]);
    await refuseUnanswered(context, entity, [survivor!, other!]);
    const sync = syncOf(context, entity, [...survivor!.links, ...other!.links]);
    const draft = new Draft(context, sync, run);
    draft.adopt(survivor!);
    draft.adopt(other!);
    const moved: CrmName[] = [];
    const doubles: (CrmName & { other: string })[] = [];
    for (const link of other!.links) {
      const twin = survivor!.links.find(({ connection, state }) => connection === link.connection && state === 'live');
      if (twin && link.state === 'live') {
        draft.loseLink(mergedId, link, 'gone');
        doubles.push({ ...nameOf(link), other: twin.externalId });
      } else {
        draft.move(link, survivorId, mergedEvidence);
        if (link.state === 'live') moved.push(nameOf(link));
      }
    }
    const kinds = kindsOf(connectionNamed(context, survivor!.links[0]!.connection));
    const joined = joinValues(entity, sync, survivor!.record, other!.record, { run, at }, kinds);
    draft.assume(survivorId, joined.values, joined.origins, joined.conflicts);
    draft.bury(mergedId);
    const unlinked = other!.links.filter((link) => doubles.some((one) => isSame(one, link)));
    await store.commit({
      ...(await withoutPending(context, sync, draft.batch(), other!)),
      ...(await handOver(context, entity, other!, survivorId, run, at, unlinked, doubles)),
      ...(await conflictsHandedOver(context, draft.batch(), mergedId, survivorId)),
      ...(await noLongerApart(context, survivor!, other!)),
      merged: [{ recordId: mergedId, survivorId, links: other!.links.filter(isLive).map(nameOf) }],
    });
    return { run, sync: sync.name, touched: [survivorId], survivorId, mergedId, moved, doubles };
  });
}

/** What a split has done. */
export interface SplitEnd extends Decision {
  readonly stayingId: string;
  readonly leavingId: string;
  /** Whether that is the record which had been merged into it. */
  readonly isTakenBack: boolean;
  readonly moved: readonly CrmName[];
  /** Fields that keep a value in both records, because nobody knows whose it is. */
  readonly unclear: readonly string[];
}

/**
 * Takes records of CRMs out of a canonical record: they become one of their own, and are kept apart from it for ever. Where
 * they are what a merge has brought, the merge is taken back. In one transaction.
 * @throws DecisionError when that cannot be: nothing was changed
 */
export async function splitRecord(
  context: EngineContext,
  entity: Entity,
  recordId: string,
  names: readonly CrmName[],
): Promise<SplitEnd> {
  return await decide(context, entity, [recordId], async ({ run, at }) => {
    const { store } = context;
    const [whole] = await liveOnes(context, entity, [recordId]);
    const merges = (await store.merged()).filter(({ survivorId }) => survivorId === recordId);
    const doubles = await doublesOf(context, entity, merges);
    const links = names.map((name) => whole!.links.find((link) => isSame(link, name) && isLive(link)));
    names.forEach((name, index) => {
      if (links[index] || doubles.some((one) => isSame(one.row, name))) return;
      throw new DecisionError('unknown', `${textOf(name)} is not linked to ${entity} ${recordId}`);
    });
    const leaving = links.flatMap((link) => link ?? []);
    const merge = merges.findLast((one) => isTakenBackBy(one, names, whole!));
    if (!merge && leaving.length < names.length)
      throw new DecisionError('partly', 'to take a merge back, name all that it brought, and nothing else');
    const remaining = whole!.links.filter((link) => isLive(link) && !leaving.includes(link));
    if (remaining.length === 0)
      throw new DecisionError(
        'nothing_left',
        `nothing would be left of ${entity} ${recordId}: name fewer of its links`,
      );
    const sync = syncOf(context, entity, whole!.links);
    const draft = new Draft(context, sync, run);
    draft.adopt(whole!);
    const past: Past = {
      aggregate: whole!,
      history: await store.history(recordId),
      conflicts: await store.conflictsOf(recordId),
    };
    const kinds = kindsOf(connectionNamed(context, whole!.links[0]!.connection));
    const joined = await startsOf(context, leaving);
    const parting = { leaving, joined, decree: { run, at }, context: kinds };
    const former = merge && (await store.aggregates([merge.recordId])).get(merge.recordId);
    if (former) {
      draft.adopt(former);
      draft.unbury(former.record.id);
    }
    const parted = former ? partMerged(past, parting, former.record, merge!) : part(past, parting);
    const leavingId = former?.record.id ?? draft.found();
    for (const link of leaving) draft.move(link, leavingId, splitEvidence);
    draft.assume(recordId, parted.staying.values, parted.staying.origins);
    draft.assume(leavingId, parted.leaving.values, parted.leaving.origins);
    const back = doubles.filter(({ merge: its }) => its === merge);
    for (const { row } of back) {
      const { connection, fingerprint, values, locator, modifiedAt } = row;
      const record = { externalId: row.externalId, values, ...(locator !== undefined && { locator }) };
      const seen = { ...record, ...(modifiedAt !== undefined && { modifiedAt }) };
      draft.absorb(leavingId, { connection, record: seen, fingerprint, evidence: splitEvidence });
    }
    const gone = [...leaving, ...back.map(({ row }) => row)];
    const apart = gone.flatMap((link) => remaining.map((other) => ({ one: nameOf(link), other: nameOf(other) })));
    const isTheirs = (connection: string) => leaving.some((link) => link.connection === connection);
    const over = (await store.waitingConflicts([recordId])).filter(({ loser }) => isTheirs(loser.connection));
    const batch = draft.batch();
    await store.commit({
      ...batch,
      settledConflicts: [...(batch.settledConflicts ?? []), ...over],
      apart,
      unmerged: former ? [former.record.id] : [],
      matched: back.map(({ row }) => nameOf(row)),
      closedReviews: back.map(({ row }) => nameOf(row)),
    });
    const moved = gone.map(nameOf);
    const ends = { stayingId: recordId, leavingId, isTakenBack: former !== undefined, moved };
    return { run, sync: sync.name, touched: [recordId, leavingId], ...ends, unclear: parted.unclear };
  });
}

/** When the runs began in which these links were made, as far as they are still in the log. */
async function startsOf({ store }: EngineContext, links: readonly LinkRow[]): Promise<ReadonlyMap<string, number>> {
  const runs = await store.runsNamed([...new Set(links.map(({ run }) => run))]);
  return new Map(runs.map(({ id, startedAt }) => [id, startedAt]));
}

/** Both records, live and of this entity. @throws DecisionError */
async function liveOnes(context: EngineContext, entity: Entity, ids: readonly string[]): Promise<readonly Aggregate[]> {
  const found = await context.store.aggregates(ids);
  return ids.map((id) => {
    const aggregate = found.get(id);
    if (aggregate?.record.entity !== entity) throw new DecisionError('unknown', `there is no ${entity} ${id}`);
    if (aggregate.record.state !== 'live') throw new DecisionError('deleted', `${entity} ${id} is deleted`);
    return aggregate;
  });
}

/** A create whose answer is missing may have made a record for either of them: who they are cannot change under it. */
async function refuseUnanswered(
  { store, connections }: EngineContext,
  entity: Entity,
  aggregates: readonly Aggregate[],
): Promise<void> {
  for (const { record } of aggregates)
    for (const connection of connections.keys())
      if (await store.intent(connection, record.id))
        throw new DecisionError(
          'unanswered',
          `a create of ${entity} ${record.id} at ${connection} was not answered yet; the next sync looks for it, then try again`,
        );
}

/** The sync whose rules hold for a record: the first that has most of its connections. */
function syncOf({ syncs }: EngineContext, entity: Entity, links: readonly CrmName[]): SyncPolicy {
  const having = ({ members }: SyncPolicy) =>
    members.filter(({ connection }) => links.some((link) => link.connection === connection)).length;
  const [best] = syncs.filter((sync) => sync.entity === entity).toSorted((a, b) => having(b) - having(a));
  if (!best) throw new DecisionError('unknown', `no sync of ${entity}s is configured`);
  return best;
}

/** What is merged waits for nothing any more. */
async function withoutPending(
  context: EngineContext,
  { entity }: SyncPolicy,
  batch: Batch,
  { record }: Aggregate,
): Promise<Batch> {
  const members = context.syncs.filter((sync) => sync.entity === entity).flatMap((sync) => sync.members);
  const version = record.version + 1;
  const done = [...new Set(members.map(({ connection }) => connection))];
  return {
    ...batch,
    done: [...(batch.done ?? []), ...done.map((connection) => ({ connection, recordId: record.id, version }))],
  };
}

/** Who was thought to be the merged record is thought to be the survivor; its doubles are for a person to settle. */
async function handOver(
  { store }: EngineContext,
  entity: Entity,
  other: Aggregate,
  survivorId: string,
  run: string,
  at: number,
  unlinked: readonly LinkRow[],
  doubles: readonly (CrmName & { readonly other: string })[],
): Promise<Pick<Batch, 'unmatched' | 'reviews'>> {
  const mergedId = other.record.id;
  const claiming: UnmatchedRow[] = [];
  for (const claim of (await store.claims([mergedId])).get(mergedId) ?? [])
    claiming.push(...(await store.unmatchedOf(claim.connection, entity, [claim.externalId])).values());
  const renamed = (recordId: string) => (recordId === mergedId ? survivorId : recordId);
  const asked = (await store.openReviews(entity)).filter(({ candidates }) =>
    candidates.some(({ recordId }) => recordId === mergedId),
  );
  return {
    unmatched: [
      ...claiming.map((row) => ({
        ...row,
        claims: row.claims.map(({ recordId, strength }) => ({ recordId: renamed(recordId), strength })),
      })),
      ...unlinked.map(({ connection, externalId, fingerprint, shadow, locator, modifiedAt }) => ({
        ...{ connection, entity, externalId, fingerprint: fingerprint || unknownFingerprint, values: shadow },
        ...{ xrefs: [], locator, modifiedAt, run, claims: [{ recordId: survivorId, strength: certain.merged }] },
      })),
    ],
    reviews: [
      ...asked.map((review): ReviewRow => {
        const candidates = review.candidates.map(({ recordId, evidence }) => ({
          recordId: renamed(recordId),
          evidence,
        }));
        const once = new Map(candidates.map((candidate) => [candidate.recordId, candidate]));
        return { ...review, candidates: [...once.values()] };
      }),
      ...doubles.map(
        ({ connection, externalId, other: twin }): ReviewRow => ({
          ...{ entity, connection, externalId, at, run },
          candidates: [{ recordId: survivorId, evidence: mergedEvidence }],
          reason: `${connection} already has record ${twin} for the same: ${mergedEvidence}`,
        }),
      ),
    ],
  };
}

/** Conflicts of the merged record that wait for a person wait in the survivor. */
async function conflictsHandedOver(
  { store }: EngineContext,
  { conflicts = [], settledConflicts = [] }: Batch,
  mergedId: string,
  survivorId: string,
): Promise<Pick<Batch, 'conflicts' | 'settledConflicts'>> {
  const waiting = await store.waitingConflicts([mergedId]);
  const isAsked = (path: string) => conflicts.some((one) => one.path === path && one.state === 'waiting');
  return {
    conflicts: [
      ...conflicts,
      ...waiting.filter(({ path }) => !isAsked(path)).map((row) => ({ ...row, recordId: survivorId })),
    ],
    settledConflicts: [...settledConflicts, ...waiting.map(({ path }) => ({ recordId: mergedId, path }))],
  };
}

/** The two may be one again. */
async function noLongerApart(
  { store }: EngineContext,
  survivor: Aggregate,
  other: Aggregate,
): Promise<Pick<Batch, 'notApart'>> {
  const pairs = await store.apartOf(survivor.record.entity, other.links);
  return { notApart: pairs.filter((pair) => survivor.links.some((link) => isSame(link, pair.other))) };
}

/** Records of CRMs that a merge has unlinked, and that are unlinked still. */
async function doublesOf(
  { store }: EngineContext,
  entity: Entity,
  merges: readonly MergedRow[],
): Promise<readonly { readonly merge: MergedRow; readonly row: UnmatchedRow }[]> {
  const found: { merge: MergedRow; row: UnmatchedRow }[] = [];
  for (const merge of merges)
    for (const { connection, externalId } of merge.links)
      for (const row of (await store.unmatchedOf(connection, entity, [externalId])).values())
        found.push({ merge, row });
  return found;
}

/** Whether these names are what is left of what a merge has brought. Its doubles need not be named. */
function isTakenBackBy({ links }: MergedRow, names: readonly CrmName[], { links: now }: Aggregate): boolean {
  const there = links.filter((one) => now.some((link) => isLive(link) && isSame(link, one)));
  return (
    names.every((name) => links.some((one) => isSame(one, name))) &&
    there.every((one) => names.some((name) => isSame(one, name)))
  );
}

function isLive({ state }: LinkRow): boolean {
  return state === 'live';
}

function isSame(a: CrmName, b: CrmName): boolean {
  return a.connection === b.connection && a.externalId === b.externalId;
}

function nameOf({ connection, externalId }: CrmName): CrmName {
  return { connection, externalId };
}

function textOf({ connection, externalId }: CrmName): string {
  return `${connection}:${externalId}`;
}
