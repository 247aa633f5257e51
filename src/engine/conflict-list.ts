import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { person, type Value } from '../model/values.ts';
import type { Aggregate, ConflictFilter, ConflictRow, NumberedConflict } from '../store/store.ts';
import type { EngineContext } from './engine.ts';
import { byPerson, sidesOf } from './settle.ts';

/** A conflict as people are told of it (design.md §11). */
export interface ToldConflict
  extends Pick<ConflictRow, 'entity' | 'winner' | 'loser' | 'rule' | 'at' | 'run' | 'state'> {
  /** By which it is settled. */
  readonly id: number;
  readonly canonicalId: string;
  readonly field: string;
  /** What the record is called in the CRMs that have it, as CONNECTION:EXTERNALID. */
  readonly known: readonly string[];
  /** What the record holds by now, where that is neither of the two. */
  readonly now?: Value;
}

const pageSize = 200;

/** Conflicts that wait for a person, then the settled ones, newest first each; page by page. */
export async function* listConflicts(
  context: Pick<EngineContext, 'store'>,
  which: ConflictFilter = {},
): AsyncIterable<ToldConflict> {
  const states = which.state === undefined ? (['waiting', 'settled'] as const) : [which.state];
  for (const state of states)
    for (let before: number | undefined; ; ) {
      const page = await context.store.conflictPage({ ...which, state }, before, pageSize);
      const last = page.at(-1);
      if (!last) break;
      before = last.number;
      yield* await told(context, page);
    }
}

/** The first conflicts that wait for a person. */
export async function waitingConflicts(
  context: Pick<EngineContext, 'store'>,
  limit: number,
): Promise<readonly ToldConflict[]> {
  return await told(context, await context.store.conflictPage({ state: 'waiting' }, undefined, limit));
}

async function told(
  { store }: Pick<EngineContext, 'store'>,
  page: readonly NumberedConflict[],
): Promise<readonly ToldConflict[]> {
  const aggregates = await store.aggregates([...new Set(page.map(({ recordId }) => recordId))]);
  return page.flatMap((conflict) => {
    const aggregate = aggregates.get(conflict.recordId);
    return aggregate ? [tell(conflict, aggregate)] : [];
  });
}

function tell(conflict: NumberedConflict, aggregate: Aggregate): ToldConflict {
  const { number, entity, recordId, path, rule, at, run, state } = conflict;
  const { winner, loser } = sidesOf(conflict, aggregate);
  const now = aggregate.record.values[path];
  const isEither = [winner, loser].some(({ value }) => equal(fieldAt(entity, path).kind, value, now));
  return {
    ...{ id: number, entity, canonicalId: recordId, field: path, winner, loser, rule, at, run, state },
    known: aggregate.links.flatMap((link) => (link.state === 'live' ? [`${link.connection}:${link.externalId}`] : [])),
    ...(!isEither && now !== undefined && { now }),
  };
}

/** A rule that a person's choices amount to. */
export interface Suggestion {
  readonly sync: string;
  readonly field: string;
  /** Whose value was always taken. */
  readonly owner: string;
  readonly choices: number;
}

/** So many choices that agree are more than chance. */
const leastChoices = 3;

/** Fields in which people always took one connection's value, and no owner is configured. */
export async function suggestOwners({
  store,
  syncs,
}: Pick<EngineContext, 'store' | 'syncs'>): Promise<readonly Suggestion[]> {
  const byField = Map.groupBy(await store.wins(byPerson), ({ entity, path }) => `${entity} ${path}`);
  return [...byField.values()].flatMap((wins) => {
    const [only, ...others] = wins;
    if (!only || others.length > 0 || only.connection === person || only.count < leastChoices) return [];
    const { entity, path: field, connection: owner, count: choices } = only;
    return syncs.flatMap(({ name: sync, entity: its, members, owners }) =>
      its === entity && owners[field] === undefined && members.some(({ connection }) => connection === owner)
        ? [{ sync, field, owner, choices }]
        : [],
    );
  });
}
