import type { SyncPolicy } from '../sync/policy.ts';
import type { EngineContext } from './engine.ts';
import { referencesOf } from './references.ts';

/** Of a write that is not possible because what the record points to is not there: no API can say when it will be. */
export const noTarget = 'no_target';

/**
 * Lets records whose references have found no target at a connection be tried again, once other records than before are
 * linked there: what they point to may be among them. Costs a count of links otherwise.
 */
export async function retryReferences(context: EngineContext, { entity, members }: SyncPolicy): Promise<void> {
  const { store } = context;
  for (const { connection, direction } of members) {
    const targets = new Set(referencesOf(context, connection, entity).map(([, target]) => target));
    if (direction === 'read' || targets.size === 0) continue;
    const counts = await Promise.all([...targets].map((target) => store.linkCount(connection, target)));
    const now = JSON.stringify(counts.map(({ live, last }) => [live, last]));
    const key = `targets of ${entity} at ${connection}`;
    if ((await store.remembered(key)) === now) continue;
    await store.takeBack({ state: 'unsupported', connection, code: noTarget });
    await store.remember(key, now);
  }
}
