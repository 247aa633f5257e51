import { readDay } from '../model/moment.ts';
import { caseless } from '../model/text.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import type { Connector, CrmRecord, WriteReply } from './connector.ts';
import { overlaid } from './overlaid.ts';

/** A pair that turns a value as a connector maps it into the canonical one, and back. What it does not know stays as it is. */
export interface Turning {
  toCanonical(value: Value): Value;
  toWire(value: Value): Value;
  /** Whether several values of the CRM are this canonical one: which of them it holds cannot be told. Default: none is. */
  isShared?(value: Value): boolean;
}

/** What the configuration of a connection turns: entity → path → how. */
export type Turnings = Readonly<Partial<Record<Entity, Readonly<Record<string, Turning>>>>>;

/** The order in which a CRM writes the parts of a date. */
export type DateOrder = 'iso' | 'dmy' | 'mdy';

/**
 * Options of a CRM by the words that are canonical for them, in whatever case. Where several mean the same, the first is
 * written.
 * @param words wire value → canonical value
 */
export function wordTurning(words: Readonly<Record<string, string>>): Turning {
  const inward = new Map<string, string>();
  const outward = new Map<string, string>();
  const shared = new Set<string>();
  for (const [wire, canonical] of Object.entries(words)) {
    inward.set(caseless(wire), canonical);
    if (outward.has(caseless(canonical))) shared.add(caseless(canonical));
    else outward.set(caseless(canonical), wire);
  }
  const through = (map: ReadonlyMap<string, string>) => (value: Value) =>
    typeof value === 'object' ? value : (map.get(caseless(String(value))) ?? value);
  return {
    toCanonical: through(inward),
    toWire: through(outward),
    isShared: (value) => shared.has(caseless(String(value))),
  };
}

/** Dates as a CRM writes them: `31.12.2026` for `dmy`, `12/31/2026` for `mdy`. Read with any of the separators `. / -`. */
export function dateTurning(order: DateOrder): Turning {
  return {
    toCanonical(value) {
      const parts = order === 'iso' ? null : /^\s*(\d{1,2})[./-](\d{1,2})[./-](\d{4})\s*$/.exec(String(value));
      if (!parts) return value;
      const [, first, second, year] = parts as unknown as readonly [string, string, string, string];
      const [day, month] = order === 'dmy' ? [first, second] : [second, first];
      return readDay(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`) ?? value;
    },
    toWire(value) {
      const read = typeof value === 'string' ? readDay(value.trim()) : undefined;
      if (read === undefined) return value;
      const [year, month, day] = read.split('-');
      if (order === 'iso') return read;
      return order === 'dmy' ? `${day}.${month}.${year}` : `${month}/${day}/${year}`;
    },
  };
}

/** A connector that says and hears canonical values where the configuration turns them. */
export function turned(connector: Connector, turnings: Turnings): Connector {
  const turn = (entity: Entity, values: Values, way: 'toCanonical' | 'toWire'): Values => {
    const ofEntity = turnings[entity];
    if (!ofEntity) return values;
    const result: Record<string, Value> = { ...values };
    for (const path in ofEntity) {
      const value = values[path];
      if (value !== undefined && !isEmpty(value)) result[path] = ofEntity[path]![way](value);
    }
    return result;
  };
  const inward = (entity: Entity, record: CrmRecord): CrmRecord => ({
    ...record,
    values: turn(entity, record.values, 'toCanonical'),
  });
  const replied = (entity: Entity, { record, resent, ...reply }: WriteReply): WriteReply => ({
    ...reply,
    ...(record && { record: inward(entity, record) }),
    ...(resent && { resent: turn(entity, resent, 'toCanonical') }),
  });
  return overlaid(connector, {
    async *list(entity, signal) {
      for await (const page of connector.list(entity, signal))
        yield { ...page, records: page.records.map((record) => inward(entity, record)) };
    },
    async read(entity, externalId, locator, signal) {
      const reply = await connector.read(entity, externalId, locator, signal);
      return reply.state === 'found'
        ? { ...reply, record: inward(entity, reply.record), shown: reply.record.values }
        : reply;
    },
    async search(entity, wanted, signal) {
      return (await connector.search(entity, wanted, signal)).map((record) => inward(entity, record));
    },
    async create(entity, record, signal) {
      const values = turn(entity, record.values, 'toWire');
      return replied(entity, await connector.create(entity, { ...record, values }, signal));
    },
    async update(entity, externalId, change, signal) {
      const changes = turn(entity, change.changes, 'toWire');
      // What it holds is not said where we would only guess: it may be written back.
      const sure = Object.entries(change.known).filter(([path, value]) => !turnings[entity]?.[path]?.isShared?.(value));
      const known = turn(entity, Object.fromEntries(sure), 'toWire');
      return replied(entity, await connector.update(entity, externalId, { ...change, changes, known }, signal));
    },
  });
}
