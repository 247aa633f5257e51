import { z } from 'zod';
import type { Registry } from './parts.ts';
import { fileSchema } from './schema.ts';

/**
 * The JSON Schema (draft-07) of the configuration file, for editors: completion and descriptions. It is generated from
 * the schema that the loader uses, with the connectors' names and options filled in. A text may be a reference such as
 * `${NAME}` wherever the file takes one, so that patterns and enumerations allow it too.
 */
export function jsonSchema(registry: Registry): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, dialect) as Record<string, unknown>;
  const connection = inner(schema, 'properties', 'connections', 'additionalProperties');
  inner(connection, 'properties', 'connector').enum = [...registry.keys()];
  const definitions: Record<string, unknown> = { ...(schema.definitions as object | undefined) };
  connection.allOf = [...registry.values()].map(({ name, options }) => {
    const {
      $schema: _dialect,
      definitions: own,
      ...rest
    } = z.toJSONSchema(options, dialect) as Record<string, unknown>;
    for (const [key, value] of Object.entries(own ?? {})) definitions[`${name}${key}`] = withRefs(value, name);
    const properties = { options: withRefs(rest, name) };
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    return { if: { properties: { connector: { const: name } } }, then: { properties } };
  });
  if (Object.keys(definitions).length > 0) schema.definitions = definitions;
  return allowReferences(schema) as Record<string, unknown>;
}

const dialect = { io: 'input', target: 'draft-7' } as const;

/** References into a schema's own definitions, changed to where these are in the whole. */
function withRefs(schema: unknown, prefix: string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => withRefs(item, prefix));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === '$ref' ? String(value).replace('#/definitions/', `#/definitions/${prefix}`) : withRefs(value, prefix),
    ]),
  );
}

function inner(schema: unknown, ...keys: readonly string[]): Record<string, unknown> {
  let found = schema as Record<string, unknown>;
  for (const key of keys) found = found[key] as Record<string, unknown>;
  return found;
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
