import type { Database, Statement } from 'better-sqlite3';
import { noDisk } from '../../src/store/sqlite/disk.ts';
import { openFile } from '../../src/store/sqlite/file.ts';
import { storeOver } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

const file = ':memory:';

/** Databases that nobody uses now: empty, with their schema and their statements. */
const idle: Database[] = [];

/**
 * Opens an empty store in memory, as `openSqliteStore(':memory:')` does; its database may have been that of another store,
 * which is closed. To make the schema and to prepare the statements takes longer than most tests have the store for.
 */
export function openMemoryStore(): Store {
  let isOpen = true;
  const methods = Object.entries(storeOver(idle.pop() ?? reusable(openFile(file, 0)), noDisk, file));
  return Object.fromEntries(
    methods.map(([name, method]): [string, Method] => [
      name,
      (...given) => {
        if (!isOpen)
          return Promise.reject(new RangeError(`${name}: this store is closed, and others use its database`));
        isOpen = name !== 'close';
        return method(...given);
      },
    ]),
  ) as unknown as Store;
}

type Method = (...given: readonly unknown[]) => Promise<unknown>;

/** The same database, which keeps its statements, and is emptied instead of closed. */
function reusable(database: Database): Database {
  const prepare = database.prepare.bind(database);
  const kept = new Map<string, Statement>();
  const keep = (sql: string, how: 'plain' | 'pluck' | 'raw'): Statement => {
    const key = `${how}: ${sql}`;
    const statement = kept.get(key) ?? (how === 'plain' ? prepare(sql) : prepare(sql)[how]());
    kept.set(key, statement);
    return statement;
  };
  const tables = prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  const emptied = tables.map((name) => prepare(`DELETE FROM ${name}`));
  return Object.assign(database, {
    prepare: (sql: string) => ({
      ...keep(sql, 'plain'),
      pluck: () => keep(sql, 'pluck'),
      raw: () => keep(sql, 'raw'),
    }),
    close: () => {
      database.pragma('foreign_keys = OFF');
      database.transaction(() => {
        for (const one of emptied) one.run();
      })();
      database.pragma('foreign_keys = ON');
      idle.push(database);
    },
  });
}
