import { fieldsOf } from '../model/entities.ts';
import type { Entity, Value, Values } from '../model/values.ts';

/** A named pair that turns a wire value into a canonical one and back. */
export interface Converter {
  readonly name: string;
  /** Undefined: this wire value says nothing (silence). @throws RangeError for a value that makes the record unusable. */
  toCanonical(wire: unknown): Value | undefined;
  toWire(value: Value): unknown;
}

/** One field of one entity, both directions in one line. */
export interface FieldMapping {
  /** Canonical path. */
  readonly path: string;
  /** Key in the wire record; dots reach into objects. */
  readonly wire: string;
  readonly access: 'readWrite' | 'readOnly' | 'writeOnly' | 'createOnly';
  readonly converter: Converter;
}

/** All mapped fields of one entity. */
export interface Mapping {
  readonly entity: Entity;
  readonly fields: readonly FieldMapping[];
}

/** Texts, numbers, booleans and null pass as they are; a field that is not there is silence. */
export const asIs: Converter = {
  name: 'asIs',
  toCanonical: (wire) => wire as Value | undefined,
  toWire: (value) => value,
};

/** The first element of `[{ id }]`; for references. An empty list is silence: an API may cut nested lists short. */
export const firstId: Converter = {
  name: 'firstId',
  toCanonical: (wire) => {
    const first: unknown = Array.isArray(wire) ? wire[0] : undefined;
    return typeof first === 'object' && first !== null && 'id' in first ? String(first.id) : undefined;
  },
  toWire: (value) => (value === null ? [] : [{ id: value }]),
};

/** One line of a mapping table. */
export function field(
  path: string,
  wire: string,
  access: FieldMapping['access'] = 'readWrite',
  converter: Converter = asIs,
): FieldMapping {
  return { path, wire, access, converter };
}

/** A mapping table, checked: every path exists, no path and no wire key twice. @throws RangeError */
export function mapping(entity: Entity, fields: readonly FieldMapping[]): Mapping {
  const seen = new Set<string>();
  for (const { path } of fields) {
    if (!(path in fieldsOf[entity]) && !path.startsWith('custom.'))
      throw new RangeError(`mapping of ${entity}: no such field "${path}"`);
    if (seen.has(path)) throw new RangeError(`mapping of ${entity}: "${path}" is mapped twice`);
    seen.add(path);
  }
  return { entity, fields };
}

/** Reads the mapped values of a wire record. Keys that are missing there are absent here. */
export function readValues(mapping: Mapping, wire: Readonly<Record<string, unknown>>): Values {
  const values: Record<string, Value> = {};
  for (const { path, wire: key, access, converter } of mapping.fields) {
    if (access === 'writeOnly') continue;
    const value = converter.toCanonical(key.includes('.') ? reach(wire, key.split('.')) : wire[key]);
    if (value !== undefined) values[path] = value;
  }
  return values;
}

/** Turns canonical values into a wire record that names only these fields. Read-only and unmapped paths are left out. */
export function writeValues(mapping: Mapping, values: Values): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const { path, wire: key, access, converter } of mapping.fields) {
    const value = values[path];
    if (value === undefined || access === 'readOnly') continue;
    place(wire, key.split('.'), converter.toWire(value));
  }
  return wire;
}

function reach(wire: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>)[key] : undefined,
    wire,
  );
}

function place(wire: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key, ...rest] = keys as [string, ...string[]];
  if (rest.length === 0) {
    wire[key] = value;
    return;
  }
  const inner = (wire[key] ?? {}) as Record<string, unknown>;
  wire[key] = inner;
  place(inner, rest, value);
}
