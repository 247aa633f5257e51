import type { Sandbox, SandboxOptions } from '../../src/connector/sandbox.ts';
import {
  Refusal,
  type SandboxCall,
  type SandboxHandler,
  type SandboxReply,
  startSandboxServer,
} from '../../src/connector/sandbox-server.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { endpoints } from './endpoints.ts';
import { type AlphaHabits, type Customer, customerTable, isEntity, users } from './sandbox-customers.ts';
import { statuses } from './schemas.ts';

/** The vendor's path (alpha.md §1), part of the base URL. */
const BASE_PATH = '/api/v1';

const ERROR_TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
};

export interface AlphaSandboxOptions extends SandboxOptions {
  readonly habits?: AlphaHabits;
}

/**
 * Alpha on loopback: customers with every documented operation, in both shapes, each with a deal and a call made up.
 * What the page leaves open is decided here one way: success is 200, a next-action body changes the fields that it
 * names, ignores others and may be empty, tags are a set as they are spelt, an owner must be a user, and what is overdue
 * is due before now. The token is that of the first user. People may also see what the API refuses.
 */
export async function startAlphaSandbox(options: AlphaSandboxOptions = {}): Promise<Sandbox> {
  const habits = options.habits ?? {};
  const table = customerTable(habits, seededIds(options.seed));

  const single = (customer: Customer): SandboxReply => ({ status: 200, body: table.shown(customer, 'single') });
  const list =
    (belongs: (customer: Customer, params: SandboxCall['params']) => boolean): SandboxHandler =>
    ({ params }) => ({
      status: 200,
      body: table
        .all()
        .filter((customer) => belongs(customer, params))
        .map((customer) => table.shown(customer, 'list')),
    });
  const change =
    (make: (customer: Customer, call: SandboxCall) => Customer): SandboxHandler =>
    (call) => {
      const id = call.params.id as string;
      return single(table.write(id, make(table.get(id), call)));
    };
  const mustBeThere = (isThere: boolean, what: string): void => {
    if (!isThere && habits.missesWhatIsNotThere) throw new Refusal(404, `${what} is not there`);
  };

  return startSandboxServer(
    {
      connector: 'alpha',
      operations: Object.values(endpoints),
      basePath: BASE_PATH,
      errorBody: (status, message) => ({
        title: ERROR_TITLES[status] ?? 'Error',
        detail: message,
        time: new Date().toISOString(),
      }),
      handlers: {
        get_customers_by_owner: list(({ ownerId }, params) => ownerId === params.ownerId),
        get_customers_by_status: (call) => {
          statusIn(call.params.status);
          return list(({ crmStatus }, { status }) => crmStatus === status)(call);
        },
        get_my_customers: list(({ ownerId }) => ownerId === users[0].id),
        get_customers_with_overdue_actions: list(
          ({ nextActionDueDate }) =>
            typeof nextActionDueDate === 'string' && Date.parse(nextActionDueDate) < Date.now(),
        ),
        get_enriched_customer: ({ params }) => single(table.get(params.id as string)),
        update_crm_status: change((_, { body }) => ({ crmStatus: statusIn(objectIn(body).crmStatus) })),
        update_next_action: change((_, { body }) => nextActionIn(objectIn(body), habits)),
        remove_owner: change(({ ownerId }) => {
          mustBeThere(ownerId !== null, 'Owner');
          return { ownerId: null };
        }),
        assign_owner: change((_, { params }) => {
          if (!users.some(({ id }) => id === params.ownerId)) throw new Refusal(404, `User ${params.ownerId} unknown`);
          return { ownerId: params.ownerId };
        }),
        add_tag: change(({ tags }, { params }) => ({ tags: [...new Set([...textsIn(tags), params.tag as string])] })),
        remove_tag: change(({ tags }, { params }) => {
          mustBeThere(textsIn(tags).includes(params.tag as string), 'Tag');
          return { tags: textsIn(tags).filter((tag) => tag !== params.tag) };
        }),
      },
      people: {
        all: (entity) =>
          table
            .all()
            .filter((customer) => isEntity(entity, customer))
            .map((customer) => structuredClone(customer)),
        add: (entity, wire) =>
          table.add({
            ...(entity === 'account' && { type: 'COMPANY' }),
            ...(entity === 'lead' && { crmStatus: 'LEAD' }),
            ...structuredClone(wire),
          }),
        edit: (_, externalId, wire) => table.edit(externalId, structuredClone(wire)),
        remove: (_, externalId) => table.remove(externalId),
      },
    },
    options,
  );
}

function objectIn(body: unknown): Customer {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Customer;
  throw new Refusal(400, 'The request body must be an object');
}

function statusIn(value: unknown): string {
  const status = statuses.find((one) => one === value);
  if (status === undefined) throw new Refusal(400, `The status must be one of ${statuses.join(', ')}`);
  return status;
}

function nextActionIn(body: Customer, { nextActionReplaces }: AlphaHabits): Customer {
  const wanted: Customer = nextActionReplaces ? { nextAction: null, nextActionDueDate: null } : {};
  for (const key of ['nextAction', 'nextActionDueDate']) if (key in body) wanted[key] = body[key];
  for (const value of Object.values(wanted))
    if (value !== null && typeof value !== 'string') throw new Refusal(400, 'A next action is made of texts');
  const due = wanted.nextActionDueDate;
  if (typeof due === 'string' && !/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(due))
    throw new Refusal(400, 'nextActionDueDate must be a date-time in UTC');
  return wanted;
}

function textsIn(tags: unknown): string[] {
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
}
