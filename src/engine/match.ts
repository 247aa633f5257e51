import type { CrmRecord } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { isEmpty, type Value } from '../model/values.ts';
import type { ClaimRow, DepartureRow, IntentRow, LinkRow, ReviewRow, UnmatchedRow } from '../store/store.ts';
import type { Base } from '../sync/merge.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { mergeTags, sharedTags } from '../sync/tags.ts';
import { type Candidate, findCandidates, mergedEvidence } from './claims.ts';
import { openDepartures } from './departures.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { unknownFingerprint } from './fingerprint.ts';
import { inLane } from './lane.ts';
import { ownAmong, sentBy } from './made.ts';
import { connectionNamed, kindsOf } from './participation.ts';

const pageSize = 200;

/** What becomes of an unmatched record. */
type Decision =
  | { readonly do: 'link'; readonly candidate: Candidate }
  | { readonly do: 'bear' }
  | { readonly do: 'review'; readonly reason: string };

/** What a matching decided. */
export interface Matched {
  readonly decided: number;
  /** Per connection: records that turned out to be creates of ours whose answer had been lost. */
  readonly confirmed: ReadonlyMap<string, number>;
  /** Per connection: conflicts that its records brought. */
  readonly conflicts: ReadonlyMap<string, number>;
}

/**
 * Decides who the unmatched records of an entity are, now that every member has been read: linked where the evidence
 * leaves one answer, a record of its own where it leaves none, a review for a person otherwise (design.md §8). Nothing
 * depends on the order in which the records came.
 *
 * @param isOwnOnly decides about those that came in this run alone: not every member has been read
 * @returns how many records were decided (linked or made records of their own), and what came of it.
 */
export async function matchUnmatched(
  context: EngineContext,
  sync: SyncPolicy,
  run: string,
  onProgress: (decided: number) => void = () => {},
  isOwnOnly = false,
): Promise<Matched> {
  let decided = 0;
  const confirmed = new Map<string, number>();
  const conflicts = new Map<string, number>();
  const count = (tally: Map<string, number>, names: readonly string[]) => {
    for (const name of names) tally.set(name, (tally.get(name) ?? 0) + 1);
  };
  let after = 0;
  for (;;) {
    const step = await inLane(context.store, sync.entity, () => matchPage(context, sync, run, after, isOwnOnly));
    if (!step) return { decided, confirmed, conflicts };
    decided += step.decided;
    count(confirmed, step.confirmed);
    count(conflicts, step.conflicts);
    after = step.after;
    onProgress(decided);
  }
}

/** What one page brought: a connection is named once for each. */
interface Step {
  readonly decided: number;
  readonly confirmed: readonly string[];
  readonly conflicts: readonly string[];
  readonly after: number;
}

async function matchPage(
  context: EngineContext,
  sync: SyncPolicy,
  run: string,
  after: number,
  isOwnOnly: boolean,
): Promise<Step | undefined> {
  const { store } = context;
  const { entity } = sync;
  const identityEpoch = await store.identityEpoch(entity);
  const page = await store.unmatched(entity, after, pageSize);
  const rows = page.filter(
    (row) => (!isOwnOnly || row.run === run) && sync.members.some((member) => member.connection === row.connection),
  );
  if (rows.length === 0)
    return page.length === 0 ? undefined : { decided: 0, confirmed: [], conflicts: [], after: page.at(-1)!.position };
  const draft = new Draft(context, sync, run);
  const candidates = new Map<UnmatchedRow, readonly Candidate[]>();
  const departures = new Map<string, ReadonlyMap<string, DepartureRow>>();
  // Set aside while another worker's create of it was being noted: by now it is linked, and no double of itself.
  const linked = new Set<UnmatchedRow>();
  const unanswered = new Map<string, IntentRow>();
  for (const [connection, ofConnection] of Map.groupBy(rows, (row) => row.connection)) {
    const records = ofConnection.map(asRecord);
    const known = await store.known(
      connection,
      entity,
      ofConnection.map(({ externalId }) => externalId),
    );
    for (const row of ofConnection) if (known.get(row.externalId)?.state === 'linked') linked.add(row);
    departures.set(connection, await openDepartures(store, connection, entity));
    const intents = await store.intents(connection, entity);
    for (const intent of intents) unanswered.set(`${connection}\n${intent.recordId}`, intent);
    const found = await findCandidates(context, sync, draft, connection, records, intents);
    for (const row of ofConnection) candidates.set(row, found.get(row.externalId) ?? []);
  }
  const claims = await store.claims([...new Set([...candidates.values()].flat().map(({ recordId }) => recordId))]);
  const open = new Map((await store.openReviews(entity)).map((review) => [idOf(review), review]));

  const matched: UnmatchedRow[] = [];
  const rewritten: UnmatchedRow[] = [];
  const reviews: ReviewRow[] = [];
  const endedIntents: { connection: string; recordId: string }[] = [];
  const conflicts: string[] = [];
  // A claim whose record was linked a moment ago is no rival any more, and no second record of its CRM either.
  const settled = new Set<string>();
  let last = after;
  for (const row of rows) {
    last = row.position;
    if (linked.has(row)) {
      matched.push(row);
      settled.add(idOf(row));
      continue;
    }
    const possible = candidates.get(row) ?? [];
    const { connection, externalId } = row;
    const decision = decide(
      row,
      possible,
      draft,
      (recordId) =>
        (claims.get(recordId) ?? []).filter((claim) => !settled.has(idOf(claim)) && idOf(claim) !== idOf(row)),
      sync,
    );
    if (decision.do === 'review') {
      const review: ReviewRow = {
        entity,
        connection,
        externalId,
        candidates: possible.map(({ recordId, evidence }) => ({ recordId, evidence })),
        reason: decision.reason,
        at: context.clock.now(),
        run,
      };
      const before = open.get(idOf(row));
      if (before?.reason !== review.reason || !sameCandidates(before, review)) {
        reviews.push(review);
        rewritten.push({ ...row, claims: possible.map(({ recordId, strength }) => ({ recordId, strength })) });
      }
      continue;
    }
    matched.push(row);
    settled.add(idOf(row));
    const fingerprint = row.fingerprint || unknownFingerprint;
    const arrival = { connection, record: asRecord(row), fingerprint, shownIn: row.run };
    if (decision.do === 'link') {
      const { recordId, evidence, isOurs } = decision.candidate;
      const intent = unanswered.get(`${connection}\n${recordId}`);
      const base = formerBase(
        row,
        draft.current(recordId).links,
        intent,
        kindsOf(connectionNamed(context, connection)),
      );
      const { state, links } = draft.current(recordId);
      const hasMoved = links.some((link) => departures.get(connection)?.get(link.externalId)?.recordId === recordId);
      // Entered anew, not moved within its CRM and not by a late create of ours: the person is there again.
      if (state === 'tombstone' && !isOurs && !hasMoved) draft.unbury(recordId);
      const absorbed = draft.absorb(recordId, { ...arrival, evidence, base });
      conflicts.push(...Array.from({ length: absorbed.conflicts }, () => connection));
      if (intent) endedIntents.push({ connection, recordId });
      continue;
    }
    draft.bear(arrival);
    // Those behind it may be the same person: they are judged again, with it among the candidates.
    break;
  }
  const gone = matched.map(({ connection, externalId }) => ({ connection, externalId }));
  await draft.reviseConflicts();
  await store.commit({
    ...draft.batch(),
    identityEpoch,
    unmatched: rewritten,
    matched: gone,
    closedReviews: gone,
    reviews,
    endedIntents,
  });
  return {
    decided: matched.length,
    confirmed: endedIntents.map(({ connection }) => connection),
    conflicts,
    after: last,
  };
}

/**
 * What a newly linked record was to hold: what its CRM held of the record whose place it has taken, or what a create of
 * ours had sent whose answer was lost. A form that the CRM may have given to that is no news (law 2), and anything else
 * is an edit. Where the form differs from what was sent, nobody can tell whose it is, and the value is written once more:
 * the answer tells. What the record never showed is no deletion, so that one that a person has entered anew clears nothing,
 * and takes no tag away.
 */
export function formerBase(
  { entity, connection, values, first }: UnmatchedRow,
  links: readonly LinkRow[],
  intent: IntentRow | undefined,
  kinds: KindContext,
): Base {
  const [left] = links
    .filter((link) => link.connection === connection && link.state !== 'live')
    .sort((a, b) => (b.writtenAt ?? 0) - (a.writtenAt ?? 0));
  const creates = sentBy(intent);
  const shadow: Record<string, Value> = {};
  const sent: Record<string, Value> = {};
  for (const [path, shown] of Object.entries(values)) {
    const { kind } = fieldAt(entity, path);
    const held = left?.shadow[path];
    const written = left?.sent[path];
    const ours = ownAmong(entity, path, creates, shown, kinds) ?? creates.find((one) => path in one)?.[path];
    const given = written ?? held ?? ours;
    const before = first[path];
    if (isEmpty(shown) && before !== undefined && !isEmpty(before)) shadow[path] = before;
    if (isEmpty(shown) || given === undefined || isEmpty(given)) continue;
    if (held !== undefined && equal(kind, shown, held, kinds)) {
      shadow[path] = shown;
      if (written !== undefined) sent[path] = written;
    } else if (kind === 'tags' && held !== undefined)
      shadow[path] = sharedTags(held, mergeTags(shown, undefined, before));
    else shadow[path] = isReshaped(kind, given, shown, kinds) ? shown : given;
  }
  return { shadow, sent };
}

/** Pure: links only where one canonical record is the strongest answer and nobody else of any CRM has the same claim to it. */
function decide(
  row: UnmatchedRow,
  candidates: readonly Candidate[],
  draft: Draft,
  othersClaiming: (recordId: string) => readonly ClaimRow[],
  sync: SyncPolicy,
): Decision {
  const matches = candidates.filter(({ verdict }) => verdict === 'match');
  const [best] = matches;
  if (!best)
    return candidates.length === 0
      ? { do: 'bear' }
      : {
          do: 'review',
          reason: `may be ${candidates.length === 1 ? 'somebody' : `one of ${candidates.length}`} known: ${candidates[0]!.evidence}`,
        };
  const equals = matches.filter(({ strength }) => strength === best.strength);
  if (equals.length > 1)
    return { do: 'review', reason: `fits ${equals.length} known records equally well: ${best.evidence}` };

  const { links } = draft.current(best.recordId);
  const twin = links.find(({ connection, state }) => connection === row.connection && state === 'live');
  if (twin)
    return {
      do: 'review',
      reason: `${row.connection} already has record ${twin.externalId} for the same: ${best.evidence}`,
    };
  const rivals = othersClaiming(best.recordId).filter(({ strength }) => strength >= best.strength);
  const sameCrm = rivals.find(({ connection }) => connection === row.connection);
  if (sameCrm)
    return {
      do: 'review',
      reason: `${row.connection} also has record ${sameCrm.externalId} for the same: ${best.evidence}`,
    };
  // Whichever of the doubles was read first and became the record, the others must fare alike.
  const double = rivals.find(
    (rival, index) =>
      links.some(({ connection, state }) => state === 'live' && connection === rival.connection) ||
      rivals.some(({ connection }, other) => other < index && connection === rival.connection),
  );
  // Where a person has said who it is, doubles elsewhere say nothing against it.
  if (
    double &&
    best.evidence !== mergedEvidence &&
    sync.members.some(({ connection }) => connection === double.connection)
  )
    return { do: 'review', reason: `${double.connection} has two records for the same: ${best.evidence}` };
  return { do: 'link', candidate: best };
}

export function asRecord(row: UnmatchedRow): CrmRecord {
  const { externalId, values, xrefs, locator, modifiedAt } = row;
  return {
    externalId,
    values,
    xrefs,
    ...(locator === undefined ? {} : { locator }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  };
}

function idOf({ connection, externalId }: { readonly connection: string; readonly externalId: string }): string {
  return `${connection}\n${externalId}`;
}

function sameCandidates(a: ReviewRow | undefined, b: ReviewRow): boolean {
  const text = (review: ReviewRow) =>
    review.candidates.map(({ recordId, evidence }) => `${recordId} ${evidence}`).sort();
  return a !== undefined && text(a).join('\n') === text(b).join('\n');
}
