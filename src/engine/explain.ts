import { fieldAt, fieldsOf, slotOf } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { type Entity, isEmpty, type Origin, type Value } from '../model/values.ts';
import type {
  Aggregate,
  ConflictRow,
  HeldRow,
  HistoryRow,
  IntentRow,
  LinkRow,
  PendingWrite,
  ReviewRow,
  RunRow,
} from '../store/store.ts';
import { isHeld } from '../sync/forms.ts';
import type { EngineContext } from './engine.ts';
import { kindsOf } from './participation.ts';

/** Everything that the store knows of one record, and why each of its values is what it is (law 10). */
export interface Explanation {
  readonly entity: Entity;
  readonly canonicalId: string;
  /** `tombstone`: known to be deleted. */
  readonly state: 'live' | 'tombstone';
  /** The canonical id of the record that a person has found it to be; null: it was not merged. */
  readonly mergedInto: string | null;
  readonly version: number;
  readonly links: readonly ExplainedLink[];
  /** In the order of the model; fields of which nothing was ever seen are left out. */
  readonly fields: readonly ExplainedField[];
  /** Oldest first. */
  readonly timeline: readonly TimelineEvent[];
  /** What has still to happen, or waits for a person. */
  readonly open: OpenMatters;
  /** The runs named anywhere here that are still kept, oldest first. */
  readonly runs: readonly Omit<RunRow, 'end'>[];
}

/** A CRM's record that is this one. */
export interface ExplainedLink {
  readonly connection: string;
  readonly externalId: string;
  /** `gone`: somebody deleted it there. `removed`: we did. `unlinked`: a merge has left it to a person. */
  readonly state: LinkRow['state'] | 'unlinked';
  /** Why the two are one. */
  readonly evidence: string;
  /** In which run that was decided. */
  readonly run: string;
  /** When we last wrote there, or began the look that last brought news, epoch milliseconds; null: never since it was first seen. */
  readonly writtenAt: number | null;
  /** The CRM's own stamp, epoch milliseconds. */
  readonly modifiedAt: number | null;
  /** Whether the answer to our last write there is still missing. */
  readonly isUnanswered: boolean;
}

export interface ExplainedField {
  readonly path: string;
  readonly title: string;
  /** Null is known to be empty. Left out: no canonical value is known. */
  readonly value?: Value;
  /** Where the value came from; null where there is no value. */
  readonly origin: ExplainedOrigin | null;
  /** What it replaced; null: nothing, or it is too long ago to be in the log. */
  readonly replaced: { readonly value: Value; readonly origin: ExplainedOrigin | null } | null;
  /** What each linked CRM was last known to hold. */
  readonly held: readonly HeldValue[];
}

export interface ExplainedOrigin {
  readonly connection: string;
  /** The record there; undefined when it is linked no more. */
  readonly externalId?: string;
  readonly run: string;
  readonly at: number;
  /** Why it became the value: `first seen`, `edit`, `conflict: owner` … */
  readonly rule: string;
  readonly modifiedAt?: number;
}

/** What one CRM was last known to hold in a field. */
interface HeldValue {
  readonly connection: string;
  readonly externalId: string;
  /** The CRM's own field for it, where that is a view on several (`phone.primary`). */
  readonly path: string;
  readonly value: Value;
  /** `kept as`: what we wrote, in the form in which that CRM keeps it. */
  readonly compared: 'same' | 'kept as' | 'differs';
}

export type TimelineEvent = { readonly at: number; readonly run: string } & (
  | {
      readonly what: 'linked';
      readonly connection: string;
      readonly externalId: string;
      readonly evidence: string;
    }
  | {
      readonly what: 'first values';
      readonly connection: string;
      readonly rule: string;
      readonly paths: readonly string[];
    }
  | {
      readonly what: 'changed';
      readonly connection: string;
      readonly rule: string;
      readonly path: string;
      /** Left out: nothing was known before. */
      readonly from?: Value;
      readonly to: Value;
    }
  | {
      readonly what: 'conflict';
      readonly rule: string;
      readonly path: string;
      readonly winner: ConflictRow['winner'];
      readonly loser: ConflictRow['loser'];
      readonly state: ConflictRow['state'];
    }
);

interface OpenMatters {
  /** Conflicts that wait for a person. */
  readonly conflicts: readonly ConflictRow[];
  /** Wire records that may be this one. */
  readonly reviews: readonly ReviewRow[];
  /** Writes that wait, were not taken (`dead`), or are not possible (`unsupported`). */
  readonly writes: readonly PendingWrite[];
  /** Creates that were sent and never answered. */
  readonly intents: readonly Omit<IntentRow, 'values' | 'earlier'>[];
  /** Writes that a guard holds back. */
  readonly held: readonly HeldRow[];
}

/** What explaining needs: the store, and the names of connections and syncs. No CRM is asked. */
export type ExplainContext = Pick<EngineContext, 'store' | 'connections' | 'syncs'>;

/** Explains one record. @returns undefined when there is none of that canonical id */
export async function explain(context: ExplainContext, canonicalId: string): Promise<Explanation | undefined> {
  const { store, syncs } = context;
  const aggregate = (await store.aggregates([canonicalId])).get(canonicalId);
  if (!aggregate) return undefined;
  const { record, links } = aggregate;
  const mergedInto = (await store.survivors([canonicalId])).get(canonicalId);
  // One id may be that of the runs of several syncs.
  const others = new Set(syncs.filter(({ entity }) => entity !== record.entity).map(({ name }) => name));
  const concerns = ({ sync }: RunRow) => !others.has(sync);
  const history = await store.history(canonicalId);
  const conflicts = await store.conflictsOf(canonicalId);
  const runs = await store.runsNamed([
    ...new Set([
      ...links.map(({ run }) => run),
      ...Object.values(record.origins).map(({ run }) => run),
      ...history.flatMap(({ origin, fromOrigin }) => [origin.run, ...(fromOrigin ? [fromOrigin.run] : [])]),
      ...conflicts.map(({ run }) => run),
    ]),
  ]);
  return {
    entity: record.entity,
    canonicalId,
    state: record.state,
    mergedInto: mergedInto ?? null,
    version: record.version,
    links: links
      .map((link) => linkOf(link, mergedInto !== undefined))
      .sort((a, b) => byText(a.connection, b.connection) || byText(a.externalId, b.externalId)),
    fields: fieldsOfRecord(context, aggregate, history),
    timeline: timelineOf(aggregate, history, conflicts, runs),
    open: await openMatters(context, aggregate, conflicts),
    runs: runs.filter(concerns).map(({ id, sync, startedAt }) => ({ id, sync, startedAt })),
  };
}

/** @param isMerged what has stayed with a merged record are doubles: the survivor has another record there */
function linkOf(link: LinkRow, isMerged: boolean): ExplainedLink {
  const { connection, externalId, state, evidence, run, writtenAt, modifiedAt, underway } = link;
  return {
    connection,
    externalId,
    state: isMerged && state === 'gone' ? 'unlinked' : state,
    evidence,
    run,
    writtenAt: writtenAt ?? null,
    modifiedAt: modifiedAt ?? null,
    isUnanswered: underway !== undefined,
  };
}

function fieldsOfRecord(
  context: ExplainContext,
  { record, links }: Aggregate,
  history: readonly HistoryRow[],
): readonly ExplainedField[] {
  const { entity, values, origins } = record;
  const held = Map.groupBy(
    links.filter(({ state }) => state === 'live').flatMap((link) => heldBy(context, entity, values, link)),
    ({ slot }) => slot,
  );
  const paths = new Set([...Object.keys(fieldsOf[entity]), ...Object.keys(values), ...held.keys()]);
  const explained = (origin: Origin): ExplainedOrigin => {
    const its = links.filter(({ connection }) => connection === origin.connection);
    const link = its.find(({ state }) => state === 'live') ?? its[0];
    return { ...origin, ...(link ? { externalId: link.externalId } : {}) };
  };
  return [...paths].flatMap((path): ExplainedField[] => {
    const value = values[path];
    const origin = origins[path];
    const its = held.get(path) ?? [];
    if (value === undefined && its.every((one) => isEmpty(one.value))) return [];
    const last = history.findLast((row) => row.path === path);
    // What was written to the log is about the value that stands, unless that one came about otherwise.
    const replacing = last && equal(fieldAt(entity, path).kind, last.to, value) ? last : undefined;
    return [
      {
        path,
        title: fieldAt(entity, path).title,
        ...(value === undefined ? {} : { value }),
        origin: origin ? explained(origin) : null,
        replaced:
          replacing?.from === undefined
            ? null
            : { value: replacing.from, origin: replacing.fromOrigin ? explained(replacing.fromOrigin) : null },
        held: its.map(({ slot: _, ...one }) => one),
      },
    ];
  });
}

/** What a link's CRM holds, each value with the canonical slot that it is compared with. */
function heldBy(
  { connections }: ExplainContext,
  entity: Entity,
  values: Aggregate['record']['values'],
  { connection, externalId, shadow, sent }: LinkRow,
): readonly (HeldValue & { readonly slot: string })[] {
  const configured = connections.get(connection);
  const kinds: KindContext = configured ? kindsOf(configured) : {};
  const forms = configured?.forms?.[entity];
  return Object.entries(shadow).map(([path, value]) => {
    const { kind } = fieldAt(entity, path);
    const slot = slotOf(entity, path, values);
    const isSame = (a: Value | undefined, b: Value | undefined) =>
      equal(kind, a, b, kinds) || (isEmpty(a) && isEmpty(b));
    const wanted = values[slot];
    const compared = isSame(value, wanted)
      ? 'same'
      : (sent[path] !== undefined && isSame(sent[path], wanted)) || isHeld(entity, forms, path, value, values, kinds)
        ? 'kept as'
        : 'differs';
    return { slot, connection, externalId, path, value, compared };
  });
}

function timelineOf(
  { record, links }: Aggregate,
  history: readonly HistoryRow[],
  conflicts: readonly ConflictRow[],
  runs: readonly RunRow[],
): readonly TimelineEvent[] {
  const events: TimelineEvent[] = [];
  // Values that replaced nothing are in no log: they stand in the record, or in the first row about their field.
  const firsts = new Map<string, { origin: Origin; paths: string[] }>();
  const starts = new Map<string, Origin | undefined>(Object.entries(record.origins));
  for (const { path, fromOrigin } of history.toReversed()) starts.set(path, fromOrigin);
  for (const [path, origin] of starts) {
    if (!origin) continue;
    const key = [origin.connection, origin.run, origin.at, origin.rule].join('\n');
    const first = firsts.get(key);
    if (first) first.paths.push(path);
    else firsts.set(key, { origin, paths: [path] });
  }
  for (const {
    origin: { at, run, connection, rule },
    paths,
  } of firsts.values())
    events.push({ at, run, what: 'first values', connection, rule, paths });
  for (const { path, from, to, origin } of history) {
    const { at, run, connection, rule } = origin;
    events.push({ at, run, what: 'changed', connection, rule, path, ...(from === undefined ? {} : { from }), to });
  }
  for (const { at, run, rule, path, winner, loser, state } of conflicts)
    events.push({ at, run, what: 'conflict', rule, path, winner, loser, state });
  // A link does not say when it was made, but in which run: what else that run did, or its start, tells.
  const times = new Map(runs.map(({ id, startedAt }) => [id, startedAt]));
  for (const { at, run } of events.toReversed()) times.set(run, at);
  for (const { connection, externalId, evidence, run } of links) {
    const at = times.get(run);
    if (at !== undefined) events.push({ at, run, what: 'linked', connection, externalId, evidence });
  }
  return events.sort((a, b) => a.at - b.at || rank[a.what] - rank[b.what]);
}

/** What happened in one moment is told in this order. */
const rank: Readonly<Record<TimelineEvent['what'], number>> = {
  linked: 0,
  'first values': 1,
  changed: 2,
  conflict: 3,
};

async function openMatters(
  { store, connections }: ExplainContext,
  { record }: Aggregate,
  conflicts: readonly ConflictRow[],
): Promise<OpenMatters> {
  const { id, entity } = record;
  const intents = await Promise.all([...connections.keys()].map((connection) => store.intents(connection, entity)));
  return {
    conflicts: conflicts.filter(({ state }) => state === 'waiting'),
    reviews: (await store.openReviews(entity)).filter(({ candidates }) =>
      candidates.some(({ recordId }) => recordId === id),
    ),
    writes: await store.pendingWrites(id, [...connections.keys()]),
    intents: intents
      .flat()
      .flatMap(({ values: _, earlier: __, ...intent }) => (intent.recordId === id ? [intent] : [])),
    held: (await store.held()).filter(({ recordId }) => recordId === id),
  };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
