-- Who is told of what happens to datasets. `owner` is `developer dev-1a2b` or `department scjg`; `state` is pending, active or
-- suspended; of two writers the one wins that saw the newest `revision`.
CREATE TABLE subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX subscriptions_by_owner ON subscriptions (owner);

-- What they are told. `place` counts from 1 within a subscription; `challenge` is 1 for the question whether its receiver wants to be
-- told; `next_at` is NULL when it has arrived or was given up.
CREATE TABLE notifications (
    id TEXT NOT NULL PRIMARY KEY,
    subscription TEXT NOT NULL,
    place BIGINT NOT NULL,
    challenge BIGINT NOT NULL,
    next_at BIGINT,
    document TEXT NOT NULL
);
CREATE INDEX notifications_by_place ON notifications (subscription, place);
CREATE INDEX notifications_by_time ON notifications (next_at);
