-- Every revision of an entry of the directory with the step that made it, written with it; entries that were older than this table
-- have those since then. `document` names the event that the evidence log has of it.
CREATE TABLE entry_revisions (
    code TEXT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (code, revision)
);
-- What editors have typed and can't be an entry's draft yet. `provider` is a machine name.
CREATE TABLE unfinished_entries (
    id TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX unfinished_entries_by_provider ON unfinished_entries (provider);
