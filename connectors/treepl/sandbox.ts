import type { Sandbox, SandboxOptions } from '../../src/connector/sandbox.ts';
import {
  Refusal,
  type SandboxCall,
  type SandboxReply,
  startSandboxServer,
} from '../../src/connector/sandbox-server.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import type { Entity } from '../../src/model/values.ts';
import { endpoints } from './endpoints.ts';
import { type Contact, type ContactTable, contactTable, type TreeplHabits } from './sandbox-contacts.ts';
import { type Content, contentOf } from './sandbox-content.ts';

/** Where the vendor changes client credentials into tokens (outside-facts.md). */
const TOKEN_PATH = '/api/v1/oauth/token';
const DEFAULT_MAX_PAGE = 100;

export interface TreeplSandboxOptions extends SandboxOptions {
  readonly habits?: TreeplHabits;
}

/**
 * A Treepl site on loopback: contacts with every documented operation, made-up bookings, cases, orders and secure
 * zones. What the source leaves open is decided here one way: `Where` compares fields for equality without case,
 * `Offset` counts rows, a PUT replaces the whole record, error bodies are `{ Message }`.
 */
export async function startTreeplSandbox(options: TreeplSandboxOptions = {}): Promise<Sandbox> {
  const habits = options.habits ?? {};
  const maxPage = options.maxPage ?? DEFAULT_MAX_PAGE;
  const ids = seededIds(options.seed);
  const table = contactTable(habits);
  const contents = new Map<string, Content>();

  const shown = (contact: Contact): Contact =>
    habits.omitsNull ? Object.fromEntries(Object.entries(contact).filter(([, value]) => value !== null)) : contact;

  function content({ params }: SandboxCall): Content {
    const contact = table.get(params.contactId ?? params.id ?? '');
    const key = String(contact.Id);
    const known = contents.get(key) ?? contentOf(contact, ids);
    contents.set(key, known);
    return known;
  }

  function contactsOnly(entity: Entity): ContactTable {
    if (entity !== 'contact') throw new RangeError(`a Treepl site keeps contacts only, not ${entity} records`);
    return table;
  }

  const ok = (body: unknown): SandboxReply => ({ status: 200, body });
  const all = (items: readonly Contact[]): SandboxReply => ok({ Items: items, TotalItemsCount: items.length });
  const list = (call: SandboxCall, rows: readonly Contact[]): SandboxReply => {
    const { items, total } = selection(rows, askedFor(call), maxPage);
    return ok({ Items: items.map(shown), TotalItemsCount: total });
  };

  return startSandboxServer(
    {
      connector: 'treepl',
      operations: Object.values(endpoints),
      tokenPath: TOKEN_PATH,
      errorBody: (status, message) => ({ Message: message, StatusCode: status }),
      handlers: {
        contacts_list: (call) => list(call, table.all()),
        contact_create: ({ body }) => ok(shown(table.create(body))),
        contact_item: ({ params }) => ok(shown(table.get(params.id as string))),
        contact_update: ({ params, body }) => ok(shown(table.replace(params.id as string, body))),
        contact_delete: ({ params }) => {
          table.remove(params.id as string);
          return { status: 204 };
        },
        contact_bookings_list: (call) => list(call, content(call).bookings),
        contact_cases_list: (call) => list(call, content(call).cases),
        contact_orders_list: (call) => list(call, content(call).orders),
        contact_secure_zones_list: (call) => list(call, content(call).zones),
        contact_secure_zone_update: (call) => {
          if (!Array.isArray(call.body)) throw new Refusal(400, 'The request body must be a list.');
          for (const zone of call.body as Contact[])
            if (!Number.isInteger(zone?.Id)) throw new Refusal(400, 'A secure zone needs its Id.');
          content(call).zones = call.body as Contact[];
          return all(content(call).zones);
        },
        contact_set_password: (call) => {
          const { Password } = (call.body ?? {}) as Contact;
          if (typeof Password !== 'string' || Password === '') throw new Refusal(400, 'Password is required.');
          return all(content(call).zones);
        },
      },
      people: {
        all: (entity) => (entity === 'contact' ? table.all().map((contact) => structuredClone(contact)) : []),
        add: (entity, wire) => contactsOnly(entity).write(undefined, structuredClone(wire)),
        edit: (entity, externalId, change) => void contactsOnly(entity).write(externalId, structuredClone(change)),
        remove: (entity, externalId) => contactsOnly(entity).remove(externalId),
      },
    },
    options,
  );
}

interface Asked {
  readonly where: Contact;
  readonly orderBy: string;
  readonly offset: number;
  readonly limit: number;
}

/** The list query, from the query string or, when the body has one, from there (treepl.md §4: the source shows both). */
function askedFor({ query, body }: SandboxCall): Asked {
  const given = (body ?? query) as Contact;
  return {
    where: whereOf(given.Where),
    orderBy: typeof given.Order_By === 'string' ? given.Order_By : 'Id',
    offset: count('Offset', given.Offset, 0),
    limit: count('Limit', given.Limit, Number.POSITIVE_INFINITY),
  };
}

function whereOf(given: unknown): Contact {
  try {
    const where: unknown = typeof given === 'string' ? JSON.parse(given) : (given ?? {});
    if (typeof where === 'object' && where !== null && !Array.isArray(where)) return where as Contact;
  } catch {
    // Falls through to the same refusal as other wrong shapes.
  }
  throw new Refusal(400, 'Where must be a JSON object.');
}

function count(name: string, given: unknown, otherwise: number): number {
  if (given === undefined) return otherwise;
  const number = Number(given);
  if (given === '' || !Number.isInteger(number) || number < 0)
    throw new Refusal(400, `${name} must be a whole number.`);
  return number;
}

function selection(
  rows: readonly Contact[],
  { where, orderBy, offset, limit }: Asked,
  maxPage: number,
): { items: readonly Contact[]; total: number } {
  const conditions = Object.entries(where).map(([key, value]) => [key, String(value).toLowerCase()] as const);
  let matching =
    conditions.length === 0
      ? rows
      : rows.filter((row) => conditions.every(([key, value]) => String(row[key] ?? '').toLowerCase() === value));
  if (orderBy !== 'Id') {
    if (rows[0] && !(orderBy in rows[0])) throw new Refusal(400, `Order_By ${orderBy} is not known.`);
    matching = matching.toSorted((a, b) => compare(a[orderBy], b[orderBy]));
  }
  return { items: matching.slice(offset, offset + Math.min(limit, maxPage)), total: matching.length };
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a ?? ''), String(b ?? '')];
  return left < right ? -1 : Number(left > right);
}
