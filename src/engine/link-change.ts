import type { Batch, LinkRow, RecordRow } from '../store/store.ts';
import type { Destination } from './delivery.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { inLane } from './lane.ts';

/**
 * Changes a link as it stands in the store now; does nothing when it is not there any more.
 * @param change makes the change in the draft; may run more than once. What it returns goes into the same transaction.
 */
export async function changeLink(
  context: EngineContext,
  to: Destination,
  link: LinkRow,
  change: (draft: Draft, current: LinkRow, record: RecordRow) => Pick<Batch, 'done' | 'endedDepartures'>,
): Promise<void> {
  await inLane(context.store, to.sync.entity, async () => {
    const aggregate = (await context.store.aggregates([link.recordId])).get(link.recordId);
    const current = aggregate?.links.find(
      ({ connection, externalId }) => connection === link.connection && externalId === link.externalId,
    );
    if (!aggregate || !current) return;
    const draft = new Draft(context, to.sync, to.run);
    draft.adopt(aggregate);
    const besides = change(draft, current, aggregate.record);
    await context.store.commit({ ...draft.batch(), ...besides });
  });
}
