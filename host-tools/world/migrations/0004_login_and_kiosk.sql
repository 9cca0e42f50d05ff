-- Accounts of services that log their users in with the user authentication certificate. A service knows a certificate by its
-- issuer and serial number and nothing of its holder.
CREATE TABLE accounts (
    id          TEXT PRIMARY KEY,
    service     TEXT NOT NULL,           -- a host name
    since       BIGINT NOT NULL
);
CREATE TABLE account_certificates (
    service     TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    serial      TEXT NOT NULL,           -- hexadecimal
    account     TEXT NOT NULL REFERENCES accounts (id),
    since       BIGINT NOT NULL,
    PRIMARY KEY (service, issuer, serial)
);
-- Sessions, and codes that take an account over to another certificate: SHA-256 of what their owner has.
CREATE TABLE account_tokens (
    token       TEXT PRIMARY KEY,
    purpose     TEXT NOT NULL,           -- session, transfer
    account     TEXT NOT NULL REFERENCES accounts (id),
    ends        BIGINT NOT NULL
);
CREATE INDEX account_tokens_by_end ON account_tokens (ends);
CREATE INDEX account_tokens_of_account ON account_tokens (account, purpose);

-- PINs to be reset at a kiosk, one reservation a card: a new one takes the place of the old.
CREATE TABLE pin_reservations (
    card        TEXT PRIMARY KEY REFERENCES cards (id),
    pin         TEXT NOT NULL,           -- the one to be reset: authentication, signature
    at          BIGINT NOT NULL
);
