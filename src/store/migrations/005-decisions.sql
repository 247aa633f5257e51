-- What people have said about who is who. `apart`: two records of CRMs that are not one, whatever they show; a row for each
-- direction.
CREATE TABLE apart (
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  other_connection INTEGER NOT NULL,
  other_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (connection, entity, external_id, other_connection, other_id)
) STRICT, WITHOUT ROWID;

-- `merged`: canonical records that were found to be another one, and are tombstones by now. `links` names the records of
-- CRMs that were theirs, as JSON: [[connection, external id], …].
CREATE TABLE merged (
  record INTEGER PRIMARY KEY,
  survivor INTEGER NOT NULL,
  links TEXT NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL
) STRICT;

-- When a person last left a review for later; NULL: never since it was opened, or since what it asks has changed.
ALTER TABLE review ADD COLUMN skipped_at INTEGER;
