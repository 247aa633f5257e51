import type { Database } from 'better-sqlite3';
import type { Entity } from '../../model/values.ts';
import type { Checkpoint, OpenReview, QuarantineRow, ReviewRow } from '../store.ts';
import { entityName, entityNumber } from './encoding.ts';
import type { Names } from './names.ts';

/** How `external_id` stands in the file where the wire record had none: "" is no id. */
const noId = '';

interface QuarantineColumns {
  readonly external_id: string;
  readonly reason: string;
  readonly at: number;
}

interface ReviewColumns {
  readonly connection: number;
  readonly entity: number;
  readonly external_id: string;
  readonly candidates: string;
  readonly reason: string;
  readonly at: number;
  readonly run: number;
  readonly skipped_at: number | null;
}

/** Wire records that were set aside: unusable ones (quarantine), and those whose identity a person must settle (reviews). */
export function openAside(database: Database, names: Names) {
  const put = database.prepare<[number, number, string, number, string, number, number]>(`
    INSERT OR REPLACE INTO quarantine (connection, entity, external_id, position, reason, at, run)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const release = database.prepare<[number, number, string]>(
    'DELETE FROM quarantine WHERE connection = ? AND entity = ? AND external_id = ?',
  );
  const releaseOld = database.prepare<[number, number, string, number]>(
    'DELETE FROM quarantine WHERE connection = ? AND entity = ? AND external_id = ? AND run <> ?',
  );
  const quarantined = database.prepare<[number, number, number], QuarantineColumns>(`
    SELECT external_id, reason, at FROM quarantine WHERE connection = ? AND entity = ?
    ORDER BY external_id, position LIMIT ?`);
  const open = database.prepare<[number, number, string, string, string, number, number]>(`
    INSERT INTO review (connection, entity, external_id, candidates, reason, at, run) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
      candidates = excluded.candidates, reason = excluded.reason, at = excluded.at, run = excluded.run,
      skipped_at = NULL
    WHERE settled_at IS NULL`);
  const close = database.prepare<[number, number, string]>(
    'DELETE FROM review WHERE connection = ? AND entity = ? AND external_id = ? AND settled_at IS NULL',
  );
  const openOnes = database.prepare<[number], ReviewColumns>(
    `SELECT * FROM review WHERE entity = ? AND settled_at IS NULL
    ORDER BY skipped_at IS NOT NULL, coalesce(skipped_at, at), connection, external_id`,
  );
  const skip = database.prepare<[number, number, number, string]>(
    'UPDATE review SET skipped_at = ? WHERE connection = ? AND entity = ? AND external_id = ? AND settled_at IS NULL',
  );

  return {
    /** @param position tells records without an id apart; the same from scan to scan, as far as the listing stays the same */
    quarantine: (
      { connection, entity, externalId, reason, at }: QuarantineRow,
      position: number,
      run: string,
    ): void => {
      put.run(
        names.number(connection),
        entityNumber(entity),
        externalId ?? noId,
        externalId === undefined ? position : 0,
        reason,
        at,
        names.number(run),
      );
    },
    release: (connection: string, entity: Entity, externalId: string): void => {
      release.run(names.find(connection), entityNumber(entity), externalId);
    },
    /** Records without an id cannot be released one by one: a complete scan has shown all that are still there. */
    releaseNameless: ({ connection, entity, run }: Checkpoint): void => {
      releaseOld.run(names.find(connection), entityNumber(entity), noId, names.number(run));
    },
    quarantined: (connection: string, entity: Entity, limit: number): readonly QuarantineRow[] =>
      quarantined.all(names.find(connection), entityNumber(entity), limit).map(({ external_id: id, reason, at }) => ({
        connection,
        entity,
        externalId: id === noId ? undefined : id,
        reason,
        at,
      })),

    openReview: ({ connection, entity, externalId, candidates, reason, at, run }: ReviewRow): void => {
      open.run(
        names.number(connection),
        entityNumber(entity),
        externalId,
        JSON.stringify(candidates),
        reason,
        at,
        names.number(run),
      );
    },
    closeReview: (connection: string, entity: Entity, externalId: string): void => {
      close.run(names.find(connection), entityNumber(entity), externalId);
    },
    skipReview: (connection: string, entity: Entity, externalId: string, at: number): void => {
      skip.run(at, names.find(connection), entityNumber(entity), externalId);
    },
    /** Oldest first; what was left for later comes last. */
    openReviews: (entity: Entity): readonly OpenReview[] =>
      openOnes.all(entityNumber(entity)).map((row) => ({
        entity: entityName(row.entity),
        connection: names.text(row.connection),
        externalId: row.external_id,
        candidates: JSON.parse(row.candidates) as ReviewRow['candidates'],
        reason: row.reason,
        at: row.at,
        run: names.text(row.run),
        skippedAt: row.skipped_at ?? undefined,
      })),
  };
}
