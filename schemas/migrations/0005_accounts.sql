-- Local accounts and sessions. `contact` is the keyed hash of a developer's address; the address is sealed in the document.
CREATE TABLE accounts (
    person TEXT NOT NULL PRIMARY KEY,
    contact TEXT UNIQUE,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);

-- `token_digest` is the SHA-256 of the token in the cookie.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_digest TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX sessions_by_end ON sessions (ends_at);
