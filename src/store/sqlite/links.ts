import type { Database } from 'better-sqlite3';
import type { Entity, Values } from '../../model/values.ts';
import {
  type EvidenceCount,
  type FoundLink,
  type LinkNumber,
  type LinkRow,
  type MovedLink,
  StaleError,
} from '../store.ts';
import { entityName, entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

interface Row {
  readonly connection: number;
  readonly entity: number;
  readonly external_id: string;
  readonly record: number;
  readonly live: 1 | null;
  readonly fingerprint: string;
  readonly modified_at: number | null;
  readonly written_at: number | null;
  readonly run: number;
  readonly evidence: string;
  readonly locator: string | null;
  readonly sent: string | null;
  readonly underway: string | null;
  readonly shadow: string;
  readonly removed: 1 | null;
  readonly replaced: string | null;
  readonly version: number;
}

interface LiveRow {
  readonly number: number;
  readonly external_id: string;
  readonly written_at: number | null;
  readonly id: string;
}

interface FoundRow {
  readonly number: number;
  readonly connection: number;
  readonly entity: number;
  readonly external_id: string;
  readonly evidence: string;
  readonly id: string;
}

type Fields = [
  connection: number,
  entity: number,
  externalId: string,
  record: number,
  live: 1 | null,
  fingerprint: string,
  modifiedAt: number | null,
  writtenAt: number | null,
  run: number,
  evidence: string,
  locator: string | null,
  sent: string | null,
  underway: string | null,
  shadow: string,
  removed: 1 | null,
  replaced: string | null,
];

type ReadFields = [
  connection: number,
  entity: number,
  externalId: string,
  record: number,
  fingerprint: string,
  modifiedAt: number | null,
  run: number,
  evidence: string,
  locator: string | null,
  shadow: string,
];

type ChangeFields = [
  fingerprint: string,
  modifiedAt: number | null,
  writtenAt: number | null,
  run: number,
  evidence: string,
  locator: string | null,
  sent: string | null,
  underway: string | null,
  shadow: string,
  replaced: string | null,
  connection: number,
  entity: number,
  externalId: string,
  record: number,
  version: number,
];

export type Links = ReturnType<typeof openLinks>;

/** Links: (connection, external id) ↔ canonical record. */
export function openLinks(database: Database, names: Names) {
  // Only a link that has ended, and another record's: a live one, or the same one, is to be read before it is changed.
  const orReplace = `
    ON CONFLICT (connection, entity, external_id) DO UPDATE SET
      record = excluded.record, live = excluded.live, fingerprint = excluded.fingerprint,
      modified_at = excluded.modified_at, written_at = excluded.written_at, run = excluded.run,
      evidence = excluded.evidence, locator = excluded.locator, sent = excluded.sent,
      underway = excluded.underway, shadow = excluded.shadow, removed = excluded.removed,
      replaced = excluded.replaced, version = link.version + 1
    WHERE link.live IS NULL AND link.record <> excluded.record`;
  const insert = database.prepare<Fields>(`
    INSERT INTO link (connection, entity, external_id, record, live, fingerprint, modified_at, written_at, run, evidence,
      locator, sent, underway, shadow, removed, replaced)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ${orReplace}`);
  /** Of one that was only read, as all are in a first pull: each value that is handed over costs. */
  const insertRead = database.prepare<ReadFields>(`
    INSERT INTO link (connection, entity, external_id, record, live, fingerprint, modified_at, run, evidence, locator, shadow)
    VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?) ${orReplace}`);
  const asRead = 'connection = ? AND entity = ? AND external_id = ? AND record = ? AND version = ?';
  const told = `fingerprint = ?, modified_at = ?, written_at = ?, run = ?, evidence = ?, locator = ?, sent = ?,
    underway = ?, shadow = ?, replaced = ?, version = version + 1`;
  /** Leaves alone what indexes are made of, so that no page of theirs is written. */
  const changeLive = database.prepare<ChangeFields>(`UPDATE link SET ${told} WHERE ${asRead} AND live = 1`);
  const changeState = database.prepare<[live: 1 | null, removed: 1 | null, ...ChangeFields]>(
    `UPDATE link SET live = ?, removed = ?, ${told} WHERE ${asRead}`,
  );
  const detach = database.prepare<[number, number, string, number, number]>(
    `UPDATE link SET live = NULL WHERE ${asRead}`,
  );
  const known = database
    .prepare<[string, number, number], [string, string | null, number]>(`
      SELECT l.external_id, CASE l.live WHEN 1 THEN l.fingerprint END, l.number FROM json_each(?) j CROSS JOIN link l
      ON l.connection = ? AND l.entity = ? AND l.external_id = j.value`)
    .raw();
  const recordsOf = database
    .prepare<[string, number, number], [string, number]>(`
      SELECT l.external_id, l.record FROM json_each(?) j CROSS JOIN link l
      ON l.connection = ? AND l.entity = ? AND l.external_id = j.value`)
    .raw();
  const recordOf = database
    .prepare<[number, number, string], number>(
      'SELECT record FROM link WHERE connection = ? AND entity = ? AND external_id = ?',
    )
    .pluck();
  const columns = `l.connection, l.entity, l.external_id, l.record, l.live, l.fingerprint, l.modified_at, l.written_at, l.run,
    l.evidence, l.locator, l.sent, l.underway, l.shadow, l.removed, l.replaced, l.version`;
  const ofRecord = database.prepare<[number], Row>(`SELECT ${columns} FROM link l WHERE l.record = ?`);
  const ofRecords = database.prepare<[string], Row>(
    `SELECT ${columns} FROM json_each(?) j CROSS JOIN link l ON l.record = j.value`,
  );

  const countAll = database
    .prepare<[number, number], [number, number | null]>(
      'SELECT count(*), max(number) FROM link WHERE connection = ? AND entity = ?',
    )
    .raw();
  const countGone = database
    .prepare<[number, number], number>('SELECT count(*) FROM link WHERE connection = ? AND entity = ? AND live IS NULL')
    .pluck();
  const live = database.prepare<[number, number, number, number], LiveRow>(`
    SELECT l.number, l.external_id, l.written_at, r.id FROM link l NOT INDEXED CROSS JOIN record r ON r.number = l.record
    WHERE l.connection = ? AND l.entity = ? AND l.live = 1 AND l.number > ? ORDER BY l.number LIMIT ?`);
  const removed = database.prepare<[number, number, number, number, number, number], LiveRow>(`
    SELECT l.number, l.external_id, l.written_at, r.id FROM link l INDEXED BY link_gone CROSS JOIN record r ON r.number = l.record
    WHERE l.connection = ? AND l.entity = ? AND l.live IS NULL AND l.removed = 1 AND l.written_at BETWEEN ? AND ?
      AND l.number > ? ORDER BY l.number LIMIT ?`);
  const found = database.prepare<[number, number, number], FoundRow>(`
    SELECT l.number, l.connection, l.entity, l.external_id, l.evidence, r.id
    FROM link l CROSS JOIN record r ON r.number = l.record
    WHERE l.run = ? AND l.live = 1 AND l.number > ? ORDER BY l.number LIMIT ?`);
  const evidence = database.prepare<[number], { connection: number; evidence: string; count: number }>(`
    SELECT connection, evidence, count(*) AS count FROM link WHERE entity = ? AND live = 1
    GROUP BY connection, evidence ORDER BY count DESC, connection, evidence`);
  const by = database.prepare<[number, number, string, number], FoundRow>(`
    SELECT l.number, l.connection, l.entity, l.external_id, l.evidence, r.id
    FROM link l CROSS JOIN record r ON r.number = l.record
    WHERE l.connection = ? AND l.entity = ? AND l.evidence = ? AND l.live = 1 ORDER BY l.number LIMIT ?`);
  const numberOf = database
    .prepare<[number, number, string], number>(
      'SELECT number FROM link WHERE connection = ? AND entity = ? AND external_id = ?',
    )
    .pluck();

  const toLink = (row: Row, recordId: string): LinkRow => ({
    connection: names.text(row.connection),
    entity: entityName(row.entity),
    externalId: row.external_id,
    recordId,
    fingerprint: row.fingerprint,
    shadow: JSON.parse(row.shadow) as Values,
    sent: row.sent === null ? {} : (JSON.parse(row.sent) as Values),
    underway: row.underway === null ? undefined : (JSON.parse(row.underway) as Values),
    replaced: row.replaced === null ? undefined : (JSON.parse(row.replaced) as Values),
    locator: row.locator ?? undefined,
    modifiedAt: row.modified_at ?? undefined,
    writtenAt: row.written_at ?? undefined,
    state: row.live === 1 ? 'live' : row.removed === 1 ? 'removed' : 'gone',
    evidence: row.evidence,
    run: names.text(row.run),
    version: row.version,
  });

  const toFound = (row: FoundRow): FoundLink => ({
    number: row.number,
    connection: names.text(row.connection),
    entity: entityName(row.entity),
    externalId: row.external_id,
    recordId: row.id,
    evidence: row.evidence,
  });

  /**
   * Makes a link.
   * @param shadow the link's, as JSON
   * @throws StaleError when the external id has been linked by now
   */
  const put = (link: LinkRow, record: number, shadow: string = JSON.stringify(link.shadow)): void => {
    const { changes } = isOnlyRead(link)
      ? insertRead.run(
          names.number(link.connection),
          entityNumber(link.entity),
          link.externalId,
          record,
          link.fingerprint,
          link.modifiedAt ?? null,
          names.number(link.run),
          link.evidence,
          link.locator ?? null,
          shadow,
        )
      : insert.run(
          names.number(link.connection),
          entityNumber(link.entity),
          link.externalId,
          record,
          link.state === 'live' ? 1 : null,
          link.fingerprint,
          link.modifiedAt ?? null,
          link.writtenAt ?? null,
          names.number(link.run),
          link.evidence,
          link.locator ?? null,
          textOf(link.sent),
          link.underway === undefined ? null : JSON.stringify(link.underway),
          shadow,
          link.state === 'removed' ? 1 : null,
          textOf(link.replaced),
        );
    if (changes === 0)
      throw new StaleError(`${link.connection} ${link.entity} ${link.externalId}: has been linked by now`);
  };

  return {
    put,

    /** Changes a link that was read. @throws StaleError when it is not as it was then */
    change: (link: LinkRow, record: number, version: number): void => {
      const fields: ChangeFields = [
        link.fingerprint,
        link.modifiedAt ?? null,
        link.writtenAt ?? null,
        names.number(link.run),
        link.evidence,
        link.locator ?? null,
        textOf(link.sent),
        link.underway === undefined ? null : JSON.stringify(link.underway),
        JSON.stringify(link.shadow),
        textOf(link.replaced),
        names.number(link.connection),
        entityNumber(link.entity),
        link.externalId,
        record,
        version,
      ];
      const { state } = link;
      const isChanged =
        (state === 'live' && changeLive.run(...fields).changes > 0) ||
        changeState.run(state === 'live' ? 1 : null, state === 'removed' ? 1 : null, ...fields).changes > 0;
      if (!isChanged)
        throw new StaleError(`${link.connection} ${link.entity} ${link.externalId}: its link has changed since`);
    },

    /** Takes a link from its record, for another one to get it. @throws StaleError when it is not as it was read */
    detach: ({ connection, externalId, version }: MovedLink, entity: Entity, record: number): void => {
      const { changes } = detach.run(names.find(connection), entityNumber(entity), externalId, record, version);
      if (changes === 0) throw new StaleError(`${connection} ${entity} ${externalId}: its link has gone elsewhere`);
    },

    /** External id, fingerprint (null where the link is gone) and number of the links among these external ids. */
    known: (
      connection: string,
      entity: Entity,
      externalIds: readonly string[],
    ): readonly [string, string | null, number][] =>
      known.all(JSON.stringify(externalIds), names.find(connection), entityNumber(entity)),

    /** External id and record number of the links, live or gone, among these external ids. */
    recordsOf: (connection: string, entity: Entity, externalIds: readonly string[]): readonly [string, number][] => {
      const of = [names.find(connection), entityNumber(entity)] as const;
      const [only] = externalIds;
      if (only === undefined || externalIds.length > 1) return recordsOf.all(JSON.stringify(externalIds), ...of);
      // After each create one is asked for: without a list around it that costs a third.
      const record = recordOf.get(...of, only);
      return record === undefined ? [] : [[only, record]];
    },

    count: (connection: string, entity: Entity): { readonly live: number; readonly last: number } => {
      const key = [names.find(connection), entityNumber(entity)] as const;
      const [all, last] = countAll.get(...key) ?? [0, null];
      return { live: all - (countGone.get(...key) ?? 0), last: last ?? 0 };
    },
    live: (connection: string, entity: Entity, after: number, limit: number): readonly LinkNumber[] =>
      live.all(names.find(connection), entityNumber(entity), after, limit).map(toNumber),
    removed: (
      connection: string,
      entity: Entity,
      { from, until }: { readonly from: number; readonly until: number },
      after: number,
      limit: number,
    ): readonly LinkNumber[] =>
      removed.all(names.find(connection), entityNumber(entity), from, until, after, limit).map(toNumber),
    ofRun: (run: string, after: number, limit: number): readonly FoundLink[] =>
      found.all(names.find(run), after, limit).map(toFound),
    evidence: (entity: Entity): readonly EvidenceCount[] =>
      evidence.all(entityNumber(entity)).map((row) => ({ ...row, connection: names.text(row.connection) })),
    by: (connection: string, entity: Entity, words: string, limit: number): readonly FoundLink[] =>
      by.all(names.find(connection), entityNumber(entity), words, limit).map(toFound),
    /** @throws RangeError when there is no such link: a row about it would hang in the air */
    number: (connection: string, entity: Entity, externalId: string): number => {
      const number = numberOf.get(names.find(connection), entityNumber(entity), externalId);
      if (number === undefined)
        throw new RangeError(`store: ${connection} ${entity} ${externalId} has no link; nothing was written`);
      return number;
    },

    /** All links of these records, by the record's number. */
    ofRecords: (
      records: readonly { readonly number: number; readonly id: string }[],
    ): ReadonlyMap<number, readonly LinkRow[]> => {
      const [only] = records;
      if (only !== undefined && records.length === 1)
        return new Map([[only.number, ofRecord.all(only.number).map((row) => toLink(row, only.id))]]);
      const found = new Map<number, LinkRow[]>(records.map(({ number }) => [number, []]));
      const ids = new Map(records.map(({ number, id }) => [number, id]));
      for (const row of ofRecords.all(JSON.stringify([...ids.keys()])))
        found.get(row.record)?.push(toLink(row, ids.get(row.record) as string));
      return found;
    },
  };
}

function toNumber({ number, external_id, id, written_at }: LiveRow): LinkNumber {
  return { number, externalId: external_id, recordId: id, writtenAt: written_at ?? undefined };
}

/** Whether a link is live and says nothing of any write. */
function isOnlyRead({ state, writtenAt, sent, underway, replaced }: LinkRow): boolean {
  return (
    state === 'live' && writtenAt === undefined && underway === undefined && replaced === undefined && isNothing(sent)
  );
}

function textOf(values: Values | undefined): string | null {
  return values === undefined || isNothing(values) ? null : JSON.stringify(values);
}

function isNothing(values: Values): boolean {
  for (const _ in values) return false;
  return true;
}
