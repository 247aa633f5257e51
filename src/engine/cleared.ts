import type { CrmRecord } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { type Entity, entities, type Value } from '../model/values.ts';
import type { LinkRow } from '../store/store.ts';
import type { Destination } from './delivery.ts';
import type { Connection, EngineContext } from './engine.ts';
import { changeLink } from './link-change.ts';
import { kindsOf } from './participation.ts';

/** What a look has shown, told apart from what an update of ours has emptied there. */
export interface Uncleared {
  readonly record: CrmRecord;
  /** Paths that an update has emptied because it left them out; the record shows them empty. */
  readonly cleared: ReadonlySet<string>;
}

/**
 * Tells what people have emptied from what an update has that nobody has seen the end of, at a CRM that clears what an
 * update leaves out. What has not been carried out has emptied nothing.
 * @param link as it was before the look
 * @param record with canonical ids in its references
 */
export function uncleared(connection: Connection, entity: Entity, link: LinkRow, record: CrmRecord): Uncleared {
  const { connector } = connection;
  const { underway, shadow } = link;
  if (!underway || !connector.clearedBy) return { record, cleared: nothing };
  const written = Object.keys(underway);
  const kinds = kindsOf(connection);
  // Where only our word says that it was written, it may be what is seen.
  const isStill = (path: string) => {
    const { kind } = fieldAt(entity, path);
    return equal(kind, record.values[path], shadow[path], kinds) && !equal(kind, shadow[path], underway[path], kinds);
  };
  if (written.length > 0 && written.every(isStill)) return { record, cleared: nothing };
  const cleared = new Set(connector.clearedBy(entity, written, shadow, record.values));
  if (cleared.size === 0) return { record, cleared };
  const values: Record<string, Value> = { ...record.values };
  // What it leaves out because it is empty is not what it never says.
  for (const path of cleared) values[path] ??= null;
  return { record: { ...record, values }, cleared };
}

/**
 * Notes, before a write to a record of a CRM that may clear what it leaves out, that the records of other entities which are
 * the same one there may be emptied by it: their next look is to know.
 */
export async function noteBesides(
  context: EngineContext,
  to: Destination,
  { connector }: Connection,
  externalId: string,
): Promise<void> {
  if (!connector.clearedBy) return;
  const scope = connector.writeScope?.(to.sync.entity, externalId, undefined);
  for (const entity of entities) {
    if (entity === to.sync.entity || !connector.capabilities[entity]) continue;
    if (scope === undefined || connector.writeScope?.(entity, externalId, undefined) !== scope) continue;
    const sync = context.syncs.find(
      (one) => one.entity === entity && one.members.some((member) => member.connection === to.connection),
    );
    const links = (await context.store.linked(to.connection, entity, [externalId])).get(externalId)?.links ?? [];
    const link = links.find((one) => one.connection === to.connection && one.externalId === externalId);
    if (!sync || link?.state !== 'live') continue;
    await changeLink(context, { ...to, sync }, link, (draft, current) => {
      if (!current.underway) draft.setUnderway(link.recordId, current, {}, current.writtenAt);
      return {};
    });
  }
}

const nothing: ReadonlySet<string> = new Set();
