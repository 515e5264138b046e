-- Who sits where, for those at the door and for lists. Written with the events that say so; a row is
-- gone when the name is.
CREATE TABLE attendees (
    ledger      BLOB NOT NULL,
    process     BLOB NOT NULL,
    place       INTEGER NOT NULL,
    kind        BLOB NOT NULL,
    given_name  TEXT NOT NULL,
    family_name TEXT NOT NULL,
    email       TEXT NOT NULL,
    -- Lower case: what lists are sorted by and searched in.
    sought      TEXT NOT NULL,
    ticket      TEXT NOT NULL,
    admitted_at INTEGER,
    PRIMARY KEY (ledger, process, place)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX attendees_by_ticket ON attendees (ledger, ticket);
CREATE INDEX attendees_by_kind_and_name ON attendees (ledger, kind, sought, process, place);

-- Mailed links, each good once. `link` is the hash of what stands in the mail.
CREATE TABLE order_links (
    ledger     BLOB NOT NULL,
    link       BLOB NOT NULL,
    process    BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    PRIMARY KEY (ledger, link)
) STRICT, WITHOUT ROWID;
