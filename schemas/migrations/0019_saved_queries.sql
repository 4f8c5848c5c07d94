-- Queries that people have saved. `person` is a login name; name and text of the query are sealed in `document`.
CREATE TABLE saved_queries (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX saved_queries_by_person ON saved_queries (person);
