-- Ledgers, and everything that changes in the transaction of their events. Every key leads with the
-- ledger, so that one transaction touches one ledger and ledgers can be spread over machines.
-- Instants are milliseconds since the Unix epoch.

CREATE TABLE ledgers (
    ledger UUID NOT NULL PRIMARY KEY,
    slug   TEXT NOT NULL CONSTRAINT ledgers_slug UNIQUE,
    state  TEXT NOT NULL,
    head   BIGINT NOT NULL
) WITH (fillfactor = 50); -- every commit updates its row: leave room for it on the page
CREATE INDEX ledgers_by_state ON ledgers (state, slug);

-- Payloads and bodies are TEXT: JSONB would not give back the bytes that were written.
CREATE TABLE events (
    ledger      UUID NOT NULL,
    position    BIGINT NOT NULL,
    stream      TEXT NOT NULL,
    version     BIGINT NOT NULL,
    process     UUID,
    kind        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    command_id  UUID,
    cause       BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (ledger, position)
);
CREATE UNIQUE INDEX events_by_stream ON events (ledger, stream, version);
CREATE INDEX events_by_process ON events (ledger, process, position) WHERE process IS NOT NULL;

-- Read models. A release whose documents changed writes the next generation beside this one.
CREATE TABLE documents (
    ledger     UUID NOT NULL,
    generation INTEGER NOT NULL,
    topic      TEXT NOT NULL,
    position   BIGINT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (ledger, generation, topic)
) WITH (fillfactor = 70);

-- What lists and look-ups need to know of an order.
CREATE TABLE orders (
    ledger      UUID NOT NULL,
    process     UUID NOT NULL,
    code        TEXT NOT NULL,
    email       TEXT NOT NULL,
    status      TEXT NOT NULL,
    total_minor BIGINT NOT NULL,
    placed_at   BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (ledger, process)
);
CREATE INDEX orders_by_email_and_code ON orders (ledger, email, code);

-- May be thrown away; a ledger without one is read from its beginning.
CREATE TABLE snapshots (
    ledger   UUID NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT NOT NULL
);

CREATE TABLE deadlines (
    ledger  UUID NOT NULL,
    process UUID NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (ledger, process)
);
CREATE INDEX deadlines_by_instant ON deadlines (at);

-- `due_at` is the instant from which a worker may take the effect: first as asked for, then the end
-- of its lease, then its next try. One column, so that one index finds them.
CREATE TABLE effects (
    ledger     UUID NOT NULL,
    id         UUID NOT NULL,
    kind       TEXT NOT NULL,
    payload    TEXT NOT NULL,
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    state      TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'dead')),
    last_error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (ledger, id)
);
CREATE INDEX effects_by_instant ON effects (due_at) WHERE state = 'live';
CREATE INDEX effects_given_up ON effects (ledger, id) WHERE state = 'dead';
