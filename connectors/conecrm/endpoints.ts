import { z } from 'zod';
import type { Method, Operation, Parameter } from '../../src/connector/operation.ts';
import { account, accountPage, accountWrite, contact } from './schemas/customer.ts';
import { lead, leadCopy, leadCreate } from './schemas/lead.ts';
import { queryBody, queryConfig, queryReply } from './schemas/query.ts';
import {
  allFilters,
  automation,
  automationListed,
  automationWrite,
  builderData,
  customField,
  customFieldWrite,
  customLabel,
  customLabelWrite,
  entityFilterList,
  savedFilter,
  savedFilterCreate,
  savedFilterUpdate,
  stage,
  stageWrite,
} from './schemas/settings.ts';
import { task, taskRequest } from './schemas/task.ts';

const integer = { type: 'integer', schema: z.string().regex(/^\d+$/, 'expected an integer') };
const uuid = { type: 'uuid', schema: z.guid('expected a UUID') };
const text = { type: 'text', schema: z.string().min(1, 'expected a text') };
const direction = { type: 'ASC or DESC', schema: z.enum(['ASC', 'DESC'], 'expected ASC or DESC') };

type ParameterType = Pick<Parameter, 'type' | 'schema'>;

function inPath(name: string, type: ParameterType = text): Parameter {
  return { name, in: 'path', required: true, ...type };
}

function inQuery(name: string, type: ParameterType = text): Parameter {
  return { name, in: 'query', required: false, ...type };
}

interface Row {
  readonly parameters?: readonly Parameter[];
  readonly body?: z.ZodType;
  readonly bodyOptional?: true;
  readonly reply?: z.ZodType;
  readonly readsOnly?: true;
  /** What the sheet says besides the row itself. */
  readonly note?: string;
}

/** One row: number in conecrm.md §2, vendor's id, method and path, the vendor's title. */
function row<Id extends string>(
  number: number,
  id: Id,
  route: `${Method} /${string}`,
  summary: string,
  { parameters = [], body, bodyOptional, reply, readsOnly, note }: Row,
): Operation & { readonly id: Id } {
  const [method, path] = route.split(' ') as [Method, string];
  return {
    id,
    summary,
    method,
    path,
    parameters,
    ...(body && { body: { schema: body, required: !bodyOptional } }),
    ...(reply && { reply }),
    ...(readsOnly && { readsOnly }),
    source: `conecrm.md §2, ${number}${note ? `; ${note}` : ''}`,
  };
}

const bothStarts =
  '§8, 1: accounts start at `offset`, contacts at `start`; both are sent, the unknown one should be ignored';

function listParameters(exclude: ParameterType): readonly Parameter[] {
  return [
    inQuery('offset', integer),
    inQuery('start', integer),
    inQuery('limit', integer),
    inQuery('search'),
    inQuery('exclude', exclude),
    inQuery('franchise', integer),
    inQuery('sortField'),
    inQuery('sortDirection', direction),
  ];
}

const secondId = '§8, 4: a second path parameter `id` is listed that the path does not have; left out';

/** All 42 documented operations, in the order of conecrm.md §2. */
export const operations = [
  row(1, '_getAccounts', 'GET /api/account', 'List accounts', {
    parameters: listParameters(uuid),
    reply: accountPage,
    note: bothStarts,
  }),
  row(2, 'post_api_account_create', 'POST /api/account', 'Create an account', { body: accountWrite, reply: account }),
  row(3, 'delete_api_account_deleteAccount', 'DELETE /api/account/{account}', 'Delete an account', {
    parameters: [inPath('account', uuid)],
  }),
  row(4, 'patch_api_account_updateAccount', 'PATCH /api/account/{account}', 'Update an account', {
    parameters: [inPath('account', uuid)],
    body: accountWrite,
    reply: account,
  }),
  row(5, 'get_api_automation_getBuilderData', 'GET /api/automation/builder/data', 'Get automation builder data', {
    reply: builderData,
  }),
  row(6, 'get_api_automation_getAutomations', 'GET /api/automation', 'List automations', {
    reply: z.array(automationListed),
  }),
  row(7, 'post_api_automation_createAutomation', 'POST /api/automation', 'Create an automation', {
    body: automationWrite,
    reply: automation,
  }),
  row(8, 'get_api_automation_getAutomation', 'GET /api/automation/{automation}', 'Get an automation', {
    parameters: [inPath('automation')],
    reply: automation,
  }),
  row(9, 'delete_api_automation_deleteAutomation', 'DELETE /api/automation/{automation}', 'Delete an automation', {
    parameters: [inPath('automation')],
  }),
  row(10, 'patch_api_automation_updateAutomation', 'PATCH /api/automation/{automation}', 'Update an automation', {
    parameters: [inPath('automation')],
    body: automationWrite,
    reply: automation,
  }),
  row(
    11,
    'post_api_automation_duplicateAutomation',
    'POST /api/automation/{automation}/duplicate',
    'Duplicate an automation',
    { parameters: [inPath('automation')], reply: automation },
  ),
  row(12, '_getContacts', 'GET /api/contact', 'List contacts', {
    parameters: listParameters(text),
    reply: z.array(contact),
    note: bothStarts,
  }),
  row(13, '_get_contact_open_leads', 'GET /api/contact/{contact}/lead/open', 'List the open leads of a contact', {
    parameters: [inPath('contact')],
    reply: z.array(lead),
    note: '§8, 3: an integer in the text, UUIDs everywhere else; the id as read is sent',
  }),
  row(14, 'get_contact_findByPhone', 'GET /api/contact/phone/{phone}', 'Find a contact by phone', {
    parameters: [inPath('phone')],
    note: '§8, 9: neither the form of the number nor the reply is documented',
  }),
  row(15, 'get_api_custom_field_getCustomFields', 'GET /api/custom-field', 'List custom fields', {
    reply: z.array(customField),
  }),
  row(16, 'post_api_custom_field_createCustomField', 'POST /api/custom-field', 'Create a custom field', {
    body: customFieldWrite,
    bodyOptional: true,
    reply: customField,
  }),
  row(
    17,
    'get_api_custom_field_getCustomFieldsForEntity',
    'GET /api/custom-field/{entity}',
    'List the custom fields of an entity',
    { parameters: [inPath('entity')], note: '§8, 8: no reply schema' },
  ),
  row(
    18,
    'delete_api_custom_field_deleteCustomField',
    'DELETE /api/custom-field/{customField}',
    'Delete a custom field',
    { parameters: [inPath('customField')] },
  ),
  row(
    19,
    'patch_api_custom_field_updateCustomField',
    'PATCH /api/custom-field/{customField}',
    'Update a custom field',
    {
      parameters: [inPath('customField')],
      body: customFieldWrite,
      bodyOptional: true,
      reply: customField,
    },
  ),
  row(20, 'get_custom_label_list', 'GET /api/custom-labels', 'List custom labels', { reply: z.array(customLabel) }),
  row(21, 'post_custom_label_create', 'POST /api/custom-labels', 'Create a custom label', {
    body: customLabelWrite,
    reply: customLabel,
  }),
  row(22, 'delete_custom_label_delete', 'DELETE /api/custom-labels/{id}', 'Delete a custom label (soft)', {
    parameters: [inPath('id', uuid)],
    reply: z.null(),
  }),
  row(23, 'patch_custom_label_update', 'PATCH /api/custom-labels/{id}', 'Update a custom label', {
    parameters: [inPath('id', uuid)],
    body: customLabelWrite,
    reply: customLabel,
  }),
  row(24, 'get_api_filtersget_all_filters', 'GET /api/filters', 'List all available filters', { reply: allFilters }),
  row(25, 'get_api_filtersget_entity_filters', 'GET /api/filters/{entity}', 'List the filters of an entity', {
    parameters: [inPath('entity')],
    reply: entityFilterList,
  }),
  row(26, 'post_lead_createLead', 'POST /api/lead', 'Create a lead', { body: leadCreate, reply: lead }),
  row(27, 'post_lead_copy_lead', 'POST /api/lead/{lead}/copy', 'Copy a lead', {
    parameters: [inPath('lead')],
    body: leadCopy,
    reply: lead,
  }),
  row(
    28,
    'get_api_query_builder_config',
    'GET /api/query-builder/config/{entity}',
    'Get what an entity is queried by',
    {
      parameters: [inPath('entity')],
      reply: queryConfig,
    },
  ),
  row(29, 'post_api_query_builder_filter', 'POST /api/query-builder/filter/{entity}', 'Query an entity', {
    parameters: [inPath('entity')],
    body: queryBody,
    reply: queryReply,
    readsOnly: true,
  }),
  row(30, 'get_savedFilterlist', 'GET /api/saved-filter', 'List saved filters', { reply: z.array(savedFilter) }),
  row(31, 'post_savedFiltercreate', 'POST /api/saved-filter', 'Create a saved filter', {
    body: savedFilterCreate,
    reply: savedFilter,
  }),
  row(32, 'get_savedFilterread', 'GET /api/saved-filter/{id}', 'Get a saved filter', {
    parameters: [inPath('id')],
    reply: savedFilter,
    note: '§8, 4: an integer in the text, the read shape has a UUID',
  }),
  row(33, 'delete_savedFilterdelete', 'DELETE /api/saved-filter/{filter}', 'Delete a saved filter', {
    parameters: [inPath('filter')],
    note: secondId,
  }),
  row(34, 'patch_savedFilterupdate', 'PATCH /api/saved-filter/{filter}', 'Update a saved filter', {
    parameters: [inPath('filter')],
    body: savedFilterUpdate,
    reply: savedFilter,
    note: secondId,
  }),
  row(35, 'get_api_stage_list', 'GET /api/stage', 'List stages', { reply: z.array(stage) }),
  row(36, 'post_api_stage_create', 'POST /api/stage', 'Create a stage', { body: stageWrite, reply: stage }),
  row(37, 'get_api_stage_get', 'GET /api/stage/{id}', 'Get a stage', { parameters: [inPath('id')], reply: stage }),
  row(38, 'delete_api_stage_delete', 'DELETE /api/stage/{id}', 'Delete a stage that is not in use', {
    parameters: [inPath('id')],
  }),
  row(39, 'patch_api_stage_update', 'PATCH /api/stage/{id}', 'Update a stage', {
    parameters: [inPath('id')],
    body: stageWrite,
    reply: stage,
  }),
  row(40, 'post_api_task_create', 'POST /api/task', 'Create a task', { body: taskRequest, reply: task }),
  row(41, 'delete_api_task_deleteTask', 'DELETE /api/task/{task}', 'Delete a task', {
    parameters: [inPath('task', uuid)],
  }),
  row(42, 'patch_api_task_updateTask', 'PATCH /api/task/{task}', 'Update a task', {
    parameters: [inPath('task', uuid)],
    body: taskRequest,
    reply: task,
  }),
] as const satisfies readonly Operation[];

export type OperationId = (typeof operations)[number]['id'];

const byId: ReadonlyMap<string, Operation> = new Map(operations.map((operation) => [operation.id, operation]));

/** The row of a vendor's operation id. */
export function operation(id: OperationId): Operation {
  return byId.get(id) as Operation;
}
