import type { Aggregate, DepartureRow } from '../store/store.ts';
import { identityKeys } from '../sync/identity.ts';
import { judge } from '../sync/matching.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { crowd } from './claims.ts';
import { readDecided } from './decided.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed, kindsOf } from './participation.ts';

/** Who is left where a person has merged two records of a CRM, each of which was linked to somebody. */
export interface Survivor {
  readonly recordId: string;
  /**
   * Whether it became the same person since the other one was last shown: then the two canonical records are one, too.
   * Otherwise it was like it before, and somebody knew why there were two.
   */
  readonly hasTakenOver: boolean;
}

/** Looks for another record at the connection that a record has left, linked to somebody else, and the same by its values. */
export async function findSurvivor(
  context: EngineContext,
  sync: SyncPolicy,
  { record }: Aggregate,
  { connection, externalId, missedAt }: DepartureRow,
): Promise<Survivor | undefined> {
  const { store } = context;
  const { entity, match } = sync;
  const kinds = kindsOf(connectionNamed(context, connection));
  const isSame = (values: Aggregate['record']['values']) =>
    judge(entity, values, record.values, match, kinds).verdict === 'match';
  const found = await store.candidates(entity, identityKeys(entity, record.values, match, kinds), crowd);
  const ids = new Set([...found.values()].flat());
  ids.delete(record.id);
  for (const other of (await store.aggregates([...ids])).values()) {
    const isThere = other.links.some(
      (link) => link.connection === connection && link.state === 'live' && isSame(link.shadow),
    );
    if (other.record.state !== 'live' || !isThere) continue;
    const { isApart } = await readDecided(store, connection, entity, [externalId]);
    const before = { ...other.record.values };
    for (const { path, from, origin } of (await store.history(other.record.id)).toReversed())
      if (origin.connection === connection && origin.at >= missedAt) before[path] = from ?? null;
    const hasTakenOver = isSame(other.record.values) && !isSame(before) && !isApart(externalId, other);
    return { recordId: other.record.id, hasTakenOver };
  }
  return undefined;
}
