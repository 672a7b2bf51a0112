/* What imports left about themselves (ledger/ledger.h), against what is there. A run is looked at
   as the import left it that wrote to it last: it must be there, and where that import created it
   its rows must sum up to the digest that was kept. People may change and remove runs, so that they
   did is told, not blamed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mix.h"
#include "model/digest.h"
#include "verify/private.h"

/* Extra columns of LEDGER_RUNS and LEDGER_BROKEN. */
enum { RUN, IMPORT, CREATED, DIGEST };
enum { WHAT, OF, HOW_MANY };

struct run {
  struct mlt_str id, import;
  bool created, there;
  bool digested;      /* its rows are summed up: */
  uint64_t then, now; /* digests */
  struct mlt_str experiment;
};

/* Runs are looked at so many at a time. */
struct look {
  struct mlt_verify *v;
  struct mlt_arena *arena; /* of the runs at hand */
  struct mlt_map *index;   /* id -> place in runs */
  struct run runs[MLT_READ_KEYS];
  size_t n;
};

/* ---- the rows of runs ---- */

static struct run *run_of(struct look *l, struct mlt_str id) {
  uint64_t at;
  return id.p && mlt_map_get(l->index, id, &at) ? &l->runs[at] : NULL;
}

static enum mlt_rc take_run_row(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct look *l = ctx;
  struct run *r = run_of(l, mlt_row_at(row, MLT_C_RUNS_run_uuid)->s);
  const struct mlt_value *experiment = mlt_row_at(row, MLT_C_RUNS_experiment_id);
  char id[24];
  if (!r)
    return MLT_OK;
  r->there = true;
  r->now += mlt_row_digest(MLT_T_RUNS, row->v);
  if (experiment->kind != MLT_V_INT)
    return MLT_OK;
  (void)snprintf(id, sizeof id, "%" PRId64, experiment->i);
  return mlt_arena_str(l->arena, mlt_str_c(id), &r->experiment) != 0 ? mlt_err_nomem(err) : MLT_OK;
}

/* A row of a table that belongs to runs. */
static void add_row(struct look *l, enum mlt_table table, enum mlt_column owner,
                    const struct mlt_read_row *row) {
  struct run *r = run_of(l, mlt_row_at(row, owner)->s);
  if (r)
    r->now += mlt_row_digest(table, row->v);
}

#define TAKE(name, table)                                                                          \
  static enum mlt_rc take_##name(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) { \
    (void)err;                                                                                     \
    add_row(ctx, MLT_T_##table, MLT_C_##table##_run_uuid, row);                                    \
    return MLT_OK;                                                                                 \
  }
TAKE(param, PARAMS)
TAKE(tag, TAGS)
TAKE(metric, METRICS)
TAKE(latest, LATEST_METRICS)
#undef TAKE

static enum mlt_rc sum_up(struct look *l, struct mlt_err *err) {
  static const struct {
    enum mlt_read read;
    mlt_verify_row_fn take;
  } reads[] = {{MLT_READ_PARAMS, take_param},
               {MLT_READ_TAGS, take_tag},
               {MLT_READ_DIGEST_METRICS, take_metric},
               {MLT_READ_LATEST_METRICS, take_latest}};
  struct mlt_str keys[MLT_READ_KEYS];
  size_t n = 0;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < l->n; i++)
    if (l->runs[i].digested && l->runs[i].there)
      keys[n++] = l->runs[i].id;
  for (size_t i = 0; rc == MLT_OK && n && i < sizeof reads / sizeof *reads; i++)
    rc = mlt_verify_read_of(l->v, reads[i].read, keys, n, reads[i].take, l, err);
  return rc;
}

/* ---- telling ---- */

static void tell(struct look *l, const struct run *r) {
  struct mlt_finding f = {.what = MLT_FINDING_IMPORT_RUN_GONE,
                          .table = MLT_T_RUNS,
                          .id = r->id,
                          .experiment = r->experiment};
  if (!r->there) {
    mlt_verify_foundf(l->v, &f, "import %.*s %s it, and it is not there any more",
                      MLT_STR_ARG(r->import), r->created ? "created" : "wrote to");
  } else if (r->digested && r->now != r->then) {
    f.what = MLT_FINDING_IMPORT_RUN_CHANGED;
    mlt_verify_foundf(l->v, &f, "its rows are not those that import %.*s wrote: changed since",
                      MLT_STR_ARG(r->import));
  }
}

static enum mlt_rc look_at_runs(struct look *l, struct mlt_err *err) {
  struct mlt_str keys[MLT_READ_KEYS];
  for (size_t i = 0; i < l->n; i++)
    keys[i] = l->runs[i].id;
  enum mlt_rc rc = mlt_verify_read_of(l->v, MLT_READ_SERVER_RUNS, keys, l->n, take_run_row, l, err);
  if (rc == MLT_OK)
    rc = sum_up(l, err);
  for (size_t i = 0; rc == MLT_OK && i < l->n; i++)
    tell(l, &l->runs[i]);
  mlt_verify_count(l->v, MLT_AMOUNT_RUNS, l->n);
  mlt_map_clear(l->index);
  mlt_arena_reset(l->arena);
  l->n = 0;
  return rc;
}

/* ---- which runs ---- */

/* Reading all rows takes as long as an export: by --quick only of runs that were chosen. */
static bool is_to_be_read(const struct mlt_verify *v, struct mlt_str run) {
  const struct mlt_verify_opts *o = &v->opts;
  uint64_t h = 0;
  if (o->mode != MLT_VERIFY_SAMPLE)
    return o->mode == MLT_VERIFY_FULL || v->partial;
  for (size_t i = 0; i < run.len; i++)
    h = mlt_mix64(h + (unsigned char)run.p[i]);
  return mlt_mix_in_share(h, o->sample);
}

static enum mlt_rc take_run(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct look *l = ctx;
  struct run *r = &l->runs[l->n];
  *r = (struct run){.then = strtoull(row->extra[DIGEST].p ? row->extra[DIGEST].p : "", NULL, 10)};
  r->created = row->extra[CREATED].p != NULL;
  r->digested = r->created && row->extra[DIGEST].p && is_to_be_read(l->v, row->extra[RUN]);
  if (mlt_arena_str(l->arena, row->extra[RUN], &r->id) != 0 ||
      mlt_arena_str(l->arena, row->extra[IMPORT], &r->import) != 0 ||
      mlt_map_put(l->index, r->id, l->n) < 0)
    return mlt_err_nomem(err);
  l->n++;
  return l->n == MLT_READ_KEYS ? look_at_runs(l, err) : MLT_OK;
}

static enum mlt_rc check_runs(struct mlt_verify *v, struct mlt_err *err) {
  struct look *l = mlt_calloc(1, sizeof *l);
  if (!l)
    return mlt_err_nomem(err);
  l->v = v;
  l->arena = mlt_arena_new();
  l->index = mlt_map_new();
  enum mlt_rc rc = l->arena && l->index ? MLT_OK : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = mlt_verify_read(v, MLT_READ_BOTH(LEDGER_RUNS), take_run, l, err);
  if (rc == MLT_OK && l->n)
    rc = look_at_runs(l, err);
  mlt_arena_free(l->arena);
  mlt_map_free(l->index);
  mlt_free(l);
  return rc;
}

/* ---- the ledger itself ---- */

static enum mlt_rc take_broken(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct mlt_finding f = {
      .what = MLT_FINDING_LEDGER_BROKEN, .table = MLT_T_ALL, .id = row->extra[OF]};
  (void)err;
  if (mlt_str_is(row->extra[WHAT], "empty"))
    mlt_verify_foundf(ctx, &f, "%.*s batches of import %.*s have no counts of rows",
                      MLT_STR_ARG(row->extra[HOW_MANY]), MLT_STR_ARG(row->extra[OF]));
  else
    mlt_verify_foundf(ctx, &f, "%.*s %.*s %.*s, which is not there",
                      MLT_STR_ARG(row->extra[HOW_MANY]), MLT_STR_ARG(row->extra[WHAT]),
                      MLT_STR_ARG(row->extra[OF]));
  return MLT_OK;
}

static enum mlt_rc take_import(void *ctx, const struct mlt_ledger_import *i, struct mlt_err *err) {
  char id[24];
  (void)err;
  (void)snprintf(id, sizeof id, "%" PRId64, i->id);
  struct mlt_finding f = {.table = MLT_T_ALL, .id = mlt_str_c(id)};
  if (mlt_str_is(i->state, "running") && !mlt_worker_at_work(i->worker, i->idle)) {
    f.what = MLT_FINDING_IMPORT_STALE;
    mlt_verify_foundf(ctx, &f, "of '%.*s', begun %.*s", MLT_STR_ARG(i->source),
                      MLT_STR_ARG(i->started_at));
  }
  if (!mlt_str_is(i->state, "undone") && i->created != i->inserted[MLT_T_RUNS]) {
    f.what = MLT_FINDING_LEDGER_BROKEN;
    mlt_verify_foundf(ctx, &f,
                      "its batches count %" PRIu64 " runs as created, its list has %" PRIu64,
                      i->inserted[MLT_T_RUNS], i->created);
  }
  return MLT_OK;
}

static enum mlt_rc check_itself(struct mlt_verify *v, const struct mlt_ledger_ops *ops, void *db,
                                struct mlt_err *err) {
  enum mlt_rc rc = ops->imports(db, 0, take_import, v, err);
  return rc == MLT_OK
             ? mlt_verify_read(v, MLT_READ_LEDGER_BROKEN, MLT_READ_COUNT, take_broken, v, err)
             : rc;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  const struct mlt_ledger_ops *ops;
  void *db;
  bool there;
  enum mlt_rc rc = mlt_verify_ledger(v, &there, &ops, &db, &why);
  if (rc == MLT_NOPERM || rc == MLT_SCHEMA) {
    mlt_verify_found(
        v, &(struct mlt_finding){.what = MLT_FINDING_LEDGER_UNREAD,
                                 .table = MLT_T_ALL,
                                 .text = mlt_str_c(why.msg),
                                 .command = rc == MLT_NOPERM ? mlt_str_c(why.hint) : MLT_STR_NULL});
    return MLT_OK;
  }
  if (rc != MLT_OK) {
    *err = why;
    return rc;
  }
  if (there && !v->partial)
    rc = check_itself(v, ops, db, err);
  return there && rc == MLT_OK ? check_runs(v, err) : rc;
}

const struct mlt_check_ops mlt_check_ledger = {
    .name = "ledger", .modes = MLT_IN_ALL, .of_runs = true, .run = check};
