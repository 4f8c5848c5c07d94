-- What the public confided with a matter, sealed (base64): who asks and what they wrote. The key of each matter lies in the data
-- folder; a row is erased after its term, and its key with it.
CREATE TABLE confidential (
    number TEXT NOT NULL PRIMARY KEY REFERENCES matters (number),
    sealed TEXT NOT NULL
);
