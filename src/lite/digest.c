/* See digest.h. */
#include "lite/digest.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "lite/changes.h"
#include "lite/db.h"
#include "model/digest.h"

#define FIRST MLT_T_RUNS
enum { TABLES = MLT_T_LATEST_METRICS - FIRST + 1, MAX_SQL = 4096 };

static const char what[] = "cannot read the runs";

/* A row of a table as mlt_row_digest takes it. */
static enum mlt_rc add_columns(struct mlt_buf *sql, enum mlt_table t) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(t, &n);
  enum mlt_rc rc = mlt_buf_adds(sql, "SELECT ");
  for (unsigned i = 0; i < n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(sql, "%s\"%s\"", i ? "," : "",
                        mlt_column_info((enum mlt_column)(first + i))->name);
  return rc == MLT_OK
             ? mlt_buf_printf(sql, " FROM main.\"%s\" WHERE run_uuid = ?1", mlt_table_name(t))
             : rc;
}

static enum mlt_rc prepare(struct mlt_lite *db, enum mlt_table t, const char *more,
                           sqlite3_stmt **out, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  enum mlt_rc rc = add_columns(&sql, t);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&sql, more);
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  rc = text ? mlt_lite_prepare(db, text, out, err) : mlt_err_nomem(err);
  mlt_buf_free(&sql);
  return rc;
}

/* False: a value is of another kind than its column. */
static bool read_row(sqlite3_stmt *stmt, enum mlt_table t, struct mlt_value *row) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(t, &n);
  for (unsigned i = 0; i < n; i++)
    if (!mlt_lite_value(stmt, (int)i, mlt_column_info((enum mlt_column)(first + i))->type, &row[i]))
      return false;
  return true;
}

/* ---- runs as they are ---- */

struct mlt_lite_digest {
  struct mlt_lite *db;
  sqlite3_stmt *stmt[TABLES];
};

enum mlt_rc mlt_lite_digest_new(struct mlt_lite_digest **out, struct mlt_lite *db,
                                struct mlt_err *err) {
  struct mlt_lite_digest *d = mlt_calloc(1, sizeof *d);
  enum mlt_rc rc = d ? MLT_OK : mlt_err_nomem(err);
  *out = d;
  if (d)
    d->db = db;
  for (unsigned i = 0; rc == MLT_OK && i < TABLES; i++)
    rc = prepare(db, (enum mlt_table)(FIRST + i), "", &d->stmt[i], err);
  return rc;
}

void mlt_lite_digest_free(struct mlt_lite_digest *d) {
  for (unsigned i = 0; d && i < TABLES; i++)
    (void)sqlite3_finalize(d->stmt[i]);
  mlt_free(d);
}

static enum mlt_rc add_table(struct mlt_lite_digest *d, enum mlt_table t, struct mlt_str run,
                             uint64_t *sum, bool *any, bool *known, struct mlt_err *err) {
  sqlite3_stmt *stmt = d->stmt[t - FIRST];
  struct mlt_value row[MLT_MAX_COLUMNS];
  enum mlt_rc rc =
      sqlite3_bind_text64(stmt, 1, run.p, run.len, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK
          ? MLT_OK
          : mlt_lite_fail(d->db, err, what);
  while (rc == MLT_OK && *known && (rc = mlt_lite_step(d->db, stmt, what, err)) == MLT_OK) {
    *any = true;
    *known = read_row(stmt, t, row);
    if (*known)
      *sum += mlt_row_digest(t, row);
  }
  (void)sqlite3_reset(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

enum mlt_rc mlt_lite_digest_run(struct mlt_lite_digest *d, struct mlt_str run, uint64_t *out,
                                bool *there, bool *known, struct mlt_err *err) {
  bool ignored;
  *out = 0;
  *there = false;
  *known = true;
  enum mlt_rc rc = add_table(d, MLT_T_RUNS, run, out, there, known, err);
  for (unsigned i = 1; rc == MLT_OK && *there && *known && i < TABLES; i++)
    rc = add_table(d, (enum mlt_table)(FIRST + i), run, out, &ignored, known, err);
  return rc;
}

/* ---- runs that a batch has added to ---- */

struct growing {
  struct mlt_lite *db;
  struct mlt_map *index; /* run -> place in digest */
  MLT_VEC(uint64_t) digest;
  sqlite3_stmt *row[TABLES]; /* the row of a key */
};

/* The digest so far of a run that this import has created; others are passed over. */
static enum mlt_rc add_run(struct growing *g, sqlite3_stmt *stmt, struct mlt_str run,
                           struct mlt_err *err) {
  if (sqlite3_bind_text64(stmt, 2, run.p, run.len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
    return mlt_lite_fail(g->db, err, what);
  enum mlt_rc rc = mlt_lite_step(g->db, stmt, what, err);
  if (rc == MLT_OK) {
    if (!MLT_VEC_ROOM(g->digest) || mlt_map_put(g->index, run, g->digest.n) < 0)
      rc = mlt_err_nomem(err);
    else
      g->digest.v[g->digest.n++] = (uint64_t)sqlite3_column_int64(stmt, 0);
  }
  (void)sqlite3_reset(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc find_runs(struct growing *g, const struct mlt_ledger_batch *b,
                             struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(g->db,
                                    "SELECT digest FROM mltrack_run WHERE import_id = ?1"
                                    " AND run_uuid = ?2 AND created AND digest IS NOT NULL",
                                    &stmt, err);
  if (rc == MLT_OK && sqlite3_bind_int64(stmt, 1, b->import_id) != SQLITE_OK)
    rc = mlt_lite_fail(g->db, err, what);
  for (size_t i = 0; rc == MLT_OK && i < b->n_runs; i++)
    if (!b->runs[i].created)
      rc = add_run(g, stmt, b->runs[i].id, err);
  (void)sqlite3_finalize(stmt);
  return rc;
}

/* What we have written, so that its kind is its column's. */
static struct mlt_value value_of(sqlite3_value *v, enum mlt_coltype type) {
  const char *text;
  switch (sqlite3_value_type(v)) {
  case SQLITE_INTEGER:
    if (type == MLT_TYPE_BOOL)
      return (struct mlt_value){.kind = MLT_V_BOOL, .b = sqlite3_value_int64(v) != 0};
    if (type != MLT_TYPE_F8)
      return (struct mlt_value){.kind = MLT_V_INT, .i = sqlite3_value_int64(v)};
    return (struct mlt_value){.kind = MLT_V_DOUBLE, .d = sqlite3_value_double(v)};
  case SQLITE_FLOAT:
    return (struct mlt_value){.kind = MLT_V_DOUBLE, .d = sqlite3_value_double(v)};
  case SQLITE_TEXT:
    text = (const char *)sqlite3_value_text(v);
    return (struct mlt_value){.kind = MLT_V_TEXT, .s = {text, (size_t)sqlite3_value_bytes(v)}};
  default:
    return (struct mlt_value){.kind = MLT_V_NULL};
  }
}

/* The row as it is, and as it was: with what the change has replaced. */
static enum mlt_rc add_change(struct growing *g, const struct mlt_lite_change *c, uint64_t *sum,
                              struct mlt_err *err) {
  struct mlt_value row[MLT_MAX_COLUMNS];
  unsigned n;
  enum mlt_column first = mlt_table_columns(c->table, &n);
  sqlite3_stmt *stmt = g->row[c->table - FIRST];
  bool has_key = c->table != MLT_T_RUNS;
  sqlite3_value *key = mlt_lite_change_key(c, mlt_lite_change_column(c, "key"));
  sqlite3_value *run = mlt_lite_change_key(c, mlt_lite_change_column(c, "run_uuid"));
  if (sqlite3_bind_value(stmt, 1, run) != SQLITE_OK ||
      (has_key && sqlite3_bind_value(stmt, 2, key) != SQLITE_OK))
    return mlt_lite_fail(g->db, err, what);
  enum mlt_rc rc = mlt_lite_step(g->db, stmt, what, err);
  if (rc == MLT_OK && read_row(stmt, c->table, row)) {
    *sum += mlt_row_digest(c->table, row);
    for (unsigned i = 0; i < n; i++) {
      const struct mlt_column_info *info = mlt_column_info((enum mlt_column)(first + i));
      int at = mlt_lite_change_column(c, info->name);
      if (at >= 0 && c->was[at])
        row[i] = value_of(c->was[at], info->type);
    }
    *sum -= mlt_row_digest(c->table, row);
  }
  (void)sqlite3_reset(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static void add_insert(const struct mlt_lite_change *c, uint64_t *sum) {
  struct mlt_value row[MLT_MAX_COLUMNS] = {{0}};
  unsigned n;
  enum mlt_column first = mlt_table_columns(c->table, &n);
  for (unsigned i = 0; i < n; i++) {
    const struct mlt_column_info *info = mlt_column_info((enum mlt_column)(first + i));
    int at = mlt_lite_change_column(c, info->name);
    if (at >= 0)
      row[i] = value_of(c->now[at], info->type);
  }
  *sum += mlt_row_digest(c->table, row);
}

static enum mlt_rc take_change(void *ctx, const struct mlt_lite_change *c, struct mlt_err *err) {
  struct growing *g = ctx;
  uint64_t at;
  if (c->table < FIRST || c->table > MLT_T_LATEST_METRICS)
    return MLT_OK;
  sqlite3_value *v = mlt_lite_change_key(c, mlt_lite_change_column(c, "run_uuid"));
  struct mlt_str run = {(const char *)sqlite3_value_text(v), (size_t)sqlite3_value_bytes(v)};
  if (!mlt_map_get(g->index, run, &at))
    return MLT_OK;
  if (!c->inserted)
    return add_change(g, c, &g->digest.v[at], err);
  add_insert(c, &g->digest.v[at]);
  return MLT_OK;
}

static enum mlt_rc save(struct growing *g, int64_t import_id, struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  struct mlt_str run;
  uint64_t at;
  size_t pos = 0;
  enum mlt_rc rc = mlt_lite_prepare(
      g->db, "UPDATE mltrack_run SET digest = ?3 WHERE import_id = ?1 AND run_uuid = ?2", &stmt,
      err);
  while (rc == MLT_OK && mlt_map_next(g->index, &pos, &run, &at)) {
    bool bound =
        sqlite3_bind_int64(stmt, 1, import_id) == SQLITE_OK &&
        sqlite3_bind_text64(stmt, 2, run.p, run.len, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK &&
        sqlite3_bind_int64(stmt, 3, (int64_t)g->digest.v[at]) == SQLITE_OK;
    rc = bound ? mlt_lite_step(g->db, stmt, what, err) : mlt_lite_fail(g->db, err, what);
    rc = rc == MLT_END ? MLT_OK : rc;
    (void)sqlite3_reset(stmt);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

enum mlt_rc mlt_lite_digest_grow(struct mlt_lite *db, const struct mlt_ledger_batch *b,
                                 const void *changes, int size, struct mlt_err *err) {
  struct growing g = {.db = db, .index = mlt_map_new()};
  struct mlt_lite_names names = {0};
  enum mlt_rc rc = g.index ? find_runs(&g, b, err) : mlt_err_nomem(err);
  bool any = rc == MLT_OK && g.digest.n && size;
  for (unsigned i = 0; rc == MLT_OK && any && i < TABLES; i++) {
    enum mlt_table t = (enum mlt_table)(FIRST + i);
    if (t != MLT_T_METRICS) /* all of it is its key: it is never changed */
      rc = prepare(db, t, t == MLT_T_RUNS ? "" : " AND \"key\" = ?2", &g.row[i], err);
  }
  if (rc == MLT_OK && any)
    rc = mlt_lite_changeset(db, &names, "this batch", changes, size, take_change, &g, err);
  if (rc == MLT_OK && any)
    rc = save(&g, b->import_id, err);
  for (unsigned i = 0; i < TABLES; i++)
    (void)sqlite3_finalize(g.row[i]);
  mlt_lite_names_free(&names);
  mlt_map_free(g.index);
  mlt_free(g.digest.v);
  return rc;
}
