import type { Entity } from '../model/values.ts';
import type { Aggregate, CrmName, Store } from '../store/store.ts';

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
  const former = await store.linked(connection, entity, externalIds);
  const own = externalIds.map((externalId) => ({ connection, externalId }));
  const besides = [...former.values()].flatMap(({ links }) => links);
  const apart = new Map<string, Set<string>>();
  for (const { one, other } of await store.apartOf(entity, [...own, ...besides])) {
    const from = apart.get(nameOf(one)) ?? new Set();
    apart.set(nameOf(one), from.add(nameOf(other)));
  }
  const survivors = await store.survivors([...former.values()].map(({ record }) => record.id));
  return {
    isApart(externalId, { record, links }) {
      const before = former.get(externalId);
      // A record that has lost its link is not by and by taken for somebody whom its former record was kept apart from.
      const its: readonly CrmName[] = before && before.record.id !== record.id ? before.links : [];
      return [{ connection, externalId }, ...its].some((name) => {
        const from = apart.get(nameOf(name));
        return from !== undefined && links.some((link) => from.has(nameOf(link)));
      });
    },
    survivorOf: (externalId) => survivors.get(former.get(externalId)?.record.id ?? ''),
  };
}

function nameOf({ connection, externalId }: CrmName): string {
  return `${connection}\n${externalId}`;
}
