import type { Database } from 'better-sqlite3';
import { bornValues } from '../../model/entities.ts';
import type { Entity, Origin, Values } from '../../model/values.ts';
import {
  type Aggregate,
  type Birth,
  type LinkRow,
  type RecordCreate,
  type RecordRow,
  type RecordUpdate,
  StaleError,
} from '../store.ts';
import { decodeOrigins, encodeOrigin, encodeOrigins, entityName, entityNumber } from './encoding.ts';
import type { Links } from './links.ts';
import { openManyRows } from './many-rows.ts';
import type { Names } from './names.ts';

/** A record as other tables know it. */
export interface RecordNumber {
  readonly number: number;
  readonly entity: number;
}

interface Row extends RecordNumber {
  readonly id: string;
  readonly version: number;
  readonly live: 1 | null;
  readonly origins: string;
  readonly content: string;
}

/** Stands for the content of a record that is `bornValues` of its one link's shadow. */
const asBorn = '';

/** Canonical records. All methods are synchronous; the writing ones belong into a transaction. */
export function openRecords(database: Database, names: Names, links: Links) {
  const insert = database.prepare<[string, number, string, string]>(
    'INSERT INTO record (id, entity, version, live, origins, content) VALUES (?, ?, 1, 1, ?, ?)',
  );
  const insertMany = openManyRows(
    database,
    'INSERT INTO record (id, entity, version, live, origins, content) VALUES',
    `(?, ?, 1, 1, ?, '${asBorn}')`,
  );
  const update = database.prepare<[string, string, string | null, string, number]>(`
    UPDATE record SET version = version + 1, origins = ?, content = ?,
      live = CASE ? WHEN 'live' THEN 1 WHEN 'tombstone' THEN NULL ELSE live END
    WHERE id = ? AND version = ?`);
  const numberOf = database.prepare<[string], RecordNumber>('SELECT number, entity FROM record WHERE id = ?');
  const idOf = database.prepare<[number], string>('SELECT id FROM record WHERE number = ?').pluck();
  const columns = 'r.number, r.id, r.entity, r.version, r.live, r.origins, r.content';
  const byId = database.prepare<[string], Row>(`SELECT ${columns} FROM record r WHERE r.id = ?`);
  const byIds = database.prepare<[string], Row>(
    `SELECT ${columns} FROM json_each(?) j CROSS JOIN record r ON r.id = j.value`,
  );
  const byNumbers = database.prepare<[string], Row>(
    `SELECT ${columns} FROM json_each(?) j CROSS JOIN record r ON r.number = j.value`,
  );
  const page = database.prepare<[string, number, number], Row>(
    `SELECT ${columns} FROM record r WHERE r.id > ? AND r.entity = ? AND r.live = 1 ORDER BY r.id LIMIT ?`,
  );

  const contentOf = database.prepare<[number], string>('SELECT content FROM record WHERE number = ?').pluck();
  const setContent = database.prepare<[string, number]>('UPDATE record SET content = ? WHERE number = ?');
  /** The origin of the last birth and its text: a page of births has one. */
  let lastOrigin: { readonly origin: Origin; readonly text: string } | undefined;

  /** @param ofRecord the record's links: a record as born has one, and its shadow is all that it knows */
  const toRecord = (row: Row, ofRecord: readonly LinkRow[]): RecordRow => {
    const values =
      row.content === asBorn
        ? bornValues(entityName(row.entity), ofRecord[0]?.shadow ?? {})
        : (JSON.parse(row.content) as Values);
    return {
      id: row.id,
      entity: entityName(row.entity),
      version: row.version,
      values,
      origins: decodeOrigins(values, row.origins, names),
      state: row.live === 1 ? 'live' : 'tombstone',
    };
  };

  const toAggregates = (rows: readonly Row[]): ReadonlyMap<number, Aggregate> => {
    if (rows.length === 0) return new Map();
    const ofRecords = links.ofRecords(rows);
    return new Map(
      rows.map((row) => {
        const ofRecord = ofRecords.get(row.number) ?? [];
        return [row.number, { record: toRecord(row, ofRecord), links: ofRecord }];
      }),
    );
  };

  return {
    create: (entity: Entity, { id, values, origins }: RecordCreate): number =>
      Number(
        insert.run(id, entityNumber(entity), encodeOrigins(values, origins, names), JSON.stringify(values))
          .lastInsertRowid,
      ),

    /** Records whose content is what their one link shows. @returns their numbers, in the same order */
    bear: (entity: Entity, births: readonly Birth[]): readonly number[] => {
      const rows: (string | number)[] = [];
      for (const { link, origin } of births) {
        if (lastOrigin?.origin !== origin) lastOrigin = { origin, text: encodeOrigin(origin, names) };
        rows.push(link.recordId, entityNumber(entity), lastOrigin.text);
      }
      const numbers: number[] = [];
      insertMany(rows, ({ changes, lastInsertRowid }) => {
        // Within a transaction each number is one more than the one before.
        for (let number = Number(lastInsertRowid) - changes + 1; number <= lastInsertRowid; number += 1)
          numbers.push(number);
      });
      return numbers;
    },

    /** To be called before a link of a record is written: what it was born with is then written out. */
    settle: (number: number): void => {
      if (contentOf.get(number) !== asBorn) return;
      const [aggregate] = toAggregates(byNumbers.all(JSON.stringify([number]))).values();
      setContent.run(JSON.stringify(aggregate?.record.values ?? {}), number);
    },

    /** To be called after a transaction has failed: numbers of names that were given out in it are void. */
    forget: (): void => {
      lastOrigin = undefined;
    },

    /** @throws StaleError when the store holds another version */
    update: ({ id, version, values, origins, state }: RecordUpdate): void => {
      const { changes } = update.run(
        encodeOrigins(values, origins, names),
        JSON.stringify(values),
        state ?? null,
        id,
        version,
      );
      if (changes === 0) throw new StaleError(`record ${id}: version ${version} was read, the store holds another one`);
    },

    /** @throws RangeError when there is no such record: rows about it would hang in the air */
    number: (id: string): RecordNumber => {
      const found = numberOf.get(id);
      if (found === undefined) throw new RangeError(`store: record ${id} does not exist; nothing was written`);
      return found;
    },
    find: (id: string): RecordNumber | undefined => numberOf.get(id),
    id: (number: number): string => idOf.get(number) ?? '',

    byIds: (ids: readonly string[]): ReadonlyMap<string, Aggregate> => {
      const [only] = ids;
      // Most are asked for one at a time: without a list around it that costs half.
      const rows = only !== undefined && ids.length === 1 ? byId.all(only) : byIds.all(JSON.stringify(ids));
      return new Map([...toAggregates(rows).values()].map((each) => [each.record.id, each]));
    },
    byNumbers: (numbers: readonly number[]): ReadonlyMap<number, Aggregate> =>
      numbers.length === 0 ? new Map() : toAggregates(byNumbers.all(JSON.stringify(numbers))),
    page: (entity: Entity, after: string | undefined, limit: number): readonly Aggregate[] => [
      ...toAggregates(page.all(after ?? '', entityNumber(entity), limit)).values(),
    ],
  };
}
