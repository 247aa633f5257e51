import type { Database } from 'better-sqlite3';
import type { Value } from '../../model/values.ts';
import {
  type Batch,
  type ConflictFilter,
  type ConflictRow,
  type DecidedConflict,
  type HistoryRow,
  type NumberedConflict,
  StaleError,
  type TouchedRecord,
  type Wins,
} from '../store.ts';
import { decodeOrigin, encodeOrigin, entityName, entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

interface HistoryColumns {
  readonly path: string;
  readonly origin: string;
  readonly old_origin: string | null;
  readonly new_value: string;
  readonly old_value: string | null;
}

interface ConflictColumns {
  readonly number: number;
  readonly entity: number;
  readonly id: string;
  readonly path: string;
  readonly winner: number;
  readonly winner_value: string;
  readonly loser: number;
  readonly loser_value: string;
  readonly rule: string;
  readonly at: number;
  readonly run: number;
  readonly waiting: 1 | null;
}

interface PageParameters {
  readonly before: number;
  readonly path: string | null;
  readonly connection: number | null;
  readonly records: string | null;
  readonly run: number | null;
  readonly limit: number;
}

/** What replaced what, and which value lost against which. */
export function openLogs(database: Database, names: Names) {
  const addHistory = database.prepare<[number, string, string, string | null, string, string | null]>(
    'INSERT INTO history (record, path, origin, old_origin, new_value, old_value) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const historyOf = database.prepare<[string], HistoryColumns>(`
    SELECT path, origin, old_origin, new_value, old_value FROM history
    WHERE record = (SELECT number FROM record WHERE id = ?) ORDER BY number`);
  // REPLACE: the waiting conflict about the same value of the same loser gives way to the new one. One that waits about
  // another value ends as settled, before: its value must stay in the log.
  const keepOther = database.prepare<[record: number, path: string, loser: number, loserValue: string]>(`
    UPDATE conflict SET waiting = NULL
    WHERE record = ? AND path = ? AND waiting = 1 AND NOT (loser = ? AND loser_value = ?)`);
  const addConflict = database.prepare<
    [number, number, string, number, string, number, string, string, number, number, 1 | null]
  >(`
    INSERT OR REPLACE INTO conflict
      (entity, record, path, winner, winner_value, loser, loser_value, rule, at, run, waiting)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const settle = database.prepare<[number, string]>(
    'UPDATE conflict SET waiting = NULL WHERE record = ? AND path = ? AND waiting = 1',
  );
  const select = `
    SELECT c.number, c.entity, r.id, c.path, c.winner, c.winner_value, c.loser, c.loser_value, c.rule, c.at, c.run, c.waiting`;
  const waitingOf = database.prepare<[string], ConflictColumns>(`${select} FROM json_each(?) j
    CROSS JOIN record r ON r.id = j.value CROSS JOIN conflict c ON c.record = r.number WHERE c.waiting = 1 ORDER BY c.number`);
  const newest = database.prepare<[number], ConflictColumns>(`${select} FROM conflict c
    CROSS JOIN record r ON r.number = c.record ORDER BY c.number DESC LIMIT ?`);
  const newestWaiting = database.prepare<[number], ConflictColumns>(`${select} FROM conflict c
    CROSS JOIN record r ON r.number = c.record WHERE c.waiting = 1 ORDER BY c.number DESC LIMIT ?`);

  const ofRecord = database.prepare<[string], ConflictColumns>(`${select} FROM record r
    CROSS JOIN conflict c ON c.record = r.number WHERE r.id = ? ORDER BY c.number`);

  const decide = database.prepare<[number, string, number, string, string, number, number, number]>(`
    UPDATE conflict SET winner = ?, winner_value = ?, loser = ?, loser_value = ?, rule = ?, at = ?, run = ?, waiting = NULL
    WHERE number = ?`);
  const ofNumber = database.prepare<[number], ConflictColumns>(`${select} FROM conflict c
    CROSS JOIN record r ON r.number = c.record WHERE c.number = ?`);
  const pageWhere = (condition: string) =>
    database.prepare<[PageParameters], ConflictColumns>(`${select} FROM conflict c
      CROSS JOIN record r ON r.number = c.record
      WHERE c.number < :before AND ${condition} AND (:path IS NULL OR c.path = :path)
        AND (:connection IS NULL OR c.winner = :connection OR c.loser = :connection)
        AND (:records IS NULL OR r.id IN (SELECT value FROM json_each(:records))) AND (:run IS NULL OR c.run = :run)
      ORDER BY c.number DESC LIMIT :limit`);
  const pages = {
    any: pageWhere('TRUE'),
    waiting: pageWhere('c.waiting = 1'),
    settled: pageWhere('c.waiting IS NULL'),
  } as const;
  const wins = database.prepare<[string], Omit<Wins, 'entity' | 'connection'> & { entity: number; winner: number }>(`
    SELECT entity, path, winner, count(*) AS count FROM conflict WHERE rule = ?
    GROUP BY entity, path, winner ORDER BY count(*) DESC, path`);
  // The text of origins is looked through as a text: what it finds by mistake, whoever asks looks at more closely.
  const touched = database.prepare<{ run: number; after: number; limit: number }, TouchedRecord>(`
    SELECT r.id AS recordId, r.number AS position FROM record r
    WHERE r.number > :after AND (instr(r.origins, ',' || CAST(:run AS INTEGER) || ',') > 0
      OR EXISTS (SELECT 1 FROM history h WHERE h.record = r.number AND json_extract(h.origin, '$[1]') = :run))
    ORDER BY r.number LIMIT :limit`);

  const toNumbered = (row: ConflictColumns): NumberedConflict => ({ number: row.number, ...toConflict(row) });
  const toConflict = (row: ConflictColumns): ConflictRow => ({
    entity: entityName(row.entity),
    recordId: row.id,
    path: row.path,
    winner: { connection: names.text(row.winner), value: JSON.parse(row.winner_value) as Value },
    loser: { connection: names.text(row.loser), value: JSON.parse(row.loser_value) as Value },
    rule: row.rule,
    at: row.at,
    run: names.text(row.run),
    state: row.waiting === 1 ? 'waiting' : 'settled',
  });

  return {
    addHistory: ({ path, from, fromOrigin, to, origin }: HistoryRow, record: number): void => {
      addHistory.run(
        record,
        path,
        encodeOrigin(origin, names),
        fromOrigin === undefined ? null : encodeOrigin(fromOrigin, names),
        JSON.stringify(to),
        from === undefined ? null : JSON.stringify(from),
      );
    },
    /** Oldest first. */
    history: (recordId: string): readonly HistoryRow[] =>
      historyOf.all(recordId).map((row) => ({
        recordId,
        path: row.path,
        from: row.old_value === null ? undefined : (JSON.parse(row.old_value) as Value),
        fromOrigin: row.old_origin === null ? undefined : decodeOrigin(row.old_origin, names),
        to: JSON.parse(row.new_value) as Value,
        origin: decodeOrigin(row.origin, names),
      })),

    addConflict: (conflict: ConflictRow, record: number): void => {
      const { entity, path, winner, loser, rule, at, run, state } = conflict;
      if (state === 'waiting') keepOther.run(record, path, names.number(loser.connection), JSON.stringify(loser.value));
      addConflict.run(
        entityNumber(entity),
        record,
        path,
        names.number(winner.connection),
        JSON.stringify(winner.value),
        names.number(loser.connection),
        JSON.stringify(loser.value),
        rule,
        at,
        names.number(run),
        state === 'waiting' ? 1 : null,
      );
    },
    settleConflict: (record: number, path: string): void => {
      settle.run(record, path);
    },
    /** @throws StaleError when a later conflict has taken its place */
    decideConflict: (
      { number, winner, loser, rule }: DecidedConflict,
      { at, run }: Pick<Batch, 'at' | 'run'>,
    ): void => {
      const { changes } = decide.run(
        names.number(winner.connection),
        JSON.stringify(winner.value),
        names.number(loser.connection),
        JSON.stringify(loser.value),
        rule,
        at,
        names.number(run),
        number,
      );
      if (changes === 0) throw new StaleError(`conflict ${number} has given way to another one`);
    },
    conflict: (number: number): NumberedConflict | undefined => {
      const row = ofNumber.get(number);
      return row && toNumbered(row);
    },
    /** Newest first. */
    conflictPage: (
      { state, path, connection, recordIds, run }: ConflictFilter,
      before: number | undefined,
      limit: number,
    ): readonly NumberedConflict[] =>
      pages[state ?? 'any']
        .all({
          before: before ?? Number.MAX_SAFE_INTEGER,
          path: path ?? null,
          connection: connection === undefined ? null : names.find(connection),
          records: recordIds === undefined ? null : JSON.stringify(recordIds),
          run: run === undefined ? null : names.find(run),
          limit,
        })
        .map(toNumbered),
    wins: (rule: string): readonly Wins[] =>
      wins.all(rule).map(({ entity, winner, ...row }) => ({
        ...row,
        entity: entityName(entity),
        connection: names.text(winner),
      })),
    touchedBy: (run: string, after: number, limit: number): readonly TouchedRecord[] =>
      touched.all({ run: names.find(run), after, limit }),
    waitingConflicts: (recordIds: readonly string[]): readonly ConflictRow[] =>
      waitingOf.all(JSON.stringify([...new Set(recordIds)])).map(toConflict),
    /** Oldest first. */
    conflictsOf: (recordId: string): readonly ConflictRow[] => ofRecord.all(recordId).map(toConflict),
    /** Newest first. */
    conflicts: (limit: number, only?: 'waiting'): readonly ConflictRow[] =>
      (only === 'waiting' ? newestWaiting : newest).all(limit).map(toConflict),
  };
}
