import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import type { Checkpoint, NewRun, RunEnd, RunRow } from '../store.ts';
import { entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

interface RunColumns {
  readonly id: string;
  readonly sync: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly outcome: RunEnd['outcome'];
  readonly counts: string;
  readonly error: string | null;
}

interface CheckpointColumns {
  readonly run: number;
  readonly started_at: number;
  readonly read: number;
  readonly complete_started_at: number | null;
  readonly complete_ended_at: number;
  readonly complete_read: number;
}

/** Runs, and where the scans stand. */
export function openRuns(database: Database, names: Names) {
  const begin = database.prepare<[string, string, number]>(
    'INSERT INTO run (id, sync, started_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const end = database.prepare<[number, string, string, string | null, string, string]>(
    'UPDATE run SET ended_at = ?, outcome = ?, counts = ?, error = ? WHERE id = ? AND sync = ?',
  );
  const newest = database.prepare<[number], RunColumns>(
    'SELECT * FROM run ORDER BY started_at DESC, position DESC LIMIT ?',
  );
  const newestOf = database.prepare<[string, number], RunColumns>(
    'SELECT * FROM run WHERE sync = ? ORDER BY started_at DESC, position DESC LIMIT ?',
  );
  const named = database.prepare<[string], RunColumns>(
    'SELECT r.* FROM json_each(?) j CROSS JOIN run r ON r.id = j.value ORDER BY r.started_at, r.position',
  );
  const putCheckpoint = database.prepare<
    [number, number, number, number, number, number | null, number | null, number | null]
  >(`
    INSERT OR REPLACE INTO checkpoint
      (connection, entity, run, started_at, read, complete_started_at, complete_ended_at, complete_read)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const checkpoint = database.prepare<[number, number], CheckpointColumns>(
    'SELECT * FROM checkpoint WHERE connection = ? AND entity = ?',
  );

  return {
    begin: ({ id, sync, startedAt }: NewRun): void => {
      begin.run(id, sync, startedAt);
    },
    end: (id: string, sync: string, { endedAt, outcome, counts, error }: RunEnd): void => {
      end.run(endedAt, outcome, counts, error ?? null, id, sync);
    },
    newest: (limit: number): readonly RunRow[] => newest.all(limit).map(toRun),
    newestOf: (sync: string, limit: number): readonly RunRow[] => newestOf.all(sync, limit).map(toRun),
    /** Oldest first. */
    named: (ids: readonly string[]): readonly RunRow[] => named.all(JSON.stringify(ids)).map(toRun),

    putCheckpoint: ({ connection, entity, run, startedAt, read, complete }: Checkpoint): void => {
      putCheckpoint.run(
        names.number(connection),
        entityNumber(entity),
        names.number(run),
        startedAt,
        read,
        complete?.startedAt ?? null,
        complete?.endedAt ?? null,
        complete?.read ?? null,
      );
    },
    checkpoint: (connection: string, entity: Entity): Checkpoint | undefined => {
      const row = checkpoint.get(names.find(connection), entityNumber(entity));
      if (row === undefined) return undefined;
      return {
        connection,
        entity,
        run: names.text(row.run),
        startedAt: row.started_at,
        read: row.read,
        complete:
          row.complete_started_at === null
            ? undefined
            : { startedAt: row.complete_started_at, endedAt: row.complete_ended_at, read: row.complete_read },
      };
    },
  };
}

function toRun({ id, sync, started_at, ended_at, outcome, counts, error }: RunColumns): RunRow {
  const run = { id, sync, startedAt: started_at };
  if (ended_at === null) return { ...run, end: undefined };
  return { ...run, end: { endedAt: ended_at, outcome, counts, ...(error === null ? {} : { error }) } };
}
