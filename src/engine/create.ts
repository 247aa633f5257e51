import type { WriteReply } from '../connector/connector.ts';
import { CrmError, RejectedError, UnknownOutcomeError } from '../connector/errors.ts';
import type { Values } from '../model/values.ts';
import type { Aggregate } from '../store/store.ts';
import type { Delivery, Destination } from './delivery.ts';
import type { Connection, EngineContext } from './engine.ts';
import { inTurn } from './lease.ts';
import { noteWritten } from './written.ts';

/**
 * Creates a record at a connection, so that however it ends no second one is ever made by guess: the intent is durable
 * before the request is sent, and stays until the outcome is known (design.md §10). `moved`: another process has linked it there meanwhile; decide again.
 */
export async function createThere(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  { record, links }: Aggregate,
  wanted: Values,
  values: Values,
): Promise<Delivery | 'moved'> {
  const { store, clock } = context;
  const { connector } = connection;
  const { entity } = to.sync;
  // Somebody there may be this person, or a CRM has two records for it, linked to it or not: a create now would be a guess.
  const claims = (await store.claims([record.id])).get(record.id) ?? [];
  const holds = (name: string) => links.some(({ connection, state }) => connection === name && state === 'live');
  const isTwice = (name: string) => claims.filter((claim) => claim.connection === name).length > 1;
  if (claims.some(({ connection: name }) => name === to.connection || holds(name) || isTwice(name)))
    return { state: 'waiting', for: 'review' };
  // A claim ends in the same transaction in which its link begins: if another process did that since we read the links,
  // they show it now.
  const { links: linksNow = [] } = (await store.aggregates([record.id])).get(record.id) ?? {};
  if (linksNow.some(({ connection: name }) => name === to.connection)) return 'moved';

  const key = { connection: to.connection, recordId: record.id };
  const older = (await store.intents(to.connection, entity)).find(({ recordId }) => recordId === record.id);
  if (older) {
    // The only proof that nothing was created is a complete listing that began long enough after the attempt: what it
    // shows has been linked by the matching, and this record has no link.
    const checkpoint = await store.checkpoint(to.connection, entity);
    const proven = checkpoint?.complete && checkpoint.complete.startedAt >= older.at + context.settleMs;
    if (!proven) return { state: 'waiting', for: 'lookup' };
  }
  await store.beginIntent({ ...key, entity, at: clock.now(), run: to.run, values: wanted });
  const send = async (): Promise<WriteReply> => connector.create(entity, { canonicalId: record.id, values }, to.signal);
  const scope = connector.writeScope?.(entity, undefined, undefined);
  let reply: WriteReply | undefined;
  try {
    reply =
      scope === undefined ? await send() : await inTurn(context, `scope/${to.connection}/${scope}`, send, to.signal);
  } catch (error) {
    // Only where the CRM surely did not act is the intent over.
    if (error instanceof CrmError && !(error instanceof UnknownOutcomeError)) await endIntent(context, to, record.id);
    else await store.beginIntent({ ...key, entity, at: clock.now(), run: to.run, values: wanted });
    throw error;
  }
  if (!reply) {
    await endIntent(context, to, record.id);
    return { state: 'waiting', for: 'lease' };
  }
  const holder = (await store.linked(to.connection, entity, [reply.externalId])).get(reply.externalId);
  if (holder && holder.record.id !== record.id) {
    await endIntent(context, to, record.id);
    throw new RejectedError(
      `${to.connection} answered a create of ${entity} ${record.id} with its record ${reply.externalId}, which is linked to ${holder.record.id}; set aside`,
      { connection: to.connection },
    );
  }
  await noteWritten(context, to, record.id, undefined, wanted, reply);
  to.counts.created += 1;
  return { state: 'created' };
}

async function endIntent(context: EngineContext, to: Destination, recordId: string): Promise<void> {
  await context.store.commit({
    run: to.run,
    at: context.clock.now(),
    entity: to.sync.entity,
    endedIntents: [{ connection: to.connection, recordId }],
  });
}
