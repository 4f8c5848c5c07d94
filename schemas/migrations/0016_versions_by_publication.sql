-- The feed of all datasets reads versions by their publication, newest first.
CREATE INDEX versions_by_publication ON versions (published_at, resource, number);
