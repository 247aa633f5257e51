import assert from 'node:assert/strict';
import { fieldAt } from '../../model/entities.ts';
import { type Entity, entities, type Value, type Values } from '../../model/values.ts';
import { bearer } from '../auth.ts';
import { systemClock } from '../clock.ts';
import {
  absence,
  type Connector,
  type CrmRecord,
  type EntityCapabilities,
  type Page,
  type RecordChange,
} from '../connector.ts';
import type { Http } from '../http.ts';
import { createHttp } from '../http-client.ts';
import type { FieldMapping } from '../mapping.ts';
import type { Sandbox, SandboxOptions } from '../sandbox.ts';
import { sampleValue } from './samples.ts';
import type { Specimen, Subject, Wire } from './subject.ts';

/** Name of the connection, in messages. */
const CONNECTION = 'conformance';
const TIMEOUT_MS = 5000;

/** A sandbox with a connection to it, and what a check does with both. */
export interface Bed {
  readonly sandbox: Sandbox;
  /** The connector. Each verb fails the check when it calls an operation that its capability does not name. */
  readonly connector: Connector;
  readonly http: Http;
  /** How many calls the connector has made. */
  calls(): number;
  /** Done after each reply, before the connector has it: what people do between two calls. */
  between(act: ((body: unknown) => void) | undefined): void;
  able(entity: Entity): EntityCapabilities;
  specimen(entity: Entity): Specimen;
  /** A person enters record number `n`, with `extra` keys. @returns its external id */
  plant(entity: Entity, n: number, extra?: Wire): string;
  /** What people see of a record, as this entity or, where an edit has made it another, as that. */
  held(entity: Entity, externalId: string): Wire | undefined;
  /** The ids of all records that people see. */
  ids(entity: Entity): string[];
  /** People delete everything. */
  clear(): void;
  /** All records of a complete listing. */
  scan(entity: Entity): Promise<CrmRecord[]>;
  /** A record as the connector shows it: read by id, or taken from a complete listing. */
  look(entity: Entity, externalId: string): Promise<CrmRecord | undefined>;
  /** A sample for every field that is written with one of these accesses; references name records planted for it. */
  values(entity: Entity, n: number, ...accesses: FieldMapping['access'][]): Values;
  change(record: CrmRecord, changes: Values): RecordChange;
}

/** The n-th id that is ours. */
export function ourId(n: number): string {
  return `0190c000-0000-7000-8000-${String(n).padStart(12, '0')}`;
}

/** The connector of a subject, as far as it can be asked without a CRM. */
export function offline({ definition, options }: Subject): Connector {
  return definition.create({
    connection: CONNECTION,
    http: { call: () => Promise.reject(new Error('this connection has no CRM')) },
    clock: systemClock,
    options: definition.options.parse(options ?? {}),
    concurrent: 1,
  });
}

interface BedOptions extends SandboxOptions {
  /** How many calls may be under way at once. Default one, so that what happens between two calls is the same each time. */
  readonly concurrent?: number;
}

/** Starts a sandbox, hands it to `use`, and closes it whatever happens. */
export async function withBed(
  subject: Subject,
  use: (bed: Bed) => Promise<void>,
  { concurrent = 1, ...sandboxOptions }: BedOptions = {},
): Promise<void> {
  const { definition, specimens } = subject;
  const sandbox = await (subject.startSandbox ?? definition.startSandbox)(sandboxOptions);
  const client = createHttp({
    connection: CONNECTION,
    baseUrl: sandbox.url,
    auth: bearer(sandbox.token),
    clock: systemClock,
    random: () => 0,
    retries: 1,
    backoffMs: 1,
    timeoutMs: TIMEOUT_MS,
    errorMessage: definition.errorMessage,
  });
  const called: string[] = [];
  let between: ((body: unknown) => void) | undefined;
  const http: Http = {
    async call(operation, call) {
      called.push(operation.id);
      const reply = await client.call(operation, call);
      between?.(reply.body);
      return reply;
    },
  };
  const bare = definition.create({
    connection: CONNECTION,
    http,
    clock: systemClock,
    options: definition.options.parse(subject.options ?? {}),
    concurrent,
  });
  const connector = within(bare, called);

  const specimen = (entity: Entity): Specimen => {
    const its = specimens[entity];
    assert(its, `${definition.name} declares ${entity}, so the checks need a specimen of it`);
    return its;
  };
  const idOf = (entity: Entity, wire: Wire): string => String(wire[specimen(entity).id]);
  const plant = (entity: Entity, n: number, extra: Wire = {}): string =>
    sandbox.people.add(entity, { ...specimen(entity).wire(n, plant), ...extra });
  const scan = async (entity: Entity): Promise<CrmRecord[]> => {
    const records: CrmRecord[] = [];
    for await (const page of connector.list(entity)) records.push(...page.records);
    return records;
  };
  const able = (entity: Entity): EntityCapabilities => {
    const its = bare.capabilities[entity];
    assert(its, `${definition.name} declares nothing for ${entity}`);
    return its;
  };

  function referenced(path: string, entity: Entity, n: number): Value | undefined {
    const { target } = fieldAt(entity, path);
    return target && specimens[target] && plant(target, 100 + n);
  }

  const bed: Bed = {
    sandbox,
    connector,
    http,
    calls: () => called.length,
    between(act) {
      between = act;
    },
    able,
    specimen,
    plant,
    held: (entity, id) =>
      [entity, ...entities].flatMap((one) => sandbox.people.all(one)).find((wire) => idOf(entity, wire) === id),
    ids: (entity) => sandbox.people.all(entity).map((wire) => idOf(entity, wire)),
    clear() {
      for (const entity of entities)
        for (const wire of sandbox.people.all(entity)) sandbox.people.remove(entity, idOf(entity, wire));
    },
    scan,
    async look(entity, id) {
      const { read } = able(entity);
      if (!('by' in read && read.by === 'id')) return (await scan(entity)).find(({ externalId }) => externalId === id);
      const reply = await connector.read(entity, id, undefined);
      return reply.state === 'found' ? reply.record : undefined;
    },
    values(entity, n, ...accesses) {
      const values: Record<string, Value> = {};
      const { fields = [] } = bare.mappings[entity] ?? {};
      if (fields.length === 0) return values;
      const own = specimen(entity).values?.(n) ?? {};
      for (const { path, access } of fields) {
        if (!accesses.includes(access)) continue;
        const value = own[path] ?? referenced(path, entity, n) ?? sampleValue(fieldAt(entity, path).kind, n);
        if (value !== undefined) values[path] = value;
      }
      return values;
    },
    change: (record, changes) => ({
      canonicalId: ourId(1),
      changes,
      known: record.values,
      ...(record.locator !== undefined && { locator: record.locator }),
    }),
  };
  try {
    await use(bed);
  } finally {
    await client.close();
    await sandbox.close();
  }
}

type Verb = 'list' | 'read' | 'search' | 'create' | 'update' | 'delete';

/** A connector whose verbs call no operation that is not declared for them. */
function within(connector: Connector, called: readonly string[]): Connector {
  function declared(entity: Entity, verb: Verb, since: number): void {
    const ability = connector.capabilities[entity]?.[verb];
    const via = ability && 'via' in ability ? ability.via : [];
    const others = new Set(called.slice(since).filter((operation) => !via.includes(operation)));
    assert.equal(
      others.size,
      0,
      `${verb} ${entity} called ${[...others].join(', ')}; its capability names ${via.join(', ') || 'no operation'}`,
    );
  }

  async function guarded<Result>(entity: Entity, verb: Verb, act: () => Promise<Result>): Promise<Result> {
    const since = called.length;
    try {
      return await act();
    } finally {
      declared(entity, verb, since);
    }
  }

  return {
    ...connector,
    async *list(entity, signal): AsyncGenerator<Page> {
      const since = called.length;
      try {
        yield* connector.list(entity, signal);
      } finally {
        declared(entity, 'list', since);
      }
    },
    read: (entity, ...rest) => guarded(entity, 'read', async () => connector.read(entity, ...rest)),
    search: (entity, ...rest) => guarded(entity, 'search', async () => connector.search(entity, ...rest)),
    create: (entity, ...rest) => guarded(entity, 'create', async () => connector.create(entity, ...rest)),
    update: (entity, ...rest) => guarded(entity, 'update', async () => connector.update(entity, ...rest)),
    delete: (entity, ...rest) => guarded(entity, 'delete', async () => connector.delete(entity, ...rest)),
  };
}

/** Whether a capability is there. */
export function can(able: EntityCapabilities, ability: Exclude<keyof EntityCapabilities, 'markOf'>): boolean {
  return absence(able[ability]) === undefined;
}
