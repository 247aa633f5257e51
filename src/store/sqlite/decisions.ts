import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import type { ApartPair, CrmName, MergedRow } from '../store.ts';
import { entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

/** What people have decided about who is who. */
export function openDecisions(database: Database, names: Names) {
  const putApart = database.prepare<[number, number, string, number, string, number, number]>(`
    INSERT OR REPLACE INTO apart (connection, entity, external_id, other_connection, other_id, at, run)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const removeApart = database.prepare<[number, number, string, number, string]>(
    `DELETE FROM apart WHERE connection = ? AND entity = ? AND external_id = ? AND other_connection = ? AND other_id = ?`,
  );
  const isAnyDecided = database
    .prepare<[], 0 | 1>('SELECT EXISTS (SELECT 1 FROM apart) OR EXISTS (SELECT 1 FROM merged)')
    .pluck();
  const apartOf = database
    .prepare<[string, number], [number, string, number, string]>(`
      SELECT a.connection, a.external_id, a.other_connection, a.other_id FROM json_each(?) j CROSS JOIN apart a
      ON a.connection = j.value ->> 0 AND a.entity = ? AND a.external_id = j.value ->> 1`)
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

  return {
    putApart: (
      { one, other }: ApartPair,
      entity: Entity,
      { at, run }: { readonly at: number; readonly run: string },
    ): void => {
      const [entityNow, runNow] = [entityNumber(entity), names.number(run)];
      const [a, b] = [names.number(one.connection), names.number(other.connection)];
      putApart.run(a, entityNow, one.externalId, b, other.externalId, at, runNow);
      putApart.run(b, entityNow, other.externalId, a, one.externalId, at, runNow);
    },
    removeApart: ({ one, other }: ApartPair, entity: Entity): void => {
      const [a, b] = [names.find(one.connection), names.find(other.connection)];
      removeApart.run(a, entityNumber(entity), one.externalId, b, other.externalId);
      removeApart.run(b, entityNumber(entity), other.externalId, a, one.externalId);
    },
    isAnyDecided: (): boolean => isAnyDecided.get() === 1,
    apartOf: (entity: Entity, ofThese: readonly CrmName[]): readonly ApartPair[] => {
      const asked = ofThese.map(({ connection, externalId }) => [names.find(connection), externalId]);
      return apartOf.all(JSON.stringify(asked), entityNumber(entity)).map(([connection, externalId, at, otherId]) => ({
        one: { connection: names.text(connection), externalId },
        other: { connection: names.text(at), externalId: otherId },
      }));
    },

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
