import { Refusal } from '../../../src/connector/sandbox-server.ts';
import { seededIds } from '../../../src/connector/seeded-ids.ts';

/** A record in ConeCRM's wire shape. */
export type Wire = Record<string, unknown>;

/** Gives ids and stamps; the same seed gives the same ones. */
export interface Mint {
  /** UUID v7, each greater than the one before. */
  id(): string;
  /** ISO 8601, each later than the one before. */
  stamp(): string;
}

const EPOCH_MS = Date.UTC(2024, 0, 1);

/** @param seed of the random bits; time starts on 2024-01-01 and moves a second per call. */
export function mint(seed = 1): Mint {
  const random = seededIds(seed);
  let now = EPOCH_MS;
  const tick = (): number => {
    now += 1000;
    return now;
  };
  return {
    id: () => {
      const time = tick().toString(16).padStart(12, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}-7${random.hex(3)}-8${random.hex(3)}-${random.hex(12)}`;
    },
    stamp: () => new Date(tick()).toISOString().replace('.000Z', 'Z'),
  };
}

/** The people and things of the sandbox's tenant that no operation creates. */
export const TENANT = { id: '0190a000-0000-7000-8000-0000000000aa', name: 'Québec Autos' };
export const US = { id: '0190a000-0000-7000-8000-000000000001' };
export const COLLEAGUE = { id: '0190a000-0000-7000-8000-000000000002' };

/** The audit fields of BaseRecord for a new row. */
export function audit(from: Mint, dtype: string, id: string = from.id()): Wire {
  return {
    id,
    dateCreated: from.stamp(),
    createdBy: US,
    dateModified: null,
    modifiedBy: null,
    isDeleted: false,
    dateDeleted: null,
    deletedBy: null,
    dtype,
  };
}

/** Records by id, in the order of their creation. */
export class Shelf<Item> {
  readonly #byId = new Map<string, Item>();
  #list: Item[] | undefined;

  get(id: string): Item | undefined {
    return this.#byId.get(id);
  }

  /** @throws Refusal 404 */
  need(id: unknown, noun: string): Item {
    const item = typeof id === 'string' ? this.#byId.get(id) : undefined;
    if (item === undefined) throw new Refusal(404, `${noun} not found`);
    return item;
  }

  put(id: string, item: Item): void {
    this.#byId.set(id, item);
    this.#list = undefined;
  }

  remove(id: string): boolean {
    this.#list = undefined;
    return this.#byId.delete(id);
  }

  all(): readonly Item[] {
    this.#list ??= [...this.#byId.values()];
    return this.#list;
  }
}

/** A JSON object, or a 400. */
export function objectBody(body: unknown): Wire {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, 'the body must be an object');
  return body as Wire;
}

/** The `id` of `{id}`, or undefined. */
export function idIn(reference: unknown): string | undefined {
  const id = typeof reference === 'object' && reference !== null && 'id' in reference ? reference.id : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}
