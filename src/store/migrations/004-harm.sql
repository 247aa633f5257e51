-- Records to which a run of a sync does harm at a connection, counted before each such write: what a guard has seen
-- beforehand may grow while the run writes. Rows of a run go when its sync's next one begins.
CREATE TABLE harm (
  sync TEXT NOT NULL,
  run TEXT NOT NULL,
  connection INTEGER NOT NULL,
  what TEXT NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (sync, run, connection, what, record)
) STRICT, WITHOUT ROWID;
