import type { z } from 'zod';
import type { ConnectorDefinition } from '../connector/connector.ts';
import { valueAt } from './faults.ts';
import type { ConfigSource, Path } from './source.ts';

/** The connectors there are, by name. */
export type Registry = ReadonlyMap<string, ConnectorDefinition>;

/** The mapping at `path`; undefined where there is none, or something else. */
export function mappingAt(source: ConfigSource, path: Path): Readonly<Record<string, unknown>> | undefined {
  const value = valueAt(source.data, path);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** Those values of a mapping that their own schemas accept. */
export function wellFormed<Shape extends Record<string, z.ZodType>>(
  shape: Shape,
  raw: Readonly<Record<string, unknown>>,
): { readonly [Key in keyof Shape]?: z.output<Shape[Key]> } {
  const parsed: { [Key in keyof Shape]?: z.output<Shape[Key]> } = {};
  for (const key of Object.keys(shape) as (keyof Shape & string)[]) {
    const result = shape[key]?.safeParse(raw[key]);
    if (result?.success) parsed[key] = result.data as z.output<Shape[typeof key]>;
  }
  return parsed;
}
