-- Everything that a world knows. One text for SQLite and PostgreSQL: moments are seconds since 1970 (UTC), days are
-- YYYY-MM-DD in Japan, binary things are PEM or base64, and no row of `events` is ever changed (guards/).

CREATE TABLE world (
    id      TEXT PRIMARY KEY,            -- the folder's, so that no folder meets another's database
    clock   BIGINT                       -- what time it is; NULL: the real time
);

-- Numbers that are given once: serials of each authority, CRLs, cards, residents, requests.
CREATE TABLE counters (
    name    TEXT PRIMARY KEY,
    next    BIGINT NOT NULL
);

CREATE TABLE residents (
    id          TEXT PRIMARY KEY,
    status      TEXT NOT NULL,           -- registered, moved-abroad, deceased
    version     BIGINT NOT NULL,         -- of resident_history
    name        TEXT NOT NULL,
    address     TEXT NOT NULL,
    birth       TEXT NOT NULL,
    sex         TEXT NOT NULL,
    my_number   TEXT UNIQUE,
    stay_ends   TEXT                     -- of a foreign resident
);

CREATE TABLE resident_history (
    resident    TEXT NOT NULL REFERENCES residents (id),
    version     BIGINT NOT NULL,
    since       BIGINT NOT NULL,
    cause       TEXT NOT NULL,
    status      TEXT NOT NULL,
    name        TEXT NOT NULL,
    address     TEXT NOT NULL,
    birth       TEXT NOT NULL,
    sex         TEXT NOT NULL,
    PRIMARY KEY (resident, version)
);

CREATE TABLE cards (
    id          TEXT PRIMARY KEY,
    serial      TEXT NOT NULL UNIQUE,    -- 製造番号
    resident    TEXT NOT NULL REFERENCES residents (id),
    profile     TEXT NOT NULL,
    status      TEXT NOT NULL,           -- issuing, issued, stopped, returned, lost
    issued      TEXT NOT NULL,
    expires     TEXT NOT NULL,
    batch       TEXT,
    record      TEXT NOT NULL            -- pki::card_record::CardRecord, JSON
);
CREATE INDEX cards_of_resident ON cards (resident);

CREATE TABLE certificates (
    authority   TEXT NOT NULL,           -- signature, authentication, prefecture
    serial      BIGINT NOT NULL,
    card        TEXT NOT NULL REFERENCES cards (id),
    resident    TEXT NOT NULL REFERENCES residents (id),
    municipality TEXT NOT NULL,          -- of its CRL distribution point
    begins      BIGINT NOT NULL,
    ends        BIGINT NOT NULL,
    status      TEXT NOT NULL,           -- valid, held, revoked
    reason      BIGINT,                  -- CRLReason
    since       BIGINT,                  -- of the hold or revocation
    pem         TEXT NOT NULL,
    PRIMARY KEY (authority, serial)
);
CREATE INDEX certificates_of_card ON certificates (card);
CREATE INDEX certificates_by_status ON certificates (authority, status);

CREATE TABLE requests (
    id          BIGINT PRIMARY KEY,
    at          BIGINT NOT NULL,
    procedure   TEXT NOT NULL,
    resident    TEXT,
    card        TEXT,
    fee         BIGINT NOT NULL,         -- yen
    outcome     TEXT NOT NULL,           -- accepted, or why it was refused
    paper       TEXT NOT NULL            -- what was handed in and out, as text
);

CREATE TABLE events (
    id          BIGINT PRIMARY KEY,
    at          BIGINT NOT NULL,
    actor       TEXT NOT NULL,
    event       TEXT NOT NULL,
    resident    TEXT,
    card        TEXT,
    authority   TEXT,
    serial      BIGINT,
    detail      TEXT NOT NULL
);
CREATE INDEX events_of_resident ON events (resident);
CREATE INDEX events_of_card ON events (card);

CREATE TABLE batches (
    id          TEXT PRIMARY KEY,
    plan        TEXT NOT NULL,           -- JSON
    size        BIGINT NOT NULL
);
CREATE TABLE batch_items (
    batch       TEXT NOT NULL REFERENCES batches (id),
    item        BIGINT NOT NULL,
    claimed     BIGINT,                  -- when somebody began with it, real time
    card        TEXT REFERENCES cards (id),
    PRIMARY KEY (batch, item)
);

CREATE TABLE verifiers (
    name        TEXT PRIMARY KEY,
    category    BIGINT NOT NULL,         -- service.md §13
    token       TEXT NOT NULL UNIQUE,    -- SHA-256 of it
    since       BIGINT NOT NULL,
    ended       BIGINT
);
