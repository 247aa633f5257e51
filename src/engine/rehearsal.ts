import type { Connector, CrmRecord } from '../connector/connector.ts';
import { WithheldError } from '../connector/http.ts';
import { overlaid } from '../connector/overlaid.ts';
import type { Entity, Value, Values } from '../model/values.ts';
import type { Aggregate, LinkRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Connection, EngineContext } from './engine.ts';
import { reasonOf, reasonToCreate } from './plan-reasons.ts';
import { translateOut } from './references.ts';

/** One field of a planned write, as the CRM sees it: references are ids of that CRM. */
export interface FieldChange {
  readonly from: Value | undefined;
  readonly to: Value;
  /** Why that value: the rule by which it became the canonical one, and the CRM that gave it. */
  readonly reason: string;
}

/** One thing that a sync would do (design.md §11). */
export interface PlannedChange {
  /** `link`: two records are found to be one. `hold`: a person has to say whether they are. */
  readonly action: 'create' | 'update' | 'delete' | 'link' | 'hold';
  /** At which this would be done, or where the record is that would be linked or held. */
  readonly connection: string;
  readonly entity: Entity;
  /** Of a record that the plan itself would bring into being it is made up. */
  readonly canonicalId: string | undefined;
  /** Undefined: the record is to be created. */
  readonly externalId: string | undefined;
  /** What the record is called elsewhere, as CONNECTION:EXTERNALID. */
  readonly known: readonly string[];
  readonly reason: string;
  readonly fields: Readonly<Record<string, FieldChange>>;
}

const pageSize = 500;

/** What a link says for itself that no matching has found: the record was new, or we made it. */
const ownEvidence: readonly string[] = ['first seen', 'created'];

/** How the ids of records begin that a plan makes up. */
export const plannedPrefix = 'planned-';

/**
 * The same engine over connectors that write nothing: what they would send is told to `onWrite`, and taken as done as by a
 * CRM that keeps what it is sent. For a copy of the store, which afterwards is as it would be.
 *
 * @param context its connectors throw `WithheldError` before the first request that would change something
 * @param since when the rehearsal began, epoch milliseconds: what was written later is only planned
 */
export function rehearsal(
  context: EngineContext,
  since: number,
  onWrite: (change: PlannedChange) => void,
): EngineContext {
  const rehearsed: EngineContext = {
    ...context,
    connections: new Map([...context.connections].map(([name, connection]) => [name, withholding(connection)])),
    // Leases came along with the copy; nobody else works on it.
    isAlive: () => false,
  };
  return rehearsed;

  function withholding(connection: Connection): Connection {
    const { name, connector } = connection;
    const aggregateOf = async (recordId: string) => (await context.store.aggregates([recordId])).get(recordId);
    const fieldsOf = (entity: Entity, changes: Values, held: Values, aggregate: Aggregate | undefined) => {
      const { record = { values: {}, origins: {} } } = aggregate ?? {};
      return Object.fromEntries(
        Object.entries(changes).map(([path, to]): [string, FieldChange] => {
          const reason = reasonOf(context, connection, entity, path, to, record);
          return [path, { from: held[path], to, reason }];
        }),
      );
    };
    const rehearsing: Partial<Connector> = {
      async read(entity, externalId, locator, signal) {
        const planned = await plannedRecord(name, entity, externalId);
        return planned ?? (await connector.read(entity, externalId, locator, signal));
      },
      async create(entity, record, signal) {
        const { canonicalId, values } = record;
        if (!isMadeUp(values)) {
          const reply = await unlessWithheld(() => connector.create(entity, record, signal));
          if (reply) return reply;
        }
        const aggregate = await aggregateOf(canonicalId);
        const known = namesElsewhere(aggregate, name);
        const fields = fieldsOf(entity, values, {}, aggregate);
        const reason = reasonToCreate(context, name, entity, aggregate?.record ?? { values: {} });
        const what = { action: 'create', connection: name, entity, canonicalId, externalId: undefined } as const;
        onWrite({ ...what, known, reason, fields });
        const externalId = `${plannedPrefix}${canonicalId}`;
        return { externalId, record: { externalId, values } };
      },
      async update(entity, externalId, change, signal) {
        const { canonicalId, changes, known: held } = change;
        if (!isMadeUp({ ...changes, externalId })) {
          const reply = await unlessWithheld(() => connector.update(entity, externalId, change, signal));
          if (reply) return reply;
        }
        const aggregate = await aggregateOf(canonicalId);
        const known = namesElsewhere(aggregate, name);
        const fields = fieldsOf(entity, changes, held, aggregate);
        const reason = 'it holds other values';
        onWrite({ action: 'update', connection: name, entity, canonicalId, externalId, known, reason, fields });
        return { externalId, record: { externalId, values: changes } };
      },
      async delete(entity, externalId, locator, signal) {
        const done = await unlessWithheld(async () => ({
          done: await connector.delete(entity, externalId, locator, signal),
        }));
        if (done) return;
        const aggregate = (await context.store.linked(name, entity, [externalId])).get(externalId);
        const goneFrom = aggregate?.links.filter(({ state }) => state === 'gone').map(nameOf) ?? [];
        const reason =
          goneFrom.length > 0
            ? `it was deleted elsewhere: ${goneFrom.join(', ')}`
            : 'the run that made it is taken back';
        const known = namesElsewhere(aggregate, name);
        const canonicalId = aggregate?.record.id;
        onWrite({ action: 'delete', connection: name, entity, canonicalId, externalId, known, reason, fields: {} });
      },
    };
    return { ...connection, connector: overlaid(connector, rehearsing) };
  }

  /** A record as the plan has left it, or undefined where the CRM itself is to be asked. */
  async function plannedRecord(connection: string, entity: Entity, externalId: string) {
    const aggregate = (await context.store.linked(connection, entity, [externalId])).get(externalId);
    const link = aggregate?.links.find((one) => one.connection === connection && one.externalId === externalId);
    if (!link || (link.writtenAt ?? 0) < since) return undefined;
    if (link.state !== 'live') return { state: 'gone' } as const;
    const { values } = await translateOut(rehearsed, connection, entity, link.shadow);
    const record: CrmRecord = {
      externalId,
      values,
      ...(link.modifiedAt !== undefined && { modifiedAt: link.modifiedAt }),
      ...(link.locator !== undefined && { locator: link.locator }),
    };
    return { state: 'found', record } as const;
  }
}

/**
 * What a run of these syncs has found out about who is who, and what it leaves to a person: links by evidence, and reviews.
 * In pages, as they are in the store.
 */
export async function* foundByRun(
  { store }: EngineContext,
  syncs: readonly SyncPolicy[],
  run: string,
): AsyncIterable<PlannedChange & { readonly sync: string }> {
  const syncOf = (connection: string, entity: Entity) =>
    syncs.find((sync) => sync.entity === entity && sync.members.some((member) => member.connection === connection))
      ?.name;
  for (let after = 0; ; ) {
    const links = await store.linksOf(run, after, pageSize);
    const last = links.at(-1);
    if (!last) break;
    after = last.number;
    const aggregates = await store.aggregates(links.map(({ recordId }) => recordId));
    for (const { connection, entity, externalId, recordId, evidence } of links) {
      const sync = syncOf(connection, entity);
      if (sync === undefined || ownEvidence.includes(evidence)) continue;
      const known = namesElsewhere(aggregates.get(recordId), connection);
      const what = { action: 'link', connection, entity, canonicalId: recordId, externalId } as const;
      yield { sync, ...what, known, reason: evidence, fields: {} };
    }
  }
  for (const entity of new Set(syncs.map((sync) => sync.entity)))
    for (const { connection, externalId, candidates, reason } of await store.openReviews(entity)) {
      const sync = syncOf(connection, entity);
      if (sync === undefined) continue;
      const aggregates = await store.aggregates(candidates.map(({ recordId }) => recordId));
      const known = [...aggregates.values()].flatMap((aggregate) => namesElsewhere(aggregate, ''));
      const what = { action: 'hold', connection, entity, canonicalId: undefined, externalId } as const;
      yield { sync, ...what, known, reason, fields: {} };
    }
}

/** @returns undefined where the work ended at something that would have been written */
async function unlessWithheld<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WithheldError) return undefined;
    throw error;
  }
}

/** Whether values name a record that the plan has made up: no CRM could be asked about it. */
function isMadeUp(values: Values): boolean {
  return Object.values(values).some((value) => typeof value === 'string' && value.startsWith(plannedPrefix));
}

/** What a record is called at other connections, as CONNECTION:EXTERNALID; ids that a plan makes up are not among them. */
export function namesElsewhere(aggregate: Aggregate | undefined, connection: string): readonly string[] {
  const others =
    aggregate?.links.filter(
      (link) => link.state === 'live' && link.connection !== connection && !link.externalId.startsWith(plannedPrefix),
    ) ?? [];
  return others.map(nameOf);
}

function nameOf({ connection, externalId }: LinkRow): string {
  return `${connection}:${externalId}`;
}
