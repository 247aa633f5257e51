import type { Clock } from '../../src/connector/clock.ts';
import { type SeededIds, seededIds } from '../../src/connector/seeded-ids.ts';
import { type Turning, turned } from '../../src/connector/turned.ts';
import type { EngineContext, Log, SyncOutcome } from '../../src/engine/engine.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Entity, Value, Values } from '../../src/model/values.ts';
import { inOrder, runCycle } from '../../src/queue/cycle.ts';
import { type RoundEnd, runHints } from '../../src/queue/hints.ts';
import { windowOf } from '../../src/queue/window.ts';
import type { Aggregate, Store } from '../../src/store/store.ts';
import type { Forms } from '../../src/sync/forms.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { openMemoryStore } from '../store/memory.ts';
import { FakeClock } from './clock.ts';
import { type CrmSpec, FakeCrm } from './fake-crm.ts';

/** One field that a person changed, and what the CRM made of it. */
export interface Edit {
  readonly connection: string;
  readonly entity: Entity;
  readonly externalId: string;
  readonly path: string;
  readonly from: Value;
  readonly to: Value;
  /** Number of the last cycle that had begun. */
  readonly cycle: number;
}

/** A world's CRMs in which a run may be told what really happened: every edit, and everything ever shown. */
export interface World {
  readonly crms: ReadonlyMap<string, FakeCrm>;
  readonly context: EngineContext;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly edits: readonly Edit[];
  /**
   * One full cycle of every sync.
   * @param as another process than the world's own
   * @param restMs how long nothing happens before
   * @returns how each ended, by sync
   */
  cycle(as?: EngineContext, restMs?: number): Promise<Readonly<Record<string, SyncOutcome>>>;
  /** One round of every sync: it looks at what hints have named. It counts as a cycle of its own, and shares its run with others. */
  round(as?: EngineContext, restMs?: number): Promise<Readonly<Record<string, RoundEnd>>>;
  /** A person creates a record. @returns its id there. */
  enter(connection: string, entity: Entity, values: Values): string;
  /** A person changes fields. What changes nothing there is no edit. */
  edit(connection: string, entity: Entity, externalId: string, values: Values): void;
  /** Whether a connection showed a value of a field of one of its records in a run. */
  showed(run: string, connection: string, entity: Entity, externalId: string, path: string, value: Value): boolean;
  /** Whether a connection showed that value there to the cycle or round of that number, whatever run that belonged to. */
  showedTo(cycle: number, connection: string, entity: Entity, externalId: string, path: string, value: Value): boolean;
  /** Whether a connection ever showed that value there. */
  everShowed(connection: string, entity: Entity, externalId: string, path: string, value: Value): boolean;
  /** All canonical records that are alive. */
  records(entity: Entity): Promise<readonly Aggregate[]>;
  /** The canonical record that a CRM's record is linked to. */
  recordOf(connection: string, entity: Entity, externalId: string): Promise<Aggregate | undefined>;
  forgetCalls(): void;
  close(): Promise<void>;
}

const silence: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** What a sync is when nothing is said about it. */
export function policy(members: SyncPolicy['members'], overrides: Partial<SyncPolicy> = {}): SyncPolicy {
  return {
    name: 'people',
    entity: 'contact',
    members,
    match: ['xref', 'email', 'phone'],
    conflicts: 'newest',
    owners: {},
    fields: {},
    defaults: {},
    where: {},
    deletes: 'ignore',
    limits: {
      deletes: { share: 1, atLeast: 1 },
      overwrites: { share: 1, atLeast: 1 },
      blankings: { share: 1, atLeast: 1 },
    },
    schedule: undefined,
    ...overrides,
  };
}

/** What a world may be built of instead of the usual parts. */
export interface Parts {
  /** An empty one. Default: in memory. */
  readonly store?: Store;
  /** How fields are written to CRMs, by name. */
  readonly forms?: Readonly<Record<string, Forms>>;
  /** What is turned at the edges of CRMs, by name. */
  readonly turnings?: Readonly<Record<string, Readonly<Record<string, Turning>>>>;
  readonly crm?: (spec: CrmSpec, clock: Clock, random: SeededIds) => FakeCrm;
}

/** Wires CRMs, an empty store and the engine into one world. The same seed gives the same world. */
export async function openWorld(
  specs: readonly CrmSpec[],
  syncs: readonly SyncPolicy[],
  seed = 1,
  { crm = (...given) => new FakeCrm(...given), ...given }: Parts = {},
): Promise<World> {
  const clock = new FakeClock();
  const store = given.store ?? openMemoryStore();
  const crms = new Map(specs.map((spec, index) => [spec.name, crm(spec, clock, seededIds(seed * 31 + index))]));
  const random = seededIds(seed);
  let lastId = 0;
  const context: EngineContext = {
    store,
    connections: new Map(
      [...crms].map(([name, connector]) => [
        name,
        {
          name,
          connector: given.turnings?.[name] ? turned(connector, { contact: given.turnings[name] }) : connector,
          concurrent: connector.spec.concurrent,
          ...(given.forms?.[name] && { forms: { contact: given.forms[name] } }),
        },
      ]),
    ),
    syncs,
    clock,
    newId: () => {
      lastId += 1;
      return `01980000-0000-7000-8000-${String(lastId).padStart(12, '0')}`;
    },
    random: () => random.integer(1_000_000) / 1_000_000,
    log: silence,
    owner: 'world',
    isAlive: () => true,
    settleMs: 5_000,
  };
  const edits: Edit[] = [];
  /** What each record was shown as, by cycle, CRM and record. */
  const showings = new Map<string, Values[]>();
  let cycles = 0;
  /** The rounds that were one run, by its id. */
  const rounds = new Map<string, Set<string>>();
  for (const [name, crm] of crms)
    crm.shows = (entity, { externalId, values }) => {
      const key = `${runId(cycles)} ${name} ${entity} ${externalId}`;
      const shown = showings.get(key);
      if (shown) shown.push(values);
      else showings.set(key, [values]);
    };
  const crmNamed = (name: string): FakeCrm => {
    const crm = crms.get(name);
    if (!crm) throw new RangeError(`this world has no CRM ${name}`);
    return crm;
  };

  const showedIn = (run: string, connection: string, entity: Entity, externalId: string, path: string, value: Value) =>
    (showings.get(`${run} ${connection} ${entity} ${externalId}`) ?? []).some(
      (values) => path in values && equal(fieldAt(entity, path).kind, values[path], value, { region: 'DE' }),
    );
  const showedTo: World['showedTo'] = (cycle, ...shown) => showedIn(runId(cycle), ...shown);

  return {
    crms,
    context,
    store,
    clock,
    edits,
    async cycle(as = context, restMs = 60_000) {
      cycles += 1;
      const run = runId(cycles);
      clock.advance(restMs);
      const outcomes: Record<string, SyncOutcome> = {};
      for (const sync of inOrder(syncs)) outcomes[sync.name] = await runCycle(as, sync, { run });
      return outcomes;
    },
    async round(as = context, restMs = 1_000) {
      cycles += 1;
      const number = runId(cycles);
      clock.advance(restMs);
      const ends: Record<string, RoundEnd> = {};
      for (const sync of inOrder(syncs)) {
        const before = await windowOf(store, sync.name);
        if (before) rounds.set(before.run, (rounds.get(before.run) ?? new Set()).add(number));
        ends[sync.name] = await runHints(as, sync, { newRun: () => number });
      }
      return ends;
    },
    enter: (connection, entity, values) => crmNamed(connection).enter(entity, values),
    edit(connection, entity, externalId, values) {
      const crm = crmNamed(connection);
      const before = crm.holds(entity, externalId);
      for (const [path, to] of Object.entries(crm.type(entity, externalId, values)))
        if (!equal(fieldAt(entity, path).kind, before[path], to, { region: crm.phoneRegion }))
          edits.push({ connection, entity, externalId, path, from: before[path]!, to, cycle: cycles });
    },
    showed: (run, ...shown) => [run, ...(rounds.get(run) ?? [])].some((one) => showedIn(one, ...shown)),
    showedTo,
    everShowed: (...shown) =>
      Array.from({ length: cycles + 1 }, (_, cycle) => cycle).some((cycle) => showedTo(cycle, ...shown)),
    records: (entity) => store.records(entity, undefined, 10_000),
    recordOf: async (connection, entity, externalId) =>
      (await store.linked(connection, entity, [externalId])).get(externalId),
    forgetCalls() {
      for (const crm of crms.values()) crm.forgetCalls();
    },
    close: () => store.close(),
  };
}

/** The id of the n-th cycle's run. */
export function runId(cycle: number): string {
  return `run-${cycle}`;
}

/** The number of the cycle that a run was. */
export function cycleOf(run: string): number {
  return Number(run.slice('run-'.length));
}
