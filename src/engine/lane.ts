import PQueue from 'p-queue';
import type { Entity } from '../model/values.ts';
import { StaleError, type Store } from '../store/store.ts';

const lanes = new WeakMap<Store, Map<Entity, PQueue>>();

/** Decisions in a row that another process may spoil by being first. */
const mostTries = 20;

/**
 * Runs decisions about one entity one after the other within this process, so that two pages never decide on the same
 * facts at once. Other processes are kept apart by the store's versions: a decision on old facts is taken again.
 * @param decide reads the facts and commits what follows from them; may run more than once
 * @throws StaleError after 20 tries in a row
 */
export async function inLane<T>(store: Store, entity: Entity, decide: () => Promise<T>): Promise<T> {
  const ofStore = lanes.get(store) ?? new Map<Entity, PQueue>();
  lanes.set(store, ofStore);
  const lane = ofStore.get(entity) ?? new PQueue({ concurrency: 1 });
  ofStore.set(entity, lane);
  return lane.add(async () => {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await decide();
      } catch (error) {
        if (!(error instanceof StaleError) || attempt === mostTries) throw error;
      }
  });
}
