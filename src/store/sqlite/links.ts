import type { Database } from 'better-sqlite3';
import type { Entity, Values } from '../../model/values.ts';
import { type LinkRow, StaleError } from '../store.ts';
import { entityName, entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

interface Row {
  readonly connection: number;
  readonly entity: number;
  readonly external_id: string;
  readonly record: number;
  readonly live: 1 | null;
  readonly fingerprint: string;
  readonly modified_at: number | null;
  readonly written_at: number | null;
  readonly run: number;
  readonly evidence: string;
  readonly locator: string | null;
  readonly sent: string | null;
  readonly underway: string | null;
  readonly shadow: string;
}

type Fields = [
  connection: number,
  entity: number,
  externalId: string,
  record: number,
  live: 1 | null,
  fingerprint: string,
  modifiedAt: number | null,
  writtenAt: number | null,
  run: number,
  evidence: string,
  locator: string | null,
  sent: string | null,
  underway: string | null,
  shadow: string,
];

export type Links = ReturnType<typeof openLinks>;

/** Links: (connection, external id) ↔ canonical record. */
export function openLinks(database: Database, names: Names) {
  // A live link of another record is not replaced: whoever wants that has not seen it yet.
  const upsert = database.prepare<Fields>(`
    INSERT INTO link (connection, entity, external_id, record, live, fingerprint, modified_at, written_at, run, evidence,
      locator, sent, underway, shadow)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (connection, entity, external_id) DO UPDATE SET
      record = excluded.record, live = excluded.live, fingerprint = excluded.fingerprint,
      modified_at = excluded.modified_at, written_at = excluded.written_at, run = excluded.run,
      evidence = excluded.evidence, locator = excluded.locator, sent = excluded.sent,
      underway = excluded.underway, shadow = excluded.shadow
    WHERE link.live IS NULL OR link.record = excluded.record`);
  const known = database
    .prepare<[string, number, number], [string, string | null]>(`
      SELECT l.external_id, CASE l.live WHEN 1 THEN l.fingerprint END FROM json_each(?) j CROSS JOIN link l
      ON l.connection = ? AND l.entity = ? AND l.external_id = j.value`)
    .raw();
  const recordsOf = database
    .prepare<[string, number, number], [string, number]>(`
      SELECT l.external_id, l.record FROM json_each(?) j CROSS JOIN link l
      ON l.connection = ? AND l.entity = ? AND l.external_id = j.value`)
    .raw();
  const ofRecords = database.prepare<[string], Row>(`
    SELECT l.connection, l.entity, l.external_id, l.record, l.live, l.fingerprint, l.modified_at, l.written_at, l.run,
      l.evidence, l.locator, l.sent, l.underway, l.shadow
    FROM json_each(?) j CROSS JOIN link l ON l.record = j.value`);

  const toLink = (row: Row, recordId: string): LinkRow => ({
    connection: names.text(row.connection),
    entity: entityName(row.entity),
    externalId: row.external_id,
    recordId,
    fingerprint: row.fingerprint,
    shadow: JSON.parse(row.shadow) as Values,
    sent: row.sent === null ? {} : (JSON.parse(row.sent) as Values),
    underway: row.underway === null ? undefined : (JSON.parse(row.underway) as Values),
    locator: row.locator ?? undefined,
    modifiedAt: row.modified_at ?? undefined,
    writtenAt: row.written_at ?? undefined,
    state: row.live === 1 ? 'live' : 'gone',
    evidence: row.evidence,
    run: names.text(row.run),
  });

  return {
    /** Inserts or replaces. @throws StaleError when the external id is another record's by now */
    put: (link: LinkRow, record: number): void => {
      const { changes } = upsert.run(
        names.number(link.connection),
        entityNumber(link.entity),
        link.externalId,
        record,
        link.state === 'live' ? 1 : null,
        link.fingerprint,
        link.modifiedAt ?? null,
        link.writtenAt ?? null,
        names.number(link.run),
        link.evidence,
        link.locator ?? null,
        isNothing(link.sent) ? null : JSON.stringify(link.sent),
        link.underway === undefined || isNothing(link.underway) ? null : JSON.stringify(link.underway),
        JSON.stringify(link.shadow),
      );
      if (changes === 0)
        throw new StaleError(
          `${link.connection} ${link.entity} ${link.externalId}: is linked to another record by now`,
        );
    },

    /** External id and fingerprint of the links among these external ids; null where the link is gone. */
    known: (connection: string, entity: Entity, externalIds: readonly string[]): readonly [string, string | null][] =>
      known.all(JSON.stringify(externalIds), names.find(connection), entityNumber(entity)),

    /** External id and record number of the links, live or gone, among these external ids. */
    recordsOf: (connection: string, entity: Entity, externalIds: readonly string[]): readonly [string, number][] =>
      recordsOf.all(JSON.stringify(externalIds), names.find(connection), entityNumber(entity)),

    /** All links of these records, by the record's number. */
    ofRecords: (
      records: readonly { readonly number: number; readonly id: string }[],
    ): ReadonlyMap<number, readonly LinkRow[]> => {
      const found = new Map<number, LinkRow[]>(records.map(({ number }) => [number, []]));
      const ids = new Map(records.map(({ number, id }) => [number, id]));
      for (const row of ofRecords.all(JSON.stringify([...ids.keys()])))
        found.get(row.record)?.push(toLink(row, ids.get(row.record) as string));
      return found;
    },
  };
}

function isNothing(values: Values): boolean {
  for (const _ in values) return false;
  return true;
}
