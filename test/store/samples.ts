import type { Entity, Origin, Origins, Values } from '../../src/model/values.ts';
import type {
  Aggregate,
  Batch,
  Delivery,
  Hint,
  LinkRow,
  NewUnmatched,
  RecordCreate,
  RecordUpdate,
  Store,
} from '../../src/store/store.ts';

/** A run that all samples name. */
export const run = '01930000-0000-7000-8000-00000000000a';

export function origin(over: Partial<Origin> = {}): Origin {
  return { connection: 'site', run, at: 1_700_000_000_000, rule: 'first seen', ...over };
}

/** One origin for all these values. */
export function origins(values: Values, from: Origin = origin()): Origins {
  return Object.fromEntries(Object.keys(values).map((path) => [path, from]));
}

export function create(id: string, over: Partial<RecordCreate> = {}): RecordCreate {
  const values = over.values ?? { 'name.given': `Given ${id}`, 'email.primary': null };
  return { id, values, origins: origins(values), keys: [], ...over };
}

export function update(id: string, version: number, over: Partial<RecordUpdate> = {}): RecordUpdate {
  const values = over.values ?? { 'name.given': `Given ${id} ${version + 1}` };
  return { id, version, values, origins: origins(values), keys: [], ...over };
}

export function link(externalId: string, recordId: string, over: Partial<LinkRow> = {}): LinkRow {
  return {
    connection: 'site',
    entity: 'contact',
    externalId,
    recordId,
    fingerprint: `print of ${externalId}`,
    shadow: { 'name.given': `Given ${recordId}` },
    sent: {},
    underway: undefined,
    replaced: undefined,
    locator: undefined,
    modifiedAt: undefined,
    state: 'live',
    writtenAt: undefined,
    evidence: 'created',
    run,
    ...over,
  };
}

export function unmatched(externalId: string, over: Partial<NewUnmatched> = {}): NewUnmatched {
  return {
    connection: 'site',
    entity: 'contact',
    externalId,
    fingerprint: `print of ${externalId}`,
    values: { 'name.given': externalId },
    xrefs: [],
    locator: undefined,
    modifiedAt: undefined,
    run,
    claims: [],
    ...over,
  };
}

export function batch(parts: Partial<Batch> = {}): Batch {
  return { run, at: 1_700_000_000_000, entity: 'contact', ...parts };
}

/** Writes new records `ids`, each linked at `site` under `x-<id>`. */
export async function given(store: Store, ids: readonly string[], parts: Partial<Batch> = {}): Promise<void> {
  const entity: Entity = parts.entity ?? 'contact';
  await store.commit(
    batch({ creates: ids.map((id) => create(id)), links: ids.map((id) => link(`x-${id}`, id, { entity })), ...parts }),
  );
}

export async function aggregate(store: Store, id: string): Promise<Aggregate> {
  const found = (await store.aggregates([id])).get(id);
  if (found === undefined) throw new Error(`record ${id} is not there`);
  return found;
}

/** Ids of what is due at a connection, in order. */
export async function due(store: Store, connection: string, now = 0, entity: Entity = 'contact'): Promise<string[]> {
  return (await store.pending(connection, entity, now, 0, 1000)).map(({ recordId }) => recordId);
}

export function hint(externalId: string, over: Partial<Hint> = {}): Hint {
  return { entity: 'contact', externalId, what: 'changed', ...over };
}

export function delivery(id: string | undefined, hints: readonly Hint[], over: Partial<Delivery> = {}): Delivery {
  return { connection: 'site', id, hints, at: 1_700_000_000_000, ...over };
}
