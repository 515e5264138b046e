-- Who sits where, for those at the door and for lists. Written with the events that say so; a row is
-- gone when the name is.
CREATE TABLE attendees (
    ledger      UUID NOT NULL,
    process     UUID NOT NULL,
    place       BIGINT NOT NULL,
    kind        UUID NOT NULL,
    given_name  TEXT NOT NULL,
    family_name TEXT NOT NULL,
    email       TEXT NOT NULL,
    -- Lower case: what lists are sorted by and searched in.
    sought      TEXT COLLATE "C" NOT NULL,
    ticket      TEXT NOT NULL,
    admitted_at BIGINT,
    PRIMARY KEY (ledger, process, place)
);
CREATE UNIQUE INDEX attendees_by_ticket ON attendees (ledger, ticket);
CREATE INDEX attendees_by_kind_and_name ON attendees (ledger, kind, sought, process, place);

-- Mailed links, each good once. `link` is the hash of what stands in the mail.
CREATE TABLE order_links (
    ledger     UUID NOT NULL,
    link       BYTEA NOT NULL,
    process    UUID NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (ledger, link)
);
