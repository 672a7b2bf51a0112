/* Transactions, and MLflow's DDL in one of them. A write transaction takes SQLite's one write lock
   at once, so that nothing it does later can fail for want of it. */
#include "lite/db.h"

#include <time.h>

#include "base/clock.h"
#include "lite/session.h"
#include "sql.h"

/* Somebody who waits for SQLite's lock asks for it every 100 ms, and MLflow gives up after 20 s:
   back to back transactions would never let it in. */
static const double HELD_SECONDS = 2;
static const struct timespec PAUSE = {.tv_nsec = 120 * 1000000L};

/* Leaves the lock free for a while when it was ours for long. */
static void give_way(struct mlt_lite *db) {
  if (db->held >= HELD_SECONDS) {
    (void)nanosleep(&PAUSE, NULL);
    db->held = 0;
  }
}

static void lock_released(struct mlt_lite *db) {
  if (db->locked_at > 0)
    db->held += mlt_clock_seconds() - db->locked_at;
  db->locked_at = 0;
}

static enum mlt_rc set_query_only(struct mlt_lite *db, bool on, struct mlt_err *err) {
  db->query_only = on;
  return mlt_lite_exec(db, on ? "PRAGMA query_only = ON" : "PRAGMA query_only = OFF",
                       "cannot switch writing on or off", err);
}

/* MLflow's migration may have run since the caller looked. */
static enum mlt_rc check_head(struct mlt_lite *db, const char *head, struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(db, mlt_sql_lite_head, &stmt, err);
  if (rc != MLT_OK)
    return rc;
  rc = mlt_lite_step(db, stmt, "cannot read alembic_version", err);
  const char *found = rc == MLT_OK ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
  if (rc == MLT_END || (rc == MLT_OK && !mlt_str_is(mlt_str_c(found), head))) {
    rc = mlt_err_set(err, MLT_SCHEMA, "%s: the schema changed from %s to %s meanwhile", db->path,
                     head, found ? found : "none");
    mlt_err_hint(err, "MLflow migrated the database. Run again: running again is safe.");
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

enum mlt_rc mlt_lite_begin(struct mlt_lite *db, bool read_only, const char *head, uint32_t features,
                           struct mlt_err *err) {
  (void)features; /* which tables are written makes no difference to SQLite's one lock */
  enum mlt_rc rc = read_only ? MLT_OK : mlt_lite_must_be_writable(db, err);
  if (rc == MLT_OK && !read_only)
    give_way(db);
  if (rc == MLT_OK)
    rc = mlt_lite_exec(db, read_only ? "BEGIN DEFERRED" : "BEGIN IMMEDIATE",
                       "cannot begin a transaction", err);
  if (rc != MLT_OK)
    return rc;
  if (!read_only)
    db->locked_at = mlt_clock_seconds();
  if (read_only && !db->reader)
    rc = set_query_only(db, true, err);
  if (rc == MLT_OK && head)
    rc = check_head(db, head, err);
  if (rc == MLT_OK && !read_only)
    rc = mlt_lite_session_begin(db, err);
  if (rc != MLT_OK)
    mlt_lite_rollback(db);
  return rc;
}

enum mlt_rc mlt_lite_commit(struct mlt_lite *db, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_exec(db, "COMMIT", "cannot commit", err);
  if (rc != MLT_OK)
    return rc;
  lock_released(db);
  return db->query_only ? set_query_only(db, false, err) : MLT_OK;
}

void mlt_lite_rollback(struct mlt_lite *db) {
  /* SQLite ends the transaction by itself after some errors (disk full, I/O). */
  if (!sqlite3_get_autocommit(db->handle))
    (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
  lock_released(db);
  if (db->query_only)
    (void)set_query_only(db, false, NULL);
}

enum mlt_rc mlt_lite_run_ddl(struct mlt_lite *db, const char *script, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_begin(db, false, NULL, 0, err);
  if (rc != MLT_OK)
    return rc;
  rc = mlt_lite_exec(db, script, "cannot create MLflow's tables", err);
  if (rc == MLT_OK)
    rc = mlt_lite_commit(db, err);
  if (rc != MLT_OK)
    mlt_lite_rollback(db);
  return rc;
}
