-- How often a link was changed: two processes that change what both have read do not write over each other.
ALTER TABLE link ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
