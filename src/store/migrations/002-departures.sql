-- Of links that are not live: 1 where we deleted the record at the CRM, NULL where somebody there did.
ALTER TABLE link ADD COLUMN removed INTEGER CHECK (removed = 1);

-- What our last write replaced, as JSON by field path: a listing that lags may still show it.
ALTER TABLE link ADD COLUMN replaced TEXT;

-- Few, so that live links can be counted by the index on external ids alone.
CREATE INDEX link_gone ON link (connection, entity) WHERE live IS NULL;

-- Linked records that their CRM does not show any more, until it is known what follows from it; and gone ones that it
-- shows again. `state` is 0 missed, 1 confirmed, 2 shown again.
CREATE TABLE departure (
  link INTEGER PRIMARY KEY,
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  run INTEGER NOT NULL,
  missed_at INTEGER NOT NULL,
  state INTEGER NOT NULL
) STRICT;
CREATE INDEX departure_by_connection ON departure (connection, entity);

-- Writes (and absences) that a guard holds back, one row each, until a person approves them or their cause is gone.
-- `mark` is a hash of what would be written.
CREATE TABLE held (
  sync TEXT NOT NULL,
  connection INTEGER NOT NULL,
  record INTEGER NOT NULL,
  what TEXT NOT NULL,
  mark TEXT NOT NULL,
  at INTEGER NOT NULL,
  approved INTEGER CHECK (approved = 1),
  PRIMARY KEY (sync, connection, what, record)
) STRICT, WITHOUT ROWID;

-- What an unmatched record showed when it was first seen: what it does not show any more, somebody has emptied.
ALTER TABLE unmatched ADD COLUMN first TEXT;
