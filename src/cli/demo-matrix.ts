import { absence, type Connector } from '../connector/connector.ts';
import type { EngineContext } from '../engine/engine.ts';
import { fieldAt, slotOf, valueAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { type Entity, entities, isEmpty, type Values } from '../model/values.ts';
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
  readonly to: DemoName;
  readonly from: DemoName;
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
export async function giftsSince({ store, connections }: EngineContext, before: Before): Promise<readonly Gift[]> {
  const gifts = new Map<
    string,
    { readonly of: Omit<Gift, 'records' | 'fields'>; records: Set<string>; fields: Record<string, number> }
  >();
  for (const entity of entities)
    for (let after: string | undefined; ; ) {
      const page = await store.records(entity, after, pageSize);
      if (page.length === 0) break;
      after = page.at(-1)?.record.id;
      for (const { record, links } of page)
        for (const { connection, externalId, shadow, state } of links) {
          const connector = connections.get(connection)?.connector;
          if (state !== 'live' || !connector) continue;
          const kinds = connector.phoneRegion === undefined ? {} : { region: connector.phoneRegion };
          const had = before.get(keyOf(connection, entity, externalId)) ?? {};
          for (const [path, holds] of Object.entries(shadow)) {
            const { kind } = fieldAt(entity, path);
            const origin = record.origins[slotOf(entity, path, record.values)];
            if (isEmpty(holds) || !origin || origin.connection === connection) continue;
            if (
              equal(kind, holds, had[path], kinds) ||
              !equal(kind, holds, valueAt(entity, path, record.values), kinds)
            )
              continue;
            const of = { entity, to: connection as DemoName, from: origin.connection as DemoName };
            const key = JSON.stringify(of);
            const gift = gifts.get(key) ?? { of, records: new Set<string>(), fields: {} };
            gift.records.add(record.id);
            gift.fields[path] = (gift.fields[path] ?? 0) + 1;
            gifts.set(key, gift);
          }
        }
    }
  return [...gifts.values()].map(({ of, records, fields }) => ({ ...of, records: records.size, fields }));
}

/** The matrix for people: a line for each receiver, a column for each giver; then the fields that travelled most. */
export function matrixLines(gifts: readonly Gift[]): string[] {
  const rows = entities.flatMap((entity) =>
    demoNames.flatMap((to) => {
      const got = demoNames.map((from) =>
        gifts.find((gift) => gift.entity === entity && gift.to === to && gift.from === from),
      );
      if (got.every((gift) => gift === undefined)) return [];
      return [
        [
          `${entity}s`,
          to,
          ...got.map((gift, index) => (demoNames[index] === to ? '' : count(gift ? valuesIn(gift) : 0))),
        ],
      ];
    }),
  );
  const pairs = gifts
    .toSorted((a, b) => valuesIn(b) - valuesIn(a))
    .map((gift) => {
      const fields = Object.entries(gift.fields).toSorted(([, a], [, b]) => b - a);
      const told = fields
        .slice(0, mostFields)
        .map(([path, times]) => `${fieldAt(gift.entity, path).title} ${count(times)}`);
      const rest = fields.length - told.length;
      const more = rest > 0 ? `, and ${counted(rest, 'more field')}` : '';
      return `${gift.to} from ${gift.from}, ${gift.entity}s: ${told.join(', ')}${more}`;
    });
  return [
    '  Values that a CRM holds now, did not hold before, and has from another',
    '',
    ...table(['', 'got', ...demoNames.map((name) => `from ${name}`)], rows).map((line) => `  ${line}`),
    '',
    ...pairs.flatMap((line) => wrapped(line, demoWidth - 2, '  ')),
  ];
}

function valuesIn({ fields }: Gift): number {
  return Object.values(fields).reduce((sum, times) => sum + times, 0);
}
