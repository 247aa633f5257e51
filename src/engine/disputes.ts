import { slotOf } from '../model/entities.ts';
import type { KindContext } from '../model/kinds.ts';
import { isEmpty, type Value, type Values } from '../model/values.ts';
import type { ConflictRow, LinkRow } from '../store/store.ts';
import { direction, isLearntFrom, isLearntFromInPart, isWrittenTo } from '../sync/direction.ts';
import { type Forms, hasTemplates, isHeld, isTemplate, outward, transform } from '../sync/forms.ts';
import { overruled } from '../sync/merge.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { EngineContext } from './engine.ts';

/** The rule in the conflict log where a record was deleted in one CRM and edited in another. */
export const editOverDelete = 'conflict: edit over delete';

/** By canonical id, the slots whose conflict waits for a person: they are written nowhere until it is settled. */
export async function contestedSlots(
  { store }: EngineContext,
  sync: SyncPolicy,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  if (sync.conflicts !== 'manual') return new Map();
  const byRecord = Map.groupBy(await store.waitingConflicts(recordIds), ({ recordId }) => recordId);
  return new Map([...byRecord].map(([id, conflicts]) => [id, new Set(conflicts.map(({ path }) => path))]));
}

/** What values look like at a connection. */
type MannerOf = (connection: string) => { readonly forms: Forms | undefined; readonly context: KindContext };

/** A value of a member whose edits of it do not count, in a field that has its first canonical value now. */
export interface HeldInVain {
  readonly path: string;
  /** The canonical value. */
  readonly value: Value;
  readonly loser: { readonly connection: string; readonly value: Value };
  /** Why it loses. */
  readonly rule: string;
}

/**
 * What members hold that are only written to, as a whole or in this field, in fields of which nothing canonical was known
 * `before`: the first value that counts will be written over it, and nothing else would tell (law 4).
 */
export function heldInVain(
  sync: SyncPolicy,
  links: readonly LinkRow[],
  before: Values,
  after: Values,
  mannerOf: MannerOf,
): readonly HeldInVain[] {
  const { entity, members } = sync;
  const found: HeldInVain[] = [];
  for (const { connection, direction: way } of members) {
    const { forms, context } = mannerOf(connection);
    const isHeardInPart = isLearntFromInPart(sync, connection) || hasTemplates(forms);
    if (way === 'read' || (way === 'both' && !isHeardInPart)) continue;
    const link = links.find((one) => one.connection === connection && one.state === 'live');
    const defaults = sync.defaults[connection] ?? {};
    for (const [path, held] of Object.entries(link?.shadow ?? {})) {
      const slot = slotOf(entity, path, after);
      const isMade = isTemplate(forms, path);
      const [known, value] = isMade
        ? [before, after].map((values) => outward(entity, forms, path, values, context))
        : [before[slot], after[slot]];
      if (value === undefined || known !== undefined || isEmpty(held)) continue;
      if (way === 'both' && !isMade && isLearntFrom(sync, connection, slot)) continue;
      if (!isWrittenTo(sync, connection, slot) || isHeld(entity, forms, path, held, after, context)) continue;
      // What we made the record with was nobody's word.
      if (isHeld(entity, forms, path, held, defaults, context)) continue;
      const rule = way === 'write' ? overruled(connection) : isMade ? transform : direction;
      found.push({ path: slot, value, loser: { connection, value: held }, rule });
    }
  }
  return found;
}

/** Whether the losing side of a conflict shows the canonical value now, so that there is nothing left to decide. */
export function isOver(
  { entity, path, loser }: ConflictRow,
  values: Values,
  links: readonly LinkRow[],
  mannerOf: MannerOf,
): boolean {
  const link = links.find(({ connection, state }) => connection === loser.connection && state === 'live');
  const held = Object.entries(link?.shadow ?? {}).find(([one]) => slotOf(entity, one, values) === path);
  const { forms, context } = mannerOf(loser.connection);
  return held !== undefined && isHeld(entity, forms, held[0], held[1], values, context);
}
