import type { Entity, Origins, Values } from '../model/values.ts';
import type { Aggregate, Batch, LinkRow, PendingKey, RecordCreate, RecordUpdate } from '../store/store.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed, deleteTargets, writeTargets } from './participation.ts';
import { cannot, type Gap, gapOf, isWritten, whyNot } from './unsupported.ts';

/** A canonical record under work: as read, and as it will be written. */
export interface Work {
  readonly id: string;
  /** As it was read; 0: the record is new. */
  readonly version: number;
  values: Values;
  origins: Origins;
  readonly links: LinkRow[];
  readonly changedLinks: Set<LinkRow>;
  readonly keys: Set<number>;
  /** Connections that got their first link in this draft. */
  readonly joined: Set<string>;
  /** Connections that now hold something else than before. */
  readonly stirred: Set<string>;
  state: 'live' | 'tombstone';
  recordChanged: boolean;
  /**
   * A member has come to hold what may have to be logged when its field gets a first value that counts. Another process that
   * learns of such a value at this moment must have seen it: the version grows, though nothing else changes.
   */
  isWitnessed: boolean;
}

/** Takes a record as it was read under work. */
export function workOn({ record, links }: Aggregate): Work {
  const { id, version, values, origins, state } = record;
  return { ...newWork(id), version, values, origins, links: [...links], state };
}

/** A record that is new, with nothing in it yet. */
export function newWork(id: string): Work {
  return {
    id,
    version: 0,
    values: {},
    origins: {},
    links: [],
    changedLinks: new Set(),
    keys: new Set(),
    joined: new Set(),
    stirred: new Set(),
    state: 'live',
    recordChanged: false,
    isWitnessed: false,
  };
}

/**
 * What is to be written of records under work. Also says which members have something to be written now, and which have not.
 * @param agreed fields of which a contest has ended
 */
export function batchOf(
  context: EngineContext,
  entity: Entity,
  works: Iterable<Work>,
  agreed: readonly { readonly recordId: string }[],
): Partial<Batch> {
  const creates: RecordCreate[] = [];
  const updates: RecordUpdate[] = [];
  const links: LinkRow[] = [];
  const pending: PendingKey[] = [];
  const unsupported: (PendingKey & { version: number; message: string })[] = [];
  const supported: PendingKey[] = [];
  const done: (PendingKey & { version: number })[] = [];
  const settled = new Set(agreed.map(({ recordId }) => recordId));
  for (const work of works) {
    const { id, values, origins } = work;
    const keys = [...work.keys];
    const touched = work.recordChanged || work.isWitnessed || keys.length > 0;
    if (work.version === 0) creates.push({ id, values, origins, keys });
    else if (touched) updates.push({ id, version: work.version, values, origins, keys, state: work.state });
    links.push(...work.changedLinks);
    // What was set aside at a connection stays so until the record changes, or what that connection holds, or a contested
    // field may be written again.
    const concernsAll = work.recordChanged || work.joined.size > 0 || settled.has(id);
    if (!concernsAll && work.stirred.size === 0) continue;
    const version = work.version + (touched ? 1 : 0);
    const targets = work.state === 'live' ? writeTargets : deleteTargets;
    const goals = targets(context.syncs, entity, work.links);
    for (const connection of goals) {
      if (!concernsAll && !work.stirred.has(connection)) continue;
      const gap = gapAt(context, entity, work, connection);
      const key = { connection, recordId: id };
      if (gap.state === 'writable') pending.push(key);
      else if (gap.state === 'unsupported') unsupported.push({ ...key, version, message: gap.message });
      else if (work.joined.has(connection)) done.push({ ...key, version });
      else supported.push(key);
    }
    // Of what is deleted nothing is missed anywhere.
    if (work.state === 'tombstone')
      for (const connection of membersOf(context, entity)) {
        if (goals.has(connection)) continue;
        if (work.joined.has(connection)) done.push({ connection, recordId: id, version });
        else supported.push({ connection, recordId: id });
      }
  }
  return { creates, updates, links, pending, unsupported, supported, done };
}

/** What a connection that should hold the record lacks of it, and whether that can be written. */
function gapAt(context: EngineContext, entity: Entity, work: Work, name: string): Gap {
  const at = connectionNamed(context, name);
  const links = work.links.filter((link) => link.connection === name);
  const live = links.find(({ state }) => state === 'live');
  const isMissed = () => isWritten(context, name, entity, work.values);
  const unless = (what: 'create' | 'delete'): Gap => {
    const why = whyNot(at, entity, what);
    // What takes no part anywhere is taken off the list when its turn comes.
    if (why === undefined || !isMissed()) return { state: 'writable' };
    return { state: 'unsupported', message: cannot(at, entity, what, why) };
  };
  if (work.state === 'tombstone') return live ? unless('delete') : { state: 'none' };
  // A link that is gone was deleted there: it is never a reason to create again. What we deleted ourselves is.
  if (!live) return links.some(({ state }) => state === 'gone') ? { state: 'none' } : unless('create');
  const gap = gapOf(context, at, entity, work.values, live);
  return gap.state === 'unsupported' && !isMissed() ? { state: 'none' } : gap;
}

/** The connections at which records of an entity may be pending. */
function membersOf({ syncs }: EngineContext, entity: Entity): ReadonlySet<string> {
  const ofEntity = syncs.filter((sync) => sync.entity === entity);
  return new Set(ofEntity.flatMap(({ members }) => members.map(({ connection }) => connection)));
}
