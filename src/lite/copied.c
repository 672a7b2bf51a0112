/* Tables that are copied as they are (schema/copied.h): rows by the shape that was looked up. */
#include <string.h>

#include "base/arena.h"
#include "lite/db.h"
#include "lite/read.h"
#include "lite/session.h"

enum { KEYS_PER_STATEMENT = 500, MAX_SQL = 16 * 1024 };

/* "a","b", or a ? for each. */
static enum mlt_rc add_columns(struct mlt_buf *sql, const struct mlt_shape *s, bool placeholders) {
  enum mlt_rc rc = MLT_OK;
  for (unsigned i = 0; i < s->n && rc == MLT_OK; i++)
    rc = placeholders ? mlt_buf_adds(sql, i ? ",?" : "?")
                      : mlt_buf_printf(sql, "%s\"%s\"", i ? "," : "", s->c[i].name);
  return rc;
}

/* Prepares what was written, if it was. */
static enum mlt_rc prepare(struct mlt_lite *db, struct mlt_buf *sql, enum mlt_rc rc,
                           sqlite3_stmt **out, struct mlt_err *err) {
  const char *text = rc == MLT_OK ? mlt_buf_cstr(sql) : NULL;
  rc = text ? mlt_lite_prepare(db, text, out, err) : mlt_err_nomem(err);
  mlt_buf_free(sql);
  return rc;
}

/* ---- inserting ---- */

static enum mlt_rc insert_statement(struct mlt_lite *db, const struct mlt_shape *s,
                                    sqlite3_stmt **out, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  enum mlt_rc rc = mlt_buf_printf(&sql, "INSERT INTO \"%s\" (", mlt_table_name(s->table));
  if (rc == MLT_OK)
    rc = add_columns(&sql, s, false);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&sql, ") VALUES (");
  if (rc == MLT_OK)
    rc = add_columns(&sql, s, true);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&sql, ")");
  return prepare(db, &sql, rc, out, err);
}

static enum mlt_rc insert_row(struct mlt_lite *db, sqlite3_stmt *stmt, const struct mlt_shape *s,
                              const struct mlt_value *v, struct mlt_err *err) {
  bool bound = true;
  for (unsigned i = 0; i < s->n && bound; i++)
    bound = mlt_lite_bind(stmt, (int)i + 1, &v[i]) == SQLITE_OK;
  enum mlt_rc rc = MLT_OK;
  if (!bound || sqlite3_step(stmt) != SQLITE_DONE)
    rc = mlt_lite_fail(db, err, "cannot insert into table %s", mlt_table_name(s->table));
  (void)sqlite3_reset(stmt);
  return rc;
}

enum mlt_rc mlt_lite_insert_copied(struct mlt_lite *db, const struct mlt_copied_rows *rows,
                                   struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = insert_statement(db, rows->shape, &stmt, err);
  for (size_t i = 0; i < rows->n && rc == MLT_OK; i++) {
    rc = insert_row(db, stmt, rows->shape, rows->v[i], err);
    if (rc == MLT_OK)
      rc = mlt_lite_session_add(db, rows->shape, rows->v[i], err);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

/* ---- selecting ---- */

static enum mlt_rc select_statement(struct mlt_lite *db, const struct mlt_shape *s, unsigned by,
                                    size_t n_keys, sqlite3_stmt **out, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  enum mlt_rc rc = mlt_buf_adds(&sql, "SELECT ");
  if (rc == MLT_OK)
    rc = add_columns(&sql, s, false);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(&sql, " FROM \"%s\" WHERE \"%s\" IN (?", mlt_table_name(s->table),
                        s->c[by].name);
  for (size_t i = 1; i < n_keys && rc == MLT_OK; i++)
    rc = mlt_buf_adds(&sql, ",?");
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&sql, ")");
  return prepare(db, &sql, rc, out, err);
}

/* A value that is not of its column's type differs from whatever comes: it is given as absent
   text. */
static enum mlt_rc stream(struct mlt_lite *db, sqlite3_stmt *stmt, const struct mlt_shape *s,
                          mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  struct mlt_value row[MLT_MAX_COLUMNS];
  enum mlt_rc rc;
  while ((rc = mlt_lite_step(db, stmt, "cannot read", err)) == MLT_OK) {
    for (unsigned i = 0; i < s->n && rc == MLT_OK; i++) {
      if (mlt_lite_value(stmt, (int)i, s->c[i].type, &row[i]))
        continue;
      if (sqlite3_errcode(db->handle) == SQLITE_NOMEM)
        rc = mlt_err_nomem(err);
      row[i] = (struct mlt_value){.kind = MLT_V_TEXT, .s = MLT_STR_NULL};
    }
    if (rc == MLT_OK)
      rc = fn(ctx, row, err);
    if (rc != MLT_OK)
      return rc;
  }
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc bind_keys(struct mlt_lite *db, sqlite3_stmt *stmt, const struct mlt_str *keys,
                             size_t n, struct mlt_err *err) {
  for (size_t i = 0; i < n; i++)
    if (sqlite3_bind_text64(stmt, (int)i + 1, keys[i].p, keys[i].len, SQLITE_STATIC, SQLITE_UTF8) !=
        SQLITE_OK)
      return mlt_lite_fail(db, err, "cannot bind keys");
  return MLT_OK;
}

enum mlt_rc mlt_lite_select_copied(struct mlt_lite *db, const struct mlt_shape *shape, unsigned by,
                                   const struct mlt_str *keys, size_t n, mlt_row_fn fn, void *ctx,
                                   struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (size_t from = 0, part; from < n && rc == MLT_OK; from += part) {
    sqlite3_stmt *stmt = NULL;
    part = n - from < KEYS_PER_STATEMENT ? n - from : KEYS_PER_STATEMENT;
    rc = select_statement(db, shape, by, part, &stmt, err);
    if (rc == MLT_OK)
      rc = bind_keys(db, stmt, keys + from, part, err);
    if (rc == MLT_OK)
      rc = stream(db, stmt, shape, fn, ctx, err);
    (void)sqlite3_finalize(stmt);
  }
  return rc;
}
