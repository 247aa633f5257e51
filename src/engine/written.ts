import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CrmRecord, WriteReply } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext, type KindName } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import type { Value, Values } from '../model/values.ts';
import type { Aggregate, LinkRow, Store } from '../store/store.ts';
import type { Destination } from './delivery.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { fingerprint, unknownFingerprint } from './fingerprint.ts';
import { inLane } from './lane.ts';
import { readBack } from './news.ts';
import { connectionNamed, kindsOf } from './participation.ts';
import { translateIn } from './references.ts';

/** A write that was answered, on its way into the store. */
interface Note {
  readonly to: Destination;
  readonly recordId: string;
  readonly before: LinkRow | undefined;
  readonly wanted: Values;
  /** Of the record that the CRM says it has written. */
  readonly externalId: string;
  /** As the CRM showed it. */
  readonly answer: CrmRecord;
  /** The same, with references to canonical records. */
  readonly record: CrmRecord;
  readonly at: number;
  /** What unanswered creates of the same record had sent, latest first. */
  readonly earlier: readonly Values[];
  /** Paths that were not written, because the create has met a record that held something there. */
  readonly met: ReadonlySet<string>;
  /** Whether the record is what a look after the write has shown. */
  readonly isLook: boolean;
  /** What the write has sent again as it was. */
  readonly resent: Values;
  /** Whether the CRM has told everything that was written. */
  isTold: boolean;
}

/** Answers that share a transaction. */
interface Group {
  /** By canonical id. */
  readonly notes: Map<string, Note>;
  readonly done: Promise<void>;
}

/** The groups that may still be joined, by connection, sync and run. */
const open = new WeakMap<Store, Map<string, Group>>();

/**
 * The link, shadow and end of the intent after a write, in one transaction. The shadow is what the CRM holds: what its
 * answer tells, else what a read shows (design.md §10); only where neither can be had is it our word.
 *
 * @param earlier what unanswered creates of this record had sent, latest first: what is still shown of it is no news
 * @returns paths that were not written although the CRM answered so: it still holds what it held before
 */
export async function noteWritten(
  context: EngineContext,
  to: Destination,
  recordId: string,
  before: LinkRow | undefined,
  wanted: Values,
  reply: WriteReply,
  earlier: readonly Values[] = [],
): Promise<readonly string[]> {
  const { entity } = to.sync;
  const at = context.clock.now();
  const answer = reply.record ?? { externalId: reply.externalId, values: {} };
  const [translated] = await translateIn(context, to.connection, entity, [answer]);
  const { record } = translated!;
  const isTold = reply.record !== undefined;
  const { externalId } = reply;
  // What a create finds that was sent before may be its own, which somebody has edited since.
  const met = new Set(earlier.length > 0 ? [] : reply.met);
  const resent = reply.resent ?? {};
  const isLook = reply.isLook === true;
  const note: Note = {
    to,
    recordId,
    before,
    wanted,
    externalId,
    answer,
    record,
    at,
    earlier,
    met,
    isLook,
    resent,
    isTold,
  };
  await takeDown(context, note);
  if (note.isTold) return [];
  const answered = { wanted, replaced: before?.shadow };
  return await readBack(context, to, recordId, externalId, record.locator ?? before?.locator, answered);
}

/**
 * Whether a look after a write shows what neither it nor the CRM has made: neither what was there before, nor the value that
 * was written in any form. Of text alone: for a word of a list, or a number, a CRM may put another.
 */
function isTyped(
  kind: KindName,
  written: Value,
  shown: Value,
  before: readonly (Value | undefined)[],
  kinds: KindContext,
): boolean {
  if (kind !== 'text' && kind !== 'email') return false;
  return !before.some((value) => equal(kind, shown, value, kinds)) && !isReshaped(kind, written, shown, kinds);
}

/** Takes down a write with those that are answered meanwhile: one transaction, however many they are. */
async function takeDown(context: EngineContext, note: Note): Promise<void> {
  const { connection, run, sync } = note.to;
  const ofStore = open.get(context.store) ?? new Map<string, Group>();
  open.set(context.store, ofStore);
  const key = JSON.stringify([connection, sync.name, run]);
  let group = ofStore.get(key);
  if (!group || group.notes.has(note.recordId)) {
    const notes = new Map<string, Note>();
    const close = () => {
      if (ofStore.get(key)?.notes === notes) ofStore.delete(key);
    };
    group = { notes, done: commitTogether(context, note.to, notes, close) };
    ofStore.set(key, group);
  }
  group.notes.set(note.recordId, note);
  try {
    await group.done;
  } catch (error) {
    if (group.notes.size === 1) throw error;
    // What one of them stumbles over is not to befall the others: each has its own turn.
    await inLane(context.store, sync.entity, () => commitNotes(context, note.to, [note]));
  }
}

/** @param close called when nobody may join any more */
async function commitTogether(
  context: EngineContext,
  to: Destination,
  notes: ReadonlyMap<string, Note>,
  close: () => void,
): Promise<void> {
  // Answers that have arrived by now come first, so that they are among the others.
  await nextTurn();
  await inLane(context.store, to.sync.entity, async () => {
    close();
    await commitNotes(context, to, [...notes.values()]);
  });
}

/** @param notes of different records, all of one connection, sync and run */
async function commitNotes(
  context: EngineContext,
  { connection, sync, run }: Destination,
  notes: readonly Note[],
): Promise<void> {
  const aggregates = await context.store.aggregates(notes.map(({ recordId }) => recordId));
  const draft = new Draft(context, sync, run);
  const drafted = notes.flatMap((note) => {
    const aggregate = aggregates.get(note.recordId);
    return aggregate ? [{ note, aggregate, conflicts: draftNote(context, draft, aggregate, note) }] : [];
  });
  await draft.reviseConflicts();
  const batch = draft.batch();
  const still = new Set(batch.pending?.flatMap((one) => (one.connection === connection ? one.recordId : [])));
  const updated = new Set(batch.updates?.map(({ id }) => id));
  const done = drafted.flatMap(({ note: { recordId }, aggregate: { record } }) =>
    still.has(recordId) ? [] : [{ connection, recordId, version: record.version + (updated.has(recordId) ? 1 : 0) }],
  );
  await context.store.commit({
    ...batch,
    // All that the draft says of this connection, and the answers that it has nothing to say of.
    done: [...(batch.done ?? []).filter((one) => one.connection !== connection), ...done],
    endedIntents: drafted.map(({ note: { recordId } }) => ({ connection, recordId })),
  });
  for (const { note, conflicts } of drafted) note.to.counts.conflicts += conflicts;
}

/** @returns conflicts that it brought */
function draftNote(context: EngineContext, draft: Draft, aggregate: Aggregate, note: Note): number {
  const { to, recordId, before, wanted, externalId, answer, record, earlier, met, isLook, resent } = note;
  const { entity } = to.sync;
  const at = connectionNamed(context, to.connection);
  const kinds = kindsOf(at);
  const link = aggregate.links.find((one) => one.connection === to.connection && one.externalId === externalId);
  const held = (link ?? before)?.shadow;
  const replaced = held && {
    ...link?.replaced,
    ...Object.fromEntries(Object.keys(wanted).map((path) => [path, held[path] ?? null])),
  };
  const shadow: Record<string, Value> = { ...held };
  const sent: Record<string, Value> = { ...(link ?? before)?.sent };
  for (const [path, value] of Object.entries(wanted)) {
    if (met.has(path)) continue;
    const shown = record.values[path];
    const { kind } = fieldAt(entity, path);
    // Not told: take it for what we sent until it is seen, and remember that this is only our word.
    if (shown === undefined) note.isTold = false;
    // What a person has typed between the write and the look is an edit of what we wrote.
    const earlierThere = [held?.[path], link?.replaced?.[path]];
    const isEdited = isLook && shown !== undefined && isTyped(kind, value, shown, earlierThere, kinds);
    shadow[path] = isEdited ? value : (shown ?? value);
    if (shown === undefined || !equal(kind, shown, value, kinds)) sent[path] = value;
    else delete sent[path];
  }
  // A whole record was sent: what the CRM has made of the rest of it is no person's edit either (law 2).
  for (const [path, value] of Object.entries(resent)) {
    const shown = record.values[path];
    const { kind } = fieldAt(entity, path);
    if (path in wanted || shown === undefined || kind === 'reference' || !equal(kind, value, held?.[path], kinds))
      continue;
    if (equal(kind, shown, value, kinds) || !isReshaped(kind, value, shown, kinds)) continue;
    shadow[path] = shown;
    sent[path] ??= value;
  }
  // What has been emptied since an unanswered create had sent it is still ours there, and no person's.
  for (const path of new Set(earlier.flatMap((values) => Object.keys(values)))) {
    if (path in wanted) continue;
    const shown = record.values[path];
    const isOurs = (value: Value) => shown === undefined || equal(fieldAt(entity, path).kind, shown, value, kinds);
    const ours = earlier.map((values) => values[path]).find((value) => value !== undefined && isOurs(value));
    if (ours === undefined) continue;
    shadow[path] = shown ?? ours;
    if (shown === undefined) sent[path] = ours;
  }
  // What it has emptied besides shows at the next look.
  const underway = before && !note.isTold && at.connector.clearedBy ? wanted : undefined;
  draft.adopt(aggregate);
  return draft.absorb(recordId, {
    connection: to.connection,
    record,
    fingerprint: note.isTold ? fingerprint(answer) : unknownFingerprint,
    evidence: 'created',
    written: { at: note.at, base: { shadow, sent, underway }, ...(replaced && { replaced }) },
  }).conflicts;
}
