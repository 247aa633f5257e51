import PQueue from 'p-queue';
import type { BadRecord, CrmRecord, Page } from '../connector/connector.ts';
import { MalformedReplyError, RejectedError } from '../connector/errors.ts';
import type { Entity } from '../model/values.ts';
import type { Connection, EngineContext } from './engine.ts';

const pageSize = 100;

/**
 * Reads the records that are known at a CRM without a listing, one by one, as pages. What is gone is in no page.
 * @throws CrmError when the CRM cannot be asked
 */
export async function* readKnown(
  { store }: EngineContext,
  { name, connector, concurrent }: Connection,
  entity: Entity,
  signal?: AbortSignal,
): AsyncIterable<Page> {
  const queue = new PQueue({ concurrency: concurrent });
  const { live: total } = await store.linkCount(name, entity);
  for (let after = 0; ; ) {
    const links = await store.liveLinks(name, entity, after, pageSize);
    const last = links.at(-1);
    if (!last) return;
    after = last.number;
    const ids = links.map(({ externalId }) => externalId);
    const aggregates = await store.linked(name, entity, ids);
    const records: CrmRecord[] = [];
    const bad: BadRecord[] = [];
    await queue.addAll(
      ids.map((externalId) => async () => {
        const link = aggregates
          .get(externalId)
          ?.links.find((one) => one.connection === name && one.externalId === externalId);
        try {
          const reply = await connector.read(entity, externalId, link?.locator, signal);
          if (reply.state === 'found') records.push(reply.record);
        } catch (error) {
          // One record that cannot be read must not keep the others from being read.
          if (!(error instanceof MalformedReplyError || error instanceof RejectedError)) throw error;
          bad.push({ externalId, reason: error.message });
        }
      }),
    );
    yield { records, bad, total };
  }
}
