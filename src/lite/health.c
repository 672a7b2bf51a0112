/* SQLite's own checks, and repairs. */
#include "lite/health.h"

#include <string.h>

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

enum mlt_rc mlt_lite_repair(struct mlt_lite *db, enum mlt_repair what, int64_t before_ms,
                            uint64_t *rows, struct mlt_err *err) {
  const struct mlt_value before = {.kind = MLT_V_INT, .i = before_ms};
  sqlite3_stmt *stmt = NULL;
  *rows = 0;
  if (what == MLT_REPAIR_SEQUENCE)
    return MLT_OK;
  bool stale = what == MLT_REPAIR_STALE;
  enum mlt_rc rc =
      mlt_lite_prepare(db, stale ? mlt_sql_repair_stale : mlt_sql_repair_latest, &stmt, err);
  if (rc == MLT_OK && stale && mlt_lite_bind(stmt, 1, &before) != SQLITE_OK)
    rc = mlt_lite_fail(db, err, "cannot repair");
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, "cannot repair", err);
  if (rc == MLT_END) {
    *rows = (uint64_t)sqlite3_changes(db->handle);
    rc = MLT_OK;
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}
