/* Text of one column that begins with a prefix, in whole components: counted, or changed. */
#include "lite/db.h"

#include <stdio.h>

static void write_statement(char *sql, size_t cap, const struct mlt_column_info *c, bool apply) {
  const char *table = mlt_table_name(c->table);
  int n = apply ? snprintf(sql, cap, "UPDATE %s SET %s = ?2 || substr(%s, length(?1) + 1)", table,
                           c->name, c->name)
                : snprintf(sql, cap,
                           "SELECT count(*), coalesce(max(length(%s) - length(?1) + length(?2)), 0)"
                           " FROM %s",
                           c->name, table);
  (void)snprintf(sql + n, cap - (size_t)n,
                 " WHERE %s = ?1 OR substr(%s, 1, length(?1) + 1) = ?1 || '/'", c->name, c->name);
}

enum mlt_rc mlt_lite_rewrite(struct mlt_lite *db, const struct mlt_rewrite *r, bool apply,
                             struct mlt_rewritten *out, struct mlt_err *err) {
  const struct mlt_column_info *c = mlt_column_info(r->column);
  char sql[512];
  sqlite3_stmt *stmt = NULL;
  write_statement(sql, sizeof sql, c, apply);
  enum mlt_rc rc = mlt_lite_prepare(db, sql, &stmt, err);
  if (rc != MLT_OK)
    return rc;
  const struct mlt_value from = {.kind = MLT_V_TEXT, .s = mlt_str_c(r->from)};
  const struct mlt_value to = {.kind = MLT_V_TEXT, .s = mlt_str_c(r->to)};
  if (mlt_lite_bind(stmt, 1, &from) != SQLITE_OK || mlt_lite_bind(stmt, 2, &to) != SQLITE_OK)
    rc = mlt_lite_fail(db, err, "cannot change %s.%s", mlt_table_name(c->table), c->name);
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, "cannot change what artifacts are called", err);
  if (rc == MLT_OK && !apply)
    *out = (struct mlt_rewritten){(uint64_t)sqlite3_column_int64(stmt, 0),
                                  (uint64_t)sqlite3_column_int64(stmt, 1)};
  if (rc == MLT_END && apply) {
    *out = (struct mlt_rewritten){.rows = (uint64_t)sqlite3_changes(db->handle)};
    rc = MLT_OK;
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}
