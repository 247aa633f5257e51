import type { Entity } from '../model/values.ts';
import type { Decision } from './decision.ts';
import { deliver } from './deliver.ts';
import type { EngineContext } from './engine.ts';
import { noCounts } from './engine.ts';
import { matchUnmatched } from './match.ts';
import { syncNamed } from './participation.ts';
import { type PlannedChange, rehearsal } from './rehearsal.ts';

/** What would follow from a decision about who is who. */
export interface Forecast<End extends Decision> {
  /** What the decision itself would do. */
  readonly end: End;
  /** What the next cycle would write because of it. */
  readonly changes: readonly PlannedChange[];
  /** Connections that could not be asked, or to which a write would not get through: what follows there is not known. */
  readonly unknown: readonly { readonly connection: string; readonly message: string }[];
}

/**
 * Carries a decision out over a copy of the store, and tells what the next cycle would write because of it. Reads the
 * records concerned at their CRMs, as it is done before every write.
 * @param context over a copy, with connections that write nothing
 */
export async function forecast<End extends Decision>(
  context: EngineContext,
  entity: Entity,
  decision: (context: EngineContext) => Promise<End>,
): Promise<Forecast<End>> {
  const changes: PlannedChange[] = [];
  const unknown = new Map<string, string>();
  const rehearsed = rehearsal(context, context.clock.now(), (change) => changes.push(change));
  const end = await decision(rehearsed);
  const records = end.isOpen ? await decidedNext(rehearsed, entity, end) : end.touched;
  for (const sync of context.syncs.filter((one) => one.entity === entity))
    for (const { connection, direction } of sync.members) {
      if (direction === 'read') continue;
      const rows = await context.store.pendingAmong(connection, entity, Number.MAX_SAFE_INTEGER, records);
      for (const row of rows) {
        const to = { sync, connection, run: end.run, counts: noCounts(), pastGuards: true };
        const delivery = await deliver(rehearsed, to, row);
        if (delivery.state === 'failed') unknown.set(connection, delivery.error.message);
      }
    }
  return { end, changes, unknown: [...unknown].map(([connection, message]) => ({ connection, message })) };
}

/** What the next matching makes of a record of which a person has said only who it is not. */
async function decidedNext(context: EngineContext, entity: Entity, end: Decision): Promise<readonly string[]> {
  const run = context.newId();
  await matchUnmatched(context, syncNamed(context, end.sync), run);
  const found = new Set<string>();
  for (let after = 0; ; ) {
    const links = await context.store.linksOf(run, after, 500);
    const last = links.at(-1);
    if (!last) return [...found];
    after = last.number;
    for (const link of links) if (link.entity === entity) found.add(link.recordId);
  }
}
