import { z } from 'zod';
import type { Registry } from './parts.ts';
import { fileSchema } from './schema.ts';

/**
 * The JSON Schema (draft-07) of the configuration file, for editors: completion and descriptions. It is generated from
 * the schema that the loader uses, with the connectors' names and options filled in. A text may be a reference such as
 * `${NAME}` wherever the file takes one, so that patterns and enumerations allow it too.
 */
export function jsonSchema(registry: Registry): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' }) as Record<string, unknown>;
  const connection = inner(schema, 'properties', 'connections', 'additionalProperties');
  inner(connection, 'properties', 'connector').enum = [...registry.keys()];
  connection.allOf = [...registry.values()].map(({ name, options }) => ({
    if: { properties: { connector: { const: name } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { options: withoutDialect(z.toJSONSchema(options, { io: 'input', target: 'draft-7' })) } },
  }));
  return allowReferences(schema) as Record<string, unknown>;
}

function inner(schema: unknown, ...keys: readonly string[]): Record<string, unknown> {
  let found = schema as Record<string, unknown>;
  for (const key of keys) found = found[key] as Record<string, unknown>;
  return found;
}

function withoutDialect(schema: object): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = schema as Record<string, unknown>;
  return rest;
}

/** Adds `${…}` to every pattern of a text. Names of keys are no texts of the file: they take no reference. */
function allowReferences(schema: unknown, isKey = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => allowReferences(item));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === 'pattern' && typeof value === 'string' && !isKey) return [key, `(${value})|(\\$\\{)`];
      return [key, allowReferences(value, key === 'propertyNames')];
    }),
  );
}
