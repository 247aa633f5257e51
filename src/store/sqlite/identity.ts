import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import { entityNumber } from './encoding.ts';

/**
 * `fresh_identity` moves over into `identity` when it has about this many rows. It is what bounds the pages that a commit
 * dirties: random keys put straight into a tree of a million rows would dirty one page each.
 */
const freshLimit = 16_384;

/** Keys under which matching finds records. */
export function openIdentity(database: Database) {
  const insert = database.prepare<[number, number]>('INSERT OR IGNORE INTO fresh_identity (key, record) VALUES (?, ?)');
  const insertUnknown = database.prepare<[number, number, number, number]>(`
    INSERT OR IGNORE INTO fresh_identity (key, record)
    SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM identity WHERE key = ? AND record = ?)`);
  const moveOver = database.prepare(
    'INSERT OR IGNORE INTO identity (key, record) SELECT key, record FROM fresh_identity ORDER BY key, record',
  );
  const clear = database.prepare('DELETE FROM fresh_identity');
  const raise = database.prepare<[number]>(
    'INSERT INTO epoch (entity, value) VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1',
  );
  const epoch = database.prepare<[number], number>('SELECT value FROM epoch WHERE entity = ?').pluck();
  const candidates = database
    .prepare<{ keys: string; entity: number; limit: number }, [number, string]>(`
      SELECT j.value, r.id FROM json_each(:keys) j CROSS JOIN record r
      WHERE r.number IN (
        SELECT q.number FROM (
          SELECT record FROM identity WHERE key = j.value UNION ALL SELECT record FROM fresh_identity WHERE key = j.value
        ) i CROSS JOIN record q ON q.number = i.record
        WHERE q.entity = :entity AND q.live = 1 LIMIT :limit
      )`)
    .raw();

  // An estimate is enough: another process counts for itself, and who reaches the limit first moves all of it.
  let fresh = database.prepare<[], number>('SELECT count(*) FROM fresh_identity').pluck().get() ?? 0;

  return {
    epoch: (entity: Entity): number => epoch.get(entityNumber(entity)) ?? 0,

    /** Within a transaction. @returns whether there was one that was not known */
    add: (record: number, keys: readonly number[], isNewRecord: boolean): boolean => {
      let added = 0;
      for (const key of keys)
        added += (isNewRecord ? insert.run(key, record) : insertUnknown.run(key, record, key, record)).changes;
      fresh += added;
      return added > 0;
    },

    /** To be called once in a transaction that has added keys. */
    seal: (entity: Entity): void => {
      raise.run(entityNumber(entity));
      if (fresh < freshLimit) return;
      moveOver.run();
      clear.run();
      fresh = 0;
    },

    candidates: (entity: Entity, keys: readonly number[], limitPerKey: number): Map<number, string[]> => {
      const found = new Map<number, string[]>();
      const rows = candidates.all({
        keys: JSON.stringify(keys),
        entity: entityNumber(entity),
        limit: limitPerKey + 1,
      });
      for (const [key, id] of rows) {
        const ids = found.get(key);
        if (ids === undefined) found.set(key, [id]);
        else ids.push(id);
      }
      return found;
    },
  };
}
