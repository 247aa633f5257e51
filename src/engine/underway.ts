import type { Values } from '../model/values.ts';
import type { LinkRow } from '../store/store.ts';
import type { Arrival } from './arrival.ts';
import type { EngineContext } from './engine.ts';

/**
 * What of an unanswered write may still land after a look: what takes longer than `settleMs` counts as never sent, and what
 * people type from then on is theirs.
 * @param left what the look has not shown to have landed
 */
export function stillUnderway(
  left: Values | undefined,
  { record, lookedAt }: Pick<Arrival, 'record' | 'lookedAt'>,
  before: LinkRow | undefined,
  { settleMs }: Pick<EngineContext, 'settleMs'>,
): Values | undefined {
  if (!left || lookedAt === undefined || lookedAt < (before?.writtenAt ?? 0) + settleMs) return left;
  const unseen = Object.entries(left).filter(([path]) => !(path in record.values));
  return unseen.length > 0 ? Object.fromEntries(unseen) : undefined;
}

/** The later of two moments, as far as they are known. */
export function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}
