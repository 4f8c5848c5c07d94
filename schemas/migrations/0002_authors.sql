-- Everyone who has edited the draft since the last publication, as a JSON list: none of them reviews it.
-- From here on, `entry_names` holds titles beside machine names: both name a table in SQL.
ALTER TABLE entries RENAME COLUMN author TO authors;
UPDATE entries SET authors = '["' || REPLACE(REPLACE(authors, '\', '\\'), '"', '\"') || '"]';
