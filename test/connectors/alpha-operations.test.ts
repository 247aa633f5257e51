import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpoints } from '../../connectors/alpha/endpoints.ts';
import { alpha } from '../../connectors/alpha/index.ts';
import { customerFields, shapes } from '../../connectors/alpha/schemas.ts';
import type { HttpCall } from '../../src/connector/http.ts';
import type { Operation } from '../../src/connector/operation.ts';
import { type Site, startSite, type Wire } from './alpha-site.ts';

let site: Site;
let id: string;

beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const lois = {
  name: 'Loïs van den Bérg',
  email: 'lois@example.com',
  phone: '+31 20 794 0000',
  preferredLanguage: 'nl',
  crmStatus: 'PROSPECT',
  ownerId: 'usr_1',
  nextAction: 'Offerte sturen',
  nextActionDueDate: '2025-06-30T09:00:00Z',
  tags: ['VIP', 'café'],
  avatar: { blobId: 'blob_1', thumbnailBlobId: 'blob_2', height: 64, width: 64 },
  billingAddress: {
    id: 'adr_1',
    street: 'Prinsengracht',
    houseNumber: '263-A',
    postalCode: '1016 GV',
    city: 'Amsterdam',
  },
  deliveryAddresses: [{ id: 'adr_2', country: 'NL', latitude: 52.3752, longitude: 4.884 }],
  contacts: [{ id: 'con_1', firstName: 'Renée', lastName: 'Çelik', email: 'renee@example.com', department: 'Inkoop' }],
  visits: [{ frequency: 3, ip: '192.0.2.17', time: '2025-05-20T19:40:00Z' }],
};

interface Case {
  readonly call: () => HttpCall;
  /** What the customer holds afterwards. */
  readonly held?: Wire;
}

const cases: Record<keyof typeof endpoints, Case> = {
  get_customers_by_owner: { call: () => ({ params: { ownerId: 'usr_1' } }) },
  get_customers_by_status: { call: () => ({ params: { status: 'PROSPECT' } }) },
  get_my_customers: { call: () => ({}) },
  get_customers_with_overdue_actions: { call: () => ({}) },
  get_enriched_customer: { call: () => ({ params: { id } }) },
  update_crm_status: {
    call: () => ({ params: { id }, body: { crmStatus: 'CHURNED' } }),
    held: { crmStatus: 'CHURNED' },
  },
  update_next_action: {
    call: () => ({ params: { id }, body: { nextAction: 'Bellen' } }),
    held: { nextAction: 'Bellen', nextActionDueDate: lois.nextActionDueDate },
  },
  remove_owner: { call: () => ({ params: { id } }), held: { ownerId: null } },
  assign_owner: { call: () => ({ params: { id, ownerId: 'usr_22' } }), held: { ownerId: 'usr_22' } },
  add_tag: { call: () => ({ params: { id, tag: 'à voir %2F' } }), held: { tags: ['VIP', 'café', 'à voir %2F'] } },
  remove_tag: { call: () => ({ params: { id, tag: 'café' } }), held: { tags: ['VIP'] } },
};

describe('every documented operation', () => {
  test('there are 11, in the order of the sheet', () => {
    expect(alpha.operations.map(({ source }) => source)).toEqual(
      Array.from({ length: 11 }, (_, index) => `alpha.md §2, ${index + 1}`),
    );
    for (const [key, operation] of Object.entries(endpoints)) expect(operation.id).toBe(key);
  });

  test('has the method and path of the vendor’s page', () => {
    expect(alpha.operations.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /crm/customers/by-owner/{ownerId}',
      'GET /crm/customers/by-status/{status}',
      'GET /crm/customers/my',
      'GET /crm/customers/overdue-actions',
      'GET /crm/customers/{id}',
      'PATCH /crm/customers/{id}/crm-status',
      'PATCH /crm/customers/{id}/next-action',
      'DELETE /crm/customers/{id}/owner',
      'PATCH /crm/customers/{id}/owner/{ownerId}',
      'POST /crm/customers/{id}/tags/{tag}',
      'DELETE /crm/customers/{id}/tags/{tag}',
    ]);
  });

  test('names each parameter of its path, and no other', () => {
    for (const { path, parameters } of alpha.operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(parameters.map(({ name }) => name)).toEqual(named);
    }
  });

  test.each(Object.entries(endpoints) as [keyof typeof endpoints, Operation][])(
    '%s: the call fits its request schema, reaches its path, does its work, and the reply fits its reply schema',
    async (key, operation) => {
      id = site.sandbox.people.add('contact', lois);
      const other = site.sandbox.people.add('account', {
        crmStatus: 'LEAD',
        nextActionDueDate: '2999-01-01T00:00:00Z',
      });
      site.sandbox.forgetRequests();
      const call = cases[key].call();
      for (const { name, schema } of operation.parameters)
        expect(schema.safeParse(String(call.params?.[name])).success, name).toBe(true);
      if (operation.body) expect(operation.body.schema.safeParse(call.body).success).toBe(true);

      const reply = await site.http.call(operation, call);

      expect(site.sandbox.requests.map((seen) => seen.operation)).toEqual([key]);
      expect(operation.reply?.safeParse(reply.body)).toMatchObject({ success: true });
      const isList = Array.isArray(reply.body);
      expect(isList).toBe(key.startsWith('get_') && key !== 'get_enriched_customer');
      const rows = (isList ? reply.body : [reply.body]) as Wire[];
      expect(rows.map((row) => row.id)).toContain(id);
      expect(rows.map((row) => row.id)).not.toContain(other);
      const shown = rows.find((row) => row.id === id) as Wire;
      const hidden = isList ? shapes.singleOnly : shapes.listOnly;
      expect(Object.keys(shown).toSorted()).toEqual(
        customerFields.filter((field) => !hidden.includes(field)).toSorted(),
      );
      if (cases[key].held) expect(shown).toMatchObject(cases[key].held);
      expect(site.held(id)).toMatchObject(cases[key].held ?? lois);
      site.sandbox.people.remove('contact', id);
      site.sandbox.people.remove('account', other);
    },
  );

  test.each([
    ['get_customers_by_status', { customers: [] }],
    ['get_customers_by_owner', [{ name: 'without an id' }]],
    ['get_my_customers', [{ id: 'c', tags: ['x', 7] }]],
    ['get_customers_with_overdue_actions', [{ id: 'c', nextActionDueDate: 'tomorrow' }]],
    ['get_enriched_customer', { id: 'c', opportunities: [{ value: '12.50' }] }],
    ['update_crm_status', { id: 'c', recentActivities: [{ completed: 'yes' }] }],
    ['update_next_action', { id: '' }],
    ['add_tag', { id: 'a/b' }],
    ['remove_owner', { id: 'overdue-actions' }],
  ] as const)('the reply schema of %s refuses another shape', (key, body) => {
    expect(endpoints[key].reply.safeParse(body).success).toBe(false);
  });

  test.each([
    ['update_crm_status', { crmStatus: 'WON' }],
    ['update_crm_status', { crmStatus: 'LEAD', note: 'x' }],
    ['update_next_action', {}],
    ['update_next_action', { nextAction: 7 }],
  ] as const)('%s: the body %j is refused before it is sent', (key, body) => {
    expect(endpoints[key].body.schema.safeParse(body).success).toBe(false);
  });

  test.each(['', ' ', '.', '..', 'a/b', 'half a \ud83d'])('a tag %j cannot stand in a path', (tag) => {
    const schema = endpoints.add_tag.parameters.find(({ name }) => name === 'tag')?.schema;
    expect(schema?.safeParse(tag).success).toBe(false);
  });

  test.each([
    ['an unknown customer', 'get_enriched_customer', { params: { id: 'cus_x' } }, 404],
    ['an unknown status', 'get_customers_by_status', { params: { status: 'WON' } }, 400],
    ['an unknown user', 'assign_owner', { params: { id: 'known', ownerId: 'usr_x' } }, 404],
    ['a body that is none', 'update_crm_status', { params: { id: 'known' }, body: 'LEAD' }, 400],
    [
      'a due date that is none',
      'update_next_action',
      { params: { id: 'known' }, body: { nextActionDueDate: 'x' } },
      400,
    ],
  ] as const)('the sandbox refuses %s in the words of the sheet', async (_, key, call, status) => {
    if (!site.held('known')) site.sandbox.people.add('contact', { id: 'known' });
    const failure = await site.http.call(endpoints[key], call).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status, detail: expect.stringMatching(/^(Bad Request|Not Found): \w/) });
  });

  test('the probe is one documented call', async () => {
    const operation = alpha.operations.find(({ id: key }) => key === alpha.probe.operation);
    const reply = await site.http.call(operation as Operation, { params: alpha.probe.params });
    expect(reply.body).toBeInstanceOf(Array);
  });
});
