import type { Entity } from '../model/values.ts';
import type { Aggregate, Store } from '../store/store.ts';

/** What people have decided about unlinked records of one connection. */
export interface Decided {
  /** Whether it is not this canonical record, whatever it shows. */
  isApart(externalId: string, candidate: Aggregate): boolean;
  /** The canonical record into which the one was merged that it was linked to; undefined: there was no such merge. */
  survivorOf(externalId: string): string | undefined;
}

const nothing: Decided = { isApart: () => false, survivorOf: () => undefined };

/** Reads what people have decided about unlinked records of a connection. Costs one look-up where they have decided nothing. */
export async function readDecided(
  store: Store,
  connection: string,
  entity: Entity,
  externalIds: readonly string[],
): Promise<Decided> {
  if (!(await store.isAnyDecided())) return nothing;
  const apart = new Set((await store.apartOf(connection, entity, externalIds)).map(nameOf));
  // A record that has lost its link is not by and by taken for somebody whom its former record was kept apart from.
  const former = new Map(
    [...(await store.linked(connection, entity, externalIds))].map(([externalId, { record }]) => [
      externalId,
      record.id,
    ]),
  );
  const formerIds = [...new Set(former.values())];
  const fromFormer = new Set((await store.apartFrom(formerIds)).map(nameOf));
  const survivors = await store.survivors(formerIds);
  return {
    isApart(externalId, { record, links }) {
      if (apart.has(nameOf({ connection, externalId, recordId: record.id }))) return true;
      const recordId = former.get(externalId);
      if (recordId === undefined || recordId === record.id) return false;
      return links.some((link) => fromFormer.has(nameOf({ ...link, recordId })));
    },
    survivorOf: (externalId) => survivors.get(former.get(externalId) ?? ''),
  };
}

function nameOf(row: { readonly connection: string; readonly externalId: string; readonly recordId: string }): string {
  return `${row.connection}\n${row.externalId}\n${row.recordId}`;
}
