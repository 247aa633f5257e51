import { fieldAt, slotOf } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { readTyped, typedForms } from '../model/typed.ts';
import { type Entity, type Origin, person, type Value, type Values } from '../model/values.ts';
import type { Aggregate, ConflictRow, NumberedConflict } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { noteDecision } from './decision.ts';
import { editOverDelete } from './disputes.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { inLane } from './lane.ts';

/** The rule in the conflict log where a person has decided. */
export const byPerson = 'conflict: a person';

/** What a person makes of a conflict: the value of one side or of another linked connection, or one of their own. */
export type Choice = { readonly take: 'winner' | 'loser' } | { readonly takeFrom: string } | { readonly set: Value };

/** Why a choice was refused; nothing was changed. */
export class SettleError extends Error {
  override readonly name = 'SettleError';
  readonly code: 'unknown' | 'deleted' | 'edited' | 'no_value' | 'invalid';

  constructor(code: SettleError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What settling a conflict has done. */
export interface Settled {
  readonly conflict: NumberedConflict;
  readonly from: Value | undefined;
  readonly to: Value;
  /** The connections that hold another value and are to be given this one by the next cycle. */
  readonly pending: readonly string[];
}

/**
 * Settles a conflict by a person's word: the value becomes the canonical one, as an edit of that person, in one
 * transaction with the conflict log, the history and what is pending. Also one that a rule has settled: then the log keeps
 * both decisions. A field that was edited since takes a value of its own choice only (`set`).
 * @param number of the conflict
 * @param run names the decision; several that are made at once may share it
 * @throws SettleError when there is no such conflict, nothing to take, or the field has moved on
 */
export async function settleConflict(
  context: EngineContext,
  number: number,
  choice: Choice,
  run = context.newId(),
): Promise<Settled> {
  const { store, clock } = context;
  const entity = (await store.conflict(number))?.entity;
  if (!entity) throw unknown(number);
  return await inLane(store, entity, async () => {
    const conflict = await store.conflict(number);
    const aggregate = conflict && (await store.aggregates([conflict.recordId])).get(conflict.recordId);
    if (!conflict || !aggregate) throw unknown(number);
    const sync = syncOf(context, aggregate);
    const { recordId, path } = conflict;
    const sides = sidesOf(conflict, aggregate);
    const chosen = chosenBy(choice, conflict, sides, aggregate);
    const from = aggregate.record.values[path];
    const isSame = from !== undefined && equal(fieldAt(entity, path).kind, from, chosen.value);
    if (isSame && conflict.state === 'settled') return { conflict, from, to: from, pending: [] };
    const origin: Origin = { connection: person, run, at: clock.now(), rule: chosen.rule };
    const draft = new Draft(context, sync, origin.run);
    draft.adopt(aggregate);
    draft.put(recordId, path, chosen.value, origin);
    const winner = { connection: chosen.connection, value: chosen.value };
    // What both sides lose to a third value: the one that was canonical is in the history.
    const hasLost = !equal(fieldAt(entity, path).kind, sides.loser.value, chosen.value);
    const loser = hasLost ? sides.loser : sides.winner;
    const batch = draft.batch();
    const entry: ConflictRow = {
      ...{ entity, recordId, path, winner, loser },
      ...{ rule: byPerson, at: origin.at, run: origin.run, state: 'settled' },
    };
    await store.commit({
      ...batch,
      ...(conflict.state === 'waiting'
        ? { decided: [{ number, winner, loser, rule: byPerson }] }
        : { conflicts: [entry] }),
    });
    await noteDecision(context, origin, sync.name);
    const pending = batch.pending?.map(({ connection }) => connection) ?? [];
    return { conflict, from, to: chosen.value, pending };
  });
}

/** The sides of a conflict as they stand: of one that waits, the winning side is whatever the record holds by now. */
export function sidesOf(
  { path, winner, loser, state }: ConflictRow,
  { record }: Pick<Aggregate, 'record'>,
): Pick<ConflictRow, 'winner' | 'loser'> {
  const value = record.values[path];
  if (state === 'settled' || value === undefined) return { winner, loser };
  return { winner: { connection: record.origins[path]?.connection ?? winner.connection, value }, loser };
}

/** What a linked connection is known to hold in a canonical field; undefined: nothing. */
function heldAt(entity: Entity, path: string, values: Values, { links }: Aggregate, connection: string) {
  const link = links.find((one) => one.connection === connection && one.state === 'live');
  return Object.entries(link?.shadow ?? {}).find(([one]) => slotOf(entity, one, values) === path)?.[1];
}

function chosenBy(
  choice: Choice,
  conflict: NumberedConflict,
  { winner, loser }: Pick<ConflictRow, 'winner' | 'loser'>,
  aggregate: Aggregate,
): { readonly connection: string; readonly value: Value; readonly rule: string } {
  const { number, entity, path, state, recordId, rule } = conflict;
  const { values } = aggregate.record;
  if (aggregate.record.state === 'tombstone')
    throw new SettleError('deleted', `conflict ${number}: ${entity} ${recordId} is deleted`);
  if ('set' in choice) return { connection: person, value: choice.set, rule: 'typed' };
  const { kind } = fieldAt(entity, path);
  if (rule === editOverDelete)
    throw new SettleError(
      'no_value',
      `conflict ${number}: the other side is a delete and holds no value; delete the ${entity} in a CRM`,
    );
  const hasMoved = ![winner, loser].some(({ value }) => equal(kind, value, values[path]));
  if (state === 'settled' && hasMoved)
    throw new SettleError(
      'edited',
      `conflict ${number}: ${path} has been edited since; set it to a value of your choice`,
    );
  if ('take' in choice) {
    const side = choice.take === 'winner' ? winner : loser;
    return { ...side, rule: takenFrom(side.connection) };
  }
  const connection = choice.takeFrom;
  const value = connection === loser.connection ? loser.value : heldAt(entity, path, values, aggregate, connection);
  if (connection === winner.connection) return { ...winner, rule: takenFrom(connection) };
  if (value === undefined)
    throw new SettleError('no_value', `conflict ${number}: ${connection} is not known to hold anything in ${path}`);
  return { connection, value, rule: takenFrom(connection) };
}

/**
 * The value that a person has typed for the field of a conflict.
 * @throws SettleError when it is no value of that field, or names a record that there is not
 */
export async function typedValue(
  { store }: Pick<EngineContext, 'store'>,
  { number, entity, path }: Pick<NumberedConflict, 'number' | 'entity' | 'path'>,
  typed: string,
): Promise<Value> {
  const { kind, target } = fieldAt(entity, path);
  const value = readTyped(kind, typed);
  const isThere =
    kind !== 'reference' ||
    typeof value !== 'string' ||
    (await store.aggregates([value])).get(value)?.record.entity === target;
  if (value !== undefined && isThere) return value;
  const expected = target ? `the canonical id of a known ${target}` : typedForms[kind];
  throw new SettleError('invalid', `conflict ${number}: ${path} takes ${expected}`);
}

function takenFrom(connection: string): string {
  return connection === person ? 'taken again' : `taken from ${connection}`;
}

function syncOf({ syncs }: EngineContext, { record }: Aggregate): SyncPolicy {
  const sync = syncs.find(({ entity }) => entity === record.entity);
  if (!sync) throw new SettleError('unknown', `no sync of ${record.entity}s is configured`);
  return sync;
}

function unknown(number: number): SettleError {
  return new SettleError('unknown', `there is no conflict ${number}`);
}
