import type { Database, RunResult } from 'better-sqlite3';

/** Rows that one statement inserts, most first: crossing into SQLite costs as much as a small row. */
const rowsAtOnce = [64, 8, 1];

type Value = number | string | null;

/**
 * Inserts many rows with few statements.
 * @param insert up to the word VALUES, e.g. `INSERT INTO pair (a, b) VALUES`
 * @param row e.g. `(?, ?)`
 * @returns takes the values row after row in one list; `onRows` is told the result and the first and last value of each statement
 */
export function openManyRows(database: Database, insert: string, row: string) {
  const columns = row.split('?').length - 1;
  const statements = rowsAtOnce.map((rows) => ({
    size: rows * columns,
    statement: database.prepare<Value[]>(`${insert} ${Array.from({ length: rows }, () => row).join(', ')}`),
  }));
  return (values: readonly Value[], onRows?: (result: RunResult, from: number, to: number) => void): void => {
    let at = 0;
    for (const { size, statement } of statements)
      for (; at + size <= values.length; at += size) {
        const result = statement.run(...values.slice(at, at + size));
        onRows?.(result, at, at + size);
      }
  };
}
