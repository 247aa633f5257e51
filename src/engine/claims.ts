import { type CrmRecord, ownSystem } from '../connector/connector.ts';
import type { Entity, Values } from '../model/values.ts';
import type { Aggregate, IntentRow } from '../store/store.ts';
import { judge } from '../sync/matching.ts';
import { judgeOwnCreate } from '../sync/own-create.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { readDecided } from './decided.ts';
import type { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { sentBy } from './made.ts';
import { connectionNamed, kindsOf } from './participation.ts';

/** A canonical record that an unlinked wire record may be, and why. */
export interface Candidate {
  readonly recordId: string;
  /** `maybe`: only a person can tell. */
  readonly verdict: 'match' | 'maybe';
  /** Larger is stronger; comparable among candidates only. */
  readonly strength: number;
  /** The evidence in words, without values. */
  readonly evidence: string;
  /** Whether a create of ours has made it; of a `maybe`: may have made it. */
  readonly isOurs: boolean;
}

/** More records under one key than this are a shared mailbox or a switchboard, and no evidence. */
export const crowd = 50;

/** Strengths of what is no evidence of values, which ends at 799. */
export const certain = { ownXref: 1_000, merged: 950, intent: 900, marked: 850, foreignXref: 800 };

/** The evidence where a record names the id of another one. */
export const xrefEvidence = 'cross-reference';

/** The evidence where a person has merged the record that this one was linked to. */
export const mergedEvidence = 'merged by a person';

/** The evidence where two records are but marks, each at its CRM, of one and the same person or company. */
const markEvidence = 'mark of the same record';

/** What a create of ours may have made that was not answered. Weaker than the weakest evidence of values. */
const ownCreates = {
  echo: { verdict: 'match', strength: certain.intent, evidence: 'our create, whose answer was lost' },
  edited: {
    verdict: 'match',
    strength: certain.intent - 1,
    evidence: 'our create, whose answer was lost, and edited since',
  },
  unclear: {
    verdict: 'maybe',
    strength: 100,
    evidence: 'our create, whose answer was lost, if somebody has edited it since',
  },
} as const;

/**
 * Finds the canonical records that unlinked wire records of one connection may be: by cross-reference, by whom they mark,
 * by a create of ours whose answer was lost, by identity keys. Adopts every candidate into the draft.
 *
 * @returns candidates by external id, strongest first; nothing for records that are nobody we know.
 */
export async function findCandidates(
  context: EngineContext,
  sync: SyncPolicy,
  draft: Draft,
  connection: string,
  records: readonly CrmRecord[],
  intents: readonly IntentRow[],
): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  if (records.length === 0) return new Map();
  const keysOf = new Map(records.map((record) => [record, draft.keysOf(connection, record.values)]));
  const byKey = await context.store.candidates(sync.entity, [...new Set([...keysOf.values()].flat())], crowd);
  const byXref = sync.match.includes('xref')
    ? await followXrefs(context, sync, records)
    : new Map<CrmRecord, string[]>();
  const byMark = sync.match.includes('xref') ? await followMarks(context, sync, connection, records) : new Map();
  const externalIds = records.map(({ externalId }) => externalId);
  const decided = await readDecided(context.store, connection, sync.entity, externalIds);
  const ids = new Set([
    ...externalIds.flatMap((externalId) => decided.survivorOf(externalId) ?? []),
    ...[...byKey.values()].flat(),
    ...[...byXref.values(), ...byMark.values()].flat(),
    ...intents.map((i) => i.recordId),
  ]);
  const aggregates: ReadonlyMap<string, Aggregate> =
    ids.size > 0 ? await context.store.aggregates([...ids]) : new Map();
  // Of a first pull hardly anybody is known.
  if (aggregates.size === 0) return new Map();
  const kinds = kindsOf(connectionNamed(context, connection));

  const found = new Map<string, readonly Candidate[]>();
  for (const record of records) {
    const candidates = new Map<string, Candidate>();
    const add = (candidate: Candidate) => {
      const known = candidates.get(candidate.recordId);
      const aggregate = aggregates.get(candidate.recordId);
      if (!aggregate || aggregate.record.entity !== sync.entity) return;
      if (decided.isApart(record.externalId, aggregate)) return;
      if (known && known.strength >= candidate.strength) return;
      candidates.set(candidate.recordId, candidate);
      draft.adopt(aggregate);
    };
    const survivor = decided.survivorOf(record.externalId);
    if (survivor !== undefined && aggregates.get(survivor)?.record.state === 'live')
      add({ recordId: survivor, verdict: 'match', strength: certain.merged, evidence: mergedEvidence, isOurs: false });
    for (const recordId of byXref.get(record) ?? []) {
      const own = record.xrefs?.some(({ system, id }) => system === ownSystem && id === recordId) ?? false;
      const strength = own ? certain.ownXref : certain.foreignXref;
      // What we made ourselves belongs to its record also when that is deleted by now: it must not be born again.
      if (!own && aggregates.get(recordId)?.record.state === 'tombstone') continue;
      add({ recordId, verdict: 'match', strength, evidence: xrefEvidence, isOurs: own });
    }
    for (const recordId of byMark.get(record) ?? [])
      if (aggregates.get(recordId)?.record.state === 'live')
        add({ recordId, verdict: 'match', strength: certain.marked, evidence: markEvidence, isOurs: false });
    for (const intent of intents) {
      const { recordId } = intent;
      if (intent.externalId === record.externalId)
        add({ ...ownCreates.echo, strength: certain.ownXref, recordId, isOurs: true });
      for (const values of sentBy(intent)) {
        const own = judgeOwnCreate(sync.entity, values, record.values, kinds);
        if (own !== 'none') add({ ...ownCreates[own], recordId, isOurs: true });
      }
    }
    const near = new Set((keysOf.get(record) ?? []).flatMap((key) => unlessCrowd(byKey.get(key))));
    for (const recordId of near) {
      const aggregate = aggregates.get(recordId);
      if (!aggregate) continue;
      for (const values of faces(aggregate)) {
        const candidate = compare(context, sync, connection, record, recordId, values);
        if (candidate) add(candidate);
      }
    }
    if (candidates.size > 0)
      found.set(
        record.externalId,
        [...candidates.values()].sort((a, b) => b.strength - a.strength),
      );
  }
  return found;
}

/** Judges by its values whether a wire record may be a canonical one. Undefined: it is not. */
export function compare(
  context: EngineContext,
  sync: SyncPolicy,
  connection: string,
  record: CrmRecord,
  recordId: string,
  values: Values,
): Candidate | undefined {
  const kinds = kindsOf(connectionNamed(context, connection));
  const { verdict, strength, by } = judge(sync.entity, record.values, values, sync.match, kinds);
  return verdict === 'none' ? undefined : { recordId, verdict, strength, evidence: by, isOurs: false };
}

/** A key that a crowd shares tells nothing. */
function unlessCrowd(ids: readonly string[] | undefined): readonly string[] {
  return ids && ids.length <= crowd ? ids : [];
}

/** The values under which a person may be recognised: the canonical ones, and what each CRM shows. */
function faces({ record, links }: Aggregate): readonly Values[] {
  return [record.values, ...links.filter(({ state }) => state === 'live').map(({ shadow }) => shadow)];
}

/** Whom the ids of ours mean by now that records name, where people have merged what they named. */
async function survivorsOf(
  { store }: EngineContext,
  records: readonly CrmRecord[],
): Promise<ReadonlyMap<string, string>> {
  const named = records.flatMap(({ xrefs = [] }) => xrefs.filter(({ system }) => system === ownSystem));
  if (named.length === 0 || !(await store.isAnyDecided())) return new Map();
  return await store.survivors(named.map(({ id }) => id));
}

/** Cross-references to our own ids, and to ids of other connections that we know. */
async function followXrefs(
  context: EngineContext,
  sync: SyncPolicy,
  records: readonly CrmRecord[],
): Promise<Map<CrmRecord, string[]>> {
  const found = new Map<CrmRecord, string[]>();
  const note = (record: CrmRecord, id: string) => found.set(record, [...(found.get(record) ?? []), id]);
  const bySystem = new Map<string, Set<string>>();
  const survivors = await survivorsOf(context, records);
  for (const record of records)
    for (const { system, id } of record.xrefs ?? []) {
      if (system === ownSystem) note(record, survivors.get(id) ?? id);
      else if (context.connections.has(system)) bySystem.set(system, (bySystem.get(system) ?? new Set()).add(id));
    }
  for (const [system, ids] of bySystem) {
    const linked = await context.store.linked(system, sync.entity, [...ids]);
    for (const record of records)
      for (const xref of record.xrefs ?? []) {
        const id = xref.system === system ? linked.get(xref.id)?.record.id : undefined;
        if (id !== undefined) note(record, id);
      }
  }
  return found;
}

/**
 * The records that mark elsewhere whom these records mark here: found by the ids of those who are marked, which are theirs.
 */
async function followMarks(
  context: EngineContext,
  { entity }: SyncPolicy,
  connection: string,
  records: readonly CrmRecord[],
): Promise<Map<CrmRecord, string[]>> {
  const { store } = context;
  const found = new Map<CrmRecord, string[]>();
  const own = markPaths(context, connection, entity);
  const marked = (record: CrmRecord) =>
    own.flatMap((path) => {
      const id = record.values[path];
      return typeof id === 'string' ? [{ path, id }] : [];
    });
  const targets = new Set(records.flatMap(marked).map(({ id }) => id));
  if (targets.size === 0) return found;
  const aggregates = await store.aggregates([...targets]);
  for (const other of context.connections.keys()) {
    if (other === connection) continue;
    const theirs = markPaths(context, other, entity);
    const idsThere = ({ path, id }: { readonly path: string; readonly id: string }) =>
      (theirs.includes(path) ? (aggregates.get(id)?.links ?? []) : [])
        .filter((link) => link.connection === other && link.state === 'live')
        .map(({ externalId }) => externalId);
    const wanted = records.flatMap(marked).flatMap(idsThere);
    if (wanted.length === 0) continue;
    const linked = await store.linked(other, entity, [...new Set(wanted)]);
    for (const record of records)
      for (const externalId of marked(record).flatMap(idsThere)) {
        const there = linked.get(externalId);
        const isLive = there?.links.some(
          (link) => link.connection === other && link.externalId === externalId && link.state === 'live',
        );
        if (there && isLive) found.set(record, [...(found.get(record) ?? []), there.record.id]);
      }
  }
  return found;
}

/** The references of an entity to the records that its records mark at a connection. */
export function markPaths(context: EngineContext, connection: string, entity: Entity): readonly string[] {
  return connectionNamed(context, connection).connector.capabilities[entity]?.markOf ?? [];
}
