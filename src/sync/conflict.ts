import type { Origin } from '../model/values.ts';
import type { SyncPolicy } from './policy.ts';

/**
 * Modified stamps of two CRMs that lie closer together than this decide nothing: their clocks need not agree, and some
 * stamps have whole seconds.
 */
export const clockToleranceMs = 2_000;

/** One side of a conflict: where its value came from, as far as the rules care. */
export type Side = Pick<Origin, 'connection' | 'run' | 'at' | 'modifiedAt'>;

/** Who wins a conflict. `ours` is the canonical value, `theirs` the one just read. */
export interface Verdict {
  readonly winner: 'ours' | 'theirs' | 'nobody';
  /** In words, for provenance and the conflict log: `conflict: owner`, `conflict: newest` … */
  readonly rule: string;
}

export interface Contest {
  /** The field's path, and the slot that it stands for when it is a view. */
  readonly paths: readonly string[];
  readonly ours: Side;
  readonly theirs: Side;
  /** Theirs was never seen before: when we saw it says nothing about when it was typed. */
  readonly firstSight: boolean;
}

/**
 * Decides a field that two sides changed to different values: the field's owner, else the sync's rule (design.md §9).
 * `newest` compares modified stamps where both have one, else the runs in which the values were seen; where no time can
 * decide, the member named first in the sync wins.
 */
export function decideConflict(
  policy: Pick<SyncPolicy, 'conflicts' | 'owners' | 'members'>,
  { paths, ours, theirs, firstSight }: Contest,
): Verdict {
  const owner = paths.map((path) => policy.owners[path]).find((name) => name !== undefined);
  if (owner !== undefined && owner === theirs.connection) return { winner: 'theirs', rule: 'conflict: owner' };
  if (owner !== undefined && owner === ours.connection) return { winner: 'ours', rule: 'conflict: owner' };
  if (policy.conflicts === 'manual') return { winner: 'nobody', rule: 'conflict: manual' };

  const order = policy.members.map(({ connection }) => connection);
  if (policy.conflicts !== 'newest') {
    const ranked = [...policy.conflicts, ...order.filter((name) => !policy.conflicts.includes(name))];
    return { winner: firstOf(ranked, ours, theirs), rule: 'conflict: rank' };
  }
  if (ours.modifiedAt !== undefined && theirs.modifiedAt !== undefined) {
    const laterByMs = theirs.modifiedAt - ours.modifiedAt;
    if (Math.abs(laterByMs) > clockToleranceMs)
      return { winner: laterByMs > 0 ? 'theirs' : 'ours', rule: 'conflict: newest by modified stamp' };
  } else if (!firstSight && ours.run !== theirs.run) {
    return { winner: theirs.at >= ours.at ? 'theirs' : 'ours', rule: 'conflict: newest as seen' };
  }
  return { winner: firstOf(order, ours, theirs), rule: 'conflict: newest undecided, first member' };
}

/** The side whose connection stands first; a connection that is not listed (any more) comes last. */
function firstOf(order: readonly string[], ours: Side, theirs: Side): 'ours' | 'theirs' {
  const rank = ({ connection }: Side) => (order.includes(connection) ? order.indexOf(connection) : order.length);
  return rank(theirs) <= rank(ours) ? 'theirs' : 'ours';
}
