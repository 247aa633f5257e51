import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import type { Delivery, HintRow, OpenHints } from '../store.ts';
import { entityName, entityNumber } from './encoding.ts';
import { openManyRows } from './many-rows.ts';
import type { Names } from './names.ts';

interface Row {
  readonly position: number;
  readonly external_id: string;
  readonly deleted: 1 | null;
  readonly at: number;
}

interface Sum {
  readonly connection: number;
  readonly entity: number;
  readonly count: number;
  readonly oldest_at: number;
}

/** Hints that wait for a round, and the ids of the deliveries that brought them. */
export function openInbox(database: Database, names: Names) {
  const remember = database.prepare<[number, string, number]>(
    'INSERT INTO delivery (connection, id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const insertMany = openManyRows(
    database,
    'INSERT INTO inbox (connection, entity, external_id, deleted, at) VALUES',
    '(?, ?, ?, ?, ?)',
  );
  const page = database.prepare<[number, number, number], Row>(`
    SELECT position, external_id, deleted, at FROM inbox
    WHERE connection = ? AND entity = ? ORDER BY position LIMIT ?`);
  const end = database.prepare<[string]>('DELETE FROM inbox WHERE position IN (SELECT value FROM json_each(?))');
  // The index alone is counted; the first row of each group has come first, so its time is the oldest.
  const open = database.prepare<[], Sum>(`
    SELECT g.connection, g.entity, g.count, i.at AS oldest_at
    FROM (SELECT connection, entity, count(*) AS count, min(position) AS first FROM inbox GROUP BY connection, entity) g
    CROSS JOIN inbox i ON i.position = g.first`);

  return {
    receive: (deliveries: readonly Delivery[]): readonly ('stored' | 'repeated')[] => {
      const rows: (number | string | null)[] = [];
      const outcomes = deliveries.map(({ connection, id, hints, at }) => {
        const of = names.number(connection);
        if (id !== undefined && remember.run(of, id, at).changes === 0) return 'repeated';
        for (const { entity, externalId, what } of hints)
          rows.push(of, entityNumber(entity), externalId, what === 'deleted' ? 1 : null, at);
        return 'stored';
      });
      insertMany(rows);
      return outcomes;
    },
    page: (connection: string, entity: Entity, limit: number): readonly HintRow[] =>
      page.all(names.find(connection), entityNumber(entity), limit).map((row) => ({
        connection,
        entity,
        externalId: row.external_id,
        what: row.deleted === 1 ? 'deleted' : 'changed',
        position: row.position,
        at: row.at,
      })),
    end: (positions: readonly number[]): void => {
      end.run(JSON.stringify(positions));
    },
    open: (): readonly OpenHints[] =>
      open.all().map(({ connection, entity, count, oldest_at }) => ({
        connection: names.text(connection),
        entity: entityName(entity),
        count,
        oldestAt: oldest_at,
      })),
  };
}
