import type { LinkRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Destination } from './delivery.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed, readsById } from './participation.ts';
import { noteGone } from './update.ts';

/** The linked ones of doubles in one CRM: those whose other record waits for a person to say which is which. */
export type Twins = Map<string, LinkRow>;

/** @returns the linked records of a connection of which a record there under review may be the double, by external id. */
export async function twinsUnderReview(
  { store }: EngineContext,
  { entity }: SyncPolicy,
  connection: string,
): Promise<Twins> {
  const reviews = (await store.openReviews(entity)).filter((review) => review.connection === connection);
  const ids = new Set(reviews.flatMap(({ candidates }) => candidates.map(({ recordId }) => recordId)));
  if (ids.size === 0) return new Map();
  const links = [...(await store.aggregates([...ids])).values()].flatMap((aggregate) => aggregate.links);
  return new Map(
    links
      .filter((link) => link.connection === connection && link.state === 'live')
      .map((link) => [link.externalId, link]),
  );
}

/**
 * Notes that linked doubles are gone which a complete scan has not shown and which a look by id does not find either: the
 * person has settled the double by deleting it, and the other record may take its place. A connection that cannot be
 * asked for one record proves nothing; there the review stays.
 */
export async function loseTwins(context: EngineContext, of: Destination, unseen: Twins): Promise<void> {
  const connection = connectionNamed(context, of.connection);
  if (!readsById(connection, of.sync.entity)) return;
  for (const link of unseen.values()) {
    const seen = await connection.connector.read(of.sync.entity, link.externalId, link.locator, of.signal);
    if (seen.state === 'gone') await noteGone(context, of, link);
  }
}
