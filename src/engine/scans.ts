import type { Entity } from '../model/values.ts';
import type { Store } from '../store/store.ts';

/** What a scan from end to end was: `partial` shows some records only, so that from what it does not show nothing follows. */
export type ScanKind = 'whole' | 'partial';

/** Writes down what the last scan of an entity at a connection was. */
export async function noteScan(store: Store, connection: string, entity: Entity, kind: ScanKind): Promise<void> {
  if ((await lastScan(store, connection, entity)) !== kind) await store.remember(keyOf(connection, entity), kind);
}

/** What the last scan that came to its end was. Undefined: there was none. */
export async function lastScan(store: Store, connection: string, entity: Entity): Promise<string | undefined> {
  return await store.remembered(keyOf(connection, entity));
}

function keyOf(connection: string, entity: Entity): string {
  return `scan of ${entity} at ${connection}`;
}
