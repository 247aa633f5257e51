import type { Entity, Origin, Origins, Values } from '../../model/values.ts';
import type { Names } from './names.ts';

/** Entities as they stand in the file; never renumber. */
const entityNumbers: Readonly<Record<Entity, number>> = { contact: 1, account: 2, lead: 3 };
const entityNames: Readonly<Record<number, Entity>> = { 1: 'contact', 2: 'account', 3: 'lead' };

/** The entity as a small number. */
export function entityNumber(entity: Entity): number {
  return entityNumbers[entity];
}

/** @throws Error for a number that no entity has: the file is damaged */
export function entityName(number: number): Entity {
  const name = entityNames[number];
  if (name === undefined) throw new Error(`store: entity ${number} is unknown; the file is damaged`);
  return name;
}

/** `[connection, run, at, rule]` with names as numbers, `modifiedAt` fifth where there is one. */
type OriginTuple = readonly [number, number, number, string, number?];

/** A record's origins: one for all its values, or a list and the index into it of every path. */
type OriginsText =
  | OriginTuple
  | { readonly of: Readonly<Record<string, number>>; readonly list: readonly OriginTuple[] };

/** An origin as JSON text. Within a transaction: it may give out numbers of names. */
export function encodeOrigin(origin: Origin, names: Names): string {
  return JSON.stringify(toTuple(origin, names));
}

/** What `encodeOrigin` made. */
export function decodeOrigin(text: string, names: Names): Origin {
  return fromTuple(JSON.parse(text) as OriginTuple, names);
}

/** Nearly every record has one origin for all its values, or two or three; each is written once. */
export function encodeOrigins(values: Values, origins: Origins, names: Names): string {
  const indexes = new Map<Origin, number>();
  const texts = new Map<string, number>();
  const list: string[] = [];
  const of: Record<string, number> = {};
  let paths = 0;
  let sameKeys = true;
  for (const path in origins) {
    const origin = origins[path] as Origin;
    let index = indexes.get(origin);
    if (index === undefined) {
      const text = encodeOrigin(origin, names);
      index = texts.get(text);
      if (index === undefined) {
        index = list.push(text) - 1;
        texts.set(text, index);
      }
      indexes.set(origin, index);
    }
    of[path] = index;
    paths++;
    sameKeys &&= path in values;
  }
  if (list.length === 1 && sameKeys && paths === Object.keys(values).length) return list[0] as string;
  return `{"of":${JSON.stringify(of)},"list":[${list.join(',')}]}`;
}

/** What `encodeOrigins` made. @param values the record's, whose paths all have the origin when there is but one */
export function decodeOrigins(values: Values, text: string, names: Names): Origins {
  const coded = JSON.parse(text) as OriginsText;
  const origins: Record<string, Origin> = {};
  if (isTuple(coded)) {
    const origin = fromTuple(coded, names);
    for (const path in values) origins[path] = origin;
    return origins;
  }
  const list = coded.list.map((tuple) => fromTuple(tuple, names));
  for (const path in coded.of) origins[path] = list[coded.of[path] as number] as Origin;
  return origins;
}

function isTuple(coded: OriginsText): coded is OriginTuple {
  return Array.isArray(coded);
}

function toTuple(origin: Origin, names: Names): OriginTuple {
  const { connection, run, at, rule, modifiedAt } = origin;
  const head = [names.number(connection), names.number(run), at, rule] as const;
  return modifiedAt === undefined ? head : [...head, modifiedAt];
}

function fromTuple([connection, run, at, rule, modifiedAt]: OriginTuple, names: Names): Origin {
  const origin = { connection: names.text(connection), run: names.text(run), at, rule };
  return modifiedAt === undefined ? origin : { ...origin, modifiedAt };
}
