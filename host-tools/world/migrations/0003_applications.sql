-- 電子申請: what the reception office was sent by holders of certificates. The whole of what it accepted, and why it refused others.
CREATE TABLE applications (
    id          BIGINT PRIMARY KEY,      -- 受付番号
    at          BIGINT NOT NULL,
    digest      TEXT NOT NULL,           -- SHA-256 of what was sent
    receipt     TEXT NOT NULL,           -- SHA-256 of what lets its sender ask for it again
    accepted    BIGINT NOT NULL,         -- 0, 1
    authority   TEXT NOT NULL,           -- of the signer's certificate
    serial      BIGINT NOT NULL,
    procedure   TEXT NOT NULL,           -- of the form; empty where it was refused
    report      TEXT NOT NULL,           -- the verdicts, JSON
    message     TEXT,                    -- base64, where it was accepted
    content     TEXT                     -- base64, where it came beside the message
);
-- What was accepted once is not accepted again.
CREATE UNIQUE INDEX applications_accepted ON applications (digest) WHERE accepted = 1;
