import type { Entity } from '../model/values.ts';
import type { Decree } from '../sync/join.ts';
import type { EngineContext } from './engine.ts';
import { inLane } from './lane.ts';
import { inTurn } from './lease.ts';

/** What a person has decided about who is who. */
export interface Decision {
  /** Names the decision in the log of runs, in links and in the history. */
  readonly run: string;
  /** The sync whose rules held. */
  readonly sync: string;
  /** Canonical ids of the records that the next cycle may write. */
  readonly touched: readonly string[];
  /** The next matching has still to decide who the record is. */
  readonly isOpen?: true;
}

/** Why a decision was refused; nothing was changed. */
export class DecisionError extends Error {
  override readonly name = 'DecisionError';
  readonly code:
    | 'unknown'
    | 'settled'
    | 'same'
    | 'deleted'
    | 'double'
    | 'unlinked'
    | 'unanswered'
    | 'partly'
    | 'nothing_left'
    | 'busy';

  constructor(code: DecisionError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Carries a decision out while nobody writes these records anywhere, in the lane of their entity, and notes it as a run.
 * Other processes may go on with everything else.
 * @param work reads the facts and commits what follows; may run more than once
 */
export async function decide<T extends Decision>(
  context: EngineContext,
  entity: Entity,
  recordIds: readonly string[],
  work: (decree: Decree) => Promise<T>,
): Promise<T> {
  const { store, clock, newId, connections } = context;
  const run = newId();
  const at = clock.now();
  const leases = recordIds.flatMap((id) => [...connections.keys()].map((name) => `record/${name}/${id}`));
  const done = await withLeases(context, leases.toSorted(), () => inLane(store, entity, () => work({ run, at })));
  await noteDecision(context, { run, at }, done.sync);
  return done;
}

/** Notes what a person has decided as a run. Decisions of one name are one run. */
export async function noteDecision(
  { store, clock }: Pick<EngineContext, 'store' | 'clock'>,
  { run, at }: Decree,
  of: string,
): Promise<void> {
  const sync = `${decisionsOf}${of}`;
  await store.beginRun({ id: run, sync, startedAt: at });
  await store.endRun(run, sync, { endedAt: clock.now(), outcome: 'done', counts: '{}' });
}

/** How the runs that were decisions of people are told from those of a sync. */
export const decisionsOf = 'decisions of ';

/** Waits for writes that are under way. In the order of their names, so that two who wait never wait for each other. */
async function withLeases<T>(
  context: EngineContext,
  [name, ...others]: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  if (name === undefined) return await work();
  const done = await inTurn(context, name, async () => ({ value: await withLeases(context, others, work) }), undefined);
  if (done) return done.value;
  throw new DecisionError('busy', 'a write of that record has not ended for minutes; try again later');
}
