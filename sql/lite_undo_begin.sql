-- What an undo works with (src/ledger/undo.h), and: tables, those that mltrack writes and that are here; made, rows that the
-- import inserted, same: and that nobody has changed since; latest, the latest metrics in runs of others that it changed.
DROP TABLE IF EXISTS temp.mltrack_tables;
DROP TABLE IF EXISTS temp.mltrack_r;
DROP TABLE IF EXISTS temp.mltrack_made;
DROP TABLE IF EXISTS temp.mltrack_go;
DROP TABLE IF EXISTS temp.mltrack_latest;
CREATE TEMP TABLE mltrack_tables (tab INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TEMP TABLE mltrack_r (run_uuid TEXT NOT NULL PRIMARY KEY, created BOOLEAN NOT NULL, why TEXT) WITHOUT ROWID;
CREATE TEMP TABLE mltrack_made (tab INTEGER, id INTEGER, same BOOLEAN, PRIMARY KEY (tab, id)) WITHOUT ROWID;
CREATE TEMP TABLE mltrack_go (tab INTEGER, id INTEGER, PRIMARY KEY (tab, id)) WITHOUT ROWID;
CREATE TEMP TABLE mltrack_latest (run_uuid TEXT, key TEXT, PRIMARY KEY (run_uuid, key)) WITHOUT ROWID
