/* PostgreSQL as a sink: the shared writer over pg/store.h, and the choice between the two ways to
 * load. */
#include "pg/ledger.h"
#include "pg/read.h"
#include "pg/rebuild.h"
#include "pg/sqlstate.h"
#include "pg/store.h"
#include "sink/all.h"
#include "sink/writer.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
  LOCK_AT_ONCE_MS = 50, /* auto: a server that is busy with the tables goes on undisturbed */
  LOCK_ASKED_MS =
      800, /* --load rebuild: below deadlock_timeout, or another session would be its victim */
  BUILD_WORKERS = 2,
  BUILD_MEMORY_MB = 512
};

/* What store_ops take as the database. */
struct pg_db {
  struct mlt_pg *pg;
  struct mlt_pg_rebuild *rebuild;          /* NULL: append */
  const char *conninfo, *application_name; /* borrowed, for twins */
  struct mlt_pacer *pacer;                 /* borrowed */
  const volatile sig_atomic_t *cancelled;  /* borrowed */
  double due;                              /* when what was merged is paid for */
  bool trust_runs;
  bool merges;   /* --load merge */
  bool broken;   /* the one transaction of a rebuild was rolled back */
  char why[512]; /* why it is no rebuild; empty if none was wanted */
};

static enum mlt_rc op_catalog(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                              struct mlt_err *err) {
  struct pg_db *d = db;
  return mlt_pg_catalog(d->pg, arena, out, err);
}

static enum mlt_rc op_begin(void *db, bool read_only, const char *head, uint32_t features,
                            struct mlt_err *err) {
  struct pg_db *d = db;
  if (d->broken)
    return mlt_err_set(err, MLT_TEMPFAIL,
                       "the load was rolled back as a whole; nothing of it is in");
  if (d->rebuild)
    return MLT_OK;
  enum mlt_rc rc = d->pacer ? mlt_pacer_wait(d->pacer, d->due, err) : MLT_OK;
  return rc == MLT_OK ? mlt_pg_begin(d->pg, read_only, head, features, err) : rc;
}

static enum mlt_rc op_commit(void *db, struct mlt_err *err) {
  struct pg_db *d = db;
  return d->rebuild ? MLT_OK : mlt_pg_commit(d->pg, err);
}

static void op_rollback(void *db) {
  struct pg_db *d = db;
  d->broken = d->rebuild != NULL;
  mlt_pg_rollback(d->pg);
}

static enum mlt_rc op_insert(void *db, const struct mlt_rows *rows, uint32_t features,
                             struct mlt_err *err) {
  struct pg_db *d = db;
  return mlt_pg_insert(d->pg, rows, features, err);
}

static enum mlt_rc op_lock_runs(void *db, const struct mlt_str *runs, size_t n,
                                struct mlt_err *err) {
  struct pg_db *d = db;
  enum mlt_rc rc = d->rebuild ? MLT_OK : mlt_pg_lock_runs(d->pg, runs, n, err);
  return rc == MLT_OK && d->trust_runs ? mlt_pg_hold_runs(d->pg, runs, n, err) : rc;
}

/* A table whose keys a rebuild took away was empty before it. */
static enum mlt_rc op_merge(void *db, const struct mlt_merge *merge, uint32_t features,
                            struct mlt_merged *out, struct mlt_err *err) {
  struct pg_db *d = db;
  if (!d->rebuild || !mlt_pg_rebuild_has(d->rebuild, merge->rows.table)) {
    enum mlt_rc rc = mlt_pg_merge(d->pg, merge, features, out, err);
    if (d->pacer) /* MLflow may wait for what a merge has locked: the next transaction sleeps */
      d->due = mlt_pacer_take(d->pacer, out->inserted + out->updated);
    return rc;
  }
  *out = (struct mlt_merged){.inserted = merge->rows.n};
  return mlt_pg_insert(d->pg, &merge->rows, features, err);
}

static bool op_contended(const struct mlt_err *err) {
  return mlt_pg_sqlstate_is_contention(err->sqlstate);
}

static enum mlt_rc op_reconnect(void *db, enum mlt_fate_known *fate, struct mlt_err *err) {
  struct pg_db *d = db;
  return mlt_pg_reconnect(d->pg, fate, err);
}

static enum mlt_rc op_select(void *db, enum mlt_table table, const struct mlt_where *where,
                             uint32_t features, mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  struct pg_db *d = db;
  return mlt_pg_select(d->pg, table, where, features, fn, ctx, err);
}

static enum mlt_rc op_sum_rows(void *db, enum mlt_table table, const struct mlt_str *runs, size_t n,
                               uint32_t features, mlt_row_sum_fn fn, void *ctx,
                               struct mlt_err *err) {
  struct pg_db *d = db;
  (void)features;
  return mlt_pg_sum_rows(d->pg, table, runs, n, fn, ctx, err);
}

static enum mlt_rc op_read_run(void *db, enum mlt_read what, struct mlt_str run, uint32_t features,
                               mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  struct pg_db *d = db;
  struct mlt_pg_read *r;
  const struct mlt_read_row *row;
  enum mlt_rc rc = mlt_pg_read_new(&r, d->pg, what, features, err);
  if (rc == MLT_OK)
    rc = mlt_pg_read_start(r, &run, 1, err);
  while (rc == MLT_OK && (rc = mlt_pg_read_next(r, &row, err)) == MLT_OK)
    rc = fn(ctx, row->v, err);
  mlt_pg_read_free(r);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc op_insert_copied(void *db, const struct mlt_copied_rows *rows,
                                    struct mlt_err *err) {
  struct pg_db *d = db;
  return mlt_pg_insert_copied(d->pg, rows, err);
}

static enum mlt_rc op_select_copied(void *db, const struct mlt_shape *shape, unsigned by,
                                    const struct mlt_str *keys, size_t n, mlt_row_fn fn, void *ctx,
                                    struct mlt_err *err) {
  struct pg_db *d = db;
  return mlt_pg_select_copied(d->pg, shape, by, keys, n, fn, ctx, err);
}

static enum mlt_rc op_insert_experiment(void *db, const struct mlt_value *row, int64_t wanted,
                                        const char *root, int64_t *id, struct mlt_err *err) {
  struct pg_db *d = db;
  return mlt_pg_insert_experiment(d->pg, row, wanted, root, id, err);
}

static void op_close(void *db) {
  struct pg_db *d = db;
  if (!d)
    return;
  mlt_pg_rebuild_free(d->rebuild);
  mlt_pg_close(d->pg);
  mlt_free(d);
}

static enum mlt_rc connect_db(struct pg_db **out, const char *conninfo,
                              const char *application_name, struct mlt_err *err) {
  struct pg_db *d = mlt_calloc(1, sizeof *d);
  if (!d)
    return mlt_err_nomem(err);
  d->conninfo = conninfo;
  d->application_name = application_name;
  enum mlt_rc rc = mlt_pg_open(&d->pg, conninfo, application_name, err);
  if (rc != MLT_OK) {
    mlt_free(d);
    return rc;
  }
  *out = d;
  return MLT_OK;
}

/* How a connection writes. A rebuild checks all its foreign keys when it makes them again, trusted
   or not. */
static enum mlt_rc set_manner(struct pg_db *d, struct mlt_pacer *pacer,
                              const volatile sig_atomic_t *cancelled, bool trust_runs,
                              struct mlt_err *err) {
  d->pacer = pacer;
  d->cancelled = cancelled;
  mlt_pg_set_cancelled(d->pg, cancelled);
  d->trust_runs = trust_runs;
  mlt_pg_set_pacer(d->pg, pacer);
  enum mlt_rc rc = mlt_pg_remember_server(d->pg, err);
  return rc == MLT_OK && trust_runs ? mlt_pg_trust_runs(d->pg, err) : rc;
}

static enum mlt_rc op_twin(void *db, void **out, struct mlt_err *err) {
  struct pg_db *d = db, *twin = NULL;
  if (d->rebuild)
    return MLT_OK;
  struct mlt_err failed = MLT_ERR_INIT;
  enum mlt_rc rc = connect_db(&twin, d->conninfo, d->application_name, &failed);
  if (rc == MLT_TEMPFAIL && strcmp(failed.sqlstate, "53300") == 0)
    return MLT_OK; /* the server, or the role, may have no more connections: fewer will do */
  if (rc != MLT_OK) {
    *err = failed;
    return rc;
  }
  rc = set_manner(twin, d->pacer, d->cancelled, d->trust_runs, err);
  if (rc != MLT_OK) {
    op_close(twin);
    return rc;
  }
  *out = twin;
  return MLT_OK;
}

static struct mlt_load_state op_load(const void *db) {
  const struct pg_db *d = db;
  return (struct mlt_load_state){.name = d->rebuild  ? "rebuild"
                                         : d->merges ? "merge"
                                                     : "append",
                                 .why = d->why[0] ? d->why : NULL,
                                 .whole = d->rebuild != NULL};
}

static enum mlt_rc op_finish(void *db, struct mlt_err *err) {
  struct pg_db *d = db;
  if (!d->rebuild)
    return MLT_OK;
  enum mlt_rc rc = mlt_pg_rebuild_finish(d->rebuild, err);
  if (rc == MLT_OK)
    rc = mlt_pg_commit(d->pg, err);
  if (rc != MLT_OK)
    op_rollback(d);
  return rc;
}

static void *op_handle(void *db) {
  return ((struct pg_db *)db)->pg;
}

static const struct mlt_store_ops store_ops = {.catalog = op_catalog,
                                               .begin = op_begin,
                                               .commit = op_commit,
                                               .rollback = op_rollback,
                                               .insert = op_insert,
                                               .lock_runs = op_lock_runs,
                                               .merge = op_merge,
                                               .select = op_select,
                                               .sum_rows = op_sum_rows,
                                               .read_run = op_read_run,
                                               .insert_copied = op_insert_copied,
                                               .select_copied = op_select_copied,
                                               .insert_experiment = op_insert_experiment,
                                               .close = op_close,
                                               .twin = op_twin,
                                               .load = op_load,
                                               .finish = op_finish,
                                               .ledger = &mlt_pg_ledger,
                                               .handle = op_handle,
                                               .paces_rows = true,
                                               .contended = op_contended,
                                               .lost = mlt_pg_is_lost,
                                               .reconnect = op_reconnect,
                                               .keeps_experiment_ids = false};

/* Reasons for auto not even to try a rebuild. */
static bool better_append(struct pg_db *d, const struct mlt_sink_opts *opts) {
  if (d->pacer)
    (void)snprintf(d->why, sizeof d->why,
                   "--max-rows-per-second: a rebuild would lock the tables for that much longer");
  else if (opts->adds)
    (void)snprintf(d->why, sizeof d->why, "the source adds to runs, which may be there");
  else if (opts->places)
    (void)snprintf(d->why, sizeof d->why,
                   "artifacts are placed by ids that a failed rebuild would take back");
  return d->why[0] || mlt_pg_too_short_for_rebuild(d->pg, d->why, sizeof d->why);
}

/* Begins a rebuild where that is wanted and possible; else the load is an append. */
static enum mlt_rc choose_load(struct pg_db *d, const struct mlt_schema *schema,
                               const struct mlt_sink_opts *opts, struct mlt_err *err) {
  d->merges = opts->load == MLT_LOAD_MERGE;
  bool asked = opts->load == MLT_LOAD_REBUILD;
  if (opts->load == MLT_LOAD_APPEND || d->merges ||
      (!asked && (opts->dry_run || better_append(d, opts))))
    return MLT_OK;
  struct mlt_pg_rebuild_opts rebuild = {.head = schema->head,
                                        .features = schema->features,
                                        .lock_timeout_ms = asked ? LOCK_ASKED_MS : LOCK_AT_ONCE_MS,
                                        .workers = BUILD_WORKERS,
                                        .memory_mb = BUILD_MEMORY_MB};
  struct mlt_pg_refusal why;
  enum mlt_rc rc = opts->dry_run ? mlt_pg_rebuild_refusal(d->pg, &why, err)
                                 : mlt_pg_rebuild_begin(d->pg, &rebuild, &d->rebuild, &why, err);
  (void)snprintf(d->why, sizeof d->why, "%s", why.text);
  if (rc != MLT_OK || !d->why[0] || !asked)
    return rc;
  rc = mlt_err_set(err, why.passing ? MLT_TEMPFAIL : MLT_USAGE,
                   "--load rebuild is not possible: %s", why.text);
  mlt_err_hint(err, "--load append loads beside what is there");
  return rc;
}

static enum mlt_rc look_before(struct pg_db *d, const struct mlt_sink_opts *opts,
                               struct mlt_err *err) {
  const struct mlt_pg_use use = {.merges = opts->adds || opts->load == MLT_LOAD_MERGE,
                                 .may_merge = opts->load == MLT_LOAD_AUTO,
                                 .trusts = opts->trust_runs,
                                 .copies = opts->copies,
                                 .connections = opts->writers ? opts->writers : 1};
  return opts->preflight ? mlt_pg_preflight(d->pg, &use, opts->preflight, err) : MLT_OK;
}

static enum mlt_rc pg_open(struct mlt_sink **out, const struct mlt_sink_opts *opts,
                           struct mlt_err *err) {
  struct pg_db *d = NULL;
  struct mlt_sink *s = NULL;
  enum mlt_rc rc = connect_db(&d, opts->target->conninfo, opts->application_name, err);
  if (rc == MLT_OK) /* dry or not: what an import refuses, its rehearsal refuses */
    rc = look_before(d, opts, err);
  if (rc != MLT_OK) {
    op_close(d);
    return rc;
  }
  rc = mlt_sink_make(&s, &store_ops, d, MLT_TARGET_PG, NULL, opts, err);
  if (rc == MLT_OK) /* before the load is chosen: what is refused is refused always */
    rc = set_manner(d, opts->pacer, opts->cancelled, opts->trust_runs, err);
  if (rc == MLT_OK) /* before a rebuild begins its one transaction */
    rc = mlt_sink_begin_ledger(s, opts, err);
  if (rc == MLT_OK)
    rc = choose_load(d, mlt_sink_schema(s), opts, err);
  if (rc != MLT_OK) {
    mlt_sink_close(s);
    return rc;
  }
  *out = s;
  return MLT_OK;
}

const struct mlt_sink_ops mlt_sink_pg = {.name = "postgresql",
                                         .kind = MLT_TARGET_PG,
                                         .open = pg_open,
                                         .schema = mlt_sink_schema,
                                         .shapes = mlt_sink_shapes,
                                         .write = mlt_sink_write,
                                         .locate = mlt_sink_locate,
                                         .twin = mlt_sink_twin,
                                         .load = mlt_sink_load,
                                         .finish = mlt_sink_finish,
                                         .ledger = mlt_sink_ledger,
                                         .failed = mlt_sink_failed,
                                         .id_map = mlt_sink_id_map,
                                         .close = mlt_sink_close};
