/* SQLite's own checks, and repairs. */
#include "lite/health.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "lite/db.h"
#include "sql.h"

enum mlt_rc mlt_lite_integrity(struct mlt_lite *db, bool whole,
                               void (*fn)(void *ctx, const char *text), void *ctx,
                               struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(
      db, whole ? "PRAGMA integrity_check(100)" : "PRAGMA quick_check(100)", &stmt, err);
  while (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, "cannot check the file", err)) == MLT_OK) {
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    if (text && strcmp(text, "ok") != 0)
      fn(ctx, text);
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

/* ---- repairs ---- */

/* Which rows a statement writes. */
struct written {
  struct mlt_repaired *out;
  MLT_VEC(sqlite3_int64) rows;
  bool no_memory;
};

static void take_row(void *ctx, int op, const char *database, const char *table,
                     sqlite3_int64 rowid) {
  struct written *w = ctx;
  (void)database;
  (void)table;
  w->out->inserted += op == SQLITE_INSERT;
  w->out->updated += op == SQLITE_UPDATE;
  if (MLT_VEC_ROOM(w->rows))
    w->rows.v[w->rows.n++] = rowid;
  else
    w->no_memory = true;
}

static const char what_fails[] = "cannot repair";

static enum mlt_rc find_runs(struct mlt_lite *db, const char *sql, const struct written *w,
                             struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = w->no_memory ? mlt_err_nomem(err) : mlt_lite_prepare(db, sql, &stmt, err);
  for (size_t i = 0; rc == MLT_OK && i < w->rows.n; i++) {
    if (sqlite3_bind_int64(stmt, 1, w->rows.v[i]) != SQLITE_OK)
      rc = mlt_lite_fail(db, err, what_fails);
    if (rc == MLT_OK)
      rc = mlt_lite_step(db, stmt, what_fails, err);
    const char *run = rc == MLT_OK ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (run && mlt_map_put(w->out->runs, mlt_str_c(run), 0) < 0)
      rc = mlt_err_nomem(err);
    (void)sqlite3_reset(stmt);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

enum mlt_rc mlt_lite_repair(struct mlt_lite *db, enum mlt_repair what, int64_t before_ms,
                            struct mlt_repaired *out, struct mlt_err *err) {
  const struct mlt_value before = {.kind = MLT_V_INT, .i = before_ms};
  struct written written = {.out = out};
  sqlite3_stmt *stmt = NULL;
  if (what == MLT_REPAIR_SEQUENCE)
    return MLT_OK;
  bool stale = what == MLT_REPAIR_STALE;
  enum mlt_rc rc =
      mlt_lite_prepare(db, stale ? mlt_sql_repair_stale : mlt_sql_repair_latest, &stmt, err);
  if (rc == MLT_OK && stale && mlt_lite_bind(stmt, 1, &before) != SQLITE_OK)
    rc = mlt_lite_fail(db, err, what_fails);
  (void)sqlite3_update_hook(db->handle, take_row, &written);
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, what_fails, err);
  (void)sqlite3_update_hook(db->handle, NULL, NULL);
  (void)sqlite3_finalize(stmt);
  if (rc == MLT_END)
    rc = find_runs(db,
                   stale ? "SELECT run_uuid FROM runs WHERE rowid = ?1"
                         : "SELECT run_uuid FROM latest_metrics WHERE rowid = ?1",
                   &written, err);
  mlt_free(written.rows.v);
  return rc;
}
