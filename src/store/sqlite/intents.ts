import type { Database } from 'better-sqlite3';
import type { Entity, Values } from '../../model/values.ts';
import type { IntentRow } from '../store.ts';
import { entityName, entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

interface Row {
  readonly id: string;
  readonly at: number;
  readonly run: number;
  readonly content: string;
  readonly externalId: string | null;
  readonly earlier: string | null;
}

/** Creates that have been started and are not yet confirmed. */
export function openIntents(database: Database, names: Names) {
  const put = database.prepare<[number, number, number, number, number, string, string | null, string | null]>(`
    INSERT OR REPLACE INTO intent (connection, record, entity, at, run, content, external_id, earlier)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const putFirst = database.prepare<{
    connection: number;
    id: string;
    version: number;
    entity: number;
    at: number;
    run: number;
    content: string;
  }>(`
    INSERT INTO intent (connection, record, entity, at, run, content)
    SELECT :connection, r.number, :entity, :at, :run, :content FROM record r
    WHERE r.id = :id AND r.version = :version
      AND NOT EXISTS (SELECT 1 FROM link l WHERE l.record = r.number AND l.connection = :connection AND l.removed IS NULL)
      AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.record = r.number)
      AND NOT EXISTS (SELECT 1 FROM departure d WHERE d.connection = :connection AND d.entity = :entity)
    ON CONFLICT DO NOTHING`);
  const renew = database.prepare<[number, number, number]>(
    'UPDATE intent SET at = ? WHERE connection = ? AND record = ?',
  );
  const made = database.prepare<[string, number, number]>(
    'UPDATE intent SET external_id = ? WHERE connection = ? AND record = ?',
  );
  const remove = database.prepare<[number, number]>('DELETE FROM intent WHERE connection = ? AND record = ?');
  const open = database.prepare<[number, number], Row>(`
    SELECT r.id, i.at, i.run, i.content, i.external_id externalId, i.earlier FROM intent i CROSS JOIN record r ON r.number = i.record
    WHERE i.connection = ? AND i.entity = ? ORDER BY i.record`);
  const of = database.prepare<[number, string], Row & { readonly entity: number }>(`
    SELECT r.id, i.entity, i.at, i.run, i.content, i.external_id externalId, i.earlier
    FROM record r CROSS JOIN intent i ON i.record = r.number AND i.connection = ? WHERE r.id = ?`);

  const toIntent = (
    connection: string,
    entity: Entity,
    { id, at, run, content, externalId, earlier }: Row,
  ): IntentRow => ({
    connection,
    recordId: id,
    entity,
    at,
    run: names.text(run),
    values: JSON.parse(content) as Values,
    ...(earlier !== null && { earlier: JSON.parse(earlier) as readonly Values[] }),
    ...(externalId !== null && { externalId }),
  });

  return {
    put: ({ connection, entity, at, run, values, earlier, externalId }: IntentRow, record: number): void => {
      put.run(
        names.number(connection),
        record,
        entityNumber(entity),
        at,
        names.number(run),
        JSON.stringify(values),
        externalId ?? null,
        earlier && earlier.length > 0 ? JSON.stringify(earlier) : null,
      );
    },
    /** @returns false: something stands against it, and nothing was written */
    putFirst: ({ connection, recordId: id, entity, at, run, values }: IntentRow, version: number): boolean =>
      putFirst.run({
        connection: names.number(connection),
        id,
        version,
        entity: entityNumber(entity),
        at,
        run: names.number(run),
        content: JSON.stringify(values),
      }).changes === 1,
    renew: (connection: string, record: number, at: number): void => {
      renew.run(at, names.find(connection), record);
    },
    made: (connection: string, record: number, externalId: string): void => {
      made.run(externalId, names.find(connection), record);
    },
    remove: (connection: string, record: number): void => {
      remove.run(names.find(connection), record);
    },
    open: (connection: string, entity: Entity): readonly IntentRow[] =>
      open.all(names.find(connection), entityNumber(entity)).map((row) => toIntent(connection, entity, row)),
    of: (connection: string, recordId: string): IntentRow | undefined => {
      const row = of.get(names.find(connection), recordId);
      return row && toIntent(connection, entityName(row.entity), row);
    },
  };
}
