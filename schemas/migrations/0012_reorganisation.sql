-- Successions of departments, in the steps by which two persons make them. `ends` is the department that a confirmed one ends:
-- a department ends once. `stage` is `proposed`, `confirmed`, `cancelled` or `carried_out`. Takes the place of `successions`.
CREATE TABLE department_successions (
    id TEXT NOT NULL PRIMARY KEY,
    ends TEXT UNIQUE,
    stage TEXT NOT NULL,
    begins BIGINT NOT NULL,
    document TEXT NOT NULL
);
INSERT INTO department_successions (id, ends, stage, begins, document)
SELECT predecessor, predecessor, 'confirmed', begins, document FROM successions;
