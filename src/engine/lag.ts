import type { CrmRecord } from '../connector/connector.ts';
import type { LinkRow } from '../store/store.ts';
import type { EngineContext } from './engine.ts';
import { fingerprint, unknownFingerprint } from './fingerprint.ts';
import { movedPaths, showsReplaced } from './news.ts';
import { connectionNamed, kindsOf, readsById } from './participation.ts';
import { translateIn } from './references.ts';
import type { Scan } from './scans.ts';

/** What a listing shows of a linked record, with canonical ids in its references. */
export interface Sight {
  readonly record: CrmRecord;
  readonly fingerprint: string;
}

/**
 * Tells what people did from what a listing still shows of the time before our last write. One that was begun before the
 * write proves nothing. One that was begun within `settleMs` after it may lag: where it differs from what we know, a CRM
 * that reads by id is asked; elsewhere, and in a look, which has just asked, what shows exactly what the write replaced is
 * taken for the time before: nothing follows from it. So is what a look shows with a stamp older than the one we know.
 *
 * @returns what to take in; undefined: nothing, the next listing tells
 */
export async function current(
  context: EngineContext,
  { sync, connection, startedAt, look }: Scan,
  link: LinkRow,
  sight: Sight,
): Promise<Sight | undefined> {
  const { entity } = sync;
  if (look && (sight.record.modifiedAt ?? Infinity) < (link.modifiedAt ?? 0)) return undefined;
  if (link.writtenAt === undefined || link.writtenAt <= startedAt - context.settleMs) return sight;
  if (link.writtenAt > startedAt) return undefined;
  const from = connectionNamed(context, connection);
  const kinds = kindsOf(from);
  const moved = movedPaths(entity, sight.record.values, link.shadow, kinds);
  if (moved.length === 0) return sight;
  if (!look && readsById(from, entity)) {
    const seen = await from.connector.read(entity, link.externalId, link.locator);
    if (seen.state !== 'found') return undefined;
    const [translated] = await translateIn(context, connection, entity, [seen.record]);
    const { record, complete } = translated!;
    return { record, fingerprint: complete ? fingerprint(seen.record) : unknownFingerprint };
  }
  if (!showsReplaced(entity, moved, sight.record.values, link, kinds)) return sight;
  // What it shows otherwise may be from before the write, or stand there because the CRM has not taken it. The rest stands:
  // where it shows what was only our word so far, that has been seen now.
  const values = Object.fromEntries(Object.entries(sight.record.values).filter(([path]) => !moved.includes(path)));
  const isSeen = Object.keys(link.sent).some((path) => path in values);
  return isSeen ? { record: { ...sight.record, values }, fingerprint: unknownFingerprint } : undefined;
}
