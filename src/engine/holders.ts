import type { SyncPolicy } from '../sync/policy.ts';
import { openDepartures } from './departures.ts';
import type { EngineContext } from './engine.ts';

/** Records of a CRM, and a sync that reads them. */
export interface Holders {
  readonly sync: string;
  readonly connection: string;
  /** External id → canonical id. */
  readonly records: ReadonlyMap<string, string>;
}

/**
 * Who has a record that has left a CRM of this sync, at CRMs that only other syncs read: somebody may have edited it
 * there, and nobody has listed that CRM since.
 */
export async function holdersElsewhere({ store, syncs }: EngineContext, sync: SyncPolicy): Promise<readonly Holders[]> {
  const { entity, members } = sync;
  const isRead = new Set(members.flatMap((one) => (one.direction === 'write' ? [] : [one.connection])));
  const found = new Map<string, Holders & { readonly records: Map<string, string> }>();
  for (const member of members)
    for (const { state, externalId: left, recordId } of (
      await openDepartures(store, member.connection, entity)
    ).values()) {
      if (state !== 'confirmed') continue;
      const { links = [] } = (await store.aggregates([recordId])).get(recordId) ?? {};
      const goneAt = links.find((one) => one.connection === member.connection && one.externalId === left)?.writtenAt;
      for (const { connection, externalId, state: stands } of links) {
        const reader = syncs.find((one) => one.entity === entity && reads(one, connection));
        if (stands !== 'live' || isRead.has(connection) || !reader) continue;
        const listed = (await store.checkpoint(connection, entity))?.complete?.startedAt;
        if (listed !== undefined && goneAt !== undefined && listed >= goneAt) continue;
        const holders = found.get(connection) ?? { sync: reader.name, connection, records: new Map() };
        found.set(connection, holders);
        holders.records.set(externalId, recordId);
      }
    }
  return [...found.values()];
}

function reads({ members }: SyncPolicy, connection: string): boolean {
  return members.some((member) => member.connection === connection && member.direction !== 'write');
}
