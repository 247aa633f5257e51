import type { Database, RunResult } from 'better-sqlite3';

/** Rows that one statement inserts: crossing into SQLite costs as much as a small row. */
const rowsAtOnce = 64;

type Value = number | string | null;

/**
 * Inserts many rows with few statements.
 * @param insert up to the word VALUES, e.g. `INSERT INTO pair (a, b) VALUES`
 * @returns takes the values row after row in one list; `onRows` is told the result and the first and last value of each statement
 */
export function openManyRows(database: Database, insert: string, columns: number) {
  const row = `(${Array.from({ length: columns }, () => '?').join(', ')})`;
  const many = database.prepare<Value[]>(`${insert} ${Array.from({ length: rowsAtOnce }, () => row).join(', ')}`);
  const one = database.prepare<Value[]>(`${insert} ${row}`);
  return (values: readonly Value[], onRows?: (result: RunResult, from: number, to: number) => void): void => {
    const size = rowsAtOnce * columns;
    let at = 0;
    for (; at + size <= values.length; at += size) {
      const result = many.run(...values.slice(at, at + size));
      onRows?.(result, at, at + size);
    }
    for (; at < values.length; at += columns) {
      const result = one.run(...values.slice(at, at + columns));
      onRows?.(result, at, at + columns);
    }
  };
}
