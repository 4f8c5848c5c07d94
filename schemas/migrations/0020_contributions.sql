-- What the public contributes: feedback on datasets, and works made of them. `kind` is feedback or work; `state` is waiting, shown or
-- refused; `rating` is 0 for works; of two writers the one wins that saw the newest `revision`. Ids are UUIDs of version 7: in the
-- order in which they came in.
CREATE TABLE contributions (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    rating BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX contributions_by_state ON contributions (kind, state, id);
CREATE TABLE contribution_resources (
    contribution TEXT NOT NULL,
    resource TEXT NOT NULL,
    PRIMARY KEY (contribution, resource)
);
CREATE INDEX contribution_resources_by_resource ON contribution_resources (resource);
