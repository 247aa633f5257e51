import { type Entity, isEmpty, type Value } from '../model/values.ts';
import type { CrmId, Forgetting, Traces } from '../store/store.ts';
import { addressMark, canonicalMark, type Face, idMark, lastingMarks, tellingMarks } from '../sync/forgotten.ts';
import { identityKeys } from '../sync/identity.ts';
import type { EngineContext } from './engine.ts';
import { hashed } from './forgotten.ts';
import { sentBy } from './made.ts';
import { kindsOf } from './participation.ts';

type ForgetContext = Pick<EngineContext, 'store' | 'connections' | 'clock'>;

/** Whom to forget: a canonical record, or a record of a CRM that is linked to none. */
export type Target = { readonly recordId: string } | CrmId;

/** What forgetting somebody means: what goes, and what stays elsewhere. No values. */
export interface Erasure {
  readonly entity: Entity;
  /** The record, and those that were merged into it, or it into them. None: it was linked to none. */
  readonly canonicalIds: readonly string[];
  /** Names of the fields whose values go. */
  readonly fields: readonly string[];
  readonly traces: Traces;
  /** Records at CRMs that are there still: nothing is deleted there. */
  readonly remaining: readonly CrmId[];
  /** Canonical ids of other records known under one of the same addresses or numbers. */
  readonly others: readonly string[];
}

/** What the store needs to know to forget somebody. */
interface Knowledge {
  readonly whom: Forgetting;
  /** Not hashed. */
  readonly marks: readonly string[];
  readonly erasure: Erasure;
}

/** A person may be claimed by this many records that wait for a decision. */
const mostShared = 50;

/** What would be removed if somebody was forgotten, and what would not. @throws RangeError when there is nobody */
export async function previewForgetting(context: ForgetContext, target: Target): Promise<Erasure> {
  return (await gather(context, target)).erasure;
}

/**
 * Removes everything that the store knows of somebody for good, and keeps hashes by which its person is known again at a
 * CRM and left out. Nothing may run beside it that reads or writes at CRMs: its caller has all leases.
 * @returns what was removed, and whether no byte of it is left in the file (see `ForgettingStore.wipe`)
 * @throws RangeError when there is nobody
 */
export async function forget(
  context: ForgetContext,
  target: Target,
): Promise<{ readonly erasure: Erasure; readonly isWiped: boolean }> {
  const { store, clock } = context;
  const { whom, marks, erasure } = await gather(context, target);
  const hashes = await hashed(store, marks);
  const traces = await store.forget(whom, hashes, hashes[0]!, clock.now());
  return { erasure: { ...erasure, traces }, isWiped: await store.wipe() };
}

/**
 * The marks by which somebody who was forgotten may be named: a canonical id, CONNECTION:EXTERNALID, an e-mail address.
 * Hashed. None where nobody was ever forgotten.
 */
export async function marksNamed(context: ForgetContext, which: string): Promise<readonly string[]> {
  // Asking must not make a key.
  if (!(await context.store.isAnyForgotten())) return [];
  const colon = which.indexOf(':');
  const connection = which.slice(0, Math.max(colon, 0));
  const ids = context.connections.has(connection)
    ? (['contact', 'account', 'lead'] as const).map((entity) => idMark(connection, entity, which.slice(colon + 1)))
    : [];
  const address = addressMark(which);
  return await hashed(context.store, [canonicalMark(which), ...ids, ...(address === undefined ? [] : [address])]);
}

/** Whether somebody was forgotten who is named so, as in `marksNamed`. */
export async function wasForgotten(context: ForgetContext, which: string): Promise<boolean> {
  return (await context.store.forgotten(await marksNamed(context, which))).size > 0;
}

async function gather(context: ForgetContext, target: Target): Promise<Knowledge> {
  const { store, connections } = context;
  const recordIds = 'recordId' in target ? await sameOnes(context, target.recordId) : [];
  const aggregates = [...(await store.aggregates(recordIds)).values()];
  const entity = 'recordId' in target ? aggregates[0]?.record.entity : target.entity;
  if (entity === undefined) throw new RangeError('there is no such record');
  const faces: Face[] = [];
  const fields = new Set<string>();
  const add = (values: Readonly<Record<string, Value>>, connection?: string) => {
    const from = connection === undefined ? undefined : connections.get(connection);
    faces.push({ values, kinds: from ? kindsOf(from) : {} });
    for (const [path, value] of Object.entries(values)) if (!isEmpty(value)) fields.add(path);
  };
  const linked: CrmId[] = [];
  const remaining: CrmId[] = [];
  for (const { record, links } of aggregates) {
    add(record.values);
    for (const { path, from, to, origin } of await store.history(record.id)) {
      add({ [path]: to }, origin.connection);
      if (from !== undefined) add({ [path]: from });
    }
    for (const { path, winner, loser } of await store.conflictsOf(record.id)) {
      add({ [path]: winner.value }, winner.connection);
      add({ [path]: loser.value }, loser.connection);
    }
    for (const connection of connections.keys()) {
      const intent = await store.intent(connection, record.id);
      for (const values of sentBy(intent)) add(values, connection);
    }
    for (const { connection, externalId, state, shadow, sent, underway, replaced } of links) {
      for (const values of [shadow, sent, underway, replaced]) if (values) add(values, connection);
      linked.push({ connection, entity, externalId });
      if (state === 'live') remaining.push({ connection, entity, externalId });
    }
  }
  const alone = 'recordId' in target ? [] : [target];
  for (const { connection, externalId } of alone)
    for (const { values, first } of (await store.unmatchedOf(connection, entity, [externalId])).values())
      for (const shown of [values, first]) add(shown, connection);
  const lasting = lastingMarks(entity, faces);
  const unlinked = [...alone, ...(await claimants(context, entity, recordIds, new Set(lasting)))];
  const crmIds = [...linked, ...unlinked];
  const whom = { recordIds, crmIds };
  const ids = crmIds.map(({ connection, externalId }) => idMark(connection, entity, externalId));
  return {
    whom,
    marks: [...recordIds.map(canonicalMark), ...ids, ...lasting],
    erasure: {
      entity,
      canonicalIds: recordIds,
      fields: [...fields].sort(),
      traces: await store.tracesOf(whom),
      remaining: [...remaining, ...unlinked],
      others: await neighbours(context, entity, faces, recordIds),
    },
  };
}

/** A record with all that were merged into it, and that into which it was merged. */
async function sameOnes({ store }: ForgetContext, recordId: string): Promise<readonly string[]> {
  const merged = await store.merged();
  const found = new Set([recordId]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { recordId: lost, survivorId } of merged)
      if (found.has(lost) || found.has(survivorId)) found.add(lost).add(survivorId);
  }
  return [...found];
}

/** Records of CRMs that wait for a decision whether they are this person, and show its marks. */
async function claimants(
  { store, connections }: ForgetContext,
  entity: Entity,
  recordIds: readonly string[],
  marks: ReadonlySet<string>,
): Promise<readonly CrmId[]> {
  const claims = [...(await store.claims(recordIds)).values()].flat();
  const found = new Map<string, CrmId>();
  for (const { connection, externalId } of claims) {
    const from = connections.get(connection);
    const rows = await store.unmatchedOf(connection, entity, [externalId]);
    const isTheirs = [...rows.values()].some(({ values }) =>
      tellingMarks(entity, { values, kinds: from ? kindsOf(from) : {} }).some((mark) => marks.has(mark)),
    );
    if (isTheirs) found.set(`${connection}\n${externalId}`, { connection, entity, externalId });
  }
  return [...found.values()];
}

async function neighbours(
  { store }: ForgetContext,
  entity: Entity,
  faces: readonly Face[],
  recordIds: readonly string[],
): Promise<readonly string[]> {
  const keys = faces.flatMap(({ values, kinds }) => identityKeys(entity, values, ['email', 'phone'], kinds));
  const found = (await store.candidates(entity, [...new Set(keys)], mostShared)).values();
  return [...new Set([...found].flat())].filter((id) => !recordIds.includes(id));
}
