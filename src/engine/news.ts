import type { CrmRecord } from '../connector/connector.ts';
import { CrmError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { type Entity, isEmpty, type Values } from '../model/values.ts';
import type { LinkRow } from '../store/store.ts';
import type { Arrival } from './arrival.ts';
import { uncleared } from './cleared.ts';
import type { Destination } from './delivery.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { fingerprint, unknownFingerprint } from './fingerprint.ts';
import { inLane } from './lane.ts';
import { connectionNamed, kindsOf, readsById } from './participation.ts';
import { type Translated, translateIn } from './references.ts';

/**
 * Takes in what the CRM shows, if it differs from what it was known to hold.
 * @param lookedAt before it was asked, epoch milliseconds
 * @returns whether it did
 */
export async function ingestNews(
  context: EngineContext,
  to: Destination,
  link: LinkRow,
  seen: CrmRecord,
  lookedAt: number,
): Promise<boolean> {
  const [translated] = await translateIn(context, to.connection, to.sync.entity, [seen]);
  const from = connectionNamed(context, to.connection);
  const { record } = uncleared(from, to.sync.entity, link, translated!.record);
  const kinds = kindsOf(from);
  const moved = movedPaths(to.sync.entity, record.values, link.shadow, kinds);
  if (moved.length === 0) return false;
  // A search index may lag behind our last write.
  const mayLag = !readsById(from, to.sync.entity) && (link.writtenAt ?? 0) > lookedAt - context.settleMs;
  if (mayLag && showsReplaced(to.sync.entity, moved, record.values, link, kinds)) return false;
  await take(context, to, link.recordId, seen, translated!, lookedAt);
  return true;
}

/** The paths at which a CRM shows something else than it was last known to hold. */
export function movedPaths(entity: Entity, shown: Values, shadow: Values, kinds: KindContext): readonly string[] {
  return Object.keys(shown).filter((path) => {
    const value = shown[path];
    const held = shadow[path];
    return held === undefined ? !isEmpty(value) : !equal(fieldAt(entity, path).kind, value, held, kinds);
  });
}

/** Whether all that a CRM shows otherwise than we know it is exactly what our last writes have replaced. */
export function showsReplaced(
  entity: Entity,
  moved: readonly string[],
  shown: Values,
  { replaced }: LinkRow,
  kinds: KindContext,
): boolean {
  return moved.every((path) => {
    const before = replaced?.[path];
    if (before === undefined) return false;
    return isEmpty(shown[path]) ? isEmpty(before) : equal(fieldAt(entity, path).kind, shown[path], before, kinds);
  });
}

/** A write that was answered as done, and what it was to replace. */
interface Answered {
  readonly wanted: Values;
  readonly replaced: Values | undefined;
}

/**
 * Reads back what a write left behind, for a CRM whose answer did not tell: until then our own value stands in the
 * shadow, and what a person does there next could not be told from the CRM's habits (laws 2 and 4). Only a read by id
 * counts: a search may still show the time before the write.
 *
 * @returns paths at which the CRM still holds what it held before, although it answered the write as done: not written
 */
export async function readBack(
  context: EngineContext,
  to: Destination,
  recordId: string,
  externalId: string,
  locator: string | undefined,
  answered: Answered,
): Promise<readonly string[]> {
  const connection = connectionNamed(context, to.connection);
  if (!readsById(connection, to.sync.entity)) return [];
  const lookedAt = context.clock.now();
  try {
    const seen = await connection.connector.read(to.sync.entity, externalId, locator, to.signal);
    if (seen.state !== 'found') return [];
    const [translated] = await translateIn(context, to.connection, to.sync.entity, [seen.record]);
    const untouched = untouchedPaths(to.sync.entity, translated!.record.values, answered, kindsOf(connection));
    await take(context, to, recordId, seen.record, translated!, lookedAt, untouched);
    return untouched;
  } catch (error) {
    // The write itself is done and noted; the next listing tells what this look could not.
    if (!(error instanceof CrmError)) throw error;
    return [];
  }
}

/** The paths at which a CRM still holds what a write was to replace, in no form of what was written. */
function untouchedPaths(
  entity: Entity,
  shown: Values,
  { wanted, replaced }: Answered,
  kinds: KindContext,
): readonly string[] {
  return Object.entries(wanted).flatMap(([path, value]) => {
    const { kind } = fieldAt(entity, path);
    const seen = shown[path];
    const isStill = seen !== undefined && !isEmpty(seen) && equal(kind, seen, replaced?.[path], kinds);
    return isStill && !isReshaped(kind, value, seen, kinds) ? [path] : [];
  });
}

async function take(
  context: EngineContext,
  to: Destination,
  recordId: string,
  seen: CrmRecord,
  { record, complete }: Translated,
  lookedAt: number,
  untouched: readonly string[] = [],
): Promise<void> {
  await inLane(context.store, to.sync.entity, async () => {
    const aggregate = (await context.store.aggregates([recordId])).get(recordId);
    if (!aggregate) return;
    const draft = new Draft(context, to.sync, to.run);
    draft.adopt(aggregate);
    const link = aggregate.links.find(
      ({ connection, externalId }) => connection === to.connection && externalId === seen.externalId,
    );
    const at = connectionNamed(context, to.connection);
    const { conflicts } = draft.absorb(recordId, {
      connection: to.connection,
      ...(link ? uncleared(at, to.sync.entity, link, record) : { record }),
      fingerprint: complete ? fingerprint(seen) : unknownFingerprint,
      lookedAt,
      ...(link && untouched.length > 0 && { written: withoutOurWord(link, record.values, untouched, lookedAt) }),
    });
    await draft.reviseConflicts();
    await context.store.commit(draft.batch());
    to.counts.conflicts += conflicts;
  });
}

/** A link's base in which our word for some paths is replaced by what the CRM shows there. */
function withoutOurWord(
  { shadow, sent, underway, replaced }: LinkRow,
  shown: Values,
  paths: readonly string[],
  at: number,
): NonNullable<Arrival['written']> {
  const held = Object.fromEntries(paths.map((path) => [path, shown[path]!]));
  const words = Object.fromEntries(Object.entries(sent).filter(([path]) => !paths.includes(path)));
  return { at, base: { shadow: { ...shadow, ...held }, sent: words, underway }, ...(replaced && { replaced }) };
}
