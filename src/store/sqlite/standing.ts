import type { Database } from 'better-sqlite3';
import { noStanding, type Standing } from '../store.ts';
import { entityName } from './encoding.ts';
import type { Names } from './names.ts';

type Counted = Exclude<keyof Standing, 'connection' | 'entity'>;

/**
 * Per connection, entity and thing that is counted. A waiting conflict counts where the value waits that did not win. A
 * write that was not possible when it was last tried counts as that, also while it waits to be tried again.
 */
const counts = `
  SELECT connection, entity, 'links' AS what, count(*) AS many FROM link WHERE live = 1 GROUP BY 1, 2
  UNION ALL
  SELECT connection, entity, CASE state WHEN 0 THEN 'pending' WHEN 1 THEN 'dead' ELSE 'unsupported' END, count(*)
  FROM pending GROUP BY 1, 2, 3
  UNION ALL
  SELECT connection, entity, 'unsupported', count(*) FROM pending WHERE state = 0 AND code = 'unsupported' GROUP BY 1, 2
  UNION ALL
  SELECT connection, entity, 'quarantined', count(*) FROM quarantine GROUP BY 1, 2
  UNION ALL
  SELECT connection, entity, 'reviews', count(*) FROM review WHERE settled_at IS NULL GROUP BY 1, 2
  UNION ALL
  SELECT loser, entity, 'waitingConflicts', count(*) FROM conflict WHERE waiting = 1 GROUP BY 1, 2
  UNION ALL
  SELECT connection, entity, 'openIntents', count(*) FROM intent GROUP BY 1, 2`;

/** Counts for `status`; connections of which nothing is known are left out. By connection name and entity. */
export function openStanding(database: Database, names: Names): () => readonly Standing[] {
  const select = database.prepare<[], [number, number, Counted, number]>(counts).raw();
  return () => {
    const found = new Map<string, Standing>();
    for (const [connection, entity, what, many] of select.all()) {
      const key = `${connection} ${entity}`;
      const standing = found.get(key) ?? noStanding(names.text(connection), entityName(entity));
      found.set(key, { ...standing, [what]: standing[what] + many });
    }
    return [...found.values()].sort((a, b) => compare(a.connection, b.connection) || compare(a.entity, b.entity));
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
