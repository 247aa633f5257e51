import { RejectedError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import type { KindContext } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import type { Aggregate, IntentRow } from '../store/store.ts';
import type { Base } from '../sync/merge.ts';
import { mergeTags, sharedTags } from '../sync/tags.ts';
import type { Destination } from './delivery.ts';
import { Draft } from './draft.ts';
import type { Connection, EngineContext } from './engine.ts';
import { fingerprint, unknownFingerprint } from './fingerprint.ts';
import { inLane } from './lane.ts';
import { kindsOf } from './participation.ts';
import { translateIn } from './references.ts';
import { noteUnderway } from './update.ts';

/** A create that is not finished, of which the CRM has told the id. */
export type MadeIntent = IntentRow & { readonly externalId: string };

/** Whether the CRM has told the id of what a create has made. */
export function isMade(intent: IntentRow | undefined): intent is MadeIntent {
  return intent?.externalId !== undefined;
}

/** All that unanswered creates of one record have sent, latest first: what is held of any of them is ours. */
export function sentBy(intent: IntentRow | undefined): readonly Values[] {
  return intent ? [intent.values, ...(intent.earlier ?? [])] : [];
}

/** The values sent at a path of which a CRM may have made what it shows. */
export function ownAmong(
  entity: Entity,
  path: string,
  sent: readonly Values[],
  shown: Value,
  kinds: KindContext,
): Value | undefined {
  const { kind } = fieldAt(entity, path);
  return sent
    .map((values) => values[path])
    .find((value) => value !== undefined && isReshaped(kind, value, shown, kinds));
}

/**
 * Takes over what a create has made that went no further: links the record, as it is by now, by the id that the CRM has told.
 * What is as we have sent it is ours; what differs goes by the rules; what is missing is left to an update. One that is not
 * there is linked as well: whether it was deleted is for the next listing to say.
 * @param isRepeated what differs is an edit of what an earlier create has sent. Default: it is seen for the first time, and
 * may have been there before
 * @returns `moved`: it is linked now; decide again
 * @throws CrmError when the CRM cannot be asked; RejectedError where the record is linked to another one
 */
export async function takeMade(
  context: EngineContext,
  to: Destination,
  at: Connection,
  intent: MadeIntent,
  isRepeated = false,
): Promise<'moved'> {
  const { store, clock, settleMs } = context;
  const { entity } = to.sync;
  const { recordId, externalId } = intent;
  const holder = (await store.linked(to.connection, entity, [externalId])).get(externalId);
  if (holder && holder.record.id !== recordId) throw await refuseHeld(context, to, intent, holder);
  // Until then, the rest of it may still land.
  const unsettledMs = intent.at + settleMs - clock.now();
  if (unsettledMs > 0) await clock.sleep(unsettledMs, to.signal);
  const lookedAt = clock.now();
  const seen = await at.connector.read(entity, externalId, undefined, to.signal);
  const shown = seen.state === 'found' ? seen.record : { externalId, values: {} };
  const [translated] = await translateIn(context, to.connection, entity, [shown]);
  const { record, complete } = translated!;
  await inLane(store, entity, async () => {
    const aggregate = (await store.aggregates([recordId])).get(recordId);
    if (!aggregate) return;
    const draft = new Draft(context, to.sync, to.run);
    draft.adopt(aggregate);
    const { conflicts } = draft.absorb(recordId, {
      connection: to.connection,
      record,
      fingerprint: complete && seen.state === 'found' ? fingerprint(shown) : unknownFingerprint,
      evidence: 'created',
      lookedAt,
      base: ownBase(entity, sentBy(intent), record.values, isRepeated, kindsOf(at)),
    });
    await draft.reviseConflicts();
    // A look may have met it, and left it to the matching.
    const over = [{ connection: to.connection, externalId }];
    const endedIntents = [{ connection: to.connection, recordId }];
    await store.commit({ ...draft.batch(), endedIntents, matched: over, closedReviews: over });
    to.counts.conflicts += conflicts;
    if (!holder) to.counts.created += 1;
  });
  return 'moved';
}

/**
 * Ends a create that the CRM has answered with the record of somebody else.
 * @returns what to throw
 */
export async function refuseHeld(
  context: EngineContext,
  to: Destination,
  { recordId, externalId, values }: Pick<MadeIntent, 'recordId' | 'externalId' | 'values'>,
  holder: Aggregate,
): Promise<RejectedError> {
  const { connection } = to;
  const { entity } = to.sync;
  const theirs = holder.links.find((one) => one.connection === connection && one.externalId === externalId);
  // What it shows next may be ours, and no person's edit: it is put right by the next run.
  if (theirs) await noteUnderway(context, to, theirs, values);
  const endedIntents = [{ connection, recordId }];
  await context.store.commit({ run: to.run, at: context.clock.now(), entity, endedIntents });
  return new RejectedError(
    `${connection} answered a create of ${entity} ${recordId} with its record ${externalId}, which is linked to ${holder.record.id}; set aside`,
    { connection },
  );
}

/**
 * What a record holds of what our creates have sent. Tags that it lacks were never taken away there: they are still to come.
 * @param isRepeated what differs was edited
 */
function ownBase(
  entity: Entity,
  sent: readonly Values[],
  shown: Values,
  isRepeated: boolean,
  kinds: KindContext,
): Base {
  const shadow: Record<string, Value> = {};
  for (const [path, value] of Object.entries(shown)) {
    if (isEmpty(value)) continue;
    if (fieldAt(entity, path).kind === 'tags') {
      const all = sent.reduce<readonly string[]>((tags, values) => mergeTags(tags, undefined, values[path]), []);
      shadow[path] = sharedTags(value, all);
      continue;
    }
    const isOurs = ownAmong(entity, path, sent, value, kinds) !== undefined;
    const held = isOurs ? value : isRepeated ? sent.find((values) => path in values)?.[path] : undefined;
    if (held !== undefined) shadow[path] = held;
  }
  return { shadow, sent: {} };
}
