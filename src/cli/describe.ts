import { z } from 'zod';
import type { Operation } from '../connector/operation.ts';
import { table } from './table.ts';

/** What is known of one operation, for people and as a document. */
export function describeOperation(operation: Operation): { document: Record<string, unknown>; lines: string[] } {
  const { id, summary, method, path, source } = operation;
  const parameters = operation.parameters.map(({ name, in: place, required, type }) => ({
    name,
    in: place,
    required,
    type,
  }));
  const body = operation.body && { required: operation.body.required, schema: schemaOf(operation.body.schema) };
  const reply = operation.reply && schemaOf(operation.reply);
  const lines = [
    `${id}: ${summary}`,
    `${method} ${path}`,
    `documented in ${source}`,
    '',
    ...(parameters.length === 0
      ? ['No parameters.']
      : table(
          ['parameter', 'in', 'required', 'type'],
          parameters.map((one) => [one.name, one.in, one.required ? 'yes' : 'no', one.type]),
        )),
    '',
    ...(body
      ? [`Body (${body.required ? 'required' : 'optional'}), as JSON Schema:`, ...jsonLines(body.schema)]
      : ['No body.']),
    '',
    ...(reply ? ['Reply, as JSON Schema:', ...jsonLines(reply)] : ['No reply body is documented.']),
  ];
  return {
    document: { id, summary, method, path, source, parameters, body: body ?? null, reply: reply ?? null },
    lines,
  };
}

/** Parts that JSON Schema cannot express are left open. */
function schemaOf(schema: z.ZodType): unknown {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function jsonLines(value: unknown): string[] {
  return JSON.stringify(value, null, 2).split('\n');
}
