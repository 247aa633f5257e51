import type { Clock } from '../../src/connector/clock.ts';
import type {
  BadRecord,
  Capabilities,
  Connector,
  CrmRecord,
  EntityCapabilities,
  NewRecord,
  Page,
  ReadReply,
  RecordChange,
  WriteReply,
} from '../../src/connector/connector.ts';
import { none } from '../../src/connector/connector.ts';
import { GoneError, UnknownOutcomeError } from '../../src/connector/errors.ts';
import { field, type Mapping, mapping } from '../../src/connector/mapping.ts';
import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import { type Entity, type Value, type Values, valuesBeside } from '../../src/model/values.ts';
import { type Habits, kept } from './habits.ts';

/** One CRM of a world. */
export interface CrmSpec {
  readonly name: string;
  /** Mapped canonical paths, by entity. */
  readonly fields: Readonly<Partial<Record<Entity, readonly string[]>>>;
  /** Mapped paths that it shows and does not take. */
  readonly readOnly: readonly string[];
  readonly habits: Habits;
  /** What the answer of a write tells: the whole record, some fields of it, or nothing but the id. */
  readonly tells: 'all' | 'some' | 'id';
  /** `search` finds most of the time only. */
  readonly reads: 'id' | 'search' | 'none';
  readonly pageSize: number;
  /** Whether every scan shows the records in another order. */
  readonly shuffles: boolean;
  readonly stamps: boolean;
  /** How it shows a field that is empty. `absent`: it leaves it out. */
  readonly showsEmptyAs: 'absent' | 'null' | 'text';
  readonly concurrent: number;
  /** False: it lists nothing. Default true. */
  readonly lists?: boolean;
  /** Whether it knows a record again by our id, so that a create may be sent twice. Default false. */
  readonly knowsOurIds?: boolean;
  /** Whether records can be deleted there. Default true. */
  readonly deletes?: boolean;
  /** Whether an account that is deleted through the API takes its contacts along. Default false. */
  readonly cascades?: boolean;
  /** Whether an update sends the whole record, all of which is then as the habits have it. Default false. */
  readonly replaces?: boolean;
}

/** The calls of a connector, as far as worlds count or disturb them. */
export type Verb = 'list' | 'read' | 'create' | 'update' | 'delete';

/** One write that reached the CRM. */
export interface Written {
  readonly verb: 'create' | 'update' | 'delete';
  readonly entity: Entity;
  readonly externalId: string;
  readonly values: Values;
  /** What the CRM held at these paths before. */
  readonly before: Values;
}

interface Held {
  values: Record<string, Value>;
  modifiedAt: number;
}

/**
 * A CRM that lives in memory and is reached without a network: it has fields, habits and gaps, counts what is asked of it,
 * and lets people type in it. Everything random in it comes from its seed.
 */
export class FakeCrm implements Connector {
  readonly spec: CrmSpec;
  readonly mappings: Readonly<Partial<Record<Entity, Mapping>>>;
  readonly capabilities: Capabilities;
  readonly phoneRegion = 'DE';
  readonly writes: Written[] = [];
  readonly calls: Record<Verb, number> = { list: 0, read: 0, create: 0, update: 0, delete: 0 };
  /** Rows of every listing that are no records. */
  bad: BadRecord[] = [];
  /** Called before the CRM acts: where people get in between. */
  before: (verb: Verb, externalId: string | undefined, written: Values) => void = () => {};
  /** Called before the CRM acts; throws where the call is to fail. */
  disturbs: (verb: Verb, written: Values) => void = () => {};
  /** Called with everything that it shows to the engine. */
  shows: (entity: Entity, record: CrmRecord) => void = () => {};
  /** Called before a create: whether the answer is lost, and whether the CRM acts all the same. */
  loses: (verb: 'create' | 'update') => 'nothing' | 'request' | 'answer' = () => 'nothing';

  readonly #records = new Map<Entity, Map<string, Held>>();
  readonly #clock: Clock;
  readonly #random: SeededIds;
  #lastId = 0;

  constructor(spec: CrmSpec, clock: Clock, random: SeededIds) {
    this.spec = spec;
    this.#clock = clock;
    this.#random = random;
    const entities = Object.keys(spec.fields) as Entity[];
    this.mappings = Object.fromEntries(
      entities.map((entity) => [
        entity,
        mapping(
          entity,
          spec.fields[entity]!.map((path) =>
            field(path, path, spec.readOnly.includes(path) ? 'readOnly' : 'readWrite'),
          ),
        ),
      ]),
    );
    this.capabilities = Object.fromEntries(entities.map((entity) => [entity, capabilitiesOf(spec)]));
  }

  // What people do.

  /**
   * A person creates a record.
   * @param under brings one back under the id that it had
   * @returns its id
   */
  enter(entity: Entity, values: Values, under?: string): string {
    if (under === undefined) this.#lastId += 1;
    const id = under ?? `${this.spec.name}-${this.#lastId}`;
    this.#of(entity).set(id, { values: {}, modifiedAt: 0 });
    this.#put(entity, id, values);
    return id;
  }

  /** A person types in a record. @returns what the CRM then holds at each path. */
  type(entity: Entity, id: string, values: Values): Values {
    this.#put(entity, id, values);
    const held = this.#of(entity).get(id)!;
    return Object.fromEntries(Object.keys(values).map((path) => [path, held.values[path] ?? null]));
  }

  /** A person deletes a record. */
  drop(entity: Entity, id: string): void {
    this.#of(entity).delete(id);
  }

  /** A person brings back what was deleted, under its old id. */
  bringBack(entity: Entity, id: string, values: Values): void {
    this.#of(entity).set(id, { values: {}, modifiedAt: 0 });
    this.#put(entity, id, values);
  }

  // What a test may look at.

  ids(entity: Entity): readonly string[] {
    return [...this.#of(entity).keys()];
  }

  /** What the CRM holds; null where a mapped field is empty. @throws RangeError for an unknown id. */
  holds(entity: Entity, id: string): Values {
    const held = this.#of(entity).get(id);
    if (!held) throw new RangeError(`${this.spec.name} has no ${entity} ${id}`);
    return Object.fromEntries(this.paths(entity).map((path) => [path, held.values[path] ?? null]));
  }

  paths(entity: Entity): readonly string[] {
    return this.spec.fields[entity] ?? [];
  }

  forgetCalls(): void {
    this.writes.length = 0;
    this.calls.list = this.calls.read = this.calls.create = this.calls.update = this.calls.delete = 0;
  }

  /** The record as this CRM shows it now. */
  shown(entity: Entity, id: string): CrmRecord {
    const { values, modifiedAt } = this.#of(entity).get(id)!;
    const shown: Record<string, Value> = {};
    for (const path of this.paths(entity)) {
      const value = values[path] ?? null;
      if (value !== null) shown[path] = value;
      else if (this.spec.showsEmptyAs !== 'absent') shown[path] = this.spec.showsEmptyAs === 'null' ? null : '';
    }
    return { externalId: id, values: shown, ...(this.spec.stamps ? { modifiedAt } : {}) };
  }

  // What the engine does.

  async *list(entity: Entity): AsyncIterable<Page> {
    let ids = [...this.#of(entity).keys()];
    if (this.spec.shuffles) ids = shuffled(ids, this.#random);
    let bad = this.bad;
    do {
      this.calls.list += 1;
      this.#reach('list', undefined, {});
      const page = ids.splice(0, this.spec.pageSize).filter((id) => this.#of(entity).has(id));
      yield { records: page.map((id) => this.#show(entity, this.shown(entity, id))), bad };
      bad = [];
    } while (ids.length > 0);
  }

  async read(entity: Entity, externalId: string): Promise<ReadReply> {
    this.calls.read += 1;
    this.#reach('read', externalId, {});
    if (this.spec.reads === 'search' && this.#random.integer(3) === 0) return { state: 'unknown' };
    if (!this.#of(entity).has(externalId)) return { state: this.spec.reads === 'id' ? 'gone' : 'unknown' };
    return { state: 'found', record: this.#show(entity, this.shown(entity, externalId)) };
  }

  async search(): Promise<readonly CrmRecord[]> {
    throw new RangeError(`${this.spec.name} was searched, which no world expects`);
  }

  async create(entity: Entity, { values }: NewRecord): Promise<WriteReply> {
    this.calls.create += 1;
    this.#reach('create', undefined, values);
    const lost = this.loses('create');
    if (lost === 'request') throw this.#unanswered('create');
    const externalId = this.enter(entity, values);
    this.writes.push({ verb: 'create', entity, externalId, values, before: {} });
    if (lost === 'answer') throw this.#unanswered('create');
    return this.#answer(entity, externalId, values);
  }

  async update(entity: Entity, externalId: string, { changes }: RecordChange): Promise<WriteReply> {
    this.calls.update += 1;
    this.#reach('update', externalId, changes);
    if (!this.#of(entity).has(externalId))
      throw new GoneError(`${this.spec.name} has no ${entity} ${externalId}`, { connection: this.spec.name });
    const lost = this.loses('update');
    if (lost === 'request') throw this.#unanswered('update');
    const before = this.holds(entity, externalId);
    const resent = valuesBeside(before, changes);
    this.#put(entity, externalId, this.spec.replaces ? { ...before, ...changes } : changes);
    this.writes.push({ verb: 'update', entity, externalId, values: changes, before });
    if (lost === 'answer') throw this.#unanswered('update');
    const answer = this.#answer(entity, externalId, changes);
    return this.spec.replaces ? { ...answer, resent } : answer;
  }

  async delete(entity: Entity, externalId: string): Promise<void> {
    this.calls.delete += 1;
    this.#reach('delete', externalId, {});
    if (!this.#of(entity).has(externalId))
      throw new GoneError(`${this.spec.name} has no ${entity} ${externalId}`, { connection: this.spec.name });
    const before = this.holds(entity, externalId);
    this.drop(entity, externalId);
    if (this.spec.cascades && entity === 'account')
      for (const id of this.ids('contact'))
        if (this.holds('contact', id).account === externalId) this.drop('contact', id);
    this.writes.push({ verb: 'delete', entity, externalId, values: {}, before });
  }

  #answer(entity: Entity, externalId: string, written: Values): WriteReply {
    if (this.spec.tells === 'id') return { externalId };
    const record = this.shown(entity, externalId);
    const told = Object.entries(record.values).filter(([path], index) => path in written && index % 2 === 0);
    const values = this.spec.tells === 'all' ? record.values : Object.fromEntries(told);
    return { externalId, record: this.#show(entity, { ...record, values }) };
  }

  #reach(verb: Verb, externalId: string | undefined, written: Values): void {
    this.disturbs(verb, written);
    this.before(verb, externalId, written);
  }

  #show(entity: Entity, record: CrmRecord): CrmRecord {
    this.shows(entity, record);
    return record;
  }

  #put(entity: Entity, id: string, values: Values): void {
    const held = this.#of(entity).get(id);
    if (!held) throw new RangeError(`${this.spec.name} has no ${entity} ${id}`);
    for (const [path, value] of Object.entries(values)) {
      if (!this.paths(entity).includes(path))
        throw new RangeError(`${this.spec.name} was asked to hold ${path}, which it does not map`);
      held.values[path] = kept(this.spec.habits, entity, path, value);
    }
    held.modifiedAt = this.#clock.now();
  }

  #of(entity: Entity): Map<string, Held> {
    const records = this.#records.get(entity) ?? new Map<string, Held>();
    this.#records.set(entity, records);
    return records;
  }

  #unanswered(verb: string): UnknownOutcomeError {
    return new UnknownOutcomeError(`${this.spec.name}: ${verb} was not answered`, { connection: this.spec.name });
  }
}

function capabilitiesOf(spec: CrmSpec): EntityCapabilities {
  return {
    list: spec.lists === false ? none('this CRM lists nothing') : { via: ['list'], order: 'by id' },
    read: spec.reads === 'none' ? none('this CRM shows lists only') : { via: ['read'], by: spec.reads },
    search: none('this CRM has no search of its own'),
    create: { via: ['create'], idempotent: spec.knowsOurIds ?? false },
    update: { via: ['update'], style: spec.replaces ? 'replace' : 'patch' },
    delete:
      spec.deletes === false
        ? none('this CRM deletes nothing')
        : { via: ['delete'], ...(spec.cascades && { mayTake: ['contact'] }) },
    modifiedStamp: spec.stamps ? { via: ['list'] } : none('this CRM keeps no stamps'),
    xref: none('this CRM keeps no foreign ids'),
  };
}

/** The same elements in an order that the seed decides. */
function shuffled<T>(elements: readonly T[], random: SeededIds): T[] {
  const result = [...elements];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = random.integer(last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
