-- mltrack's own tables: what was imported, batch by batch. MLflow and alembic know nothing of them. Times are ISO 8601, UTC.
CREATE TABLE mltrack_version (version INTEGER NOT NULL);
CREATE TABLE mltrack_import (
  id INTEGER NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,                   -- as it was given, without a password
  format TEXT NOT NULL,
  identity TEXT,                          -- of its content; NULL: not told, as of standard input
  options TEXT NOT NULL,                  -- JSON
  version TEXT NOT NULL,                  -- mltrack's
  head TEXT NOT NULL,                     -- MLflow's schema revision
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'undone')),
  worker TEXT NOT NULL,                   -- the process at work
  started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  seen_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  ended_at TEXT,
  error TEXT
);
CREATE TABLE mltrack_batch (
  seq INTEGER NOT NULL PRIMARY KEY,
  import_id INTEGER NOT NULL REFERENCES mltrack_import,
  committed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  changes BLOB                            -- a changeset of SQLite's: all but the rows of runs that were created
);
CREATE INDEX mltrack_batch_import ON mltrack_batch (import_id);
CREATE TABLE mltrack_written (
  seq INTEGER NOT NULL REFERENCES mltrack_batch,
  table_name TEXT NOT NULL,
  inserted INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (seq, table_name)
);
CREATE TABLE mltrack_run (
  import_id INTEGER NOT NULL,
  run_uuid TEXT NOT NULL,
  seq INTEGER NOT NULL,                   -- the batch that wrote it first
  created BOOLEAN NOT NULL,               -- false: rows were added to a run that was there
  digest INTEGER,                         -- of the rows of a run that was created
  PRIMARY KEY (import_id, run_uuid)
) WITHOUT ROWID;
INSERT INTO mltrack_version VALUES (1);
