import type { CrmRecord } from '../connector/connector.ts';
import type { Mapping } from '../connector/mapping.ts';
import { fieldAt } from '../model/entities.ts';
import type { Entity, Value, Values } from '../model/values.ts';
import type { Aggregate } from '../store/store.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed } from './participation.ts';

/** A wire record whose references hold canonical ids. */
export interface Translated {
  readonly record: CrmRecord;
  /** False when a reference points to a record that we do not know yet but may know later: look again next time. */
  readonly complete: boolean;
}

const referencesIn = new WeakMap<Mapping, readonly [string, Entity][]>();

/** The reference fields that a connection maps: path → the entity it points to. */
export function referencesOf(context: EngineContext, connection: string, entity: Entity): readonly [string, Entity][] {
  const mapping = connectionNamed(context, connection).connector.mappings[entity];
  if (!mapping) return [];
  let found = referencesIn.get(mapping);
  if (!found) {
    found = mapping.fields.flatMap(({ path }): [string, Entity][] => {
      const { kind, target } = fieldAt(entity, path);
      return kind === 'reference' && target ? [[path, target]] : [];
    });
    referencesIn.set(mapping, found);
  }
  return found;
}

/** Whether any sync brings this entity to this connection, so that a missing record may still get a link there. */
function isSynced(context: EngineContext, connection: string, entity: Entity): boolean {
  return context.syncs.some(
    (sync) => sync.entity === entity && sync.members.some((member) => member.connection === connection),
  );
}

/** Turns the external ids in reference fields into canonical ids, by the links of the target. What has no link is left out: silence. */
export async function translateIn(
  context: EngineContext,
  connection: string,
  entity: Entity,
  records: readonly CrmRecord[],
): Promise<readonly Translated[]> {
  const references = referencesOf(context, connection, entity);
  if (references.length === 0) return records.map((record) => ({ record, complete: true }));
  const found = new Map<string, string>();
  for (const [path, target] of references) {
    const ids = new Set(records.map(({ values }) => values[path]).filter((id) => typeof id === 'string'));
    if (ids.size === 0) continue;
    for (const [externalId, { record }] of await context.store.linked(connection, target, [...ids]))
      found.set(`${target} ${externalId}`, record.id);
  }
  return records.map((record) => {
    const values: Record<string, Value> = { ...record.values };
    let complete = true;
    for (const [path, target] of references) {
      const externalId = values[path];
      if (typeof externalId !== 'string') continue;
      const id = found.get(`${target} ${externalId}`);
      if (id !== undefined) values[path] = id;
      else {
        delete values[path];
        complete &&= !isSynced(context, connection, target);
      }
    }
    return { record: { ...record, values }, complete };
  });
}

/** The record that a reference means: where a person has merged it into another one, that one. */
async function meant({ store }: EngineContext, recordId: string): Promise<Aggregate | undefined> {
  const aggregate = (await store.aggregates([recordId])).get(recordId);
  if (aggregate?.record.state !== 'tombstone') return aggregate;
  const survivor = (await store.survivors([recordId])).get(recordId);
  return survivor === undefined ? aggregate : (await store.aggregates([survivor])).get(survivor);
}

/** A reference in a write whose target has no record at the connection yet. */
export interface MissingTarget {
  readonly path: string;
  readonly target: Entity;
  readonly recordId: string;
}

/** Turns canonical ids in reference fields into the connection's external ids. Missing ones are left out and told. */
export async function translateOut(
  context: EngineContext,
  connection: string,
  entity: Entity,
  values: Values,
): Promise<{ readonly values: Values; readonly missing: readonly MissingTarget[] }> {
  const out: Record<string, Value> = { ...values };
  const missing: MissingTarget[] = [];
  for (const [path, target] of referencesOf(context, connection, entity)) {
    const recordId = out[path];
    if (typeof recordId !== 'string') continue;
    const aggregate = await meant(context, recordId);
    const link = aggregate?.links.find((one) => one.connection === connection && one.state === 'live');
    if (link) out[path] = link.externalId;
    else {
      delete out[path];
      missing.push({ path, target, recordId: aggregate?.record.id ?? recordId });
    }
  }
  return { values: out, missing };
}
