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
  const keys = new Set<string>();
  for (const { path, wire } of fields) {
    if (!(path in fieldsOf[entity]) && !path.startsWith('custom.'))
      throw new RangeError(`mapping of ${entity}: no such field "${path}"`);
    if (seen.has(path)) throw new RangeError(`mapping of ${entity}: "${path}" is mapped twice`);
    if (keys.has(wire)) throw new RangeError(`mapping of ${entity}: wire key "${wire}" is mapped twice`);
    seen.add(path);
    keys.add(wire);
  }
  return { entity, fields };
}

/**
 * Reads the mapped values of a wire record. Keys that are missing there are absent here.
 * @throws RangeError naming the wire key whose converter refused its value.
 */
export function readValues(mapping: Mapping, wire: Readonly<Record<string, unknown>>): Values {
  const values: Record<string, Value> = {};
  for (const reader of readersOf(mapping)) {
    const raw = reader.keys ? reach(wire, reader.keys) : wire[reader.wire];
    const value = reader.converter ? convert(reader.wire, reader.converter, raw) : (raw as Value | undefined);
    if (value !== undefined) values[reader.path] = value;
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

/** A line of a mapping, prepared for reading: it is used for every record of every page. */
interface Reader {
  readonly path: string;
  readonly wire: string;
  /** Undefined: `wire` is a plain key. */
  readonly keys: readonly string[] | undefined;
  /** Undefined: the value passes as it is. */
  readonly converter: Converter | undefined;
}

const prepared = new WeakMap<Mapping, readonly Reader[]>();

function readersOf(mapping: Mapping): readonly Reader[] {
  const known = prepared.get(mapping);
  if (known) return known;
  const readers = mapping.fields
    .filter(({ access }) => access !== 'writeOnly')
    .map(({ path, wire, converter }) => ({
      path,
      wire,
      keys: wire.includes('.') ? wire.split('.') : undefined,
      converter: converter === asIs ? undefined : converter,
    }));
  prepared.set(mapping, readers);
  return readers;
}

function convert(wire: string, converter: Converter, raw: unknown): Value | undefined {
  try {
    return converter.toCanonical(raw);
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${wire}: ${error.message}`, { cause: error });
    throw error;
  }
}

function reach(wire: unknown, keys: readonly string[]): unknown {
  let inner = wire;
  for (const key of keys) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = (inner as Readonly<Record<string, unknown>>)[key];
  }
  return inner;
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
