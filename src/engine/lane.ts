import PQueue from 'p-queue';
import type { Entity } from '../model/values.ts';
import type { Store } from '../store/store.ts';

const lanes = new WeakMap<Store, Map<Entity, PQueue>>();

/**
 * Runs decisions about one entity one after the other within this process, so that two pages never decide on the same
 * facts at once. Other processes are kept apart by the store's versions; this only saves the second try.
 */
export async function inLane<T>(store: Store, entity: Entity, decide: () => Promise<T>): Promise<T> {
  const ofStore = lanes.get(store) ?? new Map<Entity, PQueue>();
  lanes.set(store, ofStore);
  const lane = ofStore.get(entity) ?? new PQueue({ concurrency: 1 });
  ofStore.set(entity, lane);
  return lane.add(decide);
}
