/* Takes back what an import wrote. The rows of a run that it created are the import's, and nobody
   has touched them since, exactly if their digest is the one that the ledger has. Of all other rows
   the batches have recorded what they inserted and changed: a row is the import's if it holds just
   that.

   Runs that the import created go as a whole or not at all; which of the smaller rows may go,
   ledger/undo.h finds. Rows of runs that were there before are taken back one by one, the last
   change first. */
#include "lite/undo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ledger/undo.h"
#include "lite/digest.h"
#include "lite/rewind.h"
#include "sql.h"

struct undo {
  struct mlt_lite *db;
  int64_t id;
  struct mlt_undone *out;
  mlt_ledger_left_fn fn;
  void *ctx;
  struct mlt_err *err;
  bool has[MLT_T_ALL];
};

static const char what[] = "cannot undo the import";

/* Runs a statement. *rows (may be NULL): how many it was about. */
static enum mlt_rc run_text(void *ctx, const char *sql, uint64_t *rows, struct mlt_err *err) {
  struct undo *u = ctx;
  enum mlt_rc rc = mlt_lite_exec(u->db, sql, what, err);
  if (rc == MLT_OK && rows)
    *rows = (uint64_t)sqlite3_changes(u->db->handle);
  return rc;
}

static enum mlt_rc MLT_PRINTF(3, 4) run(struct undo *u, uint64_t *rows, const char *fmt, ...) {
  char sql[MLT_UNDO_SQL_MAX];
  va_list ap;
  va_start(ap, fmt);
  enum mlt_rc rc = mlt_undo_format(sql, fmt, ap, u->err);
  va_end(ap);
  return rc == MLT_OK ? run_text(u, sql, rows, u->err) : rc;
}

static enum mlt_rc prepare(struct undo *u, const char *sql, sqlite3_stmt **out) {
  enum mlt_rc rc = mlt_lite_prepare(u->db, sql, out, u->err);
  if (rc == MLT_OK && sqlite3_bind_parameter_count(*out) &&
      sqlite3_bind_int64(*out, 1, u->id) != SQLITE_OK)
    rc = mlt_lite_fail(u->db, u->err, what);
  return rc;
}

static enum mlt_rc step(struct undo *u, sqlite3_stmt *stmt) {
  return mlt_lite_step(u->db, stmt, what, u->err);
}

static struct mlt_str text(sqlite3_stmt *stmt, int i) {
  const char *p = (const char *)sqlite3_column_text(stmt, i);
  return p ? (struct mlt_str){p, (size_t)sqlite3_column_bytes(stmt, i)} : MLT_STR_NULL;
}

static bool has_table(void *ctx, enum mlt_table t) {
  return ((struct undo *)ctx)->has[t];
}

/* ---- what is the import's ---- */

static enum mlt_rc begin(struct undo *u) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = run_text(u, mlt_sql_lite_undo_begin, NULL, u->err);
  for (enum mlt_table t = 0; rc == MLT_OK && t < MLT_T_ALL; t++) {
    uint64_t n = 0;
    rc = run(u, &n,
             "INSERT INTO temp.mltrack_tables SELECT %d, name FROM main.sqlite_master"
             " WHERE type = 'table' AND name = '%s'",
             t, mlt_table_name(t));
    u->has[t] = n > 0;
  }
  if (rc == MLT_OK)
    rc = prepare(u, mlt_sql_lite_undo_runs, &stmt);
  if (rc == MLT_OK)
    rc = step(u, stmt);
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc left(void *ctx, enum mlt_table table, struct mlt_str name, struct mlt_str why,
                        struct mlt_err *err) {
  struct undo *u = ctx;
  return u->fn(u->ctx, table, name, why, err);
}

static enum mlt_rc rewind_changes(struct undo *u) {
  return mlt_lite_rewind(u->db, u->id, u->out, left, u, u->err);
}

/* Of a run that is gone there is nothing to say. */
static enum mlt_rc check_run(struct undo *u, struct mlt_lite_digest *d, sqlite3_stmt *created,
                             sqlite3_stmt *stay) {
  uint64_t digest;
  bool there, known;
  struct mlt_str id = text(created, 0);
  bool told = sqlite3_column_type(created, 1) == SQLITE_INTEGER;
  enum mlt_rc rc = mlt_lite_digest_run(d, id, &digest, &there, &known, u->err);
  if (rc != MLT_OK || !there)
    return rc;
  if (told && known && digest == (uint64_t)sqlite3_column_int64(created, 1))
    return MLT_OK;
  if (sqlite3_bind_text64(stay, 1, id.p, id.len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
    return mlt_lite_fail(u->db, u->err, what);
  rc = step(u, stay);
  (void)sqlite3_reset(stay);
  return rc == MLT_END ? MLT_OK : rc;
}

/* Runs whose rows are not what the ledger says stay. */
static enum mlt_rc find_touched_runs(struct undo *u) {
  struct mlt_lite_digest *d = NULL;
  sqlite3_stmt *created = NULL, *stay = NULL;
  enum mlt_rc rc = mlt_lite_digest_new(&d, u->db, u->err);
  if (rc == MLT_OK)
    rc = prepare(u,
                 "SELECT run_uuid, digest FROM mltrack_run WHERE import_id = ?1 AND created"
                 " AND run_uuid IN (SELECT run_uuid FROM temp.mltrack_r)",
                 &created);
  if (rc == MLT_OK)
    rc = mlt_lite_prepare(
        u->db, "UPDATE temp.mltrack_r SET why = '" MLT_UNDO_CHANGED "' WHERE run_uuid = ?1", &stay,
        u->err);
  while (rc == MLT_OK && (rc = step(u, created)) == MLT_OK)
    rc = check_run(u, d, created, stay);
  (void)sqlite3_finalize(created);
  (void)sqlite3_finalize(stay);
  mlt_lite_digest_free(d);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc find_candidates(struct undo *u) {
  enum mlt_rc rc =
      run(u, NULL,
          "INSERT INTO temp.mltrack_go SELECT %d, t.rowid FROM temp.mltrack_r r"
          " JOIN main.runs t ON t.run_uuid = r.run_uuid WHERE r.created AND r.why IS NULL",
          MLT_T_RUNS);
  return rc == MLT_OK ? run(u, NULL,
                            "INSERT INTO temp.mltrack_go SELECT tab, id FROM temp.mltrack_made"
                            " WHERE same")
                      : rc;
}

/* ---- what may go ---- */

static void came(enum mlt_table table, char *out, size_t size) {
  (void)snprintf(out, size,
                 "EXISTS (SELECT 1 FROM temp.mltrack_made m WHERE m.tab = %d AND m.id = p.rowid)",
                 table);
}

/* What tables that we do not write refer to: issues, whatever a later MLflow brings. */
static enum mlt_rc keep_referred(struct undo *u) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = prepare(u, mlt_sql_lite_undo_references, &stmt);
  while (rc == MLT_OK && (rc = step(u, stmt)) == MLT_OK) {
    enum mlt_table parent = (enum mlt_table)sqlite3_column_int(stmt, 0);
    struct mlt_str child = text(stmt, 1), on = text(stmt, 2);
    if (on.p) /* a key whose columns are not named is left to SQLite: the removal would fail */
      rc = run(u, NULL,
               "DELETE FROM temp.mltrack_go WHERE tab = %d AND id IN (SELECT p.rowid"
               " FROM main.\"%.*s\" c JOIN main.\"%s\" p ON %.*s)",
               parent, MLT_STR_ARG(child), mlt_table_name(parent), MLT_STR_ARG(on));
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc settle(struct undo *u) {
  const struct mlt_undo_db db = {u, "main.", "temp.", "rowid", has_table, run_text, came};
  enum mlt_rc rc = keep_referred(u);
  return rc == MLT_OK ? mlt_undo_settle(&db, u->err) : rc;
}

/* ---- what stays ---- */

/* Rows of one statement (what, why) are told. */
static enum mlt_rc MLT_PRINTF(3, 4)
    tell(struct undo *u, enum mlt_table table, const char *fmt, ...) {
  char sql[MLT_UNDO_SQL_MAX];
  sqlite3_stmt *stmt = NULL;
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(sql, sizeof sql, fmt, ap);
  va_end(ap);
  enum mlt_rc rc = mlt_lite_prepare(u->db, sql, &stmt, u->err);
  while (rc == MLT_OK && (rc = step(u, stmt)) == MLT_OK)
    rc = left(u, table, text(stmt, 0), text(stmt, 1), u->err);
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc tell_left(struct undo *u) {
  enum mlt_rc rc = tell(u, MLT_T_RUNS,
                        "SELECT run_uuid, why FROM temp.mltrack_r WHERE why IS NOT NULL"
                        " ORDER BY run_uuid");
  for (size_t i = 0; rc == MLT_OK && i < mlt_undo_named_n; i++) {
    const struct mlt_undo_named *n = &mlt_undo_named[i];
    if (u->has[n->table])
      rc = tell(u, n->table,
                "SELECT %s, CASE WHEN m.same THEN '" MLT_UNDO_REFERRED "'"
                " ELSE '" MLT_UNDO_CHANGED "' END"
                " FROM temp.mltrack_made m JOIN main.\"%s\" t ON t.rowid = m.id WHERE m.tab = %d"
                " AND NOT EXISTS (SELECT 1 FROM temp.mltrack_go g WHERE g.tab = m.tab"
                " AND g.id = m.id) ORDER BY 1",
                n->what, mlt_table_name(n->table), n->table);
  }
  return rc;
}

/* ---- what goes ---- */

static enum mlt_rc remove_created(struct undo *u) {
  enum mlt_rc rc = MLT_OK;
  uint64_t n = 0;
  for (enum mlt_table t = MLT_T_LATEST_METRICS; rc == MLT_OK && t > MLT_T_RUNS; t--) {
    rc = run(u, &n,
             "DELETE FROM main.\"%s\" WHERE run_uuid IN (SELECT p.run_uuid FROM temp.mltrack_go g"
             " JOIN main.runs p ON p.rowid = g.id WHERE g.tab = %d)",
             mlt_table_name(t), MLT_T_RUNS);
    u->out->removed[t] += rc == MLT_OK ? n : 0;
  }
  for (enum mlt_table t = MLT_T_ALL; rc == MLT_OK && t-- > 0;) {
    if (!u->has[t] || mlt_table_run_column(t) != MLT_C_COUNT)
      continue;
    rc = run(u, &n,
             "DELETE FROM main.\"%s\" WHERE rowid IN (SELECT id FROM temp.mltrack_go"
             " WHERE tab = %d)",
             mlt_table_name(t), t);
    u->out->removed[t] += rc == MLT_OK ? n : 0;
  }
  return rc;
}

static enum mlt_rc restore_latest(struct undo *u) {
  uint64_t n = 0;
  enum mlt_rc rc = run_text(u, mlt_sql_lite_undo_latest, &n, u->err);
  u->out->restored[MLT_T_LATEST_METRICS] += n;
  return rc;
}

/* What is gone is not the import's any more, should the run come again. */
static enum mlt_rc note(struct undo *u) {
  enum mlt_rc rc = run(u, NULL,
                       "DELETE FROM mltrack_run WHERE import_id = %" PRId64 " AND run_uuid NOT IN"
                       " (SELECT run_uuid FROM temp.mltrack_r WHERE why IS NOT NULL)",
                       u->id);
  return rc == MLT_OK ? run(u, NULL,
                            "UPDATE mltrack_import SET state = 'undone',"
                            " ended_at = strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', 'now')"
                            " WHERE id = %" PRId64,
                            u->id)
                      : rc;
}

enum mlt_rc mlt_lite_undo(void *db, int64_t id, uint32_t features, struct mlt_undone *out,
                          mlt_ledger_left_fn fn, void *ctx, struct mlt_err *err) {
  static enum mlt_rc (*const steps[])(struct undo *) = {
      begin,           rewind_changes, find_touched_runs,
      find_candidates, settle,         tell_left,
      remove_created,  restore_latest, note};
  struct undo u = {.db = db, .id = id, .out = out, .fn = fn, .ctx = ctx, .err = err};
  (void)features; /* which tables are there is looked up */
  *out = (struct mlt_undone){0};
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < sizeof steps / sizeof *steps; i++)
    rc = steps[i](&u);
  return rc;
}
