import { AuthError, GoneError, RejectedError } from '../../src/connector/errors.ts';
import type { HttpCall } from '../../src/connector/http.ts';
import type { Shared } from './context.ts';
import { idOf, isWire, type Wire } from './decode.ts';
import type { OperationId } from './endpoints.ts';

/** Leads by id: above one id, up to another one. */
interface Range {
  readonly above?: string;
  readonly upTo?: string;
}

/** Operators that listing takes; offered are those of the entity's configuration. */
const needed = ['notNull', '>', '<='] as const;

/**
 * All leads by the query builder, the only documented call that may list them (conecrm.md §4). Whether it does, whether it
 * cuts its answers off, and what its rows are is not documented, so that nothing is believed before it is proven: every
 * row looks like a lead and lies in the range that was asked for, and the two halves of a range, asked for apart, hold
 * exactly what the whole held. An answer that was cut off has halves that hold more; then each half has to prove itself.
 *
 * @returns whether these were all leads; false: absence proves nothing, and there may be more.
 */
export async function* queriedLeads(
  crm: Shared,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Wire[], boolean> {
  const entity = crm.options.queryEntities.lead;
  if (entity === null || !(await isOffered(crm, entity, signal))) return false;
  const first = await ask(crm, entity, {}, signal);
  // An empty answer may also come from a server that does not know how to answer.
  if (first === undefined || first.length === 0) return false;
  // What is still to be proven.
  const open: { readonly range: Range; readonly rows: readonly Wire[] }[] = [{ range: {}, rows: first }];
  for (let part = open.pop(); part; part = open.pop()) {
    const { range, rows } = part;
    const ids = rows.map((row) => String(row.id)).sort();
    const pivot = ids[Math.floor((ids.length - 1) / 2)];
    if (pivot === undefined) continue;
    const halves: readonly [Range, Range] = [
      { ...range, upTo: pivot },
      { ...range, above: pivot },
    ];
    const [lower, upper] = await Promise.all(halves.map((half) => ask(crm, entity, half, signal)));
    if (lower === undefined || upper === undefined) return false;
    const both = new Set([...lower, ...upper].map((row) => String(row.id)));
    if (ids.some((id) => !both.has(id))) return false;
    if (both.size === ids.length) yield [...lower, ...upper];
    else open.push({ range: halves[1], rows: upper }, { range: halves[0], rows: lower });
  }
  return true;
}

/** What a lead of the query builder shows besides its id: one of these at least. */
const telling = ['subject', 'contact'];

/** The leads of a range. Undefined: the call is refused, or its answer holds what is no lead or not of this range. */
async function ask(
  crm: Shared,
  entity: string,
  { above, upTo }: Range,
  signal: AbortSignal | undefined,
): Promise<readonly Wire[] | undefined> {
  const rule = (id: string, operator: (typeof needed)[number], value?: string) => ({
    id,
    field: 'id',
    operator,
    valueSource: 'value',
    ...(value === undefined ? {} : { value }),
  });
  const rules = [
    rule('all', 'notNull'),
    ...(above === undefined ? [] : [rule('above', '>', above)]),
    ...(upTo === undefined ? [] : [rule('upTo', '<=', upTo)]),
  ];
  const body = await answered(crm, 'post_api_query_builder_filter', {
    params: { entity },
    body: { query: { id: 'leads', combinator: 'and', rules } },
    ...(signal && { signal }),
  });
  if (isWire(body) && body.success === false) return undefined;
  const rows: unknown = isWire(body) ? body.data : body;
  if (!Array.isArray(rows)) return undefined;
  const isAsAsked = (row: unknown): row is Wire => {
    const id = idOf(row);
    if (id === undefined || (above !== undefined && id <= above) || (upTo !== undefined && id > upTo)) return false;
    return telling.some((key) => key in (row as Wire));
  };
  return rows.every(isAsAsked) ? rows : undefined;
}

/** Whether the configuration of the query builder offers what listing takes. Where it says nothing, it is tried. */
async function isOffered(crm: Shared, entity: string, signal: AbortSignal | undefined): Promise<boolean> {
  const config = await answered(crm, 'get_api_query_builder_config', { params: { entity }, ...(signal && { signal }) });
  if (!isWire(config)) return false;
  const fields = namesIn(config.fields);
  const operators = namesIn(config.operators);
  return (
    (fields.length === 0 || fields.includes('id')) &&
    (operators.length === 0 || needed.every((operator) => operators.includes(operator)))
  );
}

/** The texts of a list, and those of its objects: under which key a field has its name is not documented. */
function namesIn(list: unknown): readonly string[] {
  if (!Array.isArray(list)) return [];
  const texts = list.flatMap((entry: unknown) => (isWire(entry) ? Object.values(entry) : [entry]));
  return texts.filter((text) => typeof text === 'string');
}

/** The body of a reply. Undefined: this server, or these credentials, do not offer the call. */
export async function answered(crm: Shared, id: OperationId, call: HttpCall): Promise<unknown> {
  try {
    return (await crm.call(id, call)).body;
  } catch (error) {
    const isRefused = error instanceof GoneError || error instanceof RejectedError;
    if (isRefused || (error instanceof AuthError && error.status === 403)) return undefined;
    throw error;
  }
}
