import { createHmac } from 'node:crypto';
import { type CrmRecord, ownSystem } from '../connector/connector.ts';
import type { Entity } from '../model/values.ts';
import type { Store } from '../store/store.ts';
import { canonicalMark, idMark, tellingMarks } from '../sync/forgotten.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed, kindsOf } from './participation.ts';

/** Hashes marks with the key of the store: what they are of cannot be read from it. In the same order. */
export async function hashed(store: Store, marks: readonly string[]): Promise<readonly string[]> {
  const key = Buffer.from(await store.forgettingKey(), 'hex');
  return marks.map((mark) => createHmac('sha256', key).update(mark).digest('base64url'));
}

/**
 * External ids of those records of a CRM, linked to nothing, that are of people who were forgotten: by their ids, by a
 * cross-reference, or by an address or a number together with the name. They are left out, so that nobody is born again.
 */
export async function forgottenAmong(
  context: EngineContext,
  connection: string,
  entity: Entity,
  records: readonly CrmRecord[],
): Promise<ReadonlySet<string>> {
  const { store } = context;
  if (records.length === 0 || !(await store.isAnyForgotten())) return nobody;
  const kinds = kindsOf(connectionNamed(context, connection));
  const owners: string[] = [];
  const marks: string[] = [];
  for (const { externalId, values, xrefs = [] } of records)
    for (const mark of [
      idMark(connection, entity, externalId),
      ...xrefs.map(({ system, id }) => (system === ownSystem ? canonicalMark(id) : idMark(system, entity, id))),
      ...tellingMarks(entity, { values, kinds }),
    ]) {
      owners.push(externalId);
      marks.push(mark);
    }
  const hashes = await hashed(store, marks);
  const kept = await store.forgotten(hashes);
  return new Set(owners.filter((_, index) => kept.has(hashes[index]!)));
}

/** Writes down how many records the last scan of an entity at a connection has left out. */
export async function noteLeftOut(store: Store, connection: string, entity: Entity, count: number): Promise<void> {
  if ((await leftOut(store, connection, entity)) === count) return;
  await store.remember(keyOf(connection, entity), String(count));
}

/** How many records of forgotten people the last scan has shown. */
export async function leftOut(store: Store, connection: string, entity: Entity): Promise<number> {
  return Number((await store.remembered(keyOf(connection, entity))) ?? 0);
}

function keyOf(connection: string, entity: Entity): string {
  return `left out of ${entity} at ${connection}`;
}

const nobody: ReadonlySet<string> = new Set();
