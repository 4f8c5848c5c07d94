-- Items that an entry published once and has no more, as the directory last described them: old versions still hold
-- them, and this decides who may see them there.
ALTER TABLE entries ADD COLUMN retired TEXT NOT NULL DEFAULT '[]';
