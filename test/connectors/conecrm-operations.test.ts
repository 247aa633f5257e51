import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OperationId, operation, operations } from '../../connectors/conecrm/endpoints.ts';
import type { HttpCall } from '../../src/connector/http.ts';
import { type Site, startSite, type Wire } from './conecrm-site.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const NOBODY = '0190a000-0000-7000-8000-00000000dead';
const ref = (id: string) => ({ id });
const [department, source, franchise] = ['d1', 'c1', 'f1'].map((end) =>
  ref(`0190a000-0000-7000-8000-0000000000${end}`),
);
const assignee = '0190a000-0000-7000-8000-000000000002';

async function bodyOf(id: OperationId, call: HttpCall = {}): Promise<Wire> {
  return (await site.http.call(operation(id), call)).body as Wire;
}
async function idOf(id: OperationId, call: HttpCall): Promise<string> {
  return (await bodyOf(id, call)).id as string;
}

const contact = (): string => site.sandbox.people.add('contact', { firstName: 'Zoé', mobilePhone: '+1 438 555 0199' });
const lead = () => ({ subject: 'Essai', department, contact: ref(contact()), source, franchise });
const automation = { name: 'Relance', automationTrigger: 'LEAD_CREATED', delayedAutomationsCount: 0 };
const task = { type: 'CALL', assignee, title: 'Rappeler Zoé', start: '2025-05-03T13:00:00Z' };
const filter = { name: "Clients d'été", module: 'contact', value: '{}' };
const field = { entity: 'lead', fieldName: 'couleur', fieldType: 'string', options: '{"max": 40}' };
const label = { value: { label1: 'Succursale' } };
const query = {
  query: { id: 'q', combinator: 'and', rules: [{ id: 'r', field: 'firstName', operator: '=', value: 'Zoé' }] },
};

/** A call that succeeds, for every operation, and what its reply must show. */
const calls: Record<OperationId, () => HttpCall | Promise<HttpCall>> = {
  _getAccounts: () => ({ params: { offset: 0, limit: 5, sortField: 'name', sortDirection: 'ASC' } }),
  post_api_account_create: () => ({
    body: { name: 'Garage Côté', primaryEmail: 'info@côté.example.ca', province: 'QC' },
  }),
  delete_api_account_deleteAccount: () => ({ params: { account: site.sandbox.people.add('account', {}) } }),
  patch_api_account_updateAccount: () => ({
    params: { account: site.sandbox.people.add('account', {}) },
    body: { contacts: [{ firstName: 'Zoé', thirdPartyIds: [{ systemName: 'HUB', thirdPartyId: '7' }] }] },
  }),
  get_api_automation_getBuilderData: () => ({}),
  get_api_automation_getAutomations: () => ({}),
  post_api_automation_createAutomation: () => ({ body: automation }),
  get_api_automation_getAutomation: async () => ({ params: { automation: await newAutomation() } }),
  delete_api_automation_deleteAutomation: async () => ({ params: { automation: await newAutomation() } }),
  patch_api_automation_updateAutomation: async () => ({
    params: { automation: await newAutomation() },
    body: automation,
  }),
  post_api_automation_duplicateAutomation: async () => ({ params: { automation: await newAutomation() } }),
  _getContacts: () => ({ params: { start: 0, limit: 5, search: 'zoé', exclude: NOBODY } }),
  _get_contact_open_leads: async () => {
    const body = lead();
    await bodyOf('post_lead_createLead', { body });
    return { params: { contact: body.contact.id } };
  },
  get_contact_findByPhone: () => {
    contact();
    return { params: { phone: '4385550199' } };
  },
  get_api_custom_field_getCustomFields: () => ({}),
  post_api_custom_field_createCustomField: () => ({ body: field }),
  get_api_custom_field_getCustomFieldsForEntity: () => ({ params: { entity: 'lead' } }),
  delete_api_custom_field_deleteCustomField: async () => ({ params: { customField: await newField() } }),
  patch_api_custom_field_updateCustomField: async () => ({
    params: { customField: await newField() },
    body: { fieldType: 'number' },
  }),
  get_custom_label_list: () => ({}),
  post_custom_label_create: () => ({ body: label }),
  delete_custom_label_delete: async () => ({ params: { id: await idOf('post_custom_label_create', { body: label }) } }),
  patch_custom_label_update: async () => ({
    params: { id: await idOf('post_custom_label_create', { body: label }) },
    body: { value: { label1: 'Lévis' } },
  }),
  get_api_filtersget_all_filters: () => ({}),
  get_api_filtersget_entity_filters: () => ({ params: { entity: 'contact' } }),
  post_lead_createLead: () => ({ body: lead() }),
  post_lead_copy_lead: async () => ({
    params: { lead: await idOf('post_lead_createLead', { body: lead() }) },
    body: { contact: { firstName: 'Léo', lastName: 'Roy' }, subject: 'Copie' },
  }),
  get_api_query_builder_config: () => ({ params: { entity: 'contact' } }),
  post_api_query_builder_filter: () => ({ params: { entity: 'contact' }, body: query }),
  get_savedFilterlist: () => ({}),
  post_savedFiltercreate: () => ({ body: filter }),
  get_savedFilterread: async () => ({ params: { id: await newFilter() } }),
  delete_savedFilterdelete: async () => ({ params: { filter: await newFilter() } }),
  patch_savedFilterupdate: async () => ({ params: { filter: await newFilter() }, body: { private: true } }),
  get_api_stage_list: () => ({}),
  post_api_stage_create: () => ({ body: { name: 'Perdu' } }),
  get_api_stage_get: async () => ({ params: { id: await newStage() } }),
  delete_api_stage_delete: async () => ({ params: { id: await newStage() } }),
  patch_api_stage_update: async () => ({ params: { id: await newStage() }, body: { name: 'Gagné' } }),
  post_api_task_create: () => ({ body: { ...task, contact: contact() } }),
  delete_api_task_deleteTask: async () => ({ params: { task: await newTask() } }),
  patch_api_task_updateTask: async () => ({ params: { task: await newTask() }, body: { ...task, title: 'Écrire' } }),
};
const newAutomation = () => idOf('post_api_automation_createAutomation', { body: automation });
const newField = () => idOf('post_api_custom_field_createCustomField', { body: field });
const newFilter = () => idOf('post_savedFiltercreate', { body: filter });
const newStage = () => idOf('post_api_stage_create', { body: { name: 'Perdu' } });
const newTask = () => idOf('post_api_task_create', { body: task });

/** Success codes other than 200 (conecrm.md §2). */
const successes: Partial<Record<OperationId, number>> = {
  post_savedFiltercreate: 201,
  delete_savedFilterdelete: 204,
  post_api_stage_create: 201,
  delete_api_stage_delete: 204,
};

describe('every documented operation', () => {
  test('there are 42, in the order of the sheet, each once', () => {
    expect(operations).toHaveLength(42);
    expect(operations.map(({ source }) => source.replace(/;.*/, ''))).toEqual(
      Array.from({ length: 42 }, (_, index) => `conecrm.md §2, ${index + 1}`),
    );
    expect(new Set(operations.map(({ method, path }) => `${method} ${path}`)).size).toBe(42);
    expect(Object.keys(calls)).toEqual(operations.map(({ id }) => id));
  });

  test('names each parameter of its path, and no other path parameter', () => {
    for (const { path, parameters } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(named);
    }
  });

  test.each(operations.map((row) => [row.id, row] as const))(
    '%s: the call fits its schemas, is answered with the documented status, and the reply fits its schema',
    async (id, row) => {
      const call = await calls[id]();
      for (const { name, schema } of row.parameters)
        if (call.params?.[name] !== undefined)
          expect(schema.safeParse(String(call.params[name])).success, name).toBe(true);
      if (row.body) expect(row.body.schema.safeParse(call.body).error).toBeUndefined();
      site.sandbox.forgetRequests();

      const reply = await site.http.call(row, call);

      expect(site.sandbox.requests.map((request) => request.operation)).toEqual([id]);
      expect(reply.status).toBe(successes[id] ?? 200);
      if (row.reply) expect(row.reply.safeParse(reply.body).error).toBeUndefined();
      else if (row.method === 'DELETE') expect(reply.body).toBeUndefined();
    },
  );
});

describe('request schemas refuse what the text forbids', () => {
  test.each<[OperationId, unknown]>([
    ['post_api_account_create', { primaryEmail: 'no address' }],
    ['post_api_account_create', { name: 7 }],
    ['post_api_account_create', { contacts: [{ id: 'not a uuid' }] }],
    ['post_lead_createLead', { subject: 'x', contact: ref(NOBODY), source, franchise }],
    ['post_lead_copy_lead', { subject: 'x' }],
    ['post_api_task_create', { title: 'x' }],
    ['post_api_task_create', { ...task, title: ' ' }],
    ['post_api_task_create', { ...task, type: '' }],
    ['post_api_task_create', { ...task, start: 'tomorrow' }],
    ['patch_api_task_updateTask', { title: 'x' }],
    ['post_custom_label_create', {}],
    ['post_savedFiltercreate', { name: 'x' }],
    ['post_api_automation_createAutomation', { name: 'x', automationTrigger: 'y' }],
    ['post_api_query_builder_filter', { query: { combinator: 'xor' } }],
    ['post_api_query_builder_filter', { query: { rules: [{ field: 'x', operator: 'like' }] } }],
    ['post_api_query_builder_filter', { query: { rules: [{ rules: [{ field: 'x', operator: 'like' }] }] } }],
  ])('%s %j', (id, body) => {
    expect(operation(id).body?.schema.safeParse(body).success).toBe(false);
  });

  test('a nested query with every documented operator passes', () => {
    const rule = { id: 'r', field: 'city', operator: 'notBetween', valueSource: 'value', value: 'a,b' };
    const body = { query: { combinator: 'or', rules: [rule, { combinator: 'and', not: true, rules: [rule] }] } };
    expect(operation('post_api_query_builder_filter').body?.schema.safeParse(body).success).toBe(true);
  });
});

describe('the sandbox refuses as the vendor does', () => {
  const refusals: [OperationId, () => HttpCall, { code: string; status: number; detail: RegExp }][] = [
    [
      'post_api_account_create',
      () => ({ body: { province: 'Québec' } }),
      { code: 'rejected', status: 400, detail: /Validation failed; province: This value is too long/ },
    ],
    [
      'post_api_account_create',
      () => ({ body: { contacts: [{ id: NOBODY }] } }),
      { code: 'rejected', status: 400, detail: /does not exist/ },
    ],
    ['patch_api_account_updateAccount', () => ({ params: { account: NOBODY }, body: {} }), gone('account not found')],
    ['delete_api_account_deleteAccount', () => ({ params: { account: NOBODY } }), gone('account not found')],
    ['get_contact_findByPhone', () => ({ params: { phone: '000' } }), gone('contact not found')],
    ['_get_contact_open_leads', () => ({ params: { contact: NOBODY } }), gone('contact not found')],
    [
      'post_lead_createLead',
      () => ({ body: { subject: '' } }),
      { code: 'rejected', status: 400, detail: /Form validation failed; subject: This value should not be blank/ },
    ],
    [
      'post_api_task_create',
      () => ({ body: { assignee, title: ' ' } }),
      { code: 'rejected', status: 400, detail: /title This value should not be blank\.$/ },
    ],
    ['delete_api_task_deleteTask', () => ({ params: { task: NOBODY } }), gone('task not found')],
    ['post_custom_label_create', () => ({ body: {} }), { code: 'rejected', status: 400, detail: /value is required/ }],
    ['delete_custom_label_delete', () => ({ params: { id: NOBODY } }), gone('custom label not found')],
    ['get_api_filtersget_entity_filters', () => ({ params: { entity: 'moon' } }), gone('entity "moon" not found')],
    [
      'post_api_query_builder_filter',
      () => ({ params: { entity: 'contact' }, body: {} }),
      { code: 'rejected', status: 400, detail: /query is required/ },
    ],
    ['get_api_stage_get', () => ({ params: { id: NOBODY } }), gone('stage not found')],
    ['get_api_automation_getAutomation', () => ({ params: { automation: NOBODY } }), gone('automation not found')],
    [
      'delete_api_custom_field_deleteCustomField',
      () => ({ params: { customField: NOBODY } }),
      { code: 'rejected', status: 400, detail: /custom field not found/ },
    ],
  ];
  function gone(detail: string) {
    return { code: 'gone', status: 404, detail: new RegExp(detail) };
  }

  test.each(refusals)('%s, case %#', async (id, call, { code, status, detail }) => {
    await expect(site.http.call(operation(id), call())).rejects.toMatchObject({
      code,
      status,
      detail: expect.stringMatching(detail),
    });
  });

  test('a stage that a lead is in cannot be deleted', async () => {
    const { stage } = await bodyOf('post_lead_createLead', { body: lead() });
    await expect(
      site.http.call(operation('delete_api_stage_delete'), { params: { id: (stage as Wire).id as string } }),
    ).rejects.toMatchObject({ code: 'rejected', detail: expect.stringMatching(/Cannot delete stage/) });
  });

  test("a colleague's saved filter can be seen when it is shared, and never be changed", async () => {
    const [shared] = (await bodyOf('get_savedFilterlist')) as unknown as Wire[];
    expect(await bodyOf('get_savedFilterread', { params: { id: shared?.id as string } })).toEqual(shared);
    await expect(
      site.http.call(operation('delete_savedFilterdelete'), { params: { filter: shared?.id as string } }),
    ).rejects.toMatchObject({ code: 'auth', status: 403 });
  });
});

describe('the sandbox keeps what it is told', () => {
  test('a deleted label is gone from the list, a closed lead from the open ones', async () => {
    const id = await idOf('post_custom_label_create', { body: label });
    await bodyOf('delete_custom_label_delete', { params: { id } });
    expect(await bodyOf('get_custom_label_list')).not.toContainEqual(expect.objectContaining({ id }));

    const body = lead();
    const closed = await idOf('post_lead_createLead', { body });
    const open = await idOf('post_lead_createLead', { body });
    site.sandbox.people.edit('lead', closed, { connectionClosedDate: '2025-06-01T00:00:00Z' });
    const leads = await bodyOf('_get_contact_open_leads', { params: { contact: body.contact.id } });
    expect((leads as unknown as Wire[]).map(({ id }) => id)).toEqual([open]);
  });

  test('a copied lead keeps what was not given, and has ids of its own', async () => {
    const original = await bodyOf('post_lead_createLead', { body: { ...lead(), description: 'Après 17 h' } });
    const { params, body } = { params: { lead: original.id as string }, body: { contact: { firstName: 'Léo' } } };
    const copy = await bodyOf('post_lead_copy_lead', { params, body });
    expect(copy).toMatchObject({ subject: 'Essai', description: 'Après 17 h', source });
    expect(copy.id).not.toBe(original.id);
    expect(copy.contact).not.toEqual(original.contact);
  });

  test('ids are UUID v7 that grow, the same for the same seed', async () => {
    const [one, two] = await Promise.all([startSite({}, { seed: 5 }), startSite({}, { seed: 5 })]);
    const ids = [one, one, two].map(({ sandbox }) => sandbox.people.add('account', {}));
    await Promise.all([one.close(), two.close()]);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids[0]).toBe(ids[2]);
    expect((ids[1] as string) > (ids[0] as string)).toBe(true);
  });

  test('the start of accounts is `offset`, that of contacts `start`; the other name does nothing', async () => {
    const other = await startSite();
    for (const name of ['a', 'b', 'c']) other.sandbox.people.add('account', { name });
    for (const firstName of ['a', 'b', 'c']) other.sandbox.people.add('contact', { firstName });
    const accounts = async (params: HttpCall['params'] & {}) =>
      ((await other.http.call(operation('_getAccounts'), { params })).body as { accounts: Wire[] }).accounts;
    const contacts = async (params: HttpCall['params'] & {}) =>
      (await other.http.call(operation('_getContacts'), { params })).body as Wire[];
    expect((await accounts({ offset: 2 })).map(({ name }) => name)).toEqual(['c']);
    expect(await accounts({ start: 2 })).toHaveLength(3);
    expect((await contacts({ start: 2 })).map(({ firstName }) => firstName)).toEqual(['c']);
    expect(await contacts({ offset: 2 })).toHaveLength(3);
    await other.close();
  });
});
