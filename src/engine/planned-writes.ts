import type { Connector } from '../connector/connector.ts';
import { RejectedError } from '../connector/errors.ts';
import { overlaid } from '../connector/overlaid.ts';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import type { Entity, Value, Values } from '../model/values.ts';
import type { Connection, EngineContext } from './engine.ts';
import { kindsOf } from './participation.ts';
import { namesElsewhere, plannedPrefix } from './rehearsal.ts';

/** A write that was planned; as `PlannedChange`, with what a reader of the plan could see. */
export interface PlannedWrite {
  readonly action: 'create' | 'update' | 'delete';
  readonly connection: string;
  readonly entity: Entity;
  readonly externalId: string | null;
  readonly known: readonly string[];
  readonly fields: Readonly<Record<string, { readonly from: Value; readonly to: Value }>>;
}

/** A write that is not made because nobody has planned it like that. */
export interface RefusedWrite {
  readonly action: PlannedWrite['action'];
  readonly connection: string;
  readonly entity: Entity;
  /** CONNECTION:EXTERNALID of the record, or of what it is elsewhere. */
  readonly record: string;
  readonly reason: string;
}

/** Throws instead of a write that is not in the plan. The record stays pending: nothing is wrong with it. */
export class NotPlannedError extends RejectedError {}

/** The plan that is carried out, and what has become of it so far. */
export class PlannedWrites {
  readonly #planned = new Map<string, PlannedWrite>();
  readonly #refused = new Map<string, RefusedWrite>();
  readonly #allowed = new Set<PlannedWrite>();
  readonly #all: number;

  constructor(writes: readonly PlannedWrite[]) {
    this.#all = writes.length;
    for (const write of writes)
      for (const name of write.externalId === null ? write.known : [`${write.connection}:${write.externalId}`])
        this.#planned.set(keyOf(write, name), write);
  }

  /** Writes that were let through. */
  get done(): number {
    return this.#allowed.size;
  }

  /** Writes of the plan that did not come up: they are not needed any more, or not possible. */
  get left(): number {
    const refused = [...this.#refused.values()].filter((one) => this.#planned.has(keyOf(one, one.record)));
    return this.#all - this.#allowed.size - refused.length;
  }

  get refused(): readonly RefusedWrite[] {
    return [...this.#refused.values()];
  }

  /** @throws NotPlannedError */
  judge(
    what: Pick<PlannedWrite, 'action' | 'connection' | 'entity'>,
    names: readonly string[],
    why: (planned: PlannedWrite) => string | undefined,
  ): void {
    const name = names.find((one) => this.#planned.has(keyOf(what, one))) ?? names[0] ?? '';
    const planned = this.#planned.get(keyOf(what, name));
    const reason = planned ? why(planned) : 'it is not in the plan';
    if (planned && reason === undefined) {
      this.#allowed.add(planned);
      this.#refused.delete(keyOf(what, name));
      return;
    }
    const { action, connection, entity } = what;
    this.#refused.set(keyOf(what, name), { action, connection, entity, record: name, reason: reason! });
    throw new NotPlannedError(`${connection}: ${action} of ${entity} ${name} was not made: ${reason}`, { connection });
  }
}

function keyOf({ action, connection, entity }: Pick<PlannedWrite, 'action' | 'connection' | 'entity'>, name: string) {
  return `${action} ${connection} ${entity} ${name}`;
}

/**
 * The same engine over connectors that write what was planned and nothing else: a write that differs from the plan, in a
 * value or in what it replaces, is refused, and its record stays pending. Reading and matching are as always.
 */
export function onlyPlanned(context: EngineContext, plan: PlannedWrites): EngineContext {
  return {
    ...context,
    connections: new Map([...context.connections].map(([name, connection]) => [name, bound(connection)])),
  };

  function bound(connection: Connection): Connection {
    const { name, connector } = connection;
    const namesOf = async (recordId: string) =>
      namesElsewhere((await context.store.aggregates([recordId])).get(recordId), name);
    const differing = (entity: Entity, planned: PlannedWrite, values: Values, held: Values): string | undefined => {
      const kinds = kindsOf(connection);
      const isSame = (path: string, a: Value | undefined, b: Value | undefined) =>
        isMadeUp(a) || equal(fieldAt(entity, path).kind, a ?? null, b ?? null, kinds);
      const paths = new Set([...Object.keys(planned.fields), ...Object.keys(values)]);
      const moved = [...paths].filter((path) => {
        const field = planned.fields[path];
        return !field || !isSame(path, field.to, values[path]) || !isSame(path, field.from, held[path]);
      });
      return moved.length === 0 ? undefined : `the world has moved since in ${moved.join(', ')}`;
    };
    const over: Partial<Connector> = {
      async create(entity, record, signal) {
        const what = { action: 'create', connection: name, entity } as const;
        const names = await namesOf(record.canonicalId);
        plan.judge(what, names, (planned) => differing(entity, planned, record.values, {}));
        return await connector.create(entity, record, signal);
      },
      async update(entity, externalId, change, signal) {
        const what = { action: 'update', connection: name, entity } as const;
        const { changes, known } = change;
        plan.judge(what, [`${name}:${externalId}`], (planned) => differing(entity, planned, changes, known));
        return await connector.update(entity, externalId, change, signal);
      },
      async delete(entity, externalId, locator, signal) {
        plan.judge({ action: 'delete', connection: name, entity }, [`${name}:${externalId}`], () => undefined);
        await connector.delete(entity, externalId, locator, signal);
      },
    };
    return { ...connection, connector: overlaid(connector, over) };
  }
}

/** The id of a record that the plan made up: it has another one by now. */
function isMadeUp(value: Value | undefined): boolean {
  return typeof value === 'string' && value.startsWith(plannedPrefix);
}
