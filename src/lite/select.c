/* Streams the rows of one table to a callback, keys bound in chunks. SQLite's columns hold any kind
   of value: what is not of the column's type is converted when that loses nothing, else refused. */
#include <math.h>

#include "lite/db.h"

enum { KEYS_PER_STATEMENT = 500, MAX_SQL = 8192 };

struct query {
  enum mlt_table table;
  const struct mlt_where *where; /* NULL: every row */
  uint32_t features;
  enum mlt_column first;
  unsigned n_columns;
};

static enum mlt_rc add_column_list(struct mlt_buf *sql, const struct query *q) {
  for (unsigned i = 0; i < q->n_columns; i++) {
    enum mlt_column c = (enum mlt_column)(q->first + i);
    const char *comma = i ? "," : "";
    enum mlt_rc rc = mlt_lite_has(c, q->features)
                         ? mlt_buf_printf(sql, "%s\"%s\"", comma, mlt_column_info(c)->name)
                         : mlt_buf_printf(sql, "%sNULL", comma);
    if (rc != MLT_OK)
      return rc;
  }
  return MLT_OK;
}

static enum mlt_rc add_condition(struct mlt_buf *sql, const struct mlt_where *w, size_t n_keys) {
  enum mlt_rc rc = mlt_buf_printf(sql, " WHERE \"%s\" IN (?", mlt_column_info(w->by)->name);
  for (size_t i = 1; i < n_keys && rc == MLT_OK; i++)
    rc = mlt_buf_adds(sql, ",?");
  if (rc == MLT_OK)
    rc = mlt_buf_adds(sql, ")");
  if (rc == MLT_OK && w->has_eq)
    rc = mlt_buf_printf(sql, " AND \"%s\" = ?", mlt_column_info(w->eq)->name);
  return rc;
}

static enum mlt_rc select_statement(struct mlt_lite *db, const struct query *q, size_t n_keys,
                                    sqlite3_stmt **out, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  enum mlt_rc rc = mlt_buf_adds(&sql, "SELECT ");
  if (rc == MLT_OK)
    rc = add_column_list(&sql, q);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(&sql, " FROM \"%s\"", mlt_table_name(q->table));
  if (rc == MLT_OK && q->where)
    rc = add_condition(&sql, q->where, n_keys);
  if (rc == MLT_OK && q->where && mlt_table_in_workspace(q->table, q->features))
    rc = mlt_buf_adds(&sql, " AND workspace = 'default'");
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  rc = text ? mlt_lite_prepare(db, text, out, err) : mlt_err_nomem(err);
  mlt_buf_free(&sql);
  return rc;
}

/* Text compared with an integer column is read as a number by SQLite: its affinity rules. */
static bool bind_text(sqlite3_stmt *stmt, size_t i, struct mlt_str s) {
  return sqlite3_bind_text64(stmt, (int)i, s.p, s.len, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
}

static bool bind_keys(sqlite3_stmt *stmt, const struct mlt_where *w, size_t from, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!bind_text(stmt, i + 1, w->keys[from + i]))
      return false;
  return !w->has_eq || bind_text(stmt, n + 1, w->eq_value);
}

static bool read_int(sqlite3_stmt *stmt, int i, struct mlt_value *v) {
  v->kind = MLT_V_INT;
  if (sqlite3_column_type(stmt, i) == SQLITE_INTEGER) {
    v->i = sqlite3_column_int64(stmt, i);
    return true;
  }
  double d = sqlite3_column_double(stmt, i);
  if (sqlite3_column_type(stmt, i) != SQLITE_FLOAT || d != trunc(d) || fabs(d) >= 0x1p63)
    return false;
  v->i = (int64_t)d;
  return true;
}

static bool read_double(sqlite3_stmt *stmt, int i, struct mlt_value *v) {
  int type = sqlite3_column_type(stmt, i);
  v->kind = MLT_V_DOUBLE;
  v->d = sqlite3_column_double(stmt, i);
  return type == SQLITE_FLOAT || type == SQLITE_INTEGER;
}

static bool read_bool(sqlite3_stmt *stmt, int i, struct mlt_value *v) {
  int64_t n = sqlite3_column_int64(stmt, i);
  v->kind = MLT_V_BOOL;
  v->b = n == 1;
  return sqlite3_column_type(stmt, i) == SQLITE_INTEGER && (n == 0 || n == 1);
}

/* Bytes are taken as the text they would be; whether that is valid UTF-8 is judged for both alike,
 * by model/. */
static bool read_text(sqlite3_stmt *stmt, int i, struct mlt_value *v) {
  bool bytes = sqlite3_column_type(stmt, i) == SQLITE_BLOB;
  v->kind = MLT_V_TEXT;
  v->s.p = bytes ? sqlite3_column_blob(stmt, i) : (const char *)sqlite3_column_text(stmt, i);
  v->s.len = (size_t)sqlite3_column_bytes(stmt, i);
  if (!v->s.p && v->s.len == 0 && bytes)
    v->s.p = ""; /* SQLite's empty blob has no address */
  return v->s.p != NULL;
}

bool mlt_lite_value(sqlite3_stmt *stmt, int i, enum mlt_coltype type, struct mlt_value *v) {
  if (sqlite3_column_type(stmt, i) == SQLITE_NULL) {
    *v = (struct mlt_value){.kind = MLT_V_NULL, .s = MLT_STR_NULL};
    return true;
  }
  switch (type) {
  case MLT_TYPE_I4:
  case MLT_TYPE_I8:
    return read_int(stmt, i, v);
  case MLT_TYPE_F8:
    return read_double(stmt, i, v);
  case MLT_TYPE_BOOL:
    return read_bool(stmt, i, v);
  case MLT_TYPE_TEXT:
    break;
  }
  return read_text(stmt, i, v);
}

void mlt_lite_take_odd(struct mlt_lite *db) {
  db->takes_odd = true;
}

struct mlt_str mlt_lite_odd(sqlite3_stmt *stmt, int i) {
  if (sqlite3_column_type(stmt, i) == SQLITE_BLOB)
    return MLT_STR_LIT("a blob");
  const char *text = (const char *)sqlite3_column_text(stmt, i);
  return (struct mlt_str){text, (size_t)sqlite3_column_bytes(stmt, i)};
}

static enum mlt_rc refuse_value(struct mlt_lite *db, sqlite3_stmt *stmt, int i,
                                const struct mlt_column_info *info, struct mlt_err *err) {
  static const char *const kinds[] = {[MLT_TYPE_I4] = "integer",
                                      [MLT_TYPE_I8] = "integer",
                                      [MLT_TYPE_F8] = "floating-point",
                                      [MLT_TYPE_BOOL] = "boolean",
                                      [MLT_TYPE_TEXT] = "text"};
  if (sqlite3_errcode(db->handle) == SQLITE_NOMEM)
    return mlt_err_nomem(err);
  bool bytes = sqlite3_column_type(stmt, i) == SQLITE_BLOB;
  (void)mlt_err_set(err, MLT_DATA, "%s: table %s, column %s: %s%.64s%s is no %s value", db->path,
                    mlt_table_name(info->table), info->name, bytes ? "" : "\"",
                    bytes ? "a blob" : (const char *)sqlite3_column_text(stmt, i),
                    bytes ? "" : "\"", kinds[info->type]);
  mlt_err_hint(err, "MLflow never writes such a value: correct the row with the sqlite3 program.");
  return MLT_DATA;
}

static enum mlt_rc read_row(struct mlt_lite *db, sqlite3_stmt *stmt, const struct query *q,
                            struct mlt_value *row, struct mlt_err *err) {
  for (unsigned i = 0; i < q->n_columns; i++) {
    const struct mlt_column_info *info = mlt_column_info((enum mlt_column)(q->first + i));
    if (mlt_lite_value(stmt, (int)i, info->type, &row[i]))
      continue;
    if (db->takes_odd)
      row[i] = (struct mlt_value){.kind = MLT_V_TEXT, .s = mlt_lite_odd(stmt, (int)i)};
    if (!db->takes_odd || !row[i].s.p)
      return refuse_value(db, stmt, (int)i, info, err);
  }
  return MLT_OK;
}

static enum mlt_rc stream_rows(struct mlt_lite *db, sqlite3_stmt *stmt, const struct query *q,
                               mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  struct mlt_value row[MLT_MAX_COLUMNS];
  enum mlt_rc rc;
  while ((rc = mlt_lite_step(db, stmt, "cannot read", err)) == MLT_OK) {
    rc = read_row(db, stmt, q, row, err);
    if (rc == MLT_OK)
      rc = fn(ctx, row, err);
    if (rc != MLT_OK)
      return rc;
  }
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc select_chunks(struct mlt_lite *db, const struct query *q, mlt_row_fn fn,
                                 void *ctx, struct mlt_err *err) {
  const struct mlt_where *w = q->where;
  sqlite3_stmt *stmt = NULL;
  size_t prepared = 0;
  enum mlt_rc rc = MLT_OK;
  for (size_t from = 0; from < w->n_keys && rc == MLT_OK; from += prepared) {
    size_t left = w->n_keys - from;
    size_t n = left < KEYS_PER_STATEMENT ? left : KEYS_PER_STATEMENT;
    if (n != prepared) {
      (void)sqlite3_finalize(stmt);
      stmt = NULL;
      rc = select_statement(db, q, n, &stmt, err);
      prepared = n;
    }
    if (rc == MLT_OK && !bind_keys(stmt, w, from, n))
      rc = mlt_lite_fail(db, err, "cannot bind keys");
    if (rc == MLT_OK)
      rc = stream_rows(db, stmt, q, fn, ctx, err);
    (void)sqlite3_reset(stmt);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

enum mlt_rc mlt_lite_select(struct mlt_lite *db, enum mlt_table table,
                            const struct mlt_where *where, uint32_t features, mlt_row_fn fn,
                            void *ctx, struct mlt_err *err) {
  struct query q = {.table = table, .where = where, .features = features};
  q.first = mlt_table_columns(table, &q.n_columns);
  if ((mlt_table_feature(table) & ~features) != 0)
    return MLT_OK; /* a table that this head lacks has no rows */
  if (where)
    return select_chunks(db, &q, fn, ctx, err);
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = select_statement(db, &q, 0, &stmt, err);
  if (rc == MLT_OK)
    rc = stream_rows(db, stmt, &q, fn, ctx, err);
  (void)sqlite3_finalize(stmt);
  return rc;
}
