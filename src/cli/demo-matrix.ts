import { absence, type Connector } from '../connector/connector.ts';
import type { EngineContext } from '../engine/engine.ts';
import { fieldAt, slotOf, valueAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { type Entity, entities, isEmpty, type Value, type Values } from '../model/values.ts';
import type { Aggregate } from '../store/store.ts';
import { type DemoCrms, type DemoName, demoNames, idsIn } from './demo-crms.ts';
import { demoWidth } from './demo-story.ts';
import { count, counted, table, wrapped } from './table.ts';

const pageSize = 200;
/** Told of each pair of CRMs, those that travelled most. */
const mostFields = 6;

/** What every CRM held before the first sync: by connection, entity and external id. */
export type Before = ReadonlyMap<string, Values>;

/** What one CRM got from another. */
export interface Gift {
  readonly entity: Entity;
  readonly to: string;
  readonly from: string;
  /** Records that got at least one value. */
  readonly records: number;
  /** How many values, by field path. */
  readonly fields: Readonly<Record<string, number>>;
}

const keyOf = (connection: string, entity: Entity, externalId: string): string =>
  `${connection}\n${entity}\n${externalId}`;

/** Reads what every CRM holds, through its API. A CRM without a list is asked for the ids that people there see. */
export async function holdings({ connections }: EngineContext, crms: DemoCrms, signal: AbortSignal): Promise<Before> {
  const held = new Map<string, Values>();
  for (const name of demoNames) {
    const connector = connections.get(name)?.connector;
    if (!connector) continue;
    for (const entity of entities)
      for await (const { externalId, values } of recordsOf(connector, crms, name, entity, signal))
        held.set(keyOf(name, entity, externalId), values);
  }
  return held;
}

async function* recordsOf(connector: Connector, crms: DemoCrms, name: DemoName, entity: Entity, signal: AbortSignal) {
  const abilities = connector.capabilities[entity];
  if (!abilities) return;
  if (absence(abilities.list) === undefined) {
    for await (const { records } of connector.list(entity, signal)) yield* records;
    return;
  }
  for (const id of idsIn(crms, name, entity)) {
    const reply = await connector.read(entity, id, undefined, signal);
    if (reply.state === 'found') yield reply.record;
  }
}

/**
 * Who got what from whom: the values that a CRM holds now, did not hold before, and that came from another CRM, as the
 * provenance of the canonical record says.
 */
export async function giftsSince(context: EngineContext, before: Before): Promise<readonly Gift[]> {
  const gifts: Gift[] = [];
  for (const entity of entities) {
    const found: Given[] = [];
    for (let after: string | undefined; ; ) {
      const page = await context.store.records(entity, after, pageSize);
      if (page.length === 0) break;
      after = page.at(-1)?.record.id;
      for (const aggregate of page) found.push(...givenTo(context, before, aggregate));
    }
    for (const pair of Map.groupBy(found, ({ to, from }) => `${to}\n${from}`).values()) {
      const { to, from } = pair[0]!;
      const byPath = Map.groupBy(pair, ({ path }) => path);
      const fields = Object.fromEntries([...byPath].map(([path, { length }]) => [path, length]));
      gifts.push({ entity, to, from, records: new Set(pair.map(({ recordId }) => recordId)).size, fields });
    }
  }
  return gifts.toSorted((a, b) => valuesIn(b) - valuesIn(a));
}

/** One value of one record that one CRM got from another. */
interface Given {
  readonly recordId: string;
  readonly to: string;
  readonly from: string;
  readonly path: string;
}

function givenTo({ connections }: EngineContext, before: Before, { record, links }: Aggregate): Given[] {
  const { entity, values, origins } = record;
  return links.flatMap(({ connection, externalId, shadow, state }) => {
    const region = connections.get(connection)?.connector.phoneRegion;
    const isSame = (path: string, a: Value | undefined, b: Value | undefined) =>
      equal(fieldAt(entity, path).kind, a, b, region === undefined ? {} : { region });
    const had = before.get(keyOf(connection, entity, externalId)) ?? {};
    return Object.entries(shadow).flatMap(([path, holds]) => {
      const from = origins[slotOf(entity, path, values)]?.connection;
      const isNew = state === 'live' && !isEmpty(holds) && !isSame(path, holds, had[path]);
      return isNew && from !== undefined && from !== connection && isSame(path, holds, valueAt(entity, path, values))
        ? [{ recordId: record.id, to: connection, from, path }]
        : [];
    });
  });
}

/** The matrix for people: a line for each receiver, a column for each giver; then the fields, the most frequent first. */
export function matrixLines(gifts: readonly Gift[]): string[] {
  const receivers = entities.flatMap((entity) =>
    demoNames.map((to) => gifts.filter((gift) => gift.entity === entity && gift.to === to)),
  );
  const rows = receivers.flatMap((got) => {
    const [first] = got;
    if (!first) return [];
    const cells = demoNames.map((name) => {
      const gift = got.find(({ from }) => from === name);
      return name === first.to ? '' : count(gift ? valuesIn(gift) : 0);
    });
    return [[`${first.entity}s`, first.to, ...cells]];
  });
  return [
    '  Values that a CRM holds now, did not hold before, and has from another:',
    '',
    ...table(['', 'got', ...demoNames.map((name) => `from ${name}`)], rows).map((line) => `  ${line}`),
    '',
    ...gifts.flatMap((gift) => wrapped(giftText(gift), demoWidth, '  ')),
  ];
}

function giftText({ entity, to, from, fields }: Gift): string {
  const all = Object.entries(fields).toSorted(([, a], [, b]) => b - a);
  const told = all.slice(0, mostFields).map(([path, times]) => `${fieldAt(entity, path).title} ${count(times)}`);
  const rest = all.length - told.length;
  return `${to} from ${from}, ${entity}s: ${told.join(', ')}${rest > 0 ? `, and ${counted(rest, 'more field')}` : ''}`;
}

function valuesIn({ fields }: Gift): number {
  return Object.values(fields).reduce((sum, times) => sum + times, 0);
}
