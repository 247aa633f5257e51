-- Marks the file as concordat's.
PRAGMA application_id = 0x636e6364;

-- Times are epoch milliseconds. Entities are 1 contact, 2 account, 3 lead. Values are JSON by field path.

-- Names that occur in a great many rows (connections, runs), as small numbers.
CREATE TABLE name (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE run (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  sync TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT,
  counts TEXT,
  error TEXT,
  UNIQUE (id, sync)
) STRICT;

-- Canonical records. `number` is what other tables refer to; `id` is the canonical id that the world knows.
-- `live` is 1, or NULL for a tombstone. `origins`: see encoding.ts. `content` is '' while a record is what its one link
-- shows, see records.ts.
CREATE TABLE record (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  entity INTEGER NOT NULL,
  version INTEGER NOT NULL,
  live INTEGER CHECK (live = 1),
  origins TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;

-- `live` is 1, or NULL when gone: NULLs are distinct in a unique index, so one record may have any number of gone links
-- at a connection, and one live one. `shadow` comes last: what is read for an unchanged record stands before it.
CREATE TABLE link (
  number INTEGER PRIMARY KEY,
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  record INTEGER NOT NULL,
  live INTEGER CHECK (live = 1),
  fingerprint TEXT NOT NULL,
  modified_at INTEGER,
  written_at INTEGER,
  run INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  locator TEXT,
  sent TEXT,
  underway TEXT,
  shadow TEXT NOT NULL,
  UNIQUE (connection, entity, external_id),
  UNIQUE (record, connection, live)
) STRICT;

-- Hashes under which matching finds records. They come in no order at all, and one at a time into a large tree each
-- would dirty a page of its own; so they gather in a log and move over in one sorted pass. See identity.ts.
CREATE TABLE identity (
  key INTEGER NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (key, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE fresh_identity (
  position INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  record INTEGER NOT NULL
) STRICT;

-- Grows with every commit that adds identity keys; entity 0 counts the moves of fresh keys into the index.
CREATE TABLE epoch (
  entity INTEGER PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

-- What still has to be written to a connection, in the order of the records' numbers.
-- `state` is 0 waiting, 1 dead, 2 unsupported.
CREATE TABLE pending (
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  record INTEGER NOT NULL,
  since INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  code TEXT,
  message TEXT,
  detail TEXT,
  PRIMARY KEY (connection, entity, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE intent (
  connection INTEGER NOT NULL,
  record INTEGER NOT NULL REFERENCES record,
  entity INTEGER NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (connection, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
  number INTEGER PRIMARY KEY,
  record INTEGER NOT NULL,
  path TEXT NOT NULL,
  origin TEXT NOT NULL,
  old_origin TEXT,
  new_value TEXT NOT NULL,
  old_value TEXT
) STRICT;
CREATE INDEX history_by_record ON history (record);

CREATE TABLE conflict (
  number INTEGER PRIMARY KEY,
  entity INTEGER NOT NULL,
  record INTEGER NOT NULL REFERENCES record,
  path TEXT NOT NULL,
  winner INTEGER NOT NULL,
  winner_value TEXT NOT NULL,
  loser INTEGER NOT NULL,
  loser_value TEXT NOT NULL,
  rule TEXT NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  waiting INTEGER CHECK (waiting = 1),
  UNIQUE (record, path, waiting)
) STRICT;
CREATE INDEX conflict_waiting ON conflict (entity, loser) WHERE waiting = 1;

-- `external_id` is '' for a wire record that has none; `position` then tells such records of one scan apart.
CREATE TABLE quarantine (
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (connection, entity, external_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE unmatched (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  modified_at INTEGER,
  run INTEGER NOT NULL,
  locator TEXT,
  xrefs TEXT,
  content TEXT NOT NULL,
  UNIQUE (connection, entity, external_id)
) STRICT;

CREATE TABLE claim (
  record INTEGER NOT NULL,
  unmatched INTEGER NOT NULL,
  strength REAL NOT NULL,
  PRIMARY KEY (record, unmatched)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_unmatched ON claim (unmatched);

-- `settled_at` is NULL while the review is open.
CREATE TABLE review (
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  candidates TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  settled_at INTEGER,
  PRIMARY KEY (connection, entity, external_id)
) STRICT, WITHOUT ROWID;

-- Where the scans of a connection stand: the scan under way or the last one, and the last complete one.
CREATE TABLE checkpoint (
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  run INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  read INTEGER NOT NULL,
  complete_started_at INTEGER,
  complete_ended_at INTEGER,
  complete_read INTEGER,
  PRIMARY KEY (connection, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
