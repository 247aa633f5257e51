import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import { entityNumber } from './encoding.ts';
import { createKeyFilter, type KeyFilter } from './key-filter.ts';
import { createKeyTable } from './key-table.ts';
import { openManyRows } from './many-rows.ts';

/**
 * The log of fresh keys moves over into the sorted index when it has this many. Random keys put straight into a tree of
 * a million rows would dirty a page each; the log dirties its last page, and a move goes through the tree in order.
 */
const freshLimit = 262_144;

/** What is left in the log when the store closes is moved over if the next process would have to read this much. */
const freshLimitAtClose = 16_384;

/** After this many looked-up keys a filter is worth reading the whole index for: a first pull looks up every key, nearly all in vain. */
const lookupsBeforeFilter = 4_096;

/** The row of table `epoch` that counts how often the log was moved over. */
const moves = 0;

export type Identity = ReturnType<typeof openIdentity>;

/** Keys under which matching finds records. The writing methods belong into a transaction. */
export function openIdentity(database: Database) {
  const insertMany = openManyRows(database, 'INSERT INTO fresh_identity (key, record) VALUES', '(?, ?)');
  const isIndexed = database
    .prepare<[number, number], 1>('SELECT 1 FROM identity WHERE key = ? AND record = ?')
    .pluck();
  const fresh = database
    .prepare<[number], [position: number, key: number, record: number]>(
      'SELECT position, key, record FROM fresh_identity WHERE position > ? ORDER BY position',
    )
    .raw();
  const moveOver = database.prepare(
    'INSERT OR IGNORE INTO identity (key, record) SELECT key, record FROM fresh_identity ORDER BY key, record',
  );
  const clear = database.prepare('DELETE FROM fresh_identity');
  const raise = database.prepare<[number]>(
    'INSERT INTO epoch (entity, value) VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1',
  );
  const epoch = database.prepare<[number], number>('SELECT value FROM epoch WHERE entity = ?').pluck();
  const allKeys = database.prepare<[], number>('SELECT key FROM identity').pluck();
  const keyCount = database.prepare<[], number>('SELECT count(*) FROM identity').pluck();
  // A tombstone counts while a CRM still has it, or had it until a moment ago.
  const isSomewhere = (number: string) =>
    `(EXISTS (SELECT 1 FROM link l WHERE l.record = ${number} AND l.live = 1)
      OR EXISTS (SELECT 1 FROM link l CROSS JOIN departure d ON d.link = l.number WHERE l.record = ${number} AND d.state = 1))`;
  const indexed = database
    .prepare<{ keys: string; entity: number; limit: number }, [key: number, id: string]>(`
      SELECT j.value, r.id FROM json_each(:keys) j CROSS JOIN record r
      WHERE r.number IN (
        SELECT q.number FROM identity i CROSS JOIN record q ON q.number = i.record
        WHERE i.key = j.value AND q.entity = :entity AND (q.live = 1 OR ${isSomewhere('q.number')})
        LIMIT :limit
      )`)
    .raw();
  const live = database
    .prepare<[string, number], [number, string]>(`
      SELECT r.number, r.id FROM json_each(?) j CROSS JOIN record r
      WHERE r.number = j.value AND r.entity = ? AND (r.live = 1 OR ${isSomewhere('r.number')})`)
    .raw();

  /** What the log holds, as far as it was read: up to `position`, since the move numbered `moved`. */
  const log = createKeyTable();
  let position = 0;
  let moved = 0;
  let filter: { readonly keys: KeyFilter; readonly moved: number } | undefined;
  let lookups = 0;

  /** Catches up with what other processes have appended or moved. */
  const follow = (): void => {
    const now = epoch.get(moves) ?? 0;
    if (now !== moved) {
      log.clear();
      position = 0;
      moved = now;
    }
    for (const [at, key, record] of fresh.iterate(position)) {
      log.add(key, record);
      position = at;
    }
  };

  /** Knows the keys of the sorted index, once enough was looked up to be worth it. It changes with a move only. */
  const currentFilter = (): KeyFilter | undefined => {
    if (lookups < lookupsBeforeFilter) return undefined;
    if (filter?.moved === moved) return filter.keys;
    const keys = createKeyFilter(Math.max(keyCount.get() ?? 0, 1_024));
    for (const key of allKeys.iterate()) keys.add(key);
    filter = { keys, moved };
    return keys;
  };

  const move = (): void => {
    moveOver.run();
    clear.run();
    raise.run(moves);
  };

  /** @param pairs key, record, key, record …, of records that are new */
  const addNew = (pairs: readonly number[]): void => {
    insertMany(pairs, ({ changes, lastInsertRowid }, from, to) => {
      // With nothing of another process in between, the rows need not be read again.
      if (Number(lastInsertRowid) !== position + changes) return;
      for (let at = from; at < to; at += 2) log.add(pairs[at]!, pairs[at + 1]!);
      position = Number(lastInsertRowid);
    });
  };

  return {
    epoch: (entity: Entity): number => epoch.get(entityNumber(entity)) ?? 0,

    addNew,

    /**
     * @param pairs key, record, key, record …, of records that may be known under some of them
     * @returns whether there was one that was not known
     */
    add: (pairs: readonly number[]): boolean => {
      if (pairs.length === 0) return false;
      follow();
      const fresh: number[] = [];
      for (let at = 0; at < pairs.length; at += 2) {
        const [key, record] = [pairs[at]!, pairs[at + 1]!];
        if (!log.of(key).includes(record) && isIndexed.get(key, record) === undefined) fresh.push(key, record);
      }
      addNew(fresh);
      return fresh.length > 0;
    },

    /** To be called once in a transaction that has added keys. */
    seal: (entity: Entity): void => {
      raise.run(entityNumber(entity));
      if (log.size >= freshLimit) move();
    },

    /** To be called after a transaction has failed: rows of the log that were read or written in it are void. */
    forget: (): void => {
      log.clear();
      position = 0;
    },

    /** Moves everything over: afterwards the index alone has keys, and other processes read the log anew. */
    settle: (): void => {
      follow();
      move();
    },

    /** To be called before the store closes, within a transaction. */
    tidy: (): void => {
      follow();
      if (log.size >= freshLimitAtClose) move();
    },

    candidates: (entity: Entity, keys: readonly number[], limitPerKey: number): Map<number, string[]> => {
      follow();
      lookups += keys.length;
      const indexedKeys = currentFilter();
      const asked = indexedKeys === undefined ? keys : keys.filter((key) => indexedKeys.mayHave(key));
      const found = new Map<number, string[]>();
      const note = (key: number, id: string | undefined): void => {
        const ids = found.get(key) ?? [];
        if (id === undefined || ids.length > limitPerKey || ids.includes(id)) return;
        ids.push(id);
        found.set(key, ids);
      };
      if (asked.length > 0)
        for (const [key, id] of indexed.iterate({
          keys: JSON.stringify(asked),
          entity: entityNumber(entity),
          limit: limitPerKey + 1,
        }))
          note(key, id);
      const logged = keys.filter((key) => log.has(key));
      if (logged.length === 0) return found;
      const numbers = new Set(logged.flatMap(log.of));
      const ids = new Map(live.all(JSON.stringify([...numbers]), entityNumber(entity)));
      for (const key of logged) for (const record of log.of(key)) note(key, ids.get(record));
      return found;
    },
  };
}
