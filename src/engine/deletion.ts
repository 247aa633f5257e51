import { absence } from '../connector/connector.ts';
import { isEmpty, type Value, type Values } from '../model/values.ts';
import type { Aggregate, Batch, ConflictRow, DepartureRow, LinkRow } from '../store/store.ts';
import { isWrittenTo } from '../sync/direction.ts';
import { atFirstSight } from '../sync/merge.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { DecisionError } from './decision.ts';
import { openDepartures } from './departures.ts';
import { editOverDelete } from './disputes.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { lackingAt } from './lacking.ts';
import { inLane } from './lane.ts';
import { connectionNamed, takesPart, writablePaths } from './participation.ts';
import { mergeRecords } from './regroup.ts';
import { findSurvivor, type Survivor } from './survivor.ts';

/**
 * Decides what follows from records that have left a CRM, now that everybody has been read and matched: nothing where
 * another record took the place, or where deletes are ignored; a tombstone, and deletes elsewhere, where they travel;
 * and where somebody has edited the record meanwhile, the edit wins and is logged.
 *
 * @param unread canonical ids of records that could not be looked at everywhere: another run decides about them
 * @returns per connection, the conflicts that this brought
 */
export async function judgeDepartures(
  context: EngineContext,
  sync: SyncPolicy,
  run: string,
  unread: ReadonlySet<string>,
): Promise<ReadonlyMap<string, number>> {
  const conflicts = new Map<string, number>();
  for (const { connection } of sync.members)
    for (const departure of (await openDepartures(context.store, connection, sync.entity)).values()) {
      if (departure.state !== 'confirmed' || unread.has(departure.recordId)) continue;
      const judged = await inLane(context.store, sync.entity, () => judgeOne(context, sync, run, departure));
      if (typeof judged === 'object') await joinSurvivor(context, sync, departure, judged);
      else if (judged > 0) conflicts.set(connection, (conflicts.get(connection) ?? 0) + judged);
    }
  return conflicts;
}

async function judgeOne(
  context: EngineContext,
  sync: SyncPolicy,
  run: string,
  departure: DepartureRow,
): Promise<number | Survivor> {
  const { store, clock } = context;
  const { connection, externalId, recordId } = departure;
  const { entity } = sync;
  const aggregate = (await store.aggregates([recordId])).get(recordId);
  const left = aggregate?.links.find((one) => one.connection === connection && one.externalId === externalId);
  const draft = new Draft(context, sync, run);
  const end = async (besides: Partial<Batch> = {}): Promise<void> =>
    await store.commit({ ...draft.batch(), ...besides, endedDepartures: [departure] });

  if (!aggregate || left?.state !== 'gone' || aggregate.record.state === 'tombstone') {
    await end();
    return 0;
  }
  const { links } = aggregate;
  if (links.some((one) => one.connection === connection && one.state === 'live')) {
    // Another record there has its place by now: merged, or entered anew.
    await end();
    return 0;
  }
  const claims = (await store.claims([recordId])).get(recordId) ?? [];
  // Somebody at a member may be this person, entered anew or twice: what a person decides about that comes first.
  if (claims.some((claim) => sync.members.some((member) => member.connection === claim.connection))) return 0;
  draft.adopt(aggregate);
  const isLast = !links.some(({ state }) => state === 'live');
  const survivor = isLast ? undefined : await findSurvivor(context, sync, aggregate, departure);
  if (survivor?.hasTakenOver) return survivor;
  if (!isLast && (survivor || !isCarriedOn(context, sync, connection, aggregate.record.values))) {
    await end();
    return 0;
  }
  const edits = isLast ? [] : editsUnknownThere(context, sync, aggregate, left, departure);
  if (edits.length > 0) {
    await end({
      conflicts: edits.map(
        ({ path, value, by }): ConflictRow => ({
          entity,
          recordId,
          path,
          winner: { connection: by, value },
          loser: { connection, value: null },
          rule: editOverDelete,
          at: clock.now(),
          run,
          state: 'settled',
        }),
      ),
    });
    return edits.length;
  }
  draft.bury(recordId);
  await end();
  context.log.info({ connection, entity, record: recordId }, 'record is deleted');
  return 0;
}

/** Whether a delete at this connection travels to the other members of some sync in which the record takes part. */
function isCarriedOn(context: EngineContext, { entity }: SyncPolicy, connection: string, values: Values): boolean {
  return context.syncs.some(
    (sync) =>
      sync.entity === entity &&
      sync.deletes === 'propagate' &&
      takesPart(context, sync, values) &&
      sync.members.some((member) => member.connection === connection && member.direction !== 'write'),
  );
}

/**
 * A person has merged two records of a CRM into one: so are the canonical ones. Where another CRM has both still, one of them
 * waits there as a review.
 */
async function joinSurvivor(
  context: EngineContext,
  { entity }: SyncPolicy,
  { connection, recordId }: DepartureRow,
  survivor: Survivor,
): Promise<void> {
  const record = survivor.recordId;
  try {
    await mergeRecords(context, entity, record, recordId);
    context.log.info({ connection, entity, record, merged: recordId }, 'two records were merged there');
  } catch (error) {
    // A create is not answered yet, or a person is at work on one of them: the next run sees the same.
    if (!(error instanceof DecisionError)) throw error;
    context.log.info({ connection, entity, record, merged: recordId, why: error.code }, 'merged there, not yet here');
  }
}

/** Values of a record that somebody entered elsewhere and that the CRM which deleted it had never seen. */
function editsUnknownThere(
  context: EngineContext,
  sync: SyncPolicy,
  { record, links }: Aggregate,
  left: LinkRow,
  { connection, missedAt, run }: DepartureRow,
): readonly { readonly path: string; readonly value: Value; readonly by: string }[] {
  const to = connectionNamed(context, connection);
  const abilities = to.connector.capabilities[sync.entity];
  const isWritten =
    abilities !== undefined &&
    absence(abilities.update) === undefined &&
    sync.members.some((member) => member.connection === connection && member.direction !== 'read');
  const unwritten = isWritten ? lackingAt(to, sync, record.values, left) : {};
  const held = new Set(Object.keys(left.shadow));
  const taken = new Set(writablePaths(to, sync.entity, 'update'));
  return Object.entries(record.values).flatMap(([path, value]) => {
    const origin = record.origins[path];
    if (!origin || origin.connection === connection) return [];
    // What came with the record itself, or as the default of a CRM in which we made it, is nobody's edit.
    const isSameRun = links.some((link) => link.connection === origin.connection && link.run === origin.run);
    if (isSameRun && atFirstSight.has(origin.rule)) return [];
    const isUnwritten = path in unwritten;
    // What that CRM cannot hold, or shows and does not take, never got there; news is what came in since it was last known to have the record: in this
    // run, or in a round before it.
    const isKept = isWritten && held.has(path) && taken.has(path) && isWrittenTo(sync, connection, path);
    const isNews = (origin.run === run || origin.at >= missedAt) && !isKept;
    return isUnwritten || (isNews && !isEmpty(value)) ? [{ path, value, by: origin.connection }] : [];
  });
}
