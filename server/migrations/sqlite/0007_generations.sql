-- Which generation of releases has written a ledger last, and up to which position others have: what a
-- document of that generation shows after that position, nobody else has changed.
ALTER TABLE ledgers ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE ledgers ADD COLUMN others_until INTEGER NOT NULL DEFAULT 0;
