-- The catalogue. One text for SQLite and PostgreSQL: TEXT, BIGINT and INTEGER only; flags are 0 or 1, times are
-- microseconds since 1970 in UTC, documents are JSON text that no statement looks into.

-- Numbers given out once. `outbox` orders events and is every change's lock; `entry` numbers rows of the search index;
-- `code:301001` is the last sequence taken of a classification.
CREATE TABLE sequences (
    name TEXT NOT NULL PRIMARY KEY,
    taken BIGINT NOT NULL
);
INSERT INTO sequences (name, taken) VALUES ('outbox', 0), ('entry', 0);

-- Facts about the database itself, such as the format of the search index.
CREATE TABLE folder (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Events of changes, until the evidence log holds them.
CREATE TABLE outbox (
    seq BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
);

CREATE TABLE departments (
    id TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
);

CREATE TABLE entries (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL REFERENCES departments (id),
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    author TEXT NOT NULL,
    remark TEXT,
    updated_at BIGINT NOT NULL,
    draft TEXT NOT NULL,
    published TEXT
);
CREATE INDEX entries_by_provider ON entries (provider, code);

-- The machine names in use: of the draft and of what is published, which may differ.
CREATE TABLE entry_names (
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    code TEXT NOT NULL REFERENCES entries (code),
    PRIMARY KEY (provider, name)
);
CREATE INDEX entry_names_by_code ON entry_names (code);

-- One narrow row per entry that has ever been published: what searches filter by, count and sort by. Readers keep these rows
-- in memory and fetch those with a higher `changed`, the number of the last change. `item` is 类 and 项, three digits.
CREATE TABLE search_entries (
    id INTEGER NOT NULL PRIMARY KEY,
    changed BIGINT NOT NULL,
    listed BIGINT NOT NULL,
    code TEXT NOT NULL UNIQUE,
    title_length BIGINT NOT NULL,
    department TEXT NOT NULL,
    sharing TEXT NOT NULL,
    opening TEXT NOT NULL,
    update_cycle TEXT NOT NULL,
    format TEXT NOT NULL,
    item TEXT NOT NULL
);
CREATE INDEX search_entries_by_change ON search_entries (changed);

CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    resource TEXT NOT NULL REFERENCES entries (code),
    created_at BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX grants_by_resource ON grants (resource, created_at, id);

CREATE TABLE versions (
    resource TEXT NOT NULL REFERENCES entries (code),
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (resource, number)
);

CREATE TABLE record_withdrawals (
    id TEXT NOT NULL PRIMARY KEY,
    resource TEXT NOT NULL REFERENCES entries (code),
    seq BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX record_withdrawals_by_resource ON record_withdrawals (resource, seq);

CREATE TABLE people (
    id TEXT NOT NULL PRIMARY KEY,
    department TEXT REFERENCES departments (id),
    active BIGINT NOT NULL,
    document TEXT NOT NULL
);

CREATE TABLE public_keys (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    public_key TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT,
    document TEXT NOT NULL
);

CREATE TABLE tickets (
    id TEXT NOT NULL PRIMARY KEY,
    token_digest TEXT NOT NULL UNIQUE,
    principal_id TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX tickets_by_principal ON tickets (principal_id, issued_at);

CREATE TABLE nonces (
    key_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX nonces_by_expiry ON nonces (expires_at);
