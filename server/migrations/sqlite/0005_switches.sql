-- What the operator has switched on, for every server on this database. Gone when it is off.
CREATE TABLE switches (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
