-- When a matter was received, by which an applicant's matters of a day are counted, and lists by the end of the nearest limit
-- that are read page by page.
ALTER TABLE matters ADD COLUMN received BIGINT NOT NULL DEFAULT 0;
CREATE INDEX matters_by_due ON matters ((COALESCE(due, 9223372036854775807)), number);
