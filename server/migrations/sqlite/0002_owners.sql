-- Whose a ledger is, and who has proved it. Addresses are in lower case; empty: nobody's.

ALTER TABLE ledgers ADD COLUMN owner_email TEXT NOT NULL DEFAULT '';
-- A salted hash of the owner's access code.
ALTER TABLE ledgers ADD COLUMN owner_code TEXT NOT NULL DEFAULT '';
CREATE INDEX ledgers_by_owner ON ledgers (owner_email) WHERE owner_email <> '';

-- `key` is the SHA-256 of what the browser has. A session is for all ledgers of an address, or for one
-- ledger.
CREATE TABLE sessions (
    key        BLOB NOT NULL PRIMARY KEY,
    email      TEXT,
    ledger     BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((email IS NULL) <> (ledger IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_email ON sessions (email) WHERE email IS NOT NULL;
CREATE INDEX sessions_by_ledger ON sessions (ledger) WHERE ledger IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (expires_at);
