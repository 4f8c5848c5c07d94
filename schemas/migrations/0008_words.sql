-- The light of each open limit that was told last; `limit_kind` and `since` name the limit of the matter.
CREATE TABLE told (
    matter TEXT NOT NULL,
    limit_kind TEXT NOT NULL,
    since BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (matter, limit_kind, since)
);

-- Days whose morning list was made.
CREATE TABLE morning_lists (
    day TEXT NOT NULL PRIMARY KEY
);

-- Words that have not arrived. `next_at` is NULL when they were given up.
CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    next_at BIGINT,
    document TEXT NOT NULL
);
CREATE INDEX deliveries_by_time ON deliveries (next_at);

-- From when on a department is continued by another.
CREATE TABLE successions (
    predecessor TEXT NOT NULL PRIMARY KEY,
    begins BIGINT NOT NULL,
    document TEXT NOT NULL
);

-- Substitutes: roles that people hold for a time.
CREATE TABLE substitutions (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX substitutions_by_person ON substitutions (person);
