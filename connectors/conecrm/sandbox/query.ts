import { Refusal, type SandboxHandler } from '../../../src/connector/sandbox-server.ts';
import { accountTextFields, contactTextFields } from './customers.ts';
import { objectBody, type Wire } from './state.ts';

const fieldsOf: Readonly<Record<string, readonly string[]>> = {
  contact: ['id', ...contactTextFields, 'isActive'],
  account: ['id', ...accountTextFields, 'isActive'],
  lead: ['id', 'subject', 'description', 'category', 'dateCreated', 'dateModified'],
};

/** Those of conecrm.md §9. */
const offered = [
  '=',
  '!=',
  '>',
  '>=',
  '<',
  '<=',
  'contains',
  'doesNotContain',
  'beginsWith',
  'doesNotBeginWith',
  'endsWith',
  'doesNotEndWith',
  'null',
  'notNull',
  'in',
  'notIn',
  'between',
  'notBetween',
];

/** Filter and query-builder operations (conecrm.md §2, 24–25, 28–29). The entity names are invented. */
export function queryHandlers(rowsOf: (entity: string) => readonly Wire[]): Record<string, SandboxHandler> {
  return {
    get_api_filtersget_all_filters: () => ({
      status: 200,
      body: { data: Object.keys(fieldsOf).map((entity) => ({ entity, filters: filtersOf(entity) })) },
    }),
    get_api_filtersget_entity_filters: ({ params }) => ({ status: 200, body: filtersOf(params.entity as string) }),
    get_api_query_builder_config: ({ params }) => ({
      status: 200,
      body: {
        fields: known(params.entity as string).map((name) => ({ name, label: name, inputType: 'text' })),
        operators: offered,
      },
    }),
    post_api_query_builder_filter: ({ params, body }) => {
      const fields = known(params.entity as string);
      const { query } = objectBody(body);
      if (typeof query !== 'object' || query === null) throw new Refusal(400, 'query is required');
      const data = rowsOf(params.entity as string).filter((row) => passes(row, query as Wire, fields));
      return { status: 200, body: { success: true, data } };
    },
  };
}

function known(entity: string): readonly string[] {
  const fields = fieldsOf[entity];
  if (!fields) throw new Refusal(404, `entity "${entity}" not found`);
  return fields;
}

function filtersOf(entity: string): Wire[] {
  return known(entity).map((field) => ({
    field,
    type: field === 'isActive' ? 'boolean' : 'string',
    label: field,
    operators: offered,
    options: null,
  }));
}

function passes(row: Readonly<Wire>, group: Readonly<Wire>, fields: readonly string[]): boolean {
  if (!Array.isArray(group.rules)) {
    if (typeof group.field !== 'string' || !fields.includes(group.field))
      throw new Refusal(400, 'unknown field in a rule');
    return compare(row[group.field], String(group.operator), String(group.value ?? ''));
  }
  const results = group.rules.map((rule) => passes(row, objectBody(rule), fields));
  const result = group.combinator === 'or' ? results.some(Boolean) : results.every(Boolean);
  return group.not === true ? !result : result;
}

/** Texts are compared without regard to case, in the manner of a database's usual collation. */
function compare(held: unknown, operator: string, operand: string): boolean {
  const text = String(held ?? '').toLowerCase();
  const wanted = operand.toLowerCase();
  const list = wanted.split(',');
  switch (operator) {
    case '=':
      return text === wanted;
    case '!=':
      return text !== wanted;
    case '>':
      return text > wanted;
    case '>=':
      return text >= wanted;
    case '<':
      return text < wanted;
    case '<=':
      return text <= wanted;
    case 'contains':
      return text.includes(wanted);
    case 'doesNotContain':
      return !text.includes(wanted);
    case 'beginsWith':
      return text.startsWith(wanted);
    case 'doesNotBeginWith':
      return !text.startsWith(wanted);
    case 'endsWith':
      return text.endsWith(wanted);
    case 'doesNotEndWith':
      return !text.endsWith(wanted);
    case 'null':
      return held === null || held === undefined;
    case 'notNull':
      return held !== null && held !== undefined;
    case 'in':
      return list.includes(text);
    case 'notIn':
      return !list.includes(text);
    case 'between':
      return text >= (list[0] ?? '') && text <= (list[1] ?? '');
    case 'notBetween':
      return text < (list[0] ?? '') || text > (list[1] ?? '');
    default:
      throw new Refusal(400, `unknown operator in a rule`);
  }
}
