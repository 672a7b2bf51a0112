/* Reads: one prepared statement a read, run once for each key, so that rows come in the order of
   the keys and nothing is held but the row at hand. */
#include "lite/read.h"

#include <string.h>

#include "base/mem.h"
#include "lite/db.h"

enum { MAX_SQL = 16 * 1024 };

static const struct mlt_read_dialect dialect = {
    .keys = "= ?1", .ints = "= ?1", .bytes = "", .ledger = "mltrack_", .here = ""};

struct mlt_lite_read {
  struct mlt_lite *db;
  enum mlt_read what;
  const struct mlt_shape *shape; /* of a copied table; else NULL */
  sqlite3_stmt *stmt;            /* NULL: the table is not there */
  bool keyed;
  const struct mlt_str *keys;
  size_t n, at; /* keys, and how many of them have been begun; without keys n is 1 */
  bool running;
  struct mlt_read_row row;
};

static enum mlt_rc prepare(struct mlt_lite_read *r, uint32_t features, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  enum mlt_rc rc = mlt_read_sql(&sql, &dialect, r->what, features);
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  if (text)
    rc = mlt_lite_prepare(r->db, text, &r->stmt, err);
  else
    rc = mlt_err_nomem(err);
  mlt_buf_free(&sql);
  return rc;
}

enum mlt_rc mlt_lite_read_new(struct mlt_lite_read **out, struct mlt_lite *db, enum mlt_read what,
                              uint32_t features, struct mlt_err *err) {
  *out = NULL;
  struct mlt_lite_read *r = mlt_calloc(1, sizeof *r);
  if (!r)
    return mlt_err_nomem(err);
  r->db = db;
  r->what = what;
  enum mlt_rc rc = mlt_read_exists(what, features) ? prepare(r, features, err) : MLT_OK;
  if (rc != MLT_OK) {
    mlt_lite_read_free(r);
    return rc;
  }
  r->keyed = r->stmt && sqlite3_bind_parameter_count(r->stmt) > 0;
  *out = r;
  return MLT_OK;
}

enum mlt_rc mlt_lite_read_copied(struct mlt_lite_read **out, struct mlt_lite *db,
                                 const struct mlt_shape *shape, const char *sql,
                                 struct mlt_err *err) {
  *out = NULL;
  struct mlt_lite_read *r = mlt_calloc(1, sizeof *r);
  if (!r)
    return mlt_err_nomem(err);
  r->db = db;
  r->shape = shape;
  enum mlt_rc rc = mlt_lite_prepare(db, sql, &r->stmt, err);
  if (rc != MLT_OK) {
    mlt_lite_read_free(r);
    return rc;
  }
  *out = r;
  return MLT_OK;
}

void mlt_lite_read_free(struct mlt_lite_read *r) {
  if (!r)
    return;
  (void)sqlite3_finalize(r->stmt);
  mlt_free(r);
}

enum mlt_rc mlt_lite_read_start(struct mlt_lite_read *r, const struct mlt_str *keys, size_t n,
                                struct mlt_err *err) {
  (void)err;
  if (r->stmt)
    (void)sqlite3_reset(r->stmt);
  r->running = false;
  r->keys = keys;
  r->n = r->keyed ? n : 1;
  r->at = 0;
  return MLT_OK;
}

static enum mlt_rc begin_next_key(struct mlt_lite_read *r, struct mlt_err *err) {
  if (!r->stmt || r->at == r->n)
    return MLT_END;
  if (r->keyed) {
    struct mlt_str key = r->keys[r->at];
    if (sqlite3_bind_text64(r->stmt, 1, key.p, key.len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
      return mlt_lite_fail(r->db, err, "cannot bind a key");
  }
  r->at++;
  r->running = true;
  return MLT_OK;
}

/* Column i, of this type; `bad` is what says so where it is not. */
static enum mlt_rc take_column(struct mlt_lite_read *r, unsigned i, enum mlt_coltype type,
                               enum mlt_column bad, struct mlt_err *err) {
  if (mlt_lite_value(r->stmt, (int)i, type, &r->row.v[i]))
    return MLT_OK;
  if (sqlite3_errcode(r->db->handle) == SQLITE_NOMEM)
    return mlt_err_nomem(err);
  r->row.v[i] = (struct mlt_value){.kind = MLT_V_NULL, .s = MLT_STR_NULL};
  if (r->row.bad == MLT_C_COUNT) {
    r->row.bad = bad;
    r->row.odd = mlt_lite_odd(r->stmt, (int)i);
  }
  return MLT_OK;
}

static enum mlt_rc take_columns(struct mlt_lite_read *r, unsigned *at, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  if (r->shape) {
    *at = r->shape->n;
    for (unsigned i = 0; i < *at && rc == MLT_OK; i++)
      rc = take_column(r, i, r->shape->c[i].type, (enum mlt_column)(MLT_C_COUNT + 1 + i), err);
    return rc;
  }
  enum mlt_column first = mlt_table_columns(mlt_read_info(r->what)->table, at);
  for (unsigned i = 0; i < *at && rc == MLT_OK; i++)
    rc = take_column(r, i, mlt_column_info(first + i)->type, first + i, err);
  return rc;
}

static enum mlt_rc take_row(struct mlt_lite_read *r, struct mlt_err *err) {
  const struct mlt_read_info *info = r->shape ? NULL : mlt_read_info(r->what);
  unsigned at = 0, n_extra = info ? info->n_extra : MLT_COPIED_EXTRAS;
  r->row.bad = MLT_C_COUNT;
  enum mlt_rc rc = !info || info->at_once ? take_columns(r, &at, err) : MLT_OK;
  for (unsigned i = 0; i < n_extra && rc == MLT_OK; i++) {
    struct mlt_value v;
    if (!mlt_lite_value(r->stmt, (int)(at + i), MLT_TYPE_TEXT, &v))
      rc = mlt_err_nomem(err);
    r->row.extra[i] = v.s;
  }
  return rc;
}

enum mlt_rc mlt_lite_read_next(struct mlt_lite_read *r, const struct mlt_read_row **row,
                               struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = r->running ? MLT_OK : begin_next_key(r, err);
    if (rc == MLT_OK)
      rc = mlt_lite_step(r->db, r->stmt, "cannot read", err);
    else
      return rc;
    if (rc == MLT_OK) {
      *row = &r->row;
      return take_row(r, err);
    }
    (void)sqlite3_reset(r->stmt);
    r->running = false;
    if (rc != MLT_END)
      return rc;
  }
}

enum mlt_rc mlt_lite_count(struct mlt_lite *db, const char *table, uint64_t *n,
                           struct mlt_err *err) {
  char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table);
  if (!sql)
    return mlt_err_nomem(err);
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(db, sql, &stmt, err);
  sqlite3_free(sql);
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, "cannot count rows", err);
  if (rc == MLT_OK)
    *n = (uint64_t)sqlite3_column_int64(stmt, 0);
  (void)sqlite3_finalize(stmt);
  return rc;
}
