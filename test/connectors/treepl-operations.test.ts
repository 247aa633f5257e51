import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpoints } from '../../connectors/treepl/endpoints.ts';
import { treepl } from '../../connectors/treepl/index.ts';
import { contact } from '../../connectors/treepl/schemas.ts';
import type { HttpCall } from '../../src/connector/http.ts';
import { type Site, startSite } from './treepl-site.ts';

let site: Site;
let id: string;

beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const query = { Where: '{}', Order_By: 'Id', Offset: 0, Limit: 100 };
const calls: Record<keyof typeof endpoints, () => HttpCall> = {
  contacts_list: () => ({ params: query }),
  contact_create: () => ({ body: { Email: 'marta.koscielna@example.pl', City: 'Łódź', Type: 1, CustomCrmGroups: {} } }),
  contact_item: () => ({ params: { id } }),
  contact_update: () => ({ params: { id }, body: { Id: Number(id), FirstName: 'Marta', IsDataUsingAllowed: false } }),
  contact_delete: () => ({ params: { id } }),
  contact_bookings_list: () => ({ params: { contactId: id, ...query } }),
  contact_cases_list: () => ({ params: { contactId: id, ...query } }),
  contact_orders_list: () => ({ params: { contactId: id, ...query } }),
  contact_secure_zones_list: () => ({ params: { contactId: id, ...query } }),
  contact_secure_zone_update: () => ({
    params: { contactId: id },
    body: [{ Id: 4, Name: 'Parteneri', ExpiryDateTime: '2027-01-01T00:00:00.000Z' }],
  }),
  contact_set_password: () => ({ params: { id }, body: { Password: 'correct horse' } }),
};

describe('every documented operation', () => {
  test('there are 11, in the order of the sheet', () => {
    expect(treepl.operations.map(({ source }) => source)).toEqual(
      Array.from({ length: 11 }, (_, index) => `treepl.md §2, ${index + 1}`),
    );
    for (const [key, operation] of Object.entries(endpoints)) expect(operation.id).toBe(key);
  });

  test('names each parameter of its path, and no other path parameter', () => {
    for (const { path, parameters } of treepl.operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(named);
    }
  });

  test.each(treepl.operations.map((operation) => [operation.id, operation] as const))(
    '%s: the call fits its request schema, reaches its path, and the reply fits its reply schema',
    async (key, operation) => {
      id = site.sandbox.people.add('contact', { Email: `${key}@example.ro`, FirstName: 'Ana' });
      site.sandbox.forgetRequests();
      const call = calls[key as keyof typeof endpoints]();
      for (const { name, schema } of operation.parameters)
        expect(schema.safeParse(String(call.params?.[name])).success, name).toBe(true);
      if (operation.body?.required) expect(operation.body.schema.safeParse(call.body).success).toBe(true);

      const reply = await site.http.call(operation, call);

      expect(site.sandbox.requests.map((seen) => seen.operation)).toEqual([key]);
      if (key === 'contact_delete') expect([reply.status, reply.body]).toEqual([204, undefined]);
      if (operation.reply) expect(operation.reply.safeParse(reply.body)).toMatchObject({ success: true });
      if (key.endsWith('s_list')) expect((reply.body as { Items: unknown[] }).Items.length).toBeGreaterThan(0);
    },
  );

  test('the list query may travel as a JSON body, as the sample shows', async () => {
    const body = { Where: { Email: 'nobody@example.ro' }, Order_By: 'Id', Offset: 0, Limit: 100 };
    expect(endpoints.contacts_list.body.schema.safeParse(body).success).toBe(true);
    const reply = await site.http.call(endpoints.contacts_list, { body });
    expect(reply.body).toEqual({ Items: [], TotalItemsCount: 0 });
  });

  test.each([
    ['contacts_list', { Items: [{ Id: 1, Notes: 7 }] }],
    ['contact_item', { Email: 'a@example.ro' }],
    ['contact_bookings_list', { Items: [{ Id: 1, Allocation: 'two' }] }],
    ['contact_cases_list', { Items: [{ Id: 1, CreatedDateTime: 'yesterday' }] }],
    ['contact_orders_list', { Items: [{ Id: 1, Payments: [{ Amount: '149.90' }] }] }],
    ['contact_secure_zones_list', { TotalItemsCount: 0 }],
  ] as const)('the reply schema of %s refuses another shape', (key, body) => {
    expect(endpoints[key].reply.safeParse(body).success).toBe(false);
  });

  test('a Where that is no JSON object is refused before it is sent', () => {
    const where = endpoints.contacts_list.parameters.find(({ name }) => name === 'Where');
    for (const text of ['{', '[]', '1', 'null']) expect(where?.schema.safeParse(text).success, text).toBe(false);
  });

  test('the probe is one documented call with one contact at most', async () => {
    const operation = treepl.operations.find(({ id }) => id === treepl.probe.operation);
    const reply = await site.http.call(operation as never, { params: treepl.probe.params });
    expect((reply.body as { Items: unknown[] }).Items).toHaveLength(1);
  });

  test('the example contact of the sheet fits', () => {
    const example = {
      Id: 4711,
      Email: 'sorin.stefanescu@example.ro',
      FirstName: 'Șorin',
      LastName: 'Ștefănescu',
      CrmType: 'Contact',
      EmailConfirmed: false,
      Role: 'General',
      CreatedDate: '2024-11-03T07:45:12.330Z',
      Site: null,
      Type: 3,
      CustomerTypeName: 'Reseller',
      IsDataUsingAllowed: true,
      CustomCrmGroups: { sync: { hubId: '7f3c2a10', vip: false, score: 12 } },
    };
    expect(contact.safeParse(example).success).toBe(true);
  });
});
