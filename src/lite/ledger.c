/* The ledger's tables in a SQLite file. */
#include "lite/ledger.h"

#include <inttypes.h>
#include <stdio.h>

#include "lite/db.h"
#include "lite/digest.h"
#include "lite/session.h"
#include "lite/undo.h"
#include "sql.h"

/* The tables' scripts, by the version that they bring about. */
static const char *const migrations[MLT_LEDGER_VERSION] = {mlt_sql_ledger_lite_1};

static const char what[] = "the ledger (tables mltrack_*)";

/* Were all parameters taken? */
static enum mlt_rc bound(struct mlt_lite *db, bool all, struct mlt_err *err) {
  return all ? MLT_OK : mlt_lite_fail(db, err, "%s", what);
}

static bool bind(sqlite3_stmt *stmt, int i, const char *text) {
  return sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC) == SQLITE_OK;
}

/* Prepared, its first parameter bound to a number. */
static enum mlt_rc prepare(struct mlt_lite *db, const char *sql, int64_t first, sqlite3_stmt **out,
                           struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_prepare(db, sql, out, err);
  if (rc == MLT_OK && sqlite3_bind_parameter_count(*out))
    rc = bound(db, sqlite3_bind_int64(*out, 1, first) == SQLITE_OK, err);
  return rc;
}

/* Runs a statement that gives no rows. */
static enum mlt_rc run(struct mlt_lite *db, sqlite3_stmt *stmt, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_step(db, stmt, what, err);
  return rc == MLT_END ? MLT_OK : rc;
}

static struct mlt_str text(sqlite3_stmt *stmt, int i) {
  const char *p = (const char *)sqlite3_column_text(stmt, i);
  return p ? (struct mlt_str){p, (size_t)sqlite3_column_bytes(stmt, i)} : MLT_STR_NULL;
}

/* ---- transactions ---- */

/* The one number that a statement gives. */
static enum mlt_rc number(struct mlt_lite *db, const char *sql, int64_t *out, struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(db, sql, &stmt, err);
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, what, err);
  if (rc == MLT_OK)
    *out = sqlite3_column_int64(stmt, 0);
  (void)sqlite3_finalize(stmt);
  return rc;
}

static enum mlt_rc check_version(struct mlt_lite *db, int64_t version, struct mlt_err *err) {
  if (version <= MLT_LEDGER_VERSION)
    return MLT_OK;
  enum mlt_rc rc = mlt_err_set(err, MLT_SCHEMA,
                               "%s: tables mltrack_* are of a newer mltrack: version %lld, this "
                               "program knows %d",
                               db->path, (long long)version, MLT_LEDGER_VERSION);
  mlt_err_hint(err, "Use a mltrack-bulk as new as the one that was used here before.");
  return rc;
}

static enum mlt_rc look(struct mlt_lite *db, enum mlt_ledger_access access, bool *there, bool *made,
                        struct mlt_err *err) {
  int64_t n = 0, version = 0;
  enum mlt_rc rc =
      number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'mltrack_version'", &n, err);
  *there = n > 0;
  if (rc == MLT_OK && *there)
    rc = number(db, "SELECT max(version) FROM mltrack_version", &version, err);
  if (rc == MLT_OK)
    rc = check_version(db, version, err);
  for (int64_t v = version; rc == MLT_OK && access == MLT_LEDGER_MAKE && v < MLT_LEDGER_VERSION;
       v++) {
    rc = mlt_lite_exec(db, migrations[v], what, err);
    *made = rc == MLT_OK && !n;
    *there = rc == MLT_OK;
  }
  return rc;
}

static enum mlt_rc op_begin(void *ctx, enum mlt_ledger_access access, bool *there, bool *made,
                            struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  *there = *made = false;
  db->goes_on = !sqlite3_get_autocommit(db->handle); /* it is being built, in one transaction */
  enum mlt_rc rc =
      db->goes_on ? MLT_OK : mlt_lite_begin(db, access == MLT_LEDGER_READ, NULL, 0, err);
  return rc == MLT_OK ? look(db, access, there, made, err) : rc;
}

static enum mlt_rc op_commit(void *ctx, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  return db->goes_on ? MLT_OK : mlt_lite_commit(db, err);
}

static void op_rollback(void *ctx) {
  struct mlt_lite *db = ctx;
  if (!db->goes_on)
    mlt_lite_rollback(db);
}

/* ---- imports ---- */

static enum mlt_rc op_unfinished(void *ctx, const char *identity, mlt_ledger_unfinished_fn fn,
                                 void *fn_ctx, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(db, mlt_sql_lite_ledger_unfinished, &stmt, err);
  if (rc == MLT_OK)
    rc = bound(db, bind(stmt, 1, identity), err);
  while (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, what, err)) == MLT_OK)
    rc = fn(fn_ctx, sqlite3_column_int64(stmt, 0), text(stmt, 1), sqlite3_column_double(stmt, 2),
            err);
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc op_add(void *ctx, const struct mlt_ledger_source *s, const char *worker,
                          const char *head, int64_t *id, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  sqlite3_stmt *stmt = NULL;
  const char *values[] = {s->source, s->format, s->identity, s->options, s->version, head, worker};
  enum mlt_rc rc = mlt_lite_prepare(db, mlt_sql_lite_ledger_add, &stmt, err);
  for (size_t i = 0; rc == MLT_OK && i < sizeof values / sizeof *values; i++)
    rc = bound(db, bind(stmt, (int)i + 1, values[i]), err);
  if (rc == MLT_OK)
    rc = run(db, stmt, err);
  *id = sqlite3_last_insert_rowid(db->handle);
  (void)sqlite3_finalize(stmt);
  return rc;
}

/* A statement about one import, with up to two texts. */
static enum mlt_rc change(struct mlt_lite *db, const char *sql, int64_t id, const char *second,
                          const char *third, struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = prepare(db, sql, id, &stmt, err);
  int n = rc == MLT_OK ? sqlite3_bind_parameter_count(stmt) : 0;
  if (rc == MLT_OK)
    rc = bound(db, (n < 2 || bind(stmt, 2, second)) && (n < 3 || bind(stmt, 3, third)), err);
  if (rc == MLT_OK)
    rc = run(db, stmt, err);
  (void)sqlite3_finalize(stmt);
  return rc;
}

static enum mlt_rc op_take(void *ctx, int64_t id, const char *worker, struct mlt_err *err) {
  return change(ctx, mlt_sql_lite_ledger_take, id, worker, NULL, err);
}

static enum mlt_rc op_end(void *ctx, int64_t id, const char *state, const char *error,
                          bool *forgotten, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  enum mlt_rc rc = change(db, mlt_sql_lite_ledger_forget, id, state, NULL, err);
  *forgotten = rc == MLT_OK && sqlite3_changes(db->handle) > 0;
  return rc == MLT_OK ? change(db, mlt_sql_lite_ledger_end, id, state, error, err) : rc;
}

/* ---- a batch ---- */

static enum mlt_rc add_batch(struct mlt_lite *db, int64_t import_id, const void *changes, int n,
                             int64_t *seq, struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = prepare(db, "INSERT INTO mltrack_batch (import_id, changes) VALUES (?1, ?2)",
                           import_id, &stmt, err);
  if (rc == MLT_OK && n)
    rc = bound(db,
               sqlite3_bind_blob64(stmt, 2, changes, (sqlite3_uint64)n, SQLITE_STATIC) == SQLITE_OK,
               err);
  if (rc == MLT_OK)
    rc = run(db, stmt, err);
  *seq = sqlite3_last_insert_rowid(db->handle);
  (void)sqlite3_finalize(stmt);
  return rc;
}

static enum mlt_rc add_written(struct mlt_lite *db, int64_t seq, const struct mlt_ledger_batch *b,
                               struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc =
      prepare(db, "INSERT INTO mltrack_written VALUES (?1, ?2, ?3, ?4)", seq, &stmt, err);
  for (size_t t = 0; rc == MLT_OK && t < MLT_T_ALL; t++) {
    if (!b->inserted[t] && !b->updated[t])
      continue;
    rc = bound(db,
               bind(stmt, 2, mlt_table_name((enum mlt_table)t)) &&
                   sqlite3_bind_int64(stmt, 3, (int64_t)b->inserted[t]) == SQLITE_OK &&
                   sqlite3_bind_int64(stmt, 4, (int64_t)b->updated[t]) == SQLITE_OK,
               err);
    if (rc == MLT_OK)
      rc = run(db, stmt, err);
    (void)sqlite3_reset(stmt);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

static bool bind_run(sqlite3_stmt *stmt, const struct mlt_ledger_run *r) {
  return sqlite3_bind_text64(stmt, 2, r->id.p, r->id.len, SQLITE_STATIC, SQLITE_UTF8) ==
             SQLITE_OK &&
         sqlite3_bind_int(stmt, 4, r->created) == SQLITE_OK &&
         (r->created ? sqlite3_bind_int64(stmt, 5, (int64_t)r->digest)
                     : sqlite3_bind_null(stmt, 5)) == SQLITE_OK;
}

static enum mlt_rc add_runs(struct mlt_lite *db, int64_t seq, const struct mlt_ledger_batch *b,
                            struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc =
      prepare(db, "INSERT INTO mltrack_run VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
              b->import_id, &stmt, err);
  if (rc == MLT_OK)
    rc = bound(db, sqlite3_bind_int64(stmt, 3, seq) == SQLITE_OK, err);
  for (size_t i = 0; rc == MLT_OK && i < b->n_runs; i++) {
    rc = bound(db, bind_run(stmt, &b->runs[i]), err);
    if (rc == MLT_OK)
      rc = run(db, stmt, err);
    (void)sqlite3_reset(stmt);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

static enum mlt_rc op_batch(void *ctx, const struct mlt_ledger_batch *b, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  int64_t seq;
  void *changes = NULL;
  int n = 0;
  enum mlt_rc rc = mlt_lite_session_changes(db, &changes, &n, err);
  if (rc != MLT_OK)
    return rc;
  rc = add_batch(db, b->import_id, changes, n, &seq, err);
  if (rc == MLT_OK)
    rc = add_written(db, seq, b, err);
  if (rc == MLT_OK)
    rc = add_runs(db, seq, b, err);
  if (rc == MLT_OK)
    rc = mlt_lite_digest_grow(db, b, changes, n, err);
  sqlite3_free(changes);
  return rc == MLT_OK ? mlt_lite_session_begin(db, err) : rc; /* a file that is built goes on */
}

static enum mlt_rc op_created(void *ctx, int64_t import_id, const struct mlt_str *runs, size_t n,
                              mlt_ledger_run_fn fn, void *fn_ctx, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = prepare(db,
                           "SELECT digest FROM mltrack_run WHERE import_id = ?1 AND run_uuid = ?2"
                           " AND created AND typeof(digest) = 'integer'",
                           import_id, &stmt, err);
  for (size_t i = 0; rc == MLT_OK && i < n; i++) {
    bool ok = sqlite3_bind_text64(stmt, 2, runs[i].p, runs[i].len, SQLITE_STATIC, SQLITE_UTF8) ==
              SQLITE_OK;
    rc = bound(db, ok, err);
    if (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, what, err)) == MLT_OK)
      rc = fn(fn_ctx, runs[i], (uint64_t)sqlite3_column_int64(stmt, 0), err);
    rc = rc == MLT_END ? MLT_OK : rc;
    (void)sqlite3_reset(stmt);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

/* A transaction that is open goes on being built (lite/build.h): it is recorded from here on. */
static enum mlt_rc op_keep(void *ctx, int64_t import_id, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  db->keep_for = import_id;
  return sqlite3_get_autocommit(db->handle) ? MLT_OK : mlt_lite_session_begin(db, err);
}

/* ---- what is there ---- */

static enum mlt_rc op_imports(void *ctx, int64_t id, mlt_ledger_import_fn fn, void *fn_ctx,
                              struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  struct mlt_ledger_gather g = {.fn = fn, .ctx = fn_ctx};
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = prepare(db, mlt_sql_lite_ledger_imports, id, &stmt, err);
  while (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, what, err)) == MLT_OK) {
    struct mlt_str fields[MLT_LEDGER_FIELDS];
    for (int f = 0; f < MLT_LEDGER_FIELDS; f++)
      fields[f] = text(stmt, f);
    rc = mlt_ledger_gather_row(&g, fields, err);
  }
  rc = mlt_ledger_gather_end(&g, rc == MLT_END ? MLT_OK : rc, err);
  (void)sqlite3_finalize(stmt);
  return rc;
}

static enum mlt_rc op_batches(void *ctx, int64_t id, mlt_ledger_batch_fn fn, void *fn_ctx,
                              struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = prepare(db, mlt_sql_lite_ledger_batches, id, &stmt, err);
  while (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, what, err)) == MLT_OK) {
    const struct mlt_ledger_batch_row row = {.seq = sqlite3_column_int64(stmt, 0),
                                             .committed_at = text(stmt, 1),
                                             .runs = (uint64_t)sqlite3_column_int64(stmt, 2),
                                             .rows = (uint64_t)sqlite3_column_int64(stmt, 3)};
    rc = fn(fn_ctx, &row, err);
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc op_state(void *ctx, int64_t id, char state[16], char worker[MLT_WORKER_MAX],
                            double *idle, struct mlt_err *err) {
  struct mlt_lite *db = ctx;
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = prepare(db, mlt_sql_lite_ledger_state, id, &stmt, err);
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, what, err);
  if (rc == MLT_OK) {
    (void)snprintf(state, 16, "%.*s", MLT_STR_ARG(text(stmt, 0)));
    (void)snprintf(worker, MLT_WORKER_MAX, "%.*s", MLT_STR_ARG(text(stmt, 1)));
    *idle = sqlite3_column_double(stmt, 2);
  } else if (rc == MLT_END) {
    rc = mlt_err_set(err, MLT_NOINPUT, "the ledger has no import %" PRId64, id);
  }
  (void)sqlite3_finalize(stmt);
  return rc;
}

const struct mlt_ledger_ops mlt_lite_ledger = {.begin = op_begin,
                                               .commit = op_commit,
                                               .rollback = op_rollback,
                                               .unfinished = op_unfinished,
                                               .add = op_add,
                                               .take = op_take,
                                               .end = op_end,
                                               .batch = op_batch,
                                               .created = op_created,
                                               .keep = op_keep,
                                               .imports = op_imports,
                                               .batches = op_batches,
                                               .state = op_state,
                                               .undo = mlt_lite_undo};
