/* See build.h. sql/lite_build_*.sql take the indexes out of the schema and put them back. */
#include "lite/build.h"

#include <stdio.h>

#include "lite/db.h"
#include "sql.h"

enum { DEFAULT_MEMORY = 16 * 1024 * 1024, LEAST_MEMORY = 1024 * 1024 };

/* REINDEX and not CREATE INDEX: the key of a table has no statement of its own. */
static const char build_indexes[] =
    "REINDEX metrics; REINDEX latest_metrics; REINDEX params; REINDEX tags";

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
  if (memory == 0)
    memory = DEFAULT_MEMORY;
  if (memory < LEAST_MEMORY)
    memory = LEAST_MEMORY;
  (void)snprintf(pragmas, sizeof pragmas,
                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
                 "PRAGMA synchronous = OFF; PRAGMA cache_size = -%llu; PRAGMA threads = 1",
                 (unsigned long long)(memory / 1024));
  /* Some builds of SQLite begin with the schema locked. */
  (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
  return mlt_lite_exec(db, pragmas, "cannot set up the connection", err);
}

enum mlt_rc mlt_lite_build_begin(struct mlt_lite **out, const struct mlt_lite_build_opts *opts,
                                 struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  enum mlt_rc rc = mlt_lite_open_unshared(&db, opts->file, opts->path, err);
  if (rc == MLT_OK)
    rc = set_up(db, opts->memory, err);
  if (rc == MLT_OK)
    rc = mlt_lite_exec(db, "BEGIN EXCLUSIVE", "cannot begin a transaction", err);
  if (rc == MLT_OK)
    rc = mlt_lite_exec(db, opts->ddl, "cannot create MLflow's tables", err);
  if (rc == MLT_OK)
    rc = change_schema(db, mlt_sql_lite_build_aside, err);
  if (rc != MLT_OK) {
    mlt_lite_close(db);
    return rc;
  }
  *out = db;
  return MLT_OK;
}

enum mlt_rc mlt_lite_build_finish(struct mlt_lite *db, struct mlt_err *err) {
  enum mlt_rc rc = change_schema(db, mlt_sql_lite_build_restore, err);
  if (rc == MLT_OK)
    rc = mlt_lite_exec(db, build_indexes, "cannot make the indexes", err);
  return rc == MLT_OK ? mlt_lite_exec(db, "COMMIT", "cannot commit", err) : rc;
}
