import type { Entity } from '../model/values.ts';
import type { Aggregate, LinkRow, RunRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed } from './participation.ts';
import type { RevertChoice } from './revert.ts';
import { whyNot } from './unsupported.ts';

/** A record of a CRM that a run made, linked or deleted. */
export interface RunLink {
  readonly entity: Entity;
  readonly connection: string;
  readonly externalId: string;
  readonly canonicalId: string;
}

/** A record that a run made at a CRM. */
export interface Made extends RunLink {
  /** Why it cannot be deleted there; undefined: it can. */
  readonly stays: string | undefined;
}

/** A link that a run found. */
export interface Met extends RunLink {
  /** Why the two are one. */
  readonly evidence: string;
}

const pageSize = 500;

/** What a link says for itself where we have made the record. */
const ownCreates: readonly string[] = ['created', 'our create, whose answer was lost'];

/** What a run has made and linked in a sync, in pages. */
export async function* linksMade(
  context: EngineContext,
  sync: SyncPolicy,
  choice: RevertChoice,
): AsyncIterable<{ readonly made: readonly Made[]; readonly met: readonly Met[] }> {
  const { store } = context;
  for (let after = 0; ; ) {
    const page = await store.linksOf(choice.of, after, pageSize);
    const last = page.at(-1);
    if (!last) return;
    after = last.number;
    const chosen = page.filter(
      ({ entity, connection, recordId }) => entity === sync.entity && isChosen(sync, choice, connection, recordId),
    );
    const aggregates = await store.aggregates([...new Set(chosen.map(({ recordId }) => recordId))]);
    const made: Made[] = [];
    const met: Met[] = [];
    for (const { entity, connection, externalId, recordId: canonicalId, evidence } of chosen) {
      const link = { entity, connection, externalId, canonicalId };
      const aggregate = aggregates.get(canonicalId);
      if (ownCreates.includes(evidence))
        made.push({ ...link, stays: aggregate && whyStays(context, sync, choice, aggregate, link) });
      else if (evidence !== 'first seen') met.push({ ...link, evidence });
    }
    yield { made, met };
  }
}

/** Why a record that a run made is not deleted again. */
export function whyStays(
  context: EngineContext,
  sync: SyncPolicy,
  { of }: RevertChoice,
  { record, links }: Aggregate,
  { connection, externalId }: Pick<LinkRow, 'connection' | 'externalId'>,
): string | undefined {
  const { entity, members } = sync;
  const why = whyNot(connectionNamed(context, connection), entity, 'delete');
  if (why !== undefined) return why;
  if (members.some((member) => member.connection === connection && member.direction === 'read'))
    return `${connection} is only read`;
  const isThere = ({ state, ...link }: LinkRow) => state === 'live' && link.connection !== connection;
  if (!links.some(isThere)) return 'no other CRM has this record any more';
  const link = links.find((one) => one.connection === connection && one.externalId === externalId);
  const isEdited = Object.values(record.origins).some(
    (origin) => origin.connection === connection && origin.run !== of,
  );
  if (isEdited || link === undefined) return 'it was edited there since';
  return undefined;
}

/** What a run has deleted at the members of a sync, in pages. */
export async function* deletedBy(
  { store }: EngineContext,
  sync: SyncPolicy,
  run: RunRow,
  choice: RevertChoice,
): AsyncIterable<readonly RunLink[]> {
  if (!run.end) return;
  const between = { from: run.startedAt, until: run.end.endedAt };
  const { entity } = sync;
  for (const { connection } of sync.members)
    for (let after = 0; ; ) {
      const page = await store.removedLinks(connection, entity, between, after, pageSize);
      const last = page.at(-1);
      if (!last) break;
      after = last.number;
      yield page.flatMap(({ recordId: canonicalId, externalId }) =>
        isChosen(sync, choice, connection, canonicalId) ? [{ entity, connection, externalId, canonicalId }] : [],
      );
    }
}

function isChosen({ members }: SyncPolicy, choice: RevertChoice, connection: string, recordId: string): boolean {
  return (
    members.some((member) => member.connection === connection) &&
    (choice.connection === undefined || choice.connection === connection) &&
    (choice.recordIds?.has(recordId) ?? true)
  );
}
