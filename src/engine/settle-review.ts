import type { Aggregate, ApartPair, Batch, CrmName, IntentRow, OpenReview, UnmatchedRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { type Decision, DecisionError, decide } from './decision.ts';
import { openDepartures } from './departures.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { unknownFingerprint } from './fingerprint.ts';
import { asRecord, formerBase } from './match.ts';
import { connectionNamed, kindsOf } from './participation.ts';

/** What a person says about a record of which nobody else can say who it is. */
export type Verdict =
  /** It is this canonical record. */
  | { readonly say: 'link'; readonly recordId: string }
  /** It is none of these candidates, for ever; without names: none of all. The next matching decides without them. */
  | { readonly say: 'keep-apart'; readonly recordIds?: readonly string[] }
  /** It is somebody of its own, none of the candidates, for ever. */
  | { readonly say: 'create' }
  /** Not now. */
  | { readonly say: 'skip' };

/** The name of a link's reason where a person has decided. */
const linkedEvidence = 'linked by a person';

/** What settling a review has done. */
export interface ReviewEnd extends Decision {
  readonly say: Verdict['say'];
  /** The record that it is now; null: the next matching decides, or a person. */
  readonly recordId: string | null;
}

/**
 * Settles a review by a person's word, in one transaction: nobody decides on what was known before. What follows is written
 * by the next cycle.
 * @throws DecisionError when it is settled by now, or cannot be settled like that: nothing was changed
 */
export async function settleReview(
  context: EngineContext,
  { entity, connection, externalId }: OpenReview,
  verdict: Verdict,
): Promise<ReviewEnd> {
  const { store, clock } = context;
  const sync = syncReading(context, { entity, connection });
  if (verdict.say === 'skip') {
    await store.skipReview(connection, entity, externalId, clock.now());
    return { run: '', sync: sync.name, touched: [], say: 'skip', recordId: null };
  }
  const concerned = verdict.say === 'link' ? [verdict.recordId] : [];
  return await decide(context, entity, concerned, async ({ run }) => {
    const identityEpoch = await store.identityEpoch(entity);
    const row = (await store.unmatchedOf(connection, entity, [externalId])).get(externalId);
    const review = (await store.openReviews(entity)).find((one) => isSame(one, { connection, externalId }));
    if (!row || !review)
      throw new DecisionError('settled', `${connection}:${externalId} does not wait for a decision any more`);
    const draft = new Draft(context, sync, run);
    const over = [{ connection, externalId }];
    const common = { identityEpoch, closedReviews: over };
    if (verdict.say === 'keep-apart') {
      const ids = namedCandidates(review, verdict.recordIds);
      const apart = await apartFrom(context, review, ids);
      const claims = row.claims.filter(({ recordId }) => !ids.includes(recordId));
      await store.commit({ ...draft.batch(), ...common, apart, unmatched: [{ ...row, claims }] });
      return { run, sync: sync.name, touched: [], isOpen: true, say: 'keep-apart', recordId: null };
    }
    const fingerprint = row.fingerprint || unknownFingerprint;
    const arrival = { connection, record: asRecord(row), fingerprint, shownIn: row.run };
    if (verdict.say === 'create') {
      const recordId = draft.bear(arrival);
      const apart = await apartFrom(context, review, namedCandidates(review, undefined));
      await store.commit({ ...draft.batch(), ...common, matched: over, apart });
      return { run, sync: sync.name, touched: [recordId], say: 'create', recordId };
    }
    const { recordId } = verdict;
    const target = await linkable(context, review, recordId);
    const intent = await store.intent(connection, recordId);
    draft.adopt(target);
    await join(context, draft, row, target, intent, arrival);
    await draft.reviseConflicts();
    const notApart = (await store.apartOf(entity, over)).filter(({ other }) =>
      target.links.some((link) => isSame(link, other)),
    );
    const ended: Pick<Batch, 'endedIntents'> = intent ? { endedIntents: [{ connection, recordId }] } : {};
    await store.commit({ ...draft.batch(), ...common, ...ended, matched: over, notApart });
    return { run, sync: sync.name, touched: [recordId], say: 'link', recordId };
  });
}

/** The sync whose rules hold for what a connection shows: the first that reads it. @throws DecisionError */
function syncReading(
  { syncs }: EngineContext,
  { entity, connection }: Pick<OpenReview, 'entity' | 'connection'>,
): SyncPolicy {
  const having = syncs.filter(
    (sync) => sync.entity === entity && sync.members.some((one) => one.connection === connection),
  );
  const reads = ({ members }: SyncPolicy) =>
    members.some((member) => member.connection === connection && member.direction !== 'write');
  const sync = having.find(reads) ?? having[0];
  if (!sync) throw new DecisionError('unknown', `no sync of ${entity}s has ${connection} as a member any more`);
  return sync;
}

function namedCandidates({ candidates }: OpenReview, named: readonly string[] | undefined): readonly string[] {
  const ids = candidates.map(({ recordId }) => recordId);
  const stranger = named?.find((recordId) => !ids.includes(recordId));
  if (stranger !== undefined) throw new DecisionError('unknown', `${stranger} is none of its candidates`);
  return named ?? ids;
}

/** It is none of what these candidates are known as. */
async function apartFrom(
  { store }: EngineContext,
  { connection, externalId }: OpenReview,
  recordIds: readonly string[],
): Promise<readonly ApartPair[]> {
  const one = { connection, externalId };
  const aggregates = await store.aggregates(recordIds);
  return [...aggregates.values()].flatMap(({ links }) => links.map((link) => ({ one, other: nameOf(link) })));
}

function nameOf({ connection, externalId }: CrmName): CrmName {
  return { connection, externalId };
}

/** The record to be linked to. @throws DecisionError where it cannot be */
async function linkable({ store }: EngineContext, review: OpenReview, recordId: string): Promise<Aggregate> {
  const { entity, connection, externalId } = review;
  const target = (await store.aggregates([recordId])).get(recordId);
  if (target?.record.entity !== entity) throw new DecisionError('unknown', `there is no ${entity} ${recordId}`);
  const twin = target.links.find((link) => link.connection === connection && link.state === 'live');
  if (twin)
    throw new DecisionError(
      'double',
      `${connection} has record ${twin.externalId} for that ${entity} already: merge ${twin.externalId} and ${externalId} in ${connection}; the next sync then links the one that is left`,
    );
  if (target.record.state !== 'live' && !target.links.some(({ state }) => state === 'live'))
    throw new DecisionError('deleted', `${entity} ${recordId} is deleted`);
  return target;
}

/** As matching does where the evidence is plain. */
async function join(
  context: EngineContext,
  draft: Draft,
  row: UnmatchedRow,
  { record: { id, state }, links }: Aggregate,
  intent: IntentRow | undefined,
  arrival: Parameters<Draft['absorb']>[1],
): Promise<void> {
  const { connection, entity } = row;
  const departures = await openDepartures(context.store, connection, entity);
  const base = formerBase(row, links, intent, kindsOf(connectionNamed(context, connection)));
  const hasMoved = links.some((link) => departures.get(link.externalId)?.recordId === id);
  if (state === 'tombstone' && !hasMoved) draft.unbury(id);
  draft.absorb(id, { ...arrival, evidence: linkedEvidence, base });
}

function isSame(a: CrmName, b: CrmName): boolean {
  return a.connection === b.connection && a.externalId === b.externalId;
}
