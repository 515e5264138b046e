-- Ledgers, and everything that changes in the transaction of their events. Every key leads with the
-- ledger, so that one transaction touches one ledger and ledgers can be spread over machines.
-- Ids are 16 bytes, instants are milliseconds since the Unix epoch.

CREATE TABLE ledgers (
    ledger BLOB NOT NULL PRIMARY KEY,
    slug   TEXT NOT NULL UNIQUE,
    state  TEXT NOT NULL,
    head   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ledgers_by_state ON ledgers (state, slug);

-- Rows of some hundred bytes and more keep their rowid: an index b-tree of them would be deep.
CREATE TABLE events (
    ledger      BLOB NOT NULL,
    position    INTEGER NOT NULL,
    stream      TEXT NOT NULL,
    version     INTEGER NOT NULL,
    process     BLOB,
    kind        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    command_id  BLOB,
    cause       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (ledger, position)
) STRICT;
CREATE UNIQUE INDEX events_by_stream ON events (ledger, stream, version);
CREATE INDEX events_by_process ON events (ledger, process, position) WHERE process IS NOT NULL;

-- Read models. A release whose documents changed writes the next generation beside this one.
CREATE TABLE documents (
    ledger     BLOB NOT NULL,
    generation INTEGER NOT NULL,
    topic      TEXT NOT NULL,
    position   INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (ledger, generation, topic)
) STRICT;

-- What lists and look-ups need to know of an order.
CREATE TABLE orders (
    ledger      BLOB NOT NULL,
    process     BLOB NOT NULL,
    code        TEXT NOT NULL,
    email       TEXT NOT NULL,
    status      TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    placed_at   INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (ledger, process)
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_email_and_code ON orders (ledger, email, code);

-- May be thrown away; a ledger without one is read from its beginning.
CREATE TABLE snapshots (
    ledger   BLOB NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    body     TEXT NOT NULL
) STRICT;

CREATE TABLE deadlines (
    ledger  BLOB NOT NULL,
    process BLOB NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (ledger, process)
) STRICT, WITHOUT ROWID;
CREATE INDEX deadlines_by_instant ON deadlines (at);

-- `due_at` is the instant from which a worker may take the effect: first as asked for, then the end
-- of its lease, then its next try. One column, so that one index finds them.
CREATE TABLE effects (
    ledger     BLOB NOT NULL,
    id         BLOB NOT NULL,
    kind       TEXT NOT NULL,
    payload    TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    state      TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'dead')),
    last_error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (ledger, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_by_instant ON effects (due_at) WHERE state = 'live';
CREATE INDEX effects_given_up ON effects (ledger, id) WHERE state = 'dead';
