/* See build.h. sql/lite_build_*.sql take the indexes out of the schema and put them back. */
#include "lite/build.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "lite/db.h"
#include "sql.h"

/* Measured with 1 M points (10 runs x 100 keys x 1000 steps, three indexes), processor seconds of
   the whole import:
     everything live, 64 MB of cache                              9.2
     the key after the rows, the other two indexes live           6.7
     all three after the rows: sorts of 64 MB 6.8, of 16 MB 5.9, of 4 MB 5.4; with 16 MB and no
     thread that helps to sort 5.2, but more wall time where a processor is idle.
   Rows are only ever appended, so the cache hardly matters; small sorts stay in the processor's
   caches, and large stores merge fewer times with 16 MB than with 4. */
enum { DEFAULT_MEMORY = 16 * 1024 * 1024, LEAST_MEMORY = 1024 * 1024, SORT_HELPERS = 1 };
enum { SHARES = 2 + SORT_HELPERS }; /* the cache, and the pieces being sorted */

/* The tables of sql/lite_build_aside.sql. */
static const char *const filled[] = {"metrics", "latest_metrics", "params", "tags"};
enum { N_FILLED = sizeof filled / sizeof *filled };

static enum mlt_rc change_schema(struct mlt_lite *db, const char *script, struct mlt_err *err) {
  static const char what[] = "cannot change the schema";
  enum mlt_rc rc = mlt_lite_exec(db, "PRAGMA writable_schema = ON", what, err);
  if (rc == MLT_OK)
    rc = mlt_lite_exec(db, script, what, err);
  /* RESET: what is known of the schema is read again. */
  return rc == MLT_OK ? mlt_lite_exec(db, "PRAGMA writable_schema = RESET", what, err) : rc;
}

static enum mlt_rc set_up(struct mlt_lite *db, uint64_t memory, struct mlt_err *err) {
  char pragmas[300];
  memory = memory ? memory / SHARES : DEFAULT_MEMORY;
  if (memory > DEFAULT_MEMORY)
    memory = DEFAULT_MEMORY;
  if (memory < LEAST_MEMORY)
    memory = LEAST_MEMORY;
  (void)snprintf(pragmas, sizeof pragmas,
                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
                 "PRAGMA synchronous = OFF; PRAGMA cache_size = -%llu; PRAGMA threads = %d",
                 (unsigned long long)(memory / 1024), SORT_HELPERS);
  /* Some builds of SQLite begin with the schema locked. */
  (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
  return mlt_lite_exec(db, pragmas, "cannot set up the connection", err);
}

/* SQLite would play what a database of that name left behind into the new one. */
static enum mlt_rc refuse_leftovers(const char *path, struct mlt_err *err) {
  static const char *const endings[] = {"-journal", "-wal"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%s", path, endings[i]);
    if (n >= (int)sizeof name || access(name, F_OK) != 0)
      continue;
    (void)mlt_err_set(err, MLT_CANTCREAT, "cannot create %s: %s of an earlier database is there",
                      path, name);
    mlt_err_hint(err, "Put that database back, or remove the file.");
    return MLT_CANTCREAT;
  }
  return MLT_OK;
}

enum mlt_rc mlt_lite_build_begin(struct mlt_lite **out, const struct mlt_lite_build_opts *opts,
                                 struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  enum mlt_rc rc = refuse_leftovers(opts->path, err);
  if (rc == MLT_OK)
    rc = mlt_lite_open_unshared(&db, opts->file, opts->path, err);
  if (rc == MLT_OK)
    rc = set_up(db, opts->memory, err);
  if (rc == MLT_OK)
    rc = mlt_lite_exec(db, "BEGIN EXCLUSIVE", "cannot begin a transaction", err);
  if (rc == MLT_OK)
    rc = mlt_lite_exec(db, opts->ddl, "cannot create MLflow's tables", err);
  if (rc == MLT_OK)
    rc = change_schema(db, mlt_sql_lite_build_aside, err);
  if (rc == MLT_OK)
    db->indexes_aside = true;
  if (rc != MLT_OK) {
    mlt_lite_close(db);
    return rc;
  }
  *out = db;
  return MLT_OK;
}

/* REINDEX and not CREATE INDEX: the key of a table has no statement of its own. */
static enum mlt_rc make_indexes(struct mlt_lite *db, const char *table, struct mlt_err *err) {
  char sql[100];
  (void)snprintf(sql, sizeof sql, "REINDEX %s", table);
  return mlt_lite_exec(db, sql, "cannot make the indexes", err);
}

/* The foreign key of the four tables, which was not looked at row by row: from run to run over the
   index on run_uuid, which costs nothing. */
static enum mlt_rc check_runs(struct mlt_lite *db, const char *table, struct mlt_err *err) {
  char sql[500];
  sqlite3_stmt *stmt = NULL;
  (void)snprintf(sql, sizeof sql,
                 "WITH RECURSIVE run (id) AS (SELECT min(run_uuid) FROM %s UNION ALL"
                 " SELECT (SELECT min(run_uuid) FROM %s WHERE run_uuid > run.id)"
                 " FROM run WHERE run.id IS NOT NULL) "
                 "SELECT id FROM run WHERE id IS NOT NULL"
                 " AND NOT EXISTS (SELECT 1 FROM runs WHERE run_uuid = run.id) LIMIT 1",
                 table, table);
  enum mlt_rc rc = mlt_lite_prepare(db, sql, &stmt, err);
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, "cannot check the runs", err);
  if (rc == MLT_OK)
    rc = mlt_err_set(err, MLT_DATA, "%s: table %s has rows of run %s, which is missing", db->path,
                     table, (const char *)sqlite3_column_text(stmt, 0));
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

enum mlt_rc mlt_lite_build_indexes(struct mlt_lite *db, struct mlt_err *err) {
  if (!db->indexes_aside)
    return MLT_OK;
  enum mlt_rc rc = change_schema(db, mlt_sql_lite_build_restore, err);
  for (size_t i = 0; rc == MLT_OK && i < N_FILLED; i++)
    rc = make_indexes(db, filled[i], err);
  db->indexes_aside = false;
  return rc;
}

enum mlt_rc mlt_lite_build_finish(struct mlt_lite *db, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_build_indexes(db, err);
  for (size_t i = 0; rc == MLT_OK && i < N_FILLED; i++)
    rc = check_runs(db, filled[i], err);
  return rc == MLT_OK ? mlt_lite_exec(db, "COMMIT", "cannot commit", err) : rc;
}
