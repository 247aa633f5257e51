import { type CrmRecord, ownSystem } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { isEmpty, type Values } from '../model/values.ts';
import type { Aggregate, IntentRow } from '../store/store.ts';
import { identityPaths } from '../sync/identity.ts';
import { judge } from '../sync/matching.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
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
  /** Whether a create of ours has made it. */
  readonly isOurs: boolean;
}

/** More records under one key than this are a shared mailbox or a switchboard, and no evidence. */
export const crowd = 50;

const certain = { ownXref: 1_000, intent: 900, foreignXref: 800 };

/**
 * Finds the canonical records that unlinked wire records of one connection may be: by cross-reference, by a create of
 * ours whose answer was lost, by identity keys. Adopts every candidate into the draft.
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
  const ids = new Set([
    ...[...byKey.values()].flat(),
    ...[...byXref.values()].flat(),
    ...intents.map((i) => i.recordId),
  ]);
  const aggregates = ids.size > 0 ? await context.store.aggregates([...ids]) : new Map<string, Aggregate>();
  const kinds = kindsOf(connectionNamed(context, connection));

  const found = new Map<string, readonly Candidate[]>();
  for (const record of records) {
    const candidates = new Map<string, Candidate>();
    const add = (candidate: Candidate) => {
      const known = candidates.get(candidate.recordId);
      const aggregate = aggregates.get(candidate.recordId);
      if (!aggregate || aggregate.record.entity !== sync.entity) return;
      if (known && known.strength >= candidate.strength) return;
      candidates.set(candidate.recordId, candidate);
      draft.adopt(aggregate);
    };
    for (const recordId of byXref.get(record) ?? []) {
      const own = record.xrefs?.some(({ system, id }) => system === ownSystem && id === recordId) ?? false;
      const strength = own ? certain.ownXref : certain.foreignXref;
      // What we made ourselves belongs to its record also when that is deleted by now: it must not be born again.
      if (!own && aggregates.get(recordId)?.record.state === 'tombstone') continue;
      add({ recordId, verdict: 'match', strength, evidence: 'cross-reference', isOurs: own });
    }
    for (const intent of intents)
      if (isOurs(sync, intent.values, record.values, kinds))
        add({
          recordId: intent.recordId,
          verdict: 'match',
          strength: certain.intent,
          evidence: 'our create, whose answer was lost',
          isOurs: true,
        });
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

/** Cross-references to our own ids, and to ids of other connections that we know. */
async function followXrefs(
  context: EngineContext,
  sync: SyncPolicy,
  records: readonly CrmRecord[],
): Promise<Map<CrmRecord, string[]>> {
  const found = new Map<CrmRecord, string[]>();
  const note = (record: CrmRecord, id: string) => found.set(record, [...(found.get(record) ?? []), id]);
  const bySystem = new Map<string, Set<string>>();
  for (const record of records)
    for (const { system, id } of record.xrefs ?? []) {
      if (system === ownSystem) note(record, id);
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
 * Whether a record is what a create of ours has made: it shows what we sent, or at least who we sent, with the same
 * address or number, and a person has edited the rest.
 */
function isOurs(sync: SyncPolicy, sent: Values, seen: Values, kinds: KindContext): boolean {
  if (isEchoOf(sync, sent, seen, kinds)) return true;
  const reachedBy = Object.entries(sent).some(([path, value]) => {
    const { kind } = fieldAt(sync.entity, path);
    return (kind === 'email' || kind === 'phone') && !isEmpty(value) && equal(kind, value, seen[path], kinds);
  });
  const who = Object.fromEntries(Object.entries(sent).filter(([path]) => identityPaths.has(path)));
  return reachedBy && isEchoOf(sync, who, seen, kinds);
}

/**
 * Whether a record shows what we sent in a create: every field that it shows, as sent or as a CRM may reshape it, at least
 * one as sent, and no reference to another record. References hold canonical ids.
 */
function isEchoOf(sync: SyncPolicy, sent: Values, seen: Values, kinds: KindContext): boolean {
  let asSent = false;
  for (const [path, value] of Object.entries(sent)) {
    const shown = seen[path];
    const { kind } = fieldAt(sync.entity, path);
    if (shown === undefined || isEmpty(value)) continue;
    if (kind === 'reference') {
      // A CRM may leave a reference out, but it does not point elsewhere: many leads share a title.
      if (!isEmpty(shown) && shown !== value) return false;
      continue;
    }
    if (!isReshaped(kind, value, shown)) return false;
    asSent ||= kind !== 'boolean' && equal(kind, value, shown, kinds);
  }
  return asSent;
}
