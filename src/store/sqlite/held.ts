import type { Database } from 'better-sqlite3';
import type { Guarded, HeldRow } from '../store.ts';
import type { Names } from './names.ts';

interface Row {
  readonly sync: string;
  readonly connection: number;
  readonly id: string;
  readonly what: Guarded;
  readonly mark: string;
  readonly at: number;
  readonly approved: 1 | null;
}

/** What guards hold back until a person approves it. */
export function openHeld(database: Database, names: Names) {
  const select = database.prepare<[string | null, string | null], Row>(`
    SELECT h.sync, h.connection, r.id, h.what, h.mark, h.at, h.approved FROM held h
    CROSS JOIN record r ON r.number = h.record
    WHERE ? IS NULL OR h.sync = ? ORDER BY h.sync, h.connection, h.what, h.record`);
  const approved = database
    .prepare<[string, number, Guarded], [number, string]>(
      'SELECT record, mark FROM held WHERE sync = ? AND connection = ? AND what = ? AND approved = 1',
    )
    .raw();
  const clear = database.prepare<[string, number, Guarded]>(
    'DELETE FROM held WHERE sync = ? AND connection = ? AND what = ?',
  );
  const insert = database.prepare<[string, number, number, Guarded, string, number, 1 | null]>(
    'INSERT INTO held (sync, connection, record, what, mark, at, approved) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const approve = database.prepare<[string]>('UPDATE held SET approved = 1 WHERE sync = ? AND approved IS NULL');

  return {
    all: (sync: string | undefined): readonly HeldRow[] =>
      select.all(sync ?? null, sync ?? null).map((row) => ({
        sync: row.sync,
        connection: names.text(row.connection),
        recordId: row.id,
        what: row.what,
        mark: row.mark,
        at: row.at,
        approved: row.approved === 1,
      })),
    /** @param rows the records' numbers, each with its mark and whether it is approved now */
    replace: (
      sync: string,
      connection: string,
      what: Guarded,
      rows: readonly (readonly [record: number, mark: string, isApproved: boolean])[],
      at: number,
    ): void => {
      const number = names.number(connection);
      const before = new Map(approved.all(sync, number, what));
      clear.run(sync, number, what);
      for (const [record, mark, isApproved] of rows)
        insert.run(sync, number, record, what, mark, at, isApproved || before.get(record) === mark ? 1 : null);
    },
    approve: (sync: string): number => approve.run(sync).changes,
  };
}
