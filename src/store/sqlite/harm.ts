import type { Database } from 'better-sqlite3';
import type { Harm, HarmDone } from '../store.ts';
import type { Names } from './names.ts';

/** Which records the runs under way do harm to. */
export function openHarm(database: Database, names: Names) {
  type Place = [sync: string, run: string, connection: number, what: string];
  const select = database
    .prepare<[string, string, number], [Harm, string]>(`
      SELECT h.what, r.id FROM harm h CROSS JOIN record r ON r.number = h.record
      WHERE h.sync = ? AND h.run = ? AND h.connection = ?`)
    .raw();
  const has = database
    .prepare<[...Place, number], 1>(
      'SELECT 1 FROM harm WHERE sync = ? AND run = ? AND connection = ? AND what = ? AND record = ?',
    )
    .pluck();
  const count = database
    .prepare<Place, number>('SELECT count(*) FROM harm WHERE sync = ? AND run = ? AND connection = ? AND what = ?')
    .pluck();
  const insert = database.prepare<[...Place, number]>('INSERT INTO harm VALUES (?, ?, ?, ?, ?)');
  const forget = database.prepare<[string, string]>(
    'DELETE FROM harm WHERE sync = ? AND run NOT IN (SELECT value FROM json_each(?))',
  );
  // Who has said that a record may be gone has said that it may be deleted elsewhere.
  const isApproved = database
    .prepare<{ sync: string; connection: number; what: string; record: number; mark: string }, 1>(`
      SELECT 1 FROM held WHERE sync = :sync AND record = :record AND approved = 1
        AND (connection = :connection AND what = :what AND mark = :mark OR :what = 'delete' AND what = 'absence')`)
    .pluck();

  return {
    of: (sync: string, run: string, connection: string): readonly HarmDone[] =>
      select.all(sync, run, names.find(connection)).map(([what, recordId]) => ({ what, recordId })),
    /** @returns false when `allowed` are counted already, and this one is not among them nor approved */
    count: (
      { sync, run, connection, what, mark }: HarmDone & { sync: string; run: string; connection: string; mark: string },
      record: number,
      allowed: number,
    ): boolean => {
      const at = names.number(connection);
      if (isApproved.get({ sync, connection: at, what, record, mark }) === 1) return true;
      if (has.get(sync, run, at, what, record) === 1) return true;
      if ((count.get(sync, run, at, what) ?? 0) >= allowed) return false;
      insert.run(sync, run, at, what, record);
      return true;
    },
    forget: (sync: string, but: readonly string[]): void => {
      forget.run(sync, JSON.stringify(but));
    },
  };
}
