-- What CRMs have said by webhook, one row for each thing said, until a round has looked at it. A position is never given
-- out again (AUTOINCREMENT): ending a hint a second time ends no later one. `deleted` is 1 where the CRM spoke of a
-- delete, or NULL.
CREATE TABLE inbox (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  connection INTEGER NOT NULL,
  entity INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  deleted INTEGER CHECK (deleted = 1),
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_by_connection ON inbox (connection, entity);

-- Ids of deliveries that have been taken, so that one that is sent again has no effect. They expire.
CREATE TABLE delivery (
  position INTEGER PRIMARY KEY,
  connection INTEGER NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (connection, id)
) STRICT;
