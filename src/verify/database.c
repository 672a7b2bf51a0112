/* The two databases as one: opened for reading only, standing still, read by named reads. */
#include "lite/ledger.h"
#include "pg/ledger.h"
#include "verify/private.h"

/* ---- opening ---- */

static enum mlt_rc open_pg(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc =
      mlt_pg_open(&v->pg, v->opts.target->conninfo, "mltrack-verify/" MLT_VERSION, err);
  if (rc == MLT_OK && v->opts.cancelled)
    mlt_pg_set_cancelled(v->pg, v->opts.cancelled);
  return rc == MLT_OK ? mlt_pg_catalog(v->pg, v->arena, &v->catalog, err) : rc;
}

/* Some runs are looked at in a moment: a copy of a large file would take longer. */
static bool is_short(const struct mlt_verify_opts *o) {
  return o->n_runs && o->mode == MLT_VERIFY_QUICK;
}

static enum mlt_rc open_lite(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_open(&v->lite, v->opts.target->path, MLT_LITE_READ, err);
  if (rc == MLT_OK)
    rc = is_short(&v->opts) ? mlt_lite_hold(v->lite, err) : mlt_lite_snapshot(&v->lite, err);
  return rc == MLT_OK ? mlt_lite_catalog(v->lite, v->arena, &v->catalog, err) : rc;
}

enum mlt_rc mlt_verify_connect(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_target_kind kind = v->opts.target->kind;
  enum mlt_rc rc = kind == MLT_TARGET_PG ? open_pg(v, err) : open_lite(v, err);
  if (rc == MLT_OK)
    rc = mlt_schema_check_source(&v->catalog, kind, &v->schema, v->arena, err);
  if (rc == MLT_OK && v->pg)
    rc = mlt_pg_snapshot(v->pg, v->schema.head, v->schema.features, err);
  return rc;
}

void mlt_verify_disconnect(struct mlt_verify *v) {
  mlt_pg_close(v->pg);
  mlt_lite_close(v->lite);
  v->pg = NULL;
  v->lite = NULL;
}

enum mlt_rc mlt_verify_ledger(struct mlt_verify *v, bool *there, const struct mlt_ledger_ops **ops,
                              void **db, struct mlt_err *err) {
  const struct mlt_ledger_ops *theirs = v->pg ? &mlt_pg_ledger : &mlt_lite_ledger;
  void *handle = v->pg ? (void *)v->pg : (void *)v->lite;
  bool made;
  enum mlt_rc rc = theirs->begin(handle, MLT_LEDGER_READ, there, &made, err);
  theirs->rollback(handle); /* of a transaction of its own: what stands still does so without */
  if (ops) {
    *ops = theirs;
    *db = handle;
  }
  return rc;
}

/* ---- reading ---- */

/* A read under way; one of them is set. */
struct reading {
  struct mlt_pg_read *pg;
  struct mlt_lite_read *lite;
};

static enum mlt_rc reading_new(struct reading *r, struct mlt_verify *v, enum mlt_read what,
                               struct mlt_err *err) {
  *r = (struct reading){NULL, NULL};
  if (v->pg)
    return mlt_pg_read_new(&r->pg, v->pg, what, v->schema.features, err);
  return mlt_lite_read_new(&r->lite, v->lite, what, v->schema.features, err);
}

static enum mlt_rc reading_start(struct reading *r, const struct mlt_str *keys, size_t n,
                                 struct mlt_err *err) {
  return r->pg ? mlt_pg_read_start(r->pg, keys, n, err)
               : mlt_lite_read_start(r->lite, keys, n, err);
}

static enum mlt_rc reading_next(struct reading *r, const struct mlt_read_row **row,
                                struct mlt_err *err) {
  return r->pg ? mlt_pg_read_next(r->pg, row, err) : mlt_lite_read_next(r->lite, row, err);
}

static void reading_free(struct reading *r) {
  mlt_pg_read_free(r->pg);
  mlt_lite_read_free(r->lite);
}

static enum mlt_rc give_rows(struct mlt_verify *v, struct reading *r, mlt_verify_row_fn fn,
                             void *ctx, struct mlt_err *err) {
  const struct mlt_read_row *row;
  enum mlt_rc rc = mlt_verify_tick(v, err);
  while (rc == MLT_OK && (rc = reading_next(r, &row, err)) == MLT_OK) {
    rc = fn(ctx, row, err);
    if (rc == MLT_OK)
      rc = mlt_verify_tick(v, err);
  }
  return rc == MLT_END ? MLT_OK : rc;
}

enum mlt_rc mlt_verify_read_of(struct mlt_verify *v, enum mlt_read what, const struct mlt_str *keys,
                               size_t n, mlt_verify_row_fn fn, void *ctx, struct mlt_err *err) {
  struct reading r;
  enum mlt_rc rc = reading_new(&r, v, what, err);
  for (size_t at = 0; rc == MLT_OK && at < n; at += MLT_READ_KEYS) {
    rc = reading_start(&r, keys + at, n - at < MLT_READ_KEYS ? n - at : MLT_READ_KEYS, err);
    if (rc == MLT_OK)
      rc = give_rows(v, &r, fn, ctx, err);
  }
  reading_free(&r);
  return rc;
}

enum mlt_rc mlt_verify_read(struct mlt_verify *v, enum mlt_read what, enum mlt_read of,
                            mlt_verify_row_fn fn, void *ctx, struct mlt_err *err) {
  if (v->partial && of != MLT_READ_COUNT)
    return mlt_verify_read_of(v, of, v->runs.v, v->runs.n, fn, ctx, err);
  struct reading r;
  enum mlt_rc rc = reading_new(&r, v, what, err);
  if (rc == MLT_OK)
    rc = reading_start(&r, NULL, 0, err);
  if (rc == MLT_OK)
    rc = give_rows(v, &r, fn, ctx, err);
  reading_free(&r);
  return rc;
}
