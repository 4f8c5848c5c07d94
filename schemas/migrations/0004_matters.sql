-- Matters 办件. `handler` and `applicant` are labels (`department:scjg`, `authority`); `due` is the end of the nearest limit that
-- runs; `settled` is 1 where nobody has anything to do.
CREATE TABLE matters (
    number TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    settled BIGINT NOT NULL,
    applicant TEXT NOT NULL,
    handler TEXT NOT NULL,
    parent TEXT REFERENCES matters (number),
    due BIGINT,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX matters_by_handler ON matters (handler, settled, due);
CREATE INDEX matters_by_applicant ON matters (applicant, settled, due);
CREATE INDEX matters_by_parent ON matters (parent);
