/* SQLite as a sink: the shared writer over lite/store.h. A file that is not there is made with
 * MLflow's schema. */
#include "lite/build.h"
#include "lite/ledger.h"
#include "lite/read.h"
#include "sink/all.h"
#include "sink/create.h"
#include "sink/writer.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "base/mem.h"

/* What store_ops take as the database. */
struct sqlite_db {
  struct mlt_lite *lite;
  struct mlt_newfile *file; /* being built; NULL: the file was there */
  bool broken;              /* what was being built was given up */
};

static enum mlt_rc op_catalog(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                              struct mlt_err *err) {
  struct sqlite_db *d = db;
  return mlt_lite_catalog(d->lite, arena, out, err);
}

static enum mlt_rc op_begin(void *db, bool read_only, const char *head, uint32_t features,
                            struct mlt_err *err) {
  struct sqlite_db *d = db;
  if (d->broken)
    return mlt_err_set(err, MLT_TEMPFAIL, "the new file was given up; nothing of it is in");
  return d->file ? MLT_OK : mlt_lite_begin(d->lite, read_only, head, features, err);
}

static enum mlt_rc op_commit(void *db, struct mlt_err *err) {
  struct sqlite_db *d = db;
  return d->file ? MLT_OK : mlt_lite_commit(d->lite, err);
}

static void op_rollback(void *db) {
  struct sqlite_db *d = db;
  d->broken = d->file != NULL;
  if (!d->file)
    mlt_lite_rollback(d->lite);
}

static enum mlt_rc op_insert(void *db, const struct mlt_rows *rows, uint32_t features,
                             struct mlt_err *err) {
  struct sqlite_db *d = db;
  return mlt_lite_insert(d->lite, rows, features, err);
}

/* SQLite takes one writer at a time. */
static enum mlt_rc op_lock_runs(void *db, const struct mlt_str *runs, size_t n,
                                struct mlt_err *err) {
  (void)db, (void)runs, (void)n, (void)err;
  return MLT_OK;
}

static enum mlt_rc op_merge(void *db, const struct mlt_merge *merge, uint32_t features,
                            struct mlt_merged *out, struct mlt_err *err) {
  struct sqlite_db *d = db;
  enum mlt_rc rc = d->file ? mlt_lite_build_indexes(d->lite, err) : MLT_OK;
  return rc == MLT_OK ? mlt_lite_merge(d->lite, merge, features, out, err) : rc;
}

/* Whoever found the file locked has waited for it already. */
static bool op_contended(const struct mlt_err *err) {
  (void)err;
  return false;
}

static enum mlt_rc op_select(void *db, enum mlt_table table, const struct mlt_where *where,
                             uint32_t features, mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  struct sqlite_db *d = db;
  return mlt_lite_select(d->lite, table, where, features, fn, ctx, err);
}

static enum mlt_rc op_sum_rows(void *db, enum mlt_table table, const struct mlt_str *runs, size_t n,
                               uint32_t features, mlt_row_sum_fn fn, void *ctx,
                               struct mlt_err *err) {
  struct sqlite_db *d = db;
  return mlt_lite_sum_rows(d->lite, table, runs, n, features, fn, ctx, err);
}

static enum mlt_rc op_read_run(void *db, enum mlt_read what, struct mlt_str run, uint32_t features,
                               mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  struct sqlite_db *d = db;
  struct mlt_lite_read *r;
  const struct mlt_read_row *row;
  unsigned n;
  enum mlt_column first = mlt_table_columns(mlt_read_info(what)->table, &n);
  enum mlt_rc rc = mlt_lite_read_new(&r, d->lite, what, features, err);
  if (rc == MLT_OK)
    rc = mlt_lite_read_start(r, &run, 1, err);
  while (rc == MLT_OK && (rc = mlt_lite_read_next(r, &row, err)) == MLT_OK) {
    struct mlt_read_row odd;
    if (row->bad == MLT_C_COUNT) {
      rc = fn(ctx, row->v, err);
      continue;
    }
    odd = *row; /* as a select gives it */
    odd.v[row->bad - first] = (struct mlt_value){.kind = MLT_V_TEXT, .s = row->odd};
    rc = fn(ctx, odd.v, err);
  }
  mlt_lite_read_free(r);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc op_insert_copied(void *db, const struct mlt_copied_rows *rows,
                                    struct mlt_err *err) {
  struct sqlite_db *d = db;
  return mlt_lite_insert_copied(d->lite, rows, err);
}

static enum mlt_rc op_select_copied(void *db, const struct mlt_shape *shape, unsigned by,
                                    const struct mlt_str *keys, size_t n, mlt_row_fn fn, void *ctx,
                                    struct mlt_err *err) {
  struct sqlite_db *d = db;
  return mlt_lite_select_copied(d->lite, shape, by, keys, n, fn, ctx, err);
}

static enum mlt_rc op_insert_experiment(void *db, const struct mlt_value *row, int64_t wanted,
                                        const char *root, int64_t *id, struct mlt_err *err) {
  struct sqlite_db *d = db;
  return mlt_lite_insert_experiment(d->lite, row, wanted, root, id, err);
}

static void op_close(void *db) {
  struct sqlite_db *d = db;
  if (!d)
    return;
  mlt_lite_close(d->lite);
  mlt_newfile_close(d->file);
  mlt_free(d);
}

/* A SQLite file takes one writer at a time. */
static enum mlt_rc op_twin(void *db, void **out, struct mlt_err *err) {
  (void)db, (void)err;
  *out = NULL;
  return MLT_OK;
}

static struct mlt_load_state op_load(const void *db) {
  const struct sqlite_db *d = db;
  bool whole = d && d->file; /* no database: a dry run into a file that is not there */
  return (struct mlt_load_state){.name = whole ? "rebuild" : "insert", .whole = whole};
}

static enum mlt_rc op_finish(void *db, struct mlt_err *err) {
  struct sqlite_db *d = db;
  if (!d->file)
    return MLT_OK;
  enum mlt_rc rc = mlt_finish_sqlite(d->lite, d->file, err);
  d->broken = rc != MLT_OK;
  return rc;
}

static void *op_handle(void *db) {
  return ((struct sqlite_db *)db)->lite;
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
                                               .ledger = &mlt_lite_ledger,
                                               .handle = op_handle,
                                               .contended = op_contended,
                                               .keeps_experiment_ids = true};

static enum mlt_rc head_for(const struct mlt_sink_opts *opts, const struct mlt_head **out,
                            struct mlt_err *err) {
  *out = opts->mlflow_version ? mlt_head_by_version(opts->mlflow_version) : mlt_head_default();
  if (*out)
    return MLT_OK;
  return mlt_err_set(err, MLT_USAGE, "--mlflow-version %s: no MLflow release from 2.0 on",
                     opts->mlflow_version);
}

/* What a file made now would have, for a dry run that must not make it. */
static void schema_of_new(const struct mlt_head *head, struct mlt_schema *out) {
  *out = (struct mlt_schema){.known = head, .features = head->features};
  (void)snprintf(out->head, sizeof out->head, "%s", head->revision);
  mlt_limits_none(&out->limits);
}

/* Likewise the tables that are copied. */
static enum mlt_rc shapes_of_new(struct mlt_sink *s, const struct mlt_head *head,
                                 struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  struct mlt_catalog catalog;
  char *script = NULL;
  s->catalog = mlt_arena_new();
  enum mlt_rc rc = s->catalog ? mlt_lite_open_memory(&db, err) : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = mlt_schema_ddl(head, MLT_TARGET_SQLITE, &script, err);
  if (rc == MLT_OK)
    rc = mlt_lite_run_ddl(db, script, err);
  if (rc == MLT_OK)
    rc = mlt_lite_catalog(db, s->catalog, &catalog, err);
  if (rc == MLT_OK)
    mlt_copied_shapes(&catalog, MLT_TARGET_SQLITE, s->shapes);
  mlt_free(script);
  mlt_lite_close(db);
  return rc;
}

static enum mlt_rc dry_run_into_new(struct mlt_sink **out, const struct mlt_head *head,
                                    const struct mlt_sink_opts *opts, struct mlt_err *err) {
  struct mlt_schema schema;
  *out = NULL;
  schema_of_new(head, &schema);
  enum mlt_rc rc = mlt_sink_make(out, &store_ops, NULL, MLT_TARGET_SQLITE, &schema, opts, err);
  if (rc == MLT_OK)
    rc = shapes_of_new(*out, head, err);
  if (rc != MLT_OK && *out) {
    mlt_sink_close(*out);
    *out = NULL;
  }
  return rc;
}

/* A file that is not there; *d stays without a connection if there is one by now. */
static enum mlt_rc open_new(struct sqlite_db *d, const struct mlt_head *head,
                            const struct mlt_sink_opts *opts, struct mlt_err *err) {
  const char *path = opts->target->path;
  return opts->load == MLT_LOAD_APPEND || opts->load == MLT_LOAD_MERGE || opts->adds
             ? mlt_create_sqlite(path, head, err)
             : mlt_begin_sqlite(&d->lite, &d->file, path, head, opts->cache_bytes, err);
}

static enum mlt_rc open_existing(struct sqlite_db *d, const struct mlt_sink_opts *opts,
                                 struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_open(&d->lite, opts->target->path,
                                 opts->dry_run ? MLT_LITE_READ : MLT_LITE_WRITE, err);
  if (rc == MLT_OK && opts->prove)
    mlt_lite_take_odd(d->lite);
  return rc == MLT_OK && opts->cache_bytes ? mlt_lite_set_cache(d->lite, opts->cache_bytes, err)
                                           : rc;
}

static bool is_missing(const char *path) {
  return access(path, F_OK) != 0 && errno == ENOENT;
}

static enum mlt_rc sqlite_open(struct mlt_sink **out, const struct mlt_sink_opts *opts,
                               struct mlt_err *err) {
  const struct mlt_head *head = NULL;
  struct mlt_schema schema;
  enum mlt_rc rc = MLT_OK;
  if (is_missing(opts->target->path))
    rc = head_for(opts, &head, err);
  if (rc != MLT_OK)
    return rc;
  if (head && opts->dry_run)
    return dry_run_into_new(out, head, opts, err);
  struct sqlite_db *d = mlt_calloc(1, sizeof *d);
  if (!d)
    return mlt_err_nomem(err);
  if (head)
    rc = open_new(d, head, opts, err);
  if (rc == MLT_OK && !d->lite)
    rc = open_existing(d, opts, err);
  if (rc != MLT_OK) {
    op_close(d);
    return rc;
  }
  if (d->file)
    schema_of_new(head, &schema);
  struct mlt_sink *s = NULL;
  rc = mlt_sink_make(&s, &store_ops, d, MLT_TARGET_SQLITE, d->file ? &schema : NULL, opts, err);
  if (rc == MLT_OK)
    rc = mlt_sink_begin_ledger(s, opts, err);
  if (rc == MLT_OK)
    *out = s;
  else
    mlt_sink_close(s);
  return rc;
}

const struct mlt_sink_ops mlt_sink_sqlite = {.name = "sqlite",
                                             .kind = MLT_TARGET_SQLITE,
                                             .open = sqlite_open,
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
