import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import type { DepartureRow, NewDeparture } from '../store.ts';
import { entityName, entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

const states = [
  'missed',
  'confirmed',
  'shown',
  'erasing',
  'removing',
] as const satisfies readonly NewDeparture['state'][];
/** What does not become missed again. */
const lasting = (['confirmed', 'erasing', 'removing'] as const).map((state) => states.indexOf(state));

interface Row {
  readonly link: number;
  readonly entity: number;
  readonly external_id: string;
  readonly id: string;
  readonly run: number;
  readonly missed_at: number;
  readonly state: number;
}

/** Linked records that their CRM does not show any more, until it is known what follows from it. */
export function openDepartures(database: Database, names: Names) {
  const put = database.prepare<[number, number, number, number, number, number]>(
    `INSERT INTO departure (link, connection, entity, run, missed_at, state) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET run = excluded.run, missed_at = excluded.missed_at, state = excluded.state
    WHERE NOT (departure.state IN (${lasting.join(', ')}) AND excluded.state = ${states.indexOf('missed')})`,
  );
  const remove = database.prepare<[number, number]>('DELETE FROM departure WHERE link = ? AND state = ?');
  const page = database.prepare<[number, number, number, number], Row>(`
    SELECT d.link, d.entity, l.external_id, r.id, d.run, d.missed_at, d.state FROM departure d
    CROSS JOIN link l ON l.number = d.link CROSS JOIN record r ON r.number = l.record
    WHERE d.connection = ? AND d.entity = ? AND d.link > ? ORDER BY d.link LIMIT ?`);
  const isAny = database
    .prepare<[number, number], number>('SELECT 1 FROM departure WHERE connection = ? AND entity = ? LIMIT 1')
    .pluck();

  return {
    /**
     * What is confirmed or deleted by us does not become missed again: whoever says so does not know it yet.
     * @param link its number
     */
    put: (link: number, entity: Entity, { connection, run, missedAt, state }: NewDeparture): void => {
      const of = [names.number(connection), entityNumber(entity), names.number(run)] as const;
      put.run(link, ...of, missedAt, states.indexOf(state));
    },
    /** Unless its state is another one. */
    remove: (link: number, state: NewDeparture['state']): void => {
      remove.run(link, states.indexOf(state));
    },
    page: (connection: string, entity: Entity, after: number, limit: number): readonly DepartureRow[] => {
      const of = [names.find(connection), entityNumber(entity)] as const;
      // Asked before each create, and there is hardly ever one.
      if (isAny.get(...of) === undefined) return [];
      return page.all(...of, after, limit).map((row) => ({
        number: row.link,
        connection,
        entity: entityName(row.entity),
        externalId: row.external_id,
        recordId: row.id,
        run: names.text(row.run),
        missedAt: row.missed_at,
        state: states[row.state] ?? 'missed',
      }));
    },
  };
}
