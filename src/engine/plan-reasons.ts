import { slotOf } from '../model/entities.ts';
import { type Entity, person, type Value } from '../model/values.ts';
import type { RecordRow } from '../store/store.ts';
import { direction, isLearntFrom } from '../sync/direction.ts';
import { isTemplate, sourcesOf, transform } from '../sync/forms.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Connection, EngineContext } from './engine.ts';
import { takesPart } from './participation.ts';

const pageSize = 500;

/**
 * Why a value would be written to a connection: the rule by which it became the canonical one and the CRM that gave it,
 * then the rules of the configuration that have a part in it.
 * @param to as it would be written
 */
export function reasonOf(
  { syncs }: Pick<EngineContext, 'syncs'>,
  { name, forms }: Connection,
  entity: Entity,
  path: string,
  to: Value,
  { values, origins }: Pick<RecordRow, 'values' | 'origins'>,
): string {
  const ofEntity = forms?.[entity];
  if (isTemplate(ofEntity, path)) return `${transform} of ${sourcesOf(entity, ofEntity, path, values).join(', ')}`;
  const slot = slotOf(entity, path, values);
  const origin = origins[slot];
  const writing = syncs.filter((sync) => sync.entity === entity);
  if (!origin) return writing.some(({ defaults }) => defaults[name]?.[path] !== undefined) ? 'default' : '';
  const isOneWay = writing.some((sync) => isMember(sync, name) && !isLearntFrom(sync, name, slot));
  const isFormed = ofEntity?.[path] !== undefined && to !== values[slot];
  const by = origin.connection === person ? 'by' : 'at';
  return [
    `${origin.rule} ${by} ${origin.connection}`,
    ...(isOneWay ? [direction] : []),
    ...(isFormed ? [transform] : []),
  ].join(', ');
}

/** Why a record would be made at a connection. */
export function reasonToCreate(
  context: Pick<EngineContext, 'syncs' | 'clock'>,
  name: string,
  entity: Entity,
  { values }: Pick<RecordRow, 'values'>,
): string {
  const sets = context.syncs.filter(
    (sync) =>
      sync.entity === entity &&
      isMember(sync, name) &&
      Object.keys(sync.where).length > 0 &&
      takesPart(context, sync, values),
  );
  const where = sets.map((sync) => `, and in the set of ${sync.name} (where)`).join('');
  return `it is not there yet${where}`;
}

/** How many live records are outside the set of a sync, and so written nowhere by it. Reads all of them, in pages. */
export async function countOutside(context: EngineContext, sync: SyncPolicy): Promise<number> {
  let outside = 0;
  for (let after: string | undefined; ; ) {
    const page = await context.store.records(sync.entity, after, pageSize);
    const last = page.at(-1);
    if (!last) return outside;
    after = last.record.id;
    for (const { record, links } of page)
      if (links.some(({ connection }) => isMember(sync, connection)) && !takesPart(context, sync, record.values))
        outside += 1;
  }
}

function isMember({ members }: SyncPolicy, name: string): boolean {
  return members.some(({ connection }) => connection === name);
}
