-- Developer keys, and what was asked with each of them on each day (the day in Asia/Shanghai, `2026-11-22`). `digest` is the
-- SHA-256 of the secret.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX api_keys_by_person ON api_keys (person);
CREATE TABLE api_key_usage (
    api_key TEXT NOT NULL,
    day TEXT NOT NULL,
    requests BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (api_key, day)
);
