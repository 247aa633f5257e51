import type { WriteReply } from '../connector/connector.ts';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import type { Value, Values } from '../model/values.ts';
import type { LinkRow } from '../store/store.ts';
import type { Destination } from './delivery.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { fingerprint, unknownFingerprint } from './fingerprint.ts';
import { inLane } from './lane.ts';
import { readBack } from './news.ts';
import { connectionNamed, kindsOf } from './participation.ts';
import { translateIn } from './references.ts';

/**
 * The link, shadow and end of the intent after a write, in one transaction. The shadow is what the CRM holds: what its
 * answer tells, else what a read shows (design.md §10); only where neither can be had is it our word.
 *
 * @param earlier what an unanswered create of this record had sent: what is still shown of it is no news
 * @returns paths that were not written although the CRM answered so: it still holds what it held before
 */
export async function noteWritten(
  context: EngineContext,
  to: Destination,
  recordId: string,
  before: LinkRow | undefined,
  wanted: Values,
  reply: WriteReply,
  earlier?: Values,
): Promise<readonly string[]> {
  const { entity } = to.sync;
  const at = context.clock.now();
  const answer = reply.record ?? { externalId: reply.externalId, values: {} };
  const [translated] = await translateIn(context, to.connection, entity, [answer]);
  const { record } = translated!;
  const kinds = kindsOf(connectionNamed(context, to.connection));
  let told = reply.record !== undefined;
  await inLane(context.store, entity, async () => {
    const aggregate = (await context.store.aggregates([recordId])).get(recordId);
    if (!aggregate) return;
    const link = aggregate.links.find(
      ({ connection, externalId }) => connection === to.connection && externalId === reply.externalId,
    );
    const held = (link ?? before)?.shadow;
    const replaced = held && {
      ...link?.replaced,
      ...Object.fromEntries(Object.keys(wanted).map((path) => [path, held[path] ?? null])),
    };
    const shadow: Record<string, Value> = { ...held };
    const sent: Record<string, Value> = { ...(link ?? before)?.sent };
    for (const [path, value] of Object.entries(wanted)) {
      const shown = record.values[path];
      const { kind } = fieldAt(entity, path);
      // Not told: take it for what we sent until it is seen, and remember that this is only our word.
      if (shown === undefined) told = false;
      shadow[path] = shown ?? value;
      if (shown === undefined || !equal(kind, shown, value, kinds)) sent[path] = value;
      else delete sent[path];
    }
    const draft = new Draft(context, to.sync, to.run);
    draft.adopt(aggregate);
    const { conflicts } = draft.absorb(recordId, {
      connection: to.connection,
      record,
      fingerprint: told ? fingerprint(answer) : unknownFingerprint,
      evidence: 'created',
      written: { at, base: { shadow, sent }, ...(replaced && { replaced }) },
    });
    await draft.reviseConflicts();
    const batch = draft.batch();
    const key = { connection: to.connection, recordId };
    const still = batch.pending?.some((one) => one.connection === to.connection) ?? false;
    const version = aggregate.record.version + (batch.updates?.length ?? 0);
    await context.store.commit({
      ...batch,
      done: [...(batch.done ?? []), ...(still ? [] : [{ ...key, version }])],
      endedIntents: [key],
    });
    to.counts.conflicts += conflicts;
  });
  if (told) return [];
  const answered = { wanted, replaced: before?.shadow ?? earlier };
  return await readBack(context, to, recordId, reply.externalId, record.locator ?? before?.locator, answered);
}
