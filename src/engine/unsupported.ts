import { createHash } from 'node:crypto';
import { absence } from '../connector/connector.ts';
import { slotOf } from '../model/entities.ts';
import { type Entity, type Values, withArticle } from '../model/values.ts';
import type { Aggregate, LinkRow, PendingKey } from '../store/store.ts';
import { countsDays, dayOf } from '../sync/condition.ts';
import { isWrittenTo } from '../sync/direction.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { untaken } from '../sync/untaken.ts';
import { contestedSlots } from './disputes.ts';
import type { Connection, EngineContext } from './engine.ts';
import { lackingAt } from './lacking.ts';
import { connectionNamed, fixedPaths, kindsOf, takesPart, writablePaths, writeTargets } from './participation.ts';

/** What still separates a linked record from its canonical values: something to write, or what its CRM does not take. */
export type Gap =
  | { readonly state: 'none' | 'writable' }
  /** `message` names the fields and the reason, never a value. */
  | { readonly state: 'unsupported'; readonly message: string };

/** Why an API does not do this to records of an entity; undefined when it does. */
export function whyNot(
  { connector }: Connection,
  entity: Entity,
  what: 'create' | 'update' | 'delete',
): string | undefined {
  const capabilities = connector.capabilities[entity];
  return capabilities ? absence(capabilities[what]) : `no ${entity} there`;
}

/** How it is told that an API cannot do this to a record. @param paths what an update would have changed */
export function cannot(
  { name }: Connection,
  entity: Entity,
  what: 'create' | 'update' | 'delete',
  why: string,
  paths: readonly string[] = [],
): string {
  const fields = paths.length === 0 ? '' : ` (${[...paths].sort().join(', ')})`;
  return `${name} cannot ${what} ${withArticle(entity)}${fields}: ${why}`;
}

/** Compares what a connection holds of a record with what syncs would write to it. */
export function gapOf(context: EngineContext, at: Connection, entity: Entity, values: Values, link: LinkRow): Gap {
  const writing = writersTo(context, at.name, entity);
  const changed = [...new Set(writing.flatMap((sync) => Object.keys(lackingAt(at, sync, values, link))))];
  if (changed.length > 0) {
    const why = whyNot(at, entity, 'update');
    return why === undefined
      ? { state: 'writable' }
      : { state: 'unsupported', message: cannot(at, entity, 'update', why, changed) };
  }
  const message = untakenBy(context, at, entity, values, link);
  return message === undefined ? { state: 'none' } : { state: 'unsupported', message };
}

/**
 * Names the fields in which a connection goes on showing another value than the canonical one, because it does not take
 * it; the other fields of the record are not concerned. Undefined: there are none.
 */
export function untakenBy(
  context: EngineContext,
  at: Connection,
  entity: Entity,
  values: Values,
  link: LinkRow,
): string | undefined {
  const fixed = fixedPaths(at, entity);
  const found = untaken({ entity, values, base: link, fixed, forms: at.forms?.[entity], context: kindsOf(at) });
  if (found.size === 0) return undefined;
  const writing = writersTo(context, at.name, entity);
  // What no sync would write there is not missed.
  const missed = [...found.keys()].filter((path) =>
    writing.some((sync) => isWrittenTo(sync, at.name, slotOf(entity, path, values))),
  );
  if (missed.length === 0) return undefined;
  const byReason = Map.groupBy(missed.sort(), (path) => found.get(path)!);
  const told = [...byReason].sort().map(([why, paths]) => `${paths.join(', ')} (${why})`);
  return `${at.name} cannot be given fields of ${withArticle(entity)}: ${told.join('; ')}`;
}

const pageSize = 500;

/**
 * Looks through all records of a sync when its members take other fields or other records than before: another version of
 * us, other options, other members or conditions, or another day where conditions count days. Otherwise what is to be
 * written, and what cannot be, is known from the moment at which a record or what a CRM holds of it changes, and an
 * unchanged record costs nothing (law 9).
 */
export async function reviewUnsupported(context: EngineContext, sync: SyncPolicy, run: string): Promise<void> {
  const { store, clock, syncs } = context;
  const { entity, members } = sync;
  const key = `takes ${sync.name}`;
  const now = abilitiesOf(context, sync);
  if ((await store.remembered(key)) === now) return;
  for (let after: string | undefined; ; ) {
    const page = await store.records(entity, after, pageSize);
    const last = page.at(-1);
    if (!last) break;
    after = last.record.id;
    const ids = page.map(({ record }) => record.id);
    const batch = { pending: [] as PendingKey[], unsupported: [] as Told[], supported: [] as PendingKey[] };
    for (const { connection } of members) {
      const at = connectionNamed(context, connection);
      const known = await store.pendingOf(connection, entity, ids);
      for (const { record, links } of page) {
        const { id: recordId, values, version } = record;
        // What waits its turn, or for a person, is looked at then.
        if (['waiting', 'dead'].includes(known.get(recordId) ?? '')) continue;
        const there = links.filter((one) => one.connection === connection);
        const isMissed =
          isWritten(context, connection, entity, values) && writeTargets(syncs, entity, links).has(connection);
        const gap: Gap = isMissed ? gapThere(context, at, entity, values, there) : { state: 'none' };
        if (gap.state === 'writable') batch.pending.push({ connection, recordId });
        else if (gap.state === 'unsupported')
          batch.unsupported.push({ connection, recordId, version, message: gap.message });
        else batch.supported.push({ connection, recordId });
      }
    }
    await store.commit({ run, at: clock.now(), entity, ...batch });
  }
  await store.remember(key, now);
}

/** What a connection lacks of a record that it is to have. @param there the record's links at it */
function gapThere(
  context: EngineContext,
  at: Connection,
  entity: Entity,
  values: Values,
  there: readonly LinkRow[],
): Gap {
  const link = there.find(({ state }) => state === 'live');
  if (link) return gapOf(context, at, entity, values, link);
  // Deleted there by somebody: never a reason to create again.
  if (there.some(({ state }) => state === 'gone')) return { state: 'none' };
  const why = whyNot(at, entity, 'create');
  return why === undefined
    ? { state: 'writable' }
    : { state: 'unsupported', message: cannot(at, entity, 'create', why) };
}

type Told = PendingKey & { readonly version: number; readonly message: string };

/** What decides which fields of which records the members take today, as a short text. */
function abilitiesOf(context: EngineContext, { entity, members, where, fields }: SyncPolicy): string {
  const day = countsDays(where) ? dayOf(context.clock.now()) : undefined;
  const able = members.map(({ connection, direction }) => {
    const at = connectionNamed(context, connection);
    const paths = [...fixedPaths(at, entity), ...writablePaths(at, entity, 'update')];
    return [connection, direction, paths, whyNot(at, entity, 'update'), at.forms?.[entity]];
  });
  return createHash('sha256')
    .update(JSON.stringify([able, where, day, fields]))
    .digest('base64url')
    .slice(0, 22);
}

/** Whether some sync writes records with these values to a connection: what takes no part is not missed there. */
export function isWritten(context: EngineContext, connection: string, entity: Entity, values: Values): boolean {
  return writersTo(context, connection, entity).some((sync) => takesPart(context, sync, values));
}

/** The syncs that write records of an entity to a connection. */
function writersTo({ syncs }: EngineContext, connection: string, entity: Entity): readonly SyncPolicy[] {
  return syncs.filter(
    (sync) =>
      sync.entity === entity &&
      sync.members.some((member) => member.connection === connection && member.direction !== 'read'),
  );
}

/** Whether another sync of the same connection has something to write to the record there: it is not done with this one. */
export async function isLeftToOthers(
  context: EngineContext,
  sync: SyncPolicy,
  connection: string,
  { record, links }: Aggregate,
): Promise<boolean> {
  const others = writersTo(context, connection, sync.entity).filter((one) => one !== sync);
  if (others.length === 0 || record.state !== 'live') return false;
  const there = links.filter((link) => link.connection === connection);
  const link = there.find(({ state }) => state === 'live');
  if (!link && there.some(({ state }) => state === 'gone')) return false;
  const at = connectionNamed(context, connection);
  if (whyNot(at, sync.entity, link ? 'update' : 'create') !== undefined) return false;
  for (const other of others) {
    if (!takesPart(context, other, record.values)) continue;
    if (!writeTargets([other], sync.entity, links).has(connection)) continue;
    const contested = (await contestedSlots(context, other, [record.id])).get(record.id);
    if (Object.keys(lackingAt(at, other, record.values, link, contested)).length > 0) return true;
  }
  return false;
}
