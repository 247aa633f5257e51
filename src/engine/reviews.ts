import { createHash } from 'node:crypto';
import { fieldAt, fieldsOf, slotOf } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { type Entity, entities, isEmpty, type Value, type Values } from '../model/values.ts';
import type { Aggregate, OpenReview, UnmatchedRow } from '../store/store.ts';
import { DecisionError } from './decision.ts';
import type { EngineContext } from './engine.ts';
import { kindsOf } from './participation.ts';

/** A record of a CRM of which only a person can say who it is, with everything that speaks for and against. */
export interface ReviewItem {
  /** Short, and the same as long as the record is called the same in its CRM. */
  readonly id: string;
  readonly entity: Entity;
  readonly connection: string;
  readonly externalId: string;
  /** Why it was not decided, in words without values. */
  readonly reason: string;
  /** Since when it is open, epoch milliseconds. */
  readonly at: number;
  /** When a person last left it for later, epoch milliseconds; null: never. */
  readonly skippedAt: number | null;
  /** Whom it may be, strongest evidence first. */
  readonly candidates: readonly ReviewCandidate[];
  /** What they show, in the order of the model; fields that nobody fills are left out. */
  readonly fields: readonly ReviewField[];
}

interface ReviewCandidate {
  readonly canonicalId: string;
  /** What it is called in the CRMs, as CONNECTION:EXTERNALID. */
  readonly links: readonly string[];
  /** The id of the record that it has in the item's CRM already: then the two have to be merged there. Null: none. */
  readonly twin: string | null;
  /** In words, without values. */
  readonly evidence: string;
  /** Up to 1,000. What is above 300 would do by itself if nothing spoke against it. */
  readonly score: number;
}

/** One field of the record and of its candidates, side by side. */
export interface ReviewField {
  readonly path: string;
  readonly title: string;
  /** Of the record; null: it shows nothing there. */
  readonly value: Value;
  /** In the order of the candidates. */
  readonly others: readonly { readonly value: Value; readonly isSame: boolean }[];
}

/** What reading reviews needs. */
type ReviewContext = Pick<EngineContext, 'store' | 'connections'>;

/** What a review is called: eight characters that follow from what the record is called. */
export function reviewId({ entity, connection, externalId }: Pick<OpenReview, 'entity' | 'connection' | 'externalId'>) {
  return createHash('sha256')
    .update(JSON.stringify([entity, connection, externalId]))
    .digest('hex')
    .slice(0, 8);
}

/** Which reviews are meant; what is left out is any. */
export interface ReviewFilter {
  readonly entity?: Entity | undefined;
  readonly connection?: string | undefined;
}

/** The reviews that are open, oldest first, those left for later last. */
export async function openReviews({ store }: ReviewContext, which: ReviewFilter = {}): Promise<readonly OpenReview[]> {
  const chosen = entities.filter((entity) => which.entity === undefined || entity === which.entity);
  const found = (await Promise.all(chosen.map((entity) => store.openReviews(entity)))).flat();
  return found
    .filter(({ connection }) => which.connection === undefined || connection === which.connection)
    .sort((a, b) => Number(a.skippedAt !== undefined) - Number(b.skippedAt !== undefined) || a.at - b.at);
}

/**
 * The open review that a person means by its id or by CONNECTION:EXTERNALID.
 * @throws DecisionError when there is none, or several
 */
export async function findReview(
  context: ReviewContext,
  which: string,
  filter: ReviewFilter = {},
): Promise<OpenReview> {
  const found = (await openReviews(context, filter)).filter(
    (review) => reviewId(review) === which || `${review.connection}:${review.externalId}` === which,
  );
  const [review, ...others] = found;
  if (!review) throw new DecisionError('unknown', `there is no open review ${which}; concordat review lists them`);
  if (others.length > 0)
    throw new DecisionError('unknown', `several reviews are called ${which}; name one by its id, or give --entity`);
  return review;
}

/** A review with the values of everybody concerned. @returns undefined when the record does not wait any more */
export async function readReview(context: ReviewContext, review: OpenReview): Promise<ReviewItem | undefined> {
  const { store } = context;
  const { entity, connection, externalId, reason, at, skippedAt } = review;
  const row = (await store.unmatchedOf(connection, entity, [externalId])).get(externalId);
  if (!row) return undefined;
  const aggregates = await store.aggregates(review.candidates.map(({ recordId }) => recordId));
  const scores = new Map(row.claims.map(({ recordId, strength }) => [recordId, strength]));
  const known = review.candidates
    .flatMap(({ recordId, evidence }) => {
      const aggregate = aggregates.get(recordId);
      return aggregate ? [{ aggregate, evidence, score: scores.get(recordId) ?? 0 }] : [];
    })
    .sort((a, b) => b.score - a.score);
  return {
    id: reviewId(review),
    ...{ entity, connection, externalId, reason, at },
    skippedAt: skippedAt ?? null,
    candidates: known.map(({ aggregate, evidence, score }) => ({
      canonicalId: aggregate.record.id,
      links: namesOf(aggregate),
      twin: aggregate.links.find((link) => link.connection === connection && link.state === 'live')?.externalId ?? null,
      evidence,
      score,
    })),
    fields: sideBySide(
      context,
      row,
      known.map(({ aggregate }) => aggregate),
    ),
  };
}

/** What a record is called in the CRMs that have it. */
function namesOf({ links }: Aggregate): readonly string[] {
  return links
    .filter(({ state }) => state === 'live')
    .map(({ connection, externalId }) => `${connection}:${externalId}`);
}

function sideBySide(
  { connections }: ReviewContext,
  { entity, connection, values }: UnmatchedRow,
  candidates: readonly Aggregate[],
): readonly ReviewField[] {
  const at = connections.get(connection);
  const kinds = at ? kindsOf(at) : {};
  // What the record shows in a field that is a view of several stands beside the candidate's slot for it.
  const slots = new Set(
    Object.keys(values).flatMap((path) => candidates.map(({ record }) => slotOf(entity, path, record.values))),
  );
  const others = candidates.flatMap(({ record }) => Object.keys(record.values)).filter((path) => !slots.has(path));
  const paths = new Set([...Object.keys(fieldsOf[entity]), ...Object.keys(values), ...others]);
  return [...paths].flatMap((path): ReviewField[] => {
    const value = values[path] ?? null;
    const shown = candidates.map(({ record }) => shownAt(entity, path, record.values, values) ?? null);
    if (isEmpty(value) && shown.every((one) => isEmpty(one))) return [];
    const { kind, title } = fieldAt(entity, path);
    return [
      { path, title, value, others: shown.map((one) => ({ value: one, isSame: equal(kind, value, one, kinds) })) },
    ];
  });
}

/** The candidate's value beside a path of the record; nothing where a view of the record stands for it already. */
function shownAt(entity: Entity, path: string, canonical: Values, shown: Values): Value | undefined {
  if (shown[path] !== undefined) return canonical[slotOf(entity, path, canonical)];
  const isViewed = Object.keys(shown).some((one) => one !== path && slotOf(entity, one, canonical) === path);
  return isViewed ? undefined : canonical[path];
}
