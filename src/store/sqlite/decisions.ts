import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import type { ApartRow, MergedRow } from '../store.ts';
import { entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

/** What people have decided about who is who. */
export function openDecisions(database: Database, names: Names) {
  const putApart = database.prepare<[number, number, string, number, number, number]>(
    'INSERT OR REPLACE INTO apart (connection, entity, external_id, record, at, run) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const removeApart = database.prepare<[number, number, string, number]>(
    'DELETE FROM apart WHERE connection = ? AND entity = ? AND external_id = ? AND record = ?',
  );
  const isAnyDecided = database
    .prepare<[], 0 | 1>('SELECT EXISTS (SELECT 1 FROM apart) OR EXISTS (SELECT 1 FROM merged)')
    .pluck();
  const select = 'SELECT a.connection, a.external_id, r.id FROM json_each(?) j';
  const apartOf = database
    .prepare<[string, number, number], [number, string, string]>(`${select}
      CROSS JOIN apart a ON a.connection = ? AND a.entity = ? AND a.external_id = j.value
      CROSS JOIN record r ON r.number = a.record`)
    .raw();
  const apartFrom = database
    .prepare<[string], [number, string, string]>(`${select}
      CROSS JOIN record r ON r.id = j.value CROSS JOIN apart a ON a.record = r.number`)
    .raw();
  const putMerged = database.prepare<[number, number, string, number, number]>(
    'INSERT OR REPLACE INTO merged (record, survivor, links, at, run) VALUES (?, ?, ?, ?, ?)',
  );
  const removeMerged = database.prepare<[number]>('DELETE FROM merged WHERE record = ?');
  // Few: every one of them is a person's work.
  const merged = database
    .prepare<[], [string, string, string, number, number]>(`
      SELECT r.id, s.id, m.links, m.at, m.run FROM merged m
      CROSS JOIN record r ON r.number = m.record CROSS JOIN record s ON s.number = m.survivor ORDER BY m.at, r.id`)
    .raw();

  // Who was merged into somebody may have been merged into somebody else before; a circle cannot come about.
  const survivors = database
    .prepare<[string], [string, string]>(`
      WITH RECURSIVE step (id, number) AS (
        SELECT r.id, m.survivor FROM json_each(?) j CROSS JOIN record r ON r.id = j.value
          CROSS JOIN merged m ON m.record = r.number
        UNION ALL SELECT s.id, m.survivor FROM step s CROSS JOIN merged m ON m.record = s.number
      )
      SELECT s.id, r.id FROM step s CROSS JOIN record r ON r.number = s.number
      WHERE NOT EXISTS (SELECT 1 FROM merged m WHERE m.record = s.number)`)
    .raw();

  const toApart = ([connection, externalId, recordId]: [number, string, string]): ApartRow => ({
    connection: names.text(connection),
    externalId,
    recordId,
  });

  return {
    putApart: (
      { connection, externalId }: ApartRow,
      entity: Entity,
      record: number,
      { at, run }: { readonly at: number; readonly run: string },
    ): void => {
      putApart.run(names.number(connection), entityNumber(entity), externalId, record, at, names.number(run));
    },
    removeApart: ({ connection, externalId }: ApartRow, entity: Entity, record: number): void => {
      removeApart.run(names.find(connection), entityNumber(entity), externalId, record);
    },
    isAnyDecided: (): boolean => isAnyDecided.get() === 1,
    apartOf: (connection: string, entity: Entity, externalIds: readonly string[]): readonly ApartRow[] =>
      apartOf.all(JSON.stringify(externalIds), names.find(connection), entityNumber(entity)).map(toApart),
    apartFrom: (recordIds: readonly string[]): readonly ApartRow[] =>
      apartFrom.all(JSON.stringify(recordIds)).map(toApart),

    putMerged: (record: number, survivor: number, { links, at, run }: MergedRow): void => {
      const named = links.map(({ connection, externalId }) => [connection, externalId]);
      putMerged.run(record, survivor, JSON.stringify(named), at, names.number(run));
    },
    removeMerged: (record: number): void => {
      removeMerged.run(record);
    },
    survivors: (recordIds: readonly string[]): ReadonlyMap<string, string> =>
      new Map(survivors.all(JSON.stringify(recordIds))),
    merged: (): readonly MergedRow[] =>
      merged.all().map(([recordId, survivorId, links, at, run]) => ({
        recordId,
        survivorId,
        links: (JSON.parse(links) as [string, string][]).map(([connection, externalId]) => ({
          connection,
          externalId,
        })),
        at,
        run: names.text(run),
      })),
  };
}
