import { randomUUID } from 'node:crypto';
import { systemClock } from '../../../src/connector/clock.ts';
import type { Connector } from '../../../src/connector/connector.ts';
import type { Held } from '../../../src/connector/http.ts';
import type { EngineContext } from '../../../src/engine/engine.ts';
import { type RunningQueue, startQueue } from '../../../src/queue/bull/queue.ts';
import { openSqliteStore } from '../../../src/store/sqlite.ts';
import type { RunRow } from '../../../src/store/store.ts';
import type { SyncPolicy } from '../../../src/sync/policy.ts';
import type { CrmSpec, Verb } from '../../worlds/fake-crm.ts';
import { both } from '../../worlds/small.ts';
import { openWorld, type World } from '../../worlds/world.ts';
import type { RedisChild } from './redis-child.ts';

/** One line of a log. */
interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A world whose syncs run on queues, on the machine's clock, by as many workers as a test starts. */
export interface Bed {
  readonly world: World;
  /** Whom the workers take for dead. */
  readonly dead: Set<string>;
  /** Called before a CRM is asked, and waited for: what a test does in between. */
  before: (connection: string, verb: Verb, signal: AbortSignal | undefined) => Promise<void> | void;
  /** Writes to one record that were under way at once; a create counts by the record's canonical id. */
  readonly collisions: readonly string[];
  /** Pauses that connections of any worker are in. */
  readonly held: Map<string, Held>;
  readonly lines: readonly Line[];
  context(owner: string, overrides?: Partial<EngineContext>): EngineContext;
  start(owner: string, overrides?: Partial<EngineContext>): Promise<RunningQueue>;
  /** Runs of a sync that have ended. */
  ended(sync?: string): Promise<readonly RunRow[]>;
  close(): Promise<void>;
}

/**
 * @param syncs default: one, in which all read and write, with a schedule that never comes in a test
 * @param file database that other processes share. Default: in memory
 */
export async function openBed(
  redis: Pick<RedisChild, 'address'>,
  specs: readonly CrmSpec[],
  syncs: readonly SyncPolicy[] = [
    both(
      specs.map(({ name }) => name),
      { schedule: farAway },
    ),
  ],
  file?: string,
): Promise<Bed> {
  const world = await openWorld(specs, syncs, 1, file === undefined ? {} : { store: await openSqliteStore(file) });
  const sqliteFile = file ?? `/nowhere/${randomUUID()}.db`;
  const dead = new Set<string>();
  const held = new Map<string, Held>();
  const lines: Line[] = [];
  const queues: RunningQueue[] = [];
  const logAt = (level: Line['level']) => (fields: Line['fields'], message: string) => {
    lines.push({ level, fields, message });
  };
  const collisions: string[] = [];
  const writing = new Set<string>();
  const before: Pick<Bed, 'before'> = { before: () => {} };
  const watched = (name: string, connector: Connector): Connector => {
    const write = async <T>(verb: Verb, id: string, signal: AbortSignal | undefined, act: () => Promise<T>) => {
      const what = `${name} ${verb} ${id}`;
      if (writing.has(what)) collisions.push(what);
      writing.add(what);
      try {
        await before.before(name, verb, signal);
        signal?.throwIfAborted();
        return await act();
      } finally {
        writing.delete(what);
      }
    };
    return {
      capabilities: connector.capabilities,
      mappings: connector.mappings,
      phoneRegion: connector.phoneRegion,
      async *list(entity, signal) {
        await before.before(name, 'list', signal);
        signal?.throwIfAborted();
        yield* connector.list(entity, signal);
      },
      async read(entity, id, locator, signal) {
        await before.before(name, 'read', signal);
        return await connector.read(entity, id, locator, signal);
      },
      search: (...given) => connector.search(...given),
      create: (entity, record, signal) =>
        write('create', record.canonicalId, signal, () => connector.create(entity, record, signal)),
      update: (entity, id, change, signal) =>
        write('update', id, signal, () => connector.update(entity, id, change, signal)),
      delete: (entity, id, locator, signal) =>
        write('delete', id, signal, () => connector.delete(entity, id, locator, signal)),
    };
  };
  const log = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
  const context = (owner: string, overrides: Partial<EngineContext> = {}): EngineContext => ({
    ...world.context,
    connections: new Map(
      [...world.context.connections].map(([name, connection]) => [
        name,
        { ...connection, connector: watched(name, connection.connector), held: () => held.get(name) },
      ]),
    ),
    clock: systemClock,
    newId: randomUUID,
    random: Math.random,
    settleMs: 50,
    log,
    owner,
    isAlive: (one) => !dead.has(one),
    ...overrides,
  });
  return Object.assign(before, {
    world,
    collisions,
    dead,
    held,
    lines,
    context,
    async start(owner: string, overrides?: Partial<EngineContext>) {
      const queue = await startQueue({ config: { sqliteFile }, context: context(owner, overrides) }, redis.address);
      queues.push(queue);
      return queue;
    },
    ended: async (sync = 'people') =>
      (await world.store.runs(1_000)).filter((run) => run.sync === sync && run.end !== undefined),
    async close() {
      await Promise.all(queues.map((queue) => queue.close(5_000)));
      await world.close();
    },
  });
}

/** Next year: no test waits for it. */
export const farAway = { pattern: '0 0 1 1 *', jitterMs: 0 };
