import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import type { DeadLetter, PendingFailure, PendingRow, PendingWrite } from '../store.ts';
import { entityNumber } from './encoding.ts';
import { openManyRows } from './many-rows.ts';
import type { Names } from './names.ts';
import type { RecordNumber } from './records.ts';

const stateNumbers: Readonly<Record<PendingFailure['state'], number>> = { waiting: 0, dead: 1, unsupported: 2 };

const stateNames = Object.keys(stateNumbers) as readonly PendingFailure['state'][];

interface Row {
  readonly record: number;
  readonly id: string;
  readonly attempts: number;
}

interface WriteRow {
  readonly connection: string;
  readonly since: number;
  readonly state: number;
  readonly attempts: number;
  readonly not_before: number;
  readonly code: string | null;
  readonly message: string | null;
  readonly detail: string | null;
}

/** What still has to be written to a connection. A row's position is its record's number: older records go first. */
export function openPending(database: Database, names: Names) {
  const put = database.prepare<[number, number, number, number]>(`
    INSERT INTO pending (connection, entity, record, since) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET state = 0, attempts = 0, not_before = 0, detail = NULL,
      code = CASE code WHEN 'unsupported' THEN code END, message = CASE code WHEN 'unsupported' THEN message END
    WHERE state <> 0 OR attempts > 0 OR not_before > 0 OR code IS NOT NULL`);
  const putUnsupported = database.prepare<[number, number, number, string, number, number]>(`
    INSERT INTO pending (connection, entity, record, since, state, code, message)
    SELECT ?, ?, number, ?, 2, 'unsupported', ? FROM record WHERE number = ? AND version = ?
    ON CONFLICT DO UPDATE SET state = 2, attempts = 0, not_before = 0, code = excluded.code, message = excluded.message,
      detail = NULL`);
  const removeUnsupported = database.prepare<[number, number, number]>(
    'DELETE FROM pending WHERE connection = ? AND entity = ? AND record = ? AND state = 2',
  );
  const insertMany = openManyRows(
    database,
    'INSERT INTO pending (connection, entity, record, since) VALUES',
    '(?, ?, ?, ?)',
  );
  const remove = database.prepare<[number, number, number, number]>(`
    DELETE FROM pending WHERE connection = ? AND entity = ? AND record = ?
      AND (SELECT version FROM record WHERE number = pending.record) = ?`);
  const due = database.prepare<[number, number, number, number, number], Row>(`
    SELECT p.record, r.id, p.attempts FROM pending p CROSS JOIN record r ON r.number = p.record
    WHERE p.connection = ? AND p.entity = ? AND p.record > ? AND p.state = 0 AND p.not_before <= ?
    ORDER BY p.record LIMIT ?`);
  const dueLinked = database.prepare<[number, number, number, number, number], Row>(`
    SELECT p.record, r.id, p.attempts FROM pending p CROSS JOIN record r ON r.number = p.record
    WHERE p.connection = ? AND p.entity = ? AND p.record > ? AND p.state = 0 AND p.not_before <= ?
      AND EXISTS (SELECT 1 FROM link l WHERE l.record = p.record AND l.connection = p.connection AND l.live = 1)
    ORDER BY p.record LIMIT ?`);
  const dueAmong = database.prepare<[string, number, number, number], Row>(`
    SELECT p.record, r.id, p.attempts FROM json_each(?) j CROSS JOIN record r ON r.id = j.value
    CROSS JOIN pending p ON p.connection = ? AND p.entity = ? AND p.record = r.number
    WHERE p.state = 0 AND p.not_before <= ? ORDER BY p.record`);
  const dead = database.prepare<[number, number, number], Omit<DeadLetter, 'connection' | 'entity'>>(`
    SELECT r.id AS recordId, p.attempts, p.code, p.message FROM pending p CROSS JOIN record r ON r.number = p.record
    WHERE p.connection = ? AND p.entity = ? AND p.state = 1 ORDER BY p.record LIMIT ?`);
  const ofRecords = database
    .prepare<[string, number, number], [string, number]>(`
      SELECT r.id, p.state FROM json_each(?) j CROSS JOIN record r ON r.id = j.value
      CROSS JOIN pending p ON p.connection = ? AND p.entity = ? AND p.record = r.number`)
    .raw();
  const ofRecord = database.prepare<[string, string], WriteRow>(`
    SELECT j.value AS connection, p.since, p.state, p.attempts, p.not_before, p.code, p.message, p.detail
    FROM json_each(?) j CROSS JOIN name n ON n.text = j.value CROSS JOIN record r ON r.id = ?
    CROSS JOIN pending p ON p.connection = n.id AND p.entity = r.entity AND p.record = r.number`);
  const defer = database.prepare<
    [number, number, number, string, string, string | null, number, number, number, number]
  >(`
    UPDATE pending SET state = ?, attempts = ?, not_before = ?, code = ?, message = ?, detail = ?
    WHERE connection = ? AND entity = ? AND record = ?
      AND EXISTS (SELECT 1 FROM record WHERE number = pending.record AND version = ?)`);
  // A link that is gone counts as linked: what a person deleted there is not to be created again.
  const enqueueUnlinked = database.prepare<{ to: number; entity: number; sources: string; at: number }>(`
    INSERT OR IGNORE INTO pending (connection, entity, record, since)
    SELECT :to, r.entity, r.number, :at FROM record r
    WHERE r.entity = :entity AND r.live = 1
      AND NOT EXISTS (SELECT 1 FROM link l WHERE l.record = r.number AND l.connection = :to AND l.removed IS NULL)
      AND EXISTS (SELECT 1 FROM link l WHERE l.record = r.number AND l.live = 1
        AND l.connection IN (SELECT value FROM json_each(:sources)))
    ORDER BY r.number`);

  return {
    /** @param numbers of records that are new */
    putNew: (connection: string, entity: Entity, numbers: readonly number[], at: number): void => {
      const [to, of] = [names.number(connection), entityNumber(entity)];
      insertMany(numbers.flatMap((number) => [to, of, number, at]));
    },
    put: (connection: string, { number, entity }: RecordNumber, at: number): void => {
      put.run(names.number(connection), entity, number, at);
    },
    /** Unless the record's version is another one. */
    putUnsupported: (
      connection: string,
      { number, entity }: RecordNumber,
      { message, version }: { readonly message: string; readonly version: number },
      at: number,
    ): void => {
      putUnsupported.run(names.number(connection), entity, at, message, number, version);
    },
    removeUnsupported: (connection: string, { number, entity }: RecordNumber): void => {
      removeUnsupported.run(names.find(connection), entity, number);
    },
    /** Unless the record's version is another one. */
    remove: (connection: string, { number, entity }: RecordNumber, version: number): void => {
      remove.run(names.find(connection), entity, number, version);
    },
    due: (connection: string, entity: Entity, now: number, after: number, limit: number): readonly PendingRow[] =>
      due
        .all(names.find(connection), entityNumber(entity), after, now, limit)
        .map(({ record, id, attempts }) => ({ connection, recordId: id, position: record, attempts })),
    dueLinked: (connection: string, entity: Entity, now: number, after: number, limit: number): readonly PendingRow[] =>
      dueLinked
        .all(names.find(connection), entityNumber(entity), after, now, limit)
        .map(({ record, id, attempts }) => ({ connection, recordId: id, position: record, attempts })),
    dueAmong: (connection: string, entity: Entity, now: number, recordIds: readonly string[]): readonly PendingRow[] =>
      dueAmong
        .all(JSON.stringify(recordIds), names.find(connection), entityNumber(entity), now)
        .map(({ record, id, attempts }) => ({ connection, recordId: id, position: record, attempts })),
    dead: (connection: string, entity: Entity, limit: number): readonly DeadLetter[] =>
      dead.all(names.find(connection), entityNumber(entity), limit).map((row) => ({ connection, entity, ...row })),
    ofRecords: (
      connection: string,
      entity: Entity,
      recordIds: readonly string[],
    ): ReadonlyMap<string, PendingFailure['state']> =>
      new Map(
        ofRecords
          .all(JSON.stringify(recordIds), names.find(connection), entityNumber(entity))
          .map(([id, state]) => [id, stateNames[state] ?? 'waiting']),
      ),
    ofRecord: (recordId: string, connections: readonly string[]): readonly PendingWrite[] =>
      ofRecord.all(JSON.stringify(connections), recordId).map((row) => ({
        connection: row.connection,
        recordId,
        since: row.since,
        state: stateNames[row.state] ?? 'waiting',
        attempts: row.attempts,
        notBefore: row.not_before,
        failure:
          row.code === null
            ? undefined
            : {
                code: row.code,
                message: row.message ?? '',
                ...(row.detail === null ? {} : { detail: row.detail }),
              },
      })),
    /** Unless the record's version is another one. */
    defer: (
      connection: string,
      { number, entity }: RecordNumber,
      failure: PendingFailure & { readonly version: number },
    ): void => {
      const { state, attempts, notBefore, code, message, detail, version } = failure;
      defer.run(
        stateNumbers[state],
        attempts,
        notBefore,
        code,
        message,
        detail ?? null,
        names.find(connection),
        entity,
        number,
        version,
      );
    },
    enqueueUnlinked: (connection: string, entity: Entity, sources: readonly string[], at: number): number =>
      enqueueUnlinked.run({
        to: names.number(connection),
        entity: entityNumber(entity),
        sources: JSON.stringify(sources.map((source) => names.find(source))),
        at,
      }).changes,
  };
}
