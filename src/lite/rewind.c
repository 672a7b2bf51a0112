/* See rewind.h. One statement a table and kind of change: parameter i + 1 is column i as the import
   left it, n + i + 1 as it was before, 2 n + i + 1 whether it was changed. */
#include "lite/rewind.h"

#include <stdio.h>
#include <string.h>

#include "ledger/undo.h"
#include "lite/changes.h"

enum { MAX_SQL = 16 * 1024, MAX_NAME = 64 * 1024 };

enum kind { INSERTED, CHANGED, CLAIMED, INSERTED_THERE, CHANGED_THERE, KINDS };

struct rewind {
  struct mlt_lite *db;
  struct mlt_undone *out;
  mlt_ledger_left_fn fn;
  void *ctx;
  struct mlt_lite_names names;
  struct {
    sqlite3_stmt *stmt;
    unsigned n;
    bool key[MLT_MAX_COLUMNS];
  } of[KINDS][MLT_T_ALL];
  sqlite3_stmt *latest;
};

static const char what[] = "cannot take a change back";

/* ---- statements ---- */

/* "a" = ?1 AND "b" = ?2: the columns of the key. */
static enum mlt_rc add_key(struct mlt_buf *sql, const struct mlt_lite_change *c) {
  enum mlt_rc rc = MLT_OK;
  const char *and = "";
  unsigned base = c->inserted ? 0 : c->n;
  for (unsigned i = 0; i < c->n && rc == MLT_OK; i++)
    if (c->key[i]) {
      rc = mlt_buf_printf(sql, "%s\"%s\" = ?%u", and, c->name[i], base + i + 1);
      and = " AND ";
    }
  return rc;
}

/* Runs that the import created go as a whole, or stay. */
static enum mlt_rc add_merged(struct mlt_buf *sql, const struct mlt_lite_change *c) {
  return mlt_table_is_of_run(c->table)
             ? mlt_buf_adds(sql, " AND run_uuid IN (SELECT r.run_uuid FROM temp.mltrack_r r"
                                 " WHERE NOT r.created)")
             : MLT_OK;
}

/* The row as it was inserted: whether it is, as an expression. */
static enum mlt_rc add_same(struct mlt_buf *sql, const struct mlt_lite_change *c) {
  enum mlt_rc rc = MLT_OK;
  for (unsigned i = 0; i < c->n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(sql, "%s\"%s\" IS ?%u", i ? " AND " : "", c->name[i], i + 1);
  return rc;
}

static enum mlt_rc write_inserted(struct mlt_buf *sql, const struct mlt_lite_change *c) {
  const char *table = mlt_table_name(c->table);
  bool of_runs = mlt_table_is_of_run(c->table);
  enum mlt_rc rc = of_runs ? mlt_buf_printf(sql, "DELETE FROM main.\"%s\" WHERE ", table)
                           : mlt_buf_printf(sql,
                                            "INSERT OR IGNORE INTO temp.mltrack_made"
                                            " SELECT %d, rowid, ",
                                            c->table);
  if (rc == MLT_OK)
    rc = add_same(sql, c);
  if (rc == MLT_OK)
    rc = of_runs ? mlt_buf_adds(sql, " AND ")
                 : mlt_buf_printf(sql, " FROM main.\"%s\" WHERE ", table);
  if (rc == MLT_OK)
    rc = add_key(sql, c);
  return rc == MLT_OK ? add_merged(sql, c) : rc;
}

static enum mlt_rc write_changed(struct mlt_buf *sql, const struct mlt_lite_change *c) {
  const char *comma = "";
  enum mlt_rc rc = mlt_buf_printf(sql, "UPDATE main.\"%s\" SET ", mlt_table_name(c->table));
  for (unsigned i = 0; i < c->n && rc == MLT_OK; i++)
    if (!c->key[i]) {
      rc = mlt_buf_printf(sql, "%s\"%s\" = CASE WHEN ?%u THEN ?%u ELSE \"%s\" END", comma,
                          c->name[i], 2 * c->n + i + 1, c->n + i + 1, c->name[i]);
      comma = ", ";
    }
  if (rc == MLT_OK)
    rc = mlt_buf_adds(sql, " WHERE ");
  if (rc == MLT_OK)
    rc = add_key(sql, c);
  for (unsigned i = 0; i < c->n && rc == MLT_OK; i++)
    if (!c->key[i])
      rc = mlt_buf_printf(sql, " AND (NOT ?%u OR \"%s\" IS ?%u)", 2 * c->n + i + 1, c->name[i],
                          i + 1);
  return rc == MLT_OK ? add_merged(sql, c) : rc;
}

static enum mlt_rc write_claimed(struct mlt_buf *sql, const struct mlt_lite_change *c) {
  enum mlt_rc rc = mlt_buf_printf(sql,
                                  "DELETE FROM temp.mltrack_made WHERE tab = %d AND id ="
                                  " (SELECT rowid FROM main.\"%s\" WHERE ",
                                  c->table, mlt_table_name(c->table));
  if (rc == MLT_OK)
    rc = add_key(sql, c);
  return rc == MLT_OK ? mlt_buf_adds(sql, ")") : rc;
}

static enum mlt_rc write_there(struct mlt_buf *sql, const struct mlt_lite_change *c) {
  enum mlt_rc rc =
      mlt_buf_printf(sql, "SELECT 1 FROM main.\"%s\" WHERE ", mlt_table_name(c->table));
  if (rc == MLT_OK)
    rc = add_key(sql, c);
  return rc == MLT_OK ? add_merged(sql, c) : rc;
}

static enum mlt_rc prepare(struct rewind *r, enum kind kind, const struct mlt_lite_change *c,
                           sqlite3_stmt **out, struct mlt_err *err) {
  static enum mlt_rc (*const write[KINDS])(struct mlt_buf *, const struct mlt_lite_change *) = {
      [INSERTED] = write_inserted,
      [CHANGED] = write_changed,
      [CLAIMED] = write_claimed,
      [INSERTED_THERE] = write_there,
      [CHANGED_THERE] = write_there};
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  const char *text = write[kind](&sql, c) == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  enum mlt_rc rc = text ? mlt_lite_prepare(r->db, text, out, err) : mlt_err_nomem(err);
  mlt_buf_free(&sql);
  return rc;
}

static enum mlt_rc bind(struct rewind *r, sqlite3_stmt *stmt, const struct mlt_lite_change *c,
                        struct mlt_err *err) {
  unsigned n = (unsigned)sqlite3_bind_parameter_count(stmt);
  bool ok = true;
  for (unsigned i = 0; i < c->n && ok; i++) {
    if (i + 1 <= n)
      ok = (c->now[i] ? sqlite3_bind_value(stmt, (int)i + 1, c->now[i])
                      : sqlite3_bind_null(stmt, (int)i + 1)) == SQLITE_OK;
    if (ok && c->n + i + 1 <= n)
      ok = (c->was[i] ? sqlite3_bind_value(stmt, (int)(c->n + i) + 1, c->was[i])
                      : sqlite3_bind_null(stmt, (int)(c->n + i) + 1)) == SQLITE_OK;
    if (ok && 2 * c->n + i + 1 <= n)
      ok = sqlite3_bind_int(stmt, (int)(2 * c->n + i) + 1, c->now[i] != NULL) == SQLITE_OK;
  }
  return ok ? MLT_OK : mlt_lite_fail(r->db, err, what);
}

/* Runs the statement of this kind. *any: it was about a row, or has found one. */
static enum mlt_rc run(struct rewind *r, enum kind kind, const struct mlt_lite_change *c, bool *any,
                       struct mlt_err *err) {
  sqlite3_stmt **stmt = &r->of[kind][c->table].stmt;
  enum mlt_rc rc = MLT_OK;
  if (*stmt && (r->of[kind][c->table].n != c->n ||
                memcmp(r->of[kind][c->table].key, c->key, sizeof c->key) != 0)) {
    (void)sqlite3_finalize(*stmt); /* recorded when the table had another key or fewer columns */
    *stmt = NULL;
  }
  if (!*stmt)
    rc = prepare(r, kind, c, stmt, err);
  r->of[kind][c->table].n = c->n;
  memcpy(r->of[kind][c->table].key, c->key, sizeof c->key);
  if (rc == MLT_OK)
    rc = bind(r, *stmt, c, err);
  if (rc == MLT_OK)
    rc = mlt_lite_step(r->db, *stmt, what, err);
  *any = rc == MLT_OK ||
         (rc == MLT_END && !sqlite3_stmt_readonly(*stmt) && sqlite3_changes(r->db->handle) > 0);
  (void)sqlite3_reset(*stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

/* ---- what is told ---- */

static enum mlt_rc add_name(struct mlt_buf *name, const struct mlt_lite_change *c, int column) {
  sqlite3_value *v = mlt_lite_change_key(c, column);
  const char *text = v ? (const char *)sqlite3_value_text(v) : NULL;
  return mlt_buf_printf(name, "%s%s", name->len ? ": " : "", text ? text : "");
}

/* By its key: the run or experiment first. */
static enum mlt_rc tell(struct rewind *r, const struct mlt_lite_change *c, const char *why,
                        struct mlt_err *err) {
  struct mlt_buf name;
  mlt_buf_init(&name, MAX_NAME);
  int owner =
      mlt_lite_change_column(c, mlt_table_is_of_run(c->table) ? "run_uuid" : "experiment_id");
  owner = owner >= 0 && c->key[owner] ? owner : -1;
  enum mlt_rc rc = owner >= 0 ? add_name(&name, c, owner) : MLT_OK;
  for (unsigned i = 0; i < c->n && rc == MLT_OK; i++)
    if (c->key[i] && (int)i != owner)
      rc = add_name(&name, c, (int)i);
  rc = rc == MLT_OK ? r->fn(r->ctx, c->table, mlt_buf_str(&name), mlt_str_c(why), err)
                    : mlt_err_nomem(err);
  mlt_buf_free(&name);
  return rc;
}

/* The row does not hold what the import wrote: somebody has changed it, or it is gone. */
static enum mlt_rc tell_if_there(struct rewind *r, const struct mlt_lite_change *c,
                                 struct mlt_err *err) {
  bool there;
  if (c->table == MLT_T_LATEST_METRICS) /* is found anew in any case */
    return MLT_OK;
  enum mlt_rc rc = run(r, c->inserted ? INSERTED_THERE : CHANGED_THERE, c, &there, err);
  return rc == MLT_OK && there ? tell(r, c, c->inserted ? MLT_UNDO_CHANGED : MLT_UNDO_AGAIN, err)
                               : rc;
}

/* ---- changes ---- */

static enum mlt_rc note_latest(struct rewind *r, const struct mlt_lite_change *c,
                               struct mlt_err *err) {
  sqlite3_value *run_uuid = mlt_lite_change_key(c, mlt_lite_change_column(c, "run_uuid"));
  sqlite3_value *key = mlt_lite_change_key(c, mlt_lite_change_column(c, "key"));
  enum mlt_rc rc = MLT_OK;
  if (!r->latest)
    rc = mlt_lite_prepare(r->db,
                          "INSERT OR IGNORE INTO temp.mltrack_latest SELECT run_uuid, ?2"
                          " FROM temp.mltrack_r WHERE run_uuid = ?1 AND NOT created",
                          &r->latest, err);
  if (rc == MLT_OK && (!run_uuid || !key || sqlite3_bind_value(r->latest, 1, run_uuid) ||
                       sqlite3_bind_value(r->latest, 2, key)))
    rc = mlt_lite_fail(r->db, err, what);
  if (rc == MLT_OK)
    rc = mlt_lite_step(r->db, r->latest, what, err);
  (void)sqlite3_reset(r->latest);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc take_back(void *ctx, const struct mlt_lite_change *c, struct mlt_err *err) {
  struct rewind *r = ctx;
  bool any;
  enum mlt_rc rc = run(r, c->inserted ? INSERTED : CHANGED, c, &any, err);
  if (rc == MLT_OK && c->table == MLT_T_LATEST_METRICS)
    rc = note_latest(r, c, err);
  if (rc != MLT_OK || (c->inserted && !mlt_table_is_of_run(c->table)))
    return rc;
  if (any)
    ++(c->inserted ? r->out->removed : r->out->restored)[c->table];
  return any ? MLT_OK : tell_if_there(r, c, err);
}

/* A row that another import has inserted since is not ours, though it be the same. */
static enum mlt_rc leave_to_others(void *ctx, const struct mlt_lite_change *c,
                                   struct mlt_err *err) {
  bool any;
  return c->inserted && !mlt_table_is_of_run(c->table) ? run(ctx, CLAIMED, c, &any, err) : MLT_OK;
}

enum mlt_rc mlt_lite_rewind(struct mlt_lite *db, int64_t import, struct mlt_undone *out,
                            mlt_ledger_left_fn fn, void *ctx, struct mlt_err *err) {
  struct rewind r = {.db = db, .out = out, .fn = fn, .ctx = ctx};
  enum mlt_rc rc = mlt_lite_each_change(db, &r.names, import, false, take_back, &r, err);
  if (rc == MLT_OK)
    rc = mlt_lite_each_change(db, &r.names, import, true, leave_to_others, &r, err);
  for (size_t k = 0; k < KINDS; k++)
    for (size_t t = 0; t < MLT_T_ALL; t++)
      (void)sqlite3_finalize(r.of[k][t].stmt);
  (void)sqlite3_finalize(r.latest);
  mlt_lite_names_free(&r.names);
  return rc;
}
