import { absence, type RecordChange } from '../connector/connector.ts';
import { GoneError, RejectedError, UnknownOutcomeError, UnsupportedError } from '../connector/errors.ts';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import type { Values } from '../model/values.ts';
import type { LinkRow } from '../store/store.ts';
import { noteBesides } from './cleared.ts';
import type { Delivery, Destination } from './delivery.ts';
import type { Connection, EngineContext } from './engine.ts';
import { inTurn } from './lease.ts';
import { changeLink } from './link-change.ts';
import { ingestNews } from './news.ts';
import { kindsOf, readsById, takesPart } from './participation.ts';
import { translateOut } from './references.ts';
import { noteWritten } from './written.ts';

/**
 * Writes a change to a record that a connection has: looks first where the API lets us, and takes in what a person did
 * there meanwhile (law 4). `moved`: there was such news; decide again.
 */
export async function updateThere(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  link: LinkRow,
  wanted: Values,
  changes: Values,
): Promise<Delivery | 'moved'> {
  const { connector } = connection;
  const { entity } = to.sync;
  const write = async (): Promise<Delivery | 'moved'> => {
    try {
      let shown: Values | undefined;
      if (!absence(connector.capabilities[entity]?.read ?? { absent: 'entity' })) {
        const lookedAt = context.clock.now();
        const seen = await connector.read(entity, link.externalId, link.locator, to.signal);
        if (seen.state === 'gone') return notThere(context, to, link);
        if (seen.state === 'found' && (await ingestNews(context, to, link, seen.record, lookedAt))) return 'moved';
        if (seen.state === 'found') shown = seen.shown ?? seen.record.values;
      }
      // What a person did there since the last listing would be written over, and nobody would ever know.
      if (to.restsUpon === 'look' && !shown) return { state: 'waiting', for: 'listing' };
      const unsettled = whyUnsettled(to, connection, link, wanted);
      const unsettledMs = (link.writtenAt ?? 0) + context.settleMs - context.clock.now();
      if (unsettled && unsettledMs > 0) {
        // Only a listing tells what has become of it.
        if (unsettled === 'unanswered' && !readsById(connection, entity)) return { state: 'waiting', for: 'lookup' };
        await context.clock.sleep(unsettledMs, to.signal);
        return 'moved';
      }
      // An edit elsewhere may have taken it out of the set since.
      if (!(await noteUnderway(context, to, link, wanted))) return 'moved';
      await noteBesides(context, to, connection, link.externalId);
      const known = (await translateOut(context, to.connection, entity, link.shadow)).values;
      const change: RecordChange = {
        canonicalId: link.recordId,
        changes,
        known,
        ...(shown && { shown }),
        ...(link.locator === undefined ? {} : { locator: link.locator }),
      };
      const reply = await connector.update(entity, link.externalId, change, to.signal);
      const untouched = await noteWritten(context, to, link.recordId, link, wanted, reply);
      if (untouched.length > 0)
        throw new UnknownOutcomeError(
          `${to.connection} answered an update of ${entity} ${link.recordId} as done, and still holds what it held before in ${untouched.join(', ')}`,
          { connection: to.connection, status: 200 },
        );
      to.counts.updated += 1;
      return { state: 'updated' };
    } catch (error) {
      if (error instanceof GoneError) {
        await noteUnderway(context, to, link, undefined);
        return notThere(context, to, link);
      }
      // What was refused has written nothing; a write before it, whose answer was lost, may have.
      if (error instanceof RejectedError || error instanceof UnsupportedError)
        await changeLink(context, to, link, (draft, current) => {
          draft.setUnderway(link.recordId, current, link.underway, link.writtenAt);
          return {};
        });
      throw error;
    }
  };
  const scope = connector.writeScope?.(entity, link.externalId, link.locator);
  if (scope === undefined) return await write();
  return (
    (await inTurn(context, `scope/${to.connection}/${scope}`, write, to.signal)) ?? { state: 'waiting', for: 'lease' }
  );
}

/**
 * Whether a write has to wait that would put another value over one that we have written a moment ago. One that was not
 * answered may still land, and then nobody could tell which of the two is ours, or which of them came last. Where only
 * listings and searches tell what a CRM holds they may lag, and show the time before either write (law 2).
 */
function whyUnsettled(
  { sync: { entity } }: Destination,
  connection: Connection,
  { underway, replaced }: LinkRow,
  wanted: Values,
): 'unanswered' | 'shown late' | undefined {
  const kinds = kindsOf(connection);
  // The same once more is what an answer that was lost asks for.
  const isOther = (path: string) =>
    underway?.[path] !== undefined && !equal(fieldAt(entity, path).kind, underway[path], wanted[path], kinds);
  const paths = Object.keys(wanted);
  if (paths.some(isOther)) return 'unanswered';
  const isOverOurs = paths.some((path) => underway?.[path] === undefined && replaced?.[path] !== undefined);
  return isOverOurs && !readsById(connection, entity) ? 'shown late' : undefined;
}

/**
 * Writes down what is about to be sent: if the answer is lost, or we die, it is recognised as ours when it is seen.
 * @returns false: the record takes no part any more, and nothing is to be sent
 */
export async function noteUnderway(
  context: EngineContext,
  to: Destination,
  link: LinkRow,
  values: Values | undefined,
): Promise<boolean> {
  let isPart = true;
  await changeLink(context, to, link, (draft, current, record) => {
    isPart = values === undefined || takesPart(context, to.sync, record.values);
    if (!isPart) return {};
    // What was refused has written nothing.
    const writtenAt = values === undefined ? link.writtenAt : context.clock.now();
    draft.setUnderway(link.recordId, current, values, writtenAt);
    return {};
  });
  return isPart;
}

/**
 * The CRM says that it has no such record. That is never a reason to create it again, and not yet a delete either: an API
 * behind a wrong address knows no record at all. The next complete listing decides.
 */
function notThere({ log }: EngineContext, { connection, sync }: Destination, { recordId }: LinkRow): Delivery {
  log.warn({ connection, entity: sync.entity, record: recordId }, 'record was not found there');
  return { state: 'waiting', for: 'listing' };
}
