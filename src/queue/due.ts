import type { EngineContext } from '../engine/engine.ts';
import { isHeldBack } from '../engine/guard.ts';
import type { HintRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { isPaused } from './paused.ts';
import { isResting } from './rest.ts';
import { isCycleRunning } from './sync-lease.ts';

/** Hints of one connection that one round takes on. */
const hintsPerRound = 500;

/** Whether a round of a sync would have something to do now. Cheap enough to be asked a few times a second. */
export async function isRoundDue(context: EngineContext, sync: SyncPolicy): Promise<boolean> {
  if (await isPaused(context.store, sync.name)) return false;
  for (const connection of await membersToHear(context, sync))
    if ((await context.store.hints(connection, sync.entity, 1)).length > 0) return true;
  return !(await isCycleRunning(context, sync.name)) && (await hasDueRows(context, sync));
}

/**
 * The members whose hints this sync's rounds take, but for those that rest. A connection that several syncs of an entity
 * have belongs to the first of them that reads it: what it shows must count.
 */
async function membersToHear(context: EngineContext, sync: SyncPolicy): Promise<readonly string[]> {
  const heard: string[] = [];
  for (const { connection } of sync.members) {
    const ofConnection = context.syncs.filter(
      ({ entity, members }) => entity === sync.entity && members.some((member) => member.connection === connection),
    );
    const reads = ({ members }: SyncPolicy) =>
      members.some((member) => member.connection === connection && member.direction !== 'write');
    const owner = ofConnection.find(reads) ?? ofConnection[0];
    if (owner?.name === sync.name && !(await isResting(context, sync.name, connection))) heard.push(connection);
  }
  return heard;
}

/** The hints that a round takes on, by connection, oldest first. */
export async function openHints(
  context: EngineContext,
  sync: SyncPolicy,
): Promise<ReadonlyMap<string, readonly HintRow[]>> {
  const found = new Map<string, readonly HintRow[]>();
  for (const connection of await membersToHear(context, sync)) {
    const rows = await context.store.hints(connection, sync.entity, hintsPerRound);
    if (rows.length > 0) found.set(connection, rows);
  }
  return found;
}

/** The members that this sync's rounds write to, but for those that rest. */
export async function membersToWrite(context: EngineContext, sync: SyncPolicy): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { connection, direction } of sync.members)
    if (direction !== 'read' && !(await isResting(context, sync.name, connection))) found.push(connection);
  return found;
}

/** Whether something that a member has waits to be written there, and its rest is over. */
export async function hasDueRows(context: EngineContext, sync: SyncPolicy): Promise<boolean> {
  if (await isHeldBack(context.store, sync.name)) return false;
  const now = context.clock.now();
  for (const connection of await membersToWrite(context, sync))
    if ((await context.store.pendingLinked(connection, sync.entity, 0, 1, now)).length > 0) return true;
  return false;
}

/**
 * Ends hints that no sync takes, as when one was taken out of the configuration: nobody would ever look at them. If it
 * comes back, its first cycle reads everything.
 */
export async function endUnheard({ store, syncs, log }: Pick<EngineContext, 'store' | 'syncs' | 'log'>): Promise<void> {
  for (const { connection, entity, count } of await store.openHints()) {
    const isHeard = (sync: SyncPolicy) =>
      sync.entity === entity && sync.members.some((member) => member.connection === connection);
    if (syncs.some(isHeard)) continue;
    for (;;) {
      const rows = await store.hints(connection, entity, hintsPerRound);
      if (rows.length === 0) break;
      await store.endHints(rows.map(({ position }) => position));
    }
    log.warn({ connection, entity, hints: count }, 'hints ended unread: no sync has this connection and entity');
  }
}
