import { randomBytes } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import type { Forgetting, ForgettingStore, Traces } from '../forgetting.ts';
import { entityNumber } from './encoding.ts';
import type { Identity } from './identity.ts';
import type { Names } from './names.ts';

/** Rows of table `setting`: the key, and one row for each mark, which holds the person and when that was. */
const keyRow = 'forgetting/key';
const markRow = 'forgotten/';
/** Behind all that begin with `markRow`. */
const afterMarks = 'forgotten0';

/** Which rows of a table are about somebody. Parameters are the numbers of records and their CRMs' ids, as JSON. */
interface Trace {
  readonly of: keyof Traces;
  readonly table: string;
  readonly where: string;
}

const ofRecords = 'record IN (SELECT value FROM json_each(:records))';
const ofIds =
  '(connection, entity, external_id) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:ids))';

const ofOtherIds =
  '(other_connection, entity, other_id) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:ids))';

/** What refers to a row stands before it. */
const traces: readonly Trace[] = [
  { of: 'history', table: 'history', where: ofRecords },
  { of: 'conflicts', table: 'conflict', where: ofRecords },
  { of: 'pending', table: 'pending', where: ofRecords },
  { of: 'intents', table: 'intent', where: ofRecords },
  { of: 'notes', table: 'held', where: ofRecords },
  { of: 'notes', table: 'harm', where: ofRecords },
  { of: 'notes', table: 'apart', where: `${ofIds} OR ${ofOtherIds}` },
  {
    of: 'notes',
    table: 'merged',
    where: `${ofRecords} OR survivor IN (SELECT value FROM json_each(:records))`,
  },
  { of: 'notes', table: 'departure', where: `link IN (SELECT number FROM link WHERE ${ofRecords})` },
  {
    of: 'notes',
    table: 'claim',
    where: `${ofRecords} OR unmatched IN (SELECT position FROM unmatched WHERE ${ofIds})`,
  },
  {
    of: 'reviews',
    table: 'review',
    where: `${ofIds} OR EXISTS (
      SELECT 1 FROM json_each(candidates) c CROSS JOIN record r ON r.id = c.value ->> 'recordId'
      WHERE r.number IN (SELECT value FROM json_each(:records)))`,
  },
  { of: 'unmatched', table: 'unmatched', where: ofIds },
  { of: 'quarantined', table: 'quarantine', where: ofIds },
  { of: 'hints', table: 'inbox', where: ofIds },
  { of: 'keys', table: 'identity', where: ofRecords },
  { of: 'keys', table: 'fresh_identity', where: ofRecords },
  { of: 'links', table: 'link', where: `${ofRecords} OR ${ofIds}` },
  { of: 'records', table: 'record', where: 'number IN (SELECT value FROM json_each(:records))' },
];

/** Forgets people for good. @param write runs an action in a transaction */
export function openForgetting(
  database: Database,
  names: Names,
  identity: Identity,
  write: <Result>(action: () => Result) => Result,
): ForgettingStore {
  const numbers = database
    .prepare<[string], number>('SELECT r.number FROM json_each(?) j CROSS JOIN record r ON r.id = j.value')
    .pluck();
  const get = database.prepare<[string], string>('SELECT value FROM setting WHERE key = ?').pluck();
  const put = database.prepare<[string, string]>('INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)');
  const among = database
    .prepare<[string], [string, string]>(
      'SELECT s.key, s.value FROM json_each(?) j CROSS JOIN setting s ON s.key = j.value',
    )
    .raw();
  const isAny = database
    .prepare<[string, string], 0 | 1>('SELECT EXISTS (SELECT 1 FROM setting WHERE key >= ? AND key < ?)')
    .pluck();
  const remove = database.prepare<[string, string, string]>(
    "DELETE FROM setting WHERE key >= ? AND key < ? AND value ->> 'person' = ?",
  );

  const parametersOf = ({ recordIds, crmIds }: Forgetting) => ({
    records: JSON.stringify(numbers.all(JSON.stringify(recordIds))),
    ids: JSON.stringify(
      crmIds.map(({ connection, entity, externalId }) => [names.find(connection), entityNumber(entity), externalId]),
    ),
  });
  /** Runs a statement over every table that may know them. */
  const over = (whom: Forgetting, statement: (trace: Trace, parameters: ReturnType<typeof parametersOf>) => number) => {
    const parameters = parametersOf(whom);
    const counts = { ...noTraces };
    for (const trace of traces) counts[trace.of] += statement(trace, parameters);
    return counts;
  };
  /** SQLite takes no parameter that a statement does not name. */
  const needed = (where: string, { records, ids }: ReturnType<typeof parametersOf>) => ({
    ...(where.includes(':records') && { records }),
    ...(where.includes(':ids') && { ids }),
  });
  const rowsOf = (marks: readonly string[]) => among.all(JSON.stringify(marks.map((mark) => markRow + mark)));

  return {
    tracesOf: async (whom) =>
      over(whom, ({ table, where }, parameters) =>
        Number(database.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get(needed(where, parameters))),
      ),

    forget: async (whom, marks, person, at) => {
      // Zeroes what it removes, so that `wipe` has only old remains to see to.
      database.pragma('secure_delete = ON');
      try {
        return write(() => {
          identity.settle();
          for (const mark of marks) put.run(markRow + mark, JSON.stringify({ person, at }));
          return over(
            whom,
            ({ table, where }, parameters) =>
              database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(needed(where, parameters)).changes,
          );
        });
      } finally {
        database.pragma('secure_delete = OFF');
      }
    },

    wipe: async () => {
      // The file's double stands on the disk meanwhile, not in memory.
      database.pragma('temp_store = FILE');
      try {
        database.exec('VACUUM');
      } finally {
        database.pragma('temp_store = MEMORY');
      }
      const [end] = database.pragma('wal_checkpoint(TRUNCATE)') as readonly { readonly busy: number }[];
      return end?.busy === 0;
    },

    forgettingKey: async () =>
      get.get(keyRow) ??
      write(() => {
        const key = get.get(keyRow) ?? randomBytes(32).toString('hex');
        put.run(keyRow, key);
        return key;
      }),
    isAnyForgotten: async () => isAny.get(markRow, afterMarks) === 1,
    forgotten: async (marks) => new Set(rowsOf(marks).map(([key]) => key.slice(markRow.length))),
    unforget: async (marks) =>
      write(() => {
        const people = new Set(rowsOf(marks).map(([, value]) => (JSON.parse(value) as { person: string }).person));
        for (const person of people) remove.run(markRow, afterMarks, person);
        return people.size;
      }),
  };
}

const noTraces = {
  records: 0,
  links: 0,
  history: 0,
  conflicts: 0,
  pending: 0,
  intents: 0,
  unmatched: 0,
  reviews: 0,
  quarantined: 0,
  hints: 0,
  notes: 0,
  keys: 0,
};
