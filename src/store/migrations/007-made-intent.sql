-- The id of what an unfinished create has made, and what creates before it had sent: what is held of any of them is ours.
ALTER TABLE intent ADD COLUMN external_id TEXT;
ALTER TABLE intent ADD COLUMN earlier TEXT;
