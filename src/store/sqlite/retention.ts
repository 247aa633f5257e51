import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import type { Expiry } from '../store.ts';

/** Rows looked at in one transaction: some milliseconds in which no other process can write. */
const rowsAtOnce = 1_000;

/** Transactions per log and call, at most: a first clean-up of a very large file takes several. */
const mostAtOnce = 200;

/** A table that only grows, oldest rows first but for some. */
interface Log {
  readonly table: string;
  /** Its growing primary key. */
  readonly key: string;
  /** Condition for rows that may go at all. */
  readonly closed: string;
  /** When a row was written, epoch milliseconds. */
  readonly at: string;
  /** Which of the times counts. */
  readonly of: keyof Expiry;
}

/*
 * What the laws stand on never expires: records with the origin of every value, links with their shadows, tombstones,
 * whatever still waits. Nor do settled reviews: they are decisions of people, to be remembered for ever, and there is at
 * most one for each record of a CRM.
 */
const logs: readonly Log[] = [
  // The time within an origin: see encoding.ts.
  { table: 'history', key: 'number', closed: 'TRUE', at: "json_extract(origin, '$[2]')", of: 'logs' },
  { table: 'conflict', key: 'number', closed: 'waiting IS NULL', at: 'at', of: 'logs' },
  {
    table: 'run',
    key: 'position',
    // The last run of each sync stays, so that it can be told; it may also be under way.
    closed: 'position NOT IN (SELECT max(position) FROM run GROUP BY sync)',
    at: 'coalesce(ended_at, started_at)',
    of: 'logs',
  },
  { table: 'delivery', key: 'position', closed: 'TRUE', at: 'at', of: 'deliveries' },
];

/**
 * Removes what is older than a time from the logs: what replaced what, conflicts that are settled, runs that ended; and ids of deliveries.
 * Reads no more of a log than its old end: it stops where it finds nothing old among `rowsAtOnce` rows.
 * @param write runs an action in a transaction
 */
export function openRetention(database: Database, write: <Result>(action: () => Result) => Result) {
  const cleaners = logs.map(({ table, key, closed, at, of }) => {
    const end = database
      .prepare<[number, number], number | null>(
        `SELECT max(${key}) FROM (SELECT ${key} FROM ${table} WHERE ${key} > ? AND ${closed} ORDER BY ${key} LIMIT ?)`,
      )
      .pluck();
    const remove = database.prepare<[number, number, number]>(
      `DELETE FROM ${table} WHERE ${key} > ? AND ${key} <= ? AND ${closed} AND ${at} < ?`,
    );
    return async ({ [of]: before }: Expiry): Promise<number> => {
      if (before === undefined) return 0;
      let removed = 0;
      let from = 0;
      for (let turn = 0; turn < mostAtOnce; turn++) {
        const to = end.get(from, rowsAtOnce) ?? null;
        if (to === null) break;
        const { changes } = write(() => remove.run(from, to, before));
        if (changes === 0) break;
        removed += changes;
        from = to;
        await nextTurn();
      }
      return removed;
    };
  });

  /** @returns how many rows went */
  return async (before: Expiry): Promise<number> => {
    let removed = 0;
    for (const clean of cleaners) removed += await clean(before);
    return removed;
  };
}
