import { Refusal } from '../../src/connector/sandbox-server.ts';
import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import type { Entity } from '../../src/model/values.ts';
import { contentOf } from './sandbox-content.ts';
import { customerFields, shapes } from './schemas.ts';

export type Customer = Record<string, unknown>;

/** What this server does to what it is given; all off by default. A live one may do any of it. */
export interface AlphaHabits {
  /** Takes white space off both ends of every text that is written. */
  readonly trims?: boolean;
  readonly lowerCasesTags?: boolean;
  /** A field that the next-action body leaves out becomes null, instead of staying. */
  readonly nextActionReplaces?: boolean;
  /** Leaves keys that hold null out of its replies. */
  readonly omitsNull?: boolean;
  /** Answers 404 when a tag or an owner that is to be removed is not there. */
  readonly missesWhatIsNotThere?: boolean;
  /** Shows the list shape in writes too, or the other way round: both shapes with all keys. */
  readonly oneShape?: boolean;
}

/** The users that can own customers; the first one is whose token is used. */
export const users = [
  { id: 'usr_1', username: 's.visser', displayName: 'Sanne Visser' },
  { id: 'usr_21', username: 'j.dekker', displayName: 'Jörgen Dekker' },
  { id: 'usr_22', username: 'f.yilmaz', displayName: 'Fatma Yılmaz' },
] as const;

const FIRST_STAMP = Date.UTC(2026, 0, 5, 8, 0, 0);

/** The customers of one server: what the API's rules, and its habits, make of what is written. */
export interface CustomerTable {
  all(): readonly Customer[];
  /** @throws Refusal 404 */
  get(id: string): Customer;
  /** A change through the API, noted in `updated`. */
  write(id: string, change: Readonly<Customer>): Customer;
  /** As a person does it: no validation, so that a test can also store what cannot be. Undefined takes a key away. */
  add(wire: Readonly<Customer>): string;
  edit(id: string, change: Readonly<Customer>): void;
  remove(id: string): void;
  /** As lists show it (§3.1), or as everything else does (§3.2). */
  shown(customer: Customer, shape: 'list' | 'single'): Customer;
}

/** The customers of a server, none at first. */
export function customerTable(habits: AlphaHabits, ids: SeededIds): CustomerTable {
  const byId = new Map<string, Customer>();
  let changes = 0;
  const now = (): string => new Date(FIRST_STAMP + ++changes * 1000).toISOString();

  function blank(): Customer {
    const at = now();
    const customer: Customer = Object.fromEntries(customerFields.map((field) => [field, null]));
    return Object.assign(customer, {
      id: `cus_${ids.hex(8)}`,
      tenantId: 'ten_9',
      type: 'PERSON',
      crmStatus: 'PROSPECT',
      tags: [],
      deliveryAddresses: [],
      contacts: [],
      events: [{ id: `evt_${ids.hex(6)}`, authorId: users[0].id, date: at, description: 'Aangemaakt', type: 'CREATE' }],
      visits: [],
      created: at,
      createdBy: users[0].id,
      updated: at,
      updatedBy: users[0].id,
    });
  }

  function get(id: string): Customer {
    const customer = byId.get(id);
    if (!customer) throw new Refusal(404, `Customer ${id} unknown`);
    return customer;
  }

  function put(customer: Customer, change: Readonly<Customer>, by: string): void {
    for (const [key, value] of Object.entries(change)) {
      if (value === undefined) delete customer[key];
      else customer[key] = value;
    }
    Object.assign(customer, { updated: now(), updatedBy: by, ...('updated' in change && { updated: change.updated }) });
  }

  return {
    all: () => [...byId.values()],
    get,
    write(id, change) {
      const customer = get(id);
      put(
        customer,
        Object.fromEntries(Object.entries(change).map(([key, value]) => [key, kept(value, habits)])),
        'api',
      );
      return customer;
    },
    add(wire) {
      const customer = blank();
      put(customer, wire, users[0].id);
      const id = String(customer.id);
      byId.set(id, Object.assign(customer, contentOf(customer, ids)));
      return id;
    },
    edit: (id, change) => put(get(id), change, users[0].id),
    remove(id) {
      get(id);
      byId.delete(id);
    },
    shown(customer, shape) {
      const hidden = habits.oneShape ? [] : shape === 'list' ? shapes.singleOnly : shapes.listOnly;
      const owner = users.find(({ id }) => id === customer.ownerId) ?? null;
      return Object.fromEntries(
        Object.entries({ ...customer, owner }).filter(
          ([key, value]) => !hidden.includes(key) && !(habits.omitsNull && value === null),
        ),
      );
    },
  };
}

/** Whether people see a customer as this entity. */
export function isEntity(entity: Entity, { type, crmStatus }: Customer): boolean {
  if (entity === 'lead') return crmStatus === 'LEAD';
  return (type === 'PERSON') === (entity === 'contact');
}

function kept(value: unknown, { trims, lowerCasesTags }: AlphaHabits): unknown {
  if (Array.isArray(value)) {
    const tags = lowerCasesTags ? value.map((tag: string) => tag.toLowerCase()) : value;
    return trims ? tags.map((tag: string) => tag.trim()) : tags;
  }
  return trims && typeof value === 'string' ? value.trim() : value;
}
