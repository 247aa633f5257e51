import { absence } from '../connector/connector.ts';
import {
  AuthError,
  GoneError,
  LookAgainError,
  RejectedError,
  RetryableError,
  UnsupportedError,
} from '../connector/errors.ts';
import type { LinkRow } from '../store/store.ts';
import type { Delivery, Destination } from './delivery.ts';
import { Draft } from './draft.ts';
import type { Connection, EngineContext } from './engine.ts';
import { inLane } from './lane.ts';
import { inTurn } from './lease.ts';
import { changeLink } from './link-change.ts';
import { ingestNews } from './news.ts';

/**
 * Deletes a record that was deleted elsewhere. Looks first where the API lets us: if somebody has edited it there
 * meanwhile, the edit wins (`moved`: it is in the store now; decide again). What is not there any more is as good as deleted;
 * where it is said not to be there and still shows, it is tried again.
 * @param as how its link stays behind: of what is `gone` nothing is made there again, as if a person there had deleted it
 */
export async function deleteThere(
  context: EngineContext,
  to: Destination,
  connection: Connection,
  link: LinkRow,
  as: 'removed' | 'gone' = 'removed',
): Promise<Delivery | 'moved'> {
  const { connector } = connection;
  const { entity } = to.sync;
  const { externalId, locator } = link;
  const isReadable = !absence(connector.capabilities[entity]?.read ?? { absent: 'entity' });
  const erase = async (): Promise<Delivery | 'moved'> => {
    try {
      let isThere = true;
      if (isReadable) {
        const lookedAt = context.clock.now();
        const seen = await connector.read(entity, externalId, locator, to.signal);
        // That alone proves nothing: it is deleted all the same, and is gone where that finds nothing either.
        isThere = seen.state !== 'gone';
        if (seen.state === 'found' && (await ingestNews(context, to, link, seen.record, lookedAt))) return 'moved';
      }
      // Before it is sent: its answer may be lost, and then the record is found to be gone, whoever has deleted it.
      if (as === 'removed' && isThere) await mourn(context, to, link);
      await noteSent(context, to, link, as);
      await connector.delete(entity, externalId, locator, to.signal);
    } catch (error) {
      if (error instanceof GoneError) {
        if (!isReadable || (await connector.read(entity, externalId, locator, to.signal)).state !== 'found')
          return await noteRemoved(context, to, link, as);
        // A 404 alone proves nothing: noted as deleted, it would be shown again, and come back to life everywhere.
        throw stillThere(to, link, error);
      }
      const isRefused = [RejectedError, UnsupportedError, AuthError].some((one) => error instanceof one);
      if (isRefused) await endSent(context, to, link, as);
      throw error;
    }
    await noteRemoved(context, to, link, as);
    to.counts.deleted += 1;
    return { state: 'deleted' };
  };
  const scope = connector.writeScope?.(entity, externalId, locator);
  if (scope === undefined) return await erase();
  return (
    (await inTurn(context, `scope/${to.connection}/${scope}`, erase, to.signal)) ?? { state: 'waiting', for: 'lease' }
  );
}

/** The CRM has found nothing to delete, and still shows it. */
class StillThereError extends LookAgainError {}

/** Whether a delete that got no answer that can be used may have been done. */
export function mayHaveDeleted(error: unknown): boolean {
  return error instanceof LookAgainError && !(error instanceof StillThereError);
}

function stillThere(
  { connection, sync }: Destination,
  { externalId }: LinkRow,
  { status }: GoneError,
): StillThereError {
  const said = `${connection} answered a delete of ${sync.entity} ${externalId} with ${status}, and still shows it`;
  return new StillThereError(
    new RetryableError(`${said}; may work later`, { connection, ...(status !== undefined && { status }) }),
  );
}

async function noteRemoved(
  context: EngineContext,
  to: Destination,
  link: LinkRow,
  as: 'removed' | 'gone',
): Promise<Delivery> {
  await changeLink(context, to, link, (draft, current, { state, version }) => {
    draft.loseLink(link.recordId, current, as);
    const endedDepartures = [sent(link, as)];
    // Where an edit has brought the record back to life meanwhile, it is to be made there again.
    return state === 'live' && as === 'removed'
      ? { endedDepartures }
      : { endedDepartures, done: [{ connection: to.connection, recordId: link.recordId, version }] };
  });
  return { state: 'settled' };
}

function sent({ connection, externalId }: LinkRow, as: 'removed' | 'gone') {
  return { connection, externalId, state: as === 'gone' ? 'erasing' : 'removing' } as const;
}

/**
 * Notes that a record is about to be deleted. If the answer is lost, or we die, it is found missing, and that is then no
 * delete by a person there: one of a record that lives on elsewhere would travel, and one that an edit has brought back to
 * life would not be made there again.
 */
async function noteSent(
  { store, clock }: EngineContext,
  { sync, run }: Destination,
  link: LinkRow,
  as: 'removed' | 'gone',
): Promise<void> {
  const at = clock.now();
  await store.commit({ run, at, entity: sync.entity, departures: [{ ...sent(link, as), run, missedAt: at }] });
}

async function endSent(
  { store, clock }: EngineContext,
  { sync, run }: Destination,
  link: LinkRow,
  as: 'removed' | 'gone',
): Promise<void> {
  await store.commit({ run, at: clock.now(), entity: sync.entity, endedDepartures: [sent(link, as)] });
}

/** Logs what would be deleted unheard: what the CRM holds and nobody could learn. */
async function mourn(context: EngineContext, to: Destination, { recordId, connection, externalId }: LinkRow) {
  const { store } = context;
  await inLane(store, to.sync.entity, async () => {
    const aggregate = (await store.aggregates([recordId])).get(recordId);
    const link = aggregate?.links.find((one) => one.connection === connection && one.externalId === externalId);
    if (!aggregate || !link) return;
    const draft = new Draft(context, to.sync, to.run);
    draft.adopt(aggregate);
    const logged = draft.mourn(recordId, link, await store.conflictsOf(recordId));
    if (logged > 0) await store.commit(draft.batch());
    to.counts.conflicts += logged;
  });
}
