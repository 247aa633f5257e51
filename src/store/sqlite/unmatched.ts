import type { Database } from 'better-sqlite3';
import type { Entity, Values } from '../../model/values.ts';
import type { Claim, ClaimRow, NewUnmatched, UnmatchedRow } from '../store.ts';
import { entityName, entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

interface Row {
  readonly position: number;
  readonly connection: number;
  readonly entity: number;
  readonly external_id: string;
  readonly fingerprint: string;
  readonly modified_at: number | null;
  readonly run: number;
  readonly locator: string | null;
  readonly xrefs: string | null;
  readonly content: string;
  readonly first: string | null;
}

/** Wire records that wait for a decision who they are, and the canonical records that they claim to be. */
export function openUnmatched(database: Database, names: Names) {
  const put = database
    .prepare<
      [number, number, string, string, number | null, number, string | null, string | null, string, string],
      number
    >(`
      INSERT INTO unmatched (connection, entity, external_id, fingerprint, modified_at, run, locator, xrefs, content, first)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (connection, entity, external_id) DO UPDATE SET
        fingerprint = excluded.fingerprint, modified_at = excluded.modified_at, run = excluded.run,
        locator = excluded.locator, xrefs = excluded.xrefs, content = excluded.content
      RETURNING position`)
    .pluck();
  const remove = database
    .prepare<[number, number, string], number>(
      'DELETE FROM unmatched WHERE connection = ? AND entity = ? AND external_id = ? RETURNING position',
    )
    .pluck();
  const putClaim = database.prepare<[number, number, number]>(
    'INSERT OR REPLACE INTO claim (record, unmatched, strength) VALUES (?, ?, ?)',
  );
  const removeClaims = database.prepare<[number]>('DELETE FROM claim WHERE unmatched = ?');
  const page = database.prepare<[number, number, number], Row>(
    'SELECT * FROM unmatched WHERE entity = ? AND position > ? ORDER BY position LIMIT ?',
  );
  const some = database.prepare<[string, number, number], Row>(`
    SELECT u.* FROM json_each(?) j CROSS JOIN unmatched u
    ON u.connection = ? AND u.entity = ? AND u.external_id = j.value`);
  const claimsBy = database
    .prepare<[string], [number, string, number]>(`
      SELECT c.unmatched, r.id, c.strength FROM json_each(?) j
      CROSS JOIN claim c ON c.unmatched = j.value CROSS JOIN record r ON r.number = c.record`)
    .raw();
  const claimsOn = database
    .prepare<[string], [string, number, string, number]>(`
      SELECT r.id, u.connection, u.external_id, c.strength FROM json_each(?) j
      CROSS JOIN record r ON r.id = j.value
      CROSS JOIN claim c ON c.record = r.number CROSS JOIN unmatched u ON u.position = c.unmatched
      ORDER BY u.position`)
    .raw();
  const fingerprints = database
    .prepare<[string, number, number], [string, string]>(`
      SELECT u.external_id, u.fingerprint FROM json_each(?) j CROSS JOIN unmatched u
      ON u.connection = ? AND u.entity = ? AND u.external_id = j.value`)
    .raw();

  const toUnmatched = (row: Row, claims: readonly Claim[]): UnmatchedRow => ({
    position: row.position,
    connection: names.text(row.connection),
    entity: entityName(row.entity),
    externalId: row.external_id,
    fingerprint: row.fingerprint,
    values: JSON.parse(row.content) as Values,
    first: JSON.parse(row.first ?? row.content) as Values,
    xrefs: row.xrefs === null ? [] : (JSON.parse(row.xrefs) as NewUnmatched['xrefs']),
    locator: row.locator ?? undefined,
    modifiedAt: row.modified_at ?? undefined,
    run: names.text(row.run),
    claims,
  });

  const withClaims = (rows: readonly Row[]): readonly UnmatchedRow[] => {
    if (rows.length === 0) return [];
    const claims = new Map<number, Claim[]>(rows.map(({ position }) => [position, []]));
    for (const [position, recordId, strength] of claimsBy.all(JSON.stringify([...claims.keys()])))
      claims.get(position)?.push({ recordId, strength });
    return rows.map((row) => toUnmatched(row, claims.get(row.position) ?? []));
  };

  return {
    /** Inserts or replaces. @param numberOf gives the number of a canonical id */
    put: (unmatched: NewUnmatched, numberOf: (recordId: string) => number): void => {
      const { connection, entity, externalId, fingerprint, values, xrefs, locator, modifiedAt, run, claims } =
        unmatched;
      const content = JSON.stringify(values);
      const position = put.get(
        names.number(connection),
        entityNumber(entity),
        externalId,
        fingerprint,
        modifiedAt ?? null,
        names.number(run),
        locator ?? null,
        xrefs.length === 0 ? null : JSON.stringify(xrefs),
        content,
        content,
      ) as number;
      removeClaims.run(position);
      for (const { recordId, strength } of claims) putClaim.run(numberOf(recordId), position, strength);
    },
    remove: (connection: string, entity: Entity, externalId: string): void => {
      const position = remove.get(names.find(connection), entityNumber(entity), externalId);
      if (position !== undefined) removeClaims.run(position);
    },
    page: (entity: Entity, after: number, limit: number): readonly UnmatchedRow[] =>
      withClaims(page.all(entityNumber(entity), after, limit)),
    of: (connection: string, entity: Entity, externalIds: readonly string[]): ReadonlyMap<string, UnmatchedRow> => {
      const rows = some.all(JSON.stringify(externalIds), names.find(connection), entityNumber(entity));
      return new Map(withClaims(rows).map((row) => [row.externalId, row]));
    },
    claimsOn: (recordIds: readonly string[]): ReadonlyMap<string, readonly ClaimRow[]> => {
      const found = new Map<string, ClaimRow[]>();
      for (const [recordId, connection, externalId, strength] of claimsOn.all(
        JSON.stringify([...new Set(recordIds)]),
      )) {
        const claim = { recordId, connection: names.text(connection), externalId, strength };
        const claims = found.get(recordId);
        if (claims === undefined) found.set(recordId, [claim]);
        else claims.push(claim);
      }
      return found;
    },
    fingerprints: (connection: string, entity: Entity, externalIds: readonly string[]): readonly [string, string][] =>
      fingerprints.all(JSON.stringify(externalIds), names.find(connection), entityNumber(entity)),
  };
}
