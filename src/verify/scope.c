/* Which runs are meant: those that opts.runs, .experiments, .since_ms and .imports all let through.
   What was asked for and is not there is a finding: the store does not hold what somebody expects
   of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "verify/private.h"

/* Extra columns of SCOPE_RUNS and SCOPE_EXPERIMENTS. */
enum { RUN, EXPERIMENT, START };
enum { EXPERIMENT_ID, NAME };

static enum mlt_rc put(struct mlt_map *m, struct mlt_str key, struct mlt_err *err) {
  return mlt_map_put(m, key, 0) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

static bool has(const struct mlt_map *m, struct mlt_str key) {
  uint64_t ignored;
  return key.p && mlt_map_get(m, key, &ignored);
}

static bool is_one_of(struct mlt_str s, const char *const *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (mlt_str_is(s, list[i]))
      return true;
  return false;
}

static int by_bytes(const void *a, const void *b) {
  return mlt_str_cmp(*(const struct mlt_str *)a, *(const struct mlt_str *)b);
}

static enum mlt_rc add_run(struct mlt_verify *v, struct mlt_str run, struct mlt_err *err) {
  if (!MLT_VEC_ROOM(v->runs) || mlt_arena_str(v->arena, run, &v->runs.v[v->runs.n]) != 0)
    return mlt_err_nomem(err);
  v->runs.n++;
  return MLT_OK;
}

static enum mlt_rc take_imported(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  return put(((struct mlt_verify *)ctx)->imported, row->extra[RUN], err);
}

static enum mlt_rc take_import(void *ctx, const struct mlt_ledger_import *i, struct mlt_err *err) {
  char id[24];
  (void)snprintf(id, sizeof id, "%" PRId64, i->id);
  return put(((struct mlt_verify *)ctx)->imports_there, mlt_str_c(id), err);
}

/* Which runs the imports that were asked for have written. */
static enum mlt_rc look_into_ledger(struct mlt_verify *v, struct mlt_err *err) {
  const struct mlt_verify_opts *o = &v->opts;
  const struct mlt_ledger_ops *ops;
  void *db;
  bool there;
  int64_t number;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < o->n_imports; i++)
    rc = mlt_ledger_id(o->imports[i], &number, err);
  if (rc == MLT_OK)
    rc = mlt_verify_ledger(v, &there, &ops, &db, err);
  for (size_t i = 0; rc == MLT_OK && there && i < o->n_imports; i++) {
    const struct mlt_str id = mlt_str_c(o->imports[i]);
    rc = mlt_ledger_id(o->imports[i], &number, err);
    if (rc == MLT_OK)
      rc = ops->imports(db, number, take_import, v, err);
    if (rc == MLT_OK)
      rc = mlt_verify_read_of(v, MLT_READ_LEDGER_SCOPE, &id, 1, take_imported, v, err);
  }
  return rc;
}

/* The ids that were asked for become the keys of the first read. */
static enum mlt_rc take_ids(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  struct mlt_str run;
  uint64_t ignored;
  size_t n = 0;
  for (size_t i = 0; i < v->opts.n_runs && rc == MLT_OK; i++)
    rc = add_run(v, mlt_str_c(v->opts.runs[i]), err);
  for (size_t at = 0;
       rc == MLT_OK && !v->opts.n_runs && mlt_map_next(v->imported, &at, &run, &ignored);)
    rc = add_run(v, run, err);
  if (v->runs.n)
    qsort(v->runs.v, v->runs.n, sizeof *v->runs.v, by_bytes);
  for (size_t i = 0; i < v->runs.n; i++)
    if (n == 0 || !mlt_str_eq(v->runs.v[n - 1], v->runs.v[i]))
      v->runs.v[n++] = v->runs.v[i];
  v->runs.n = n;
  v->partial = n > 0 || v->opts.n_imports;
  return rc;
}

static enum mlt_rc take_experiment(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_verify *v = ctx;
  if (!is_one_of(row->extra[NAME], v->opts.experiments, v->opts.n_experiments))
    return MLT_OK;
  enum mlt_rc rc = put(v->names_there, row->extra[NAME], err);
  return rc == MLT_OK ? put(v->experiments, row->extra[EXPERIMENT_ID], err) : rc;
}

static enum mlt_rc take_run(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_verify *v = ctx;
  const struct mlt_verify_opts *o = &v->opts;
  const struct mlt_str start = row->extra[START];
  enum mlt_rc rc = o->n_runs ? put(v->runs_there, row->extra[RUN], err) : MLT_OK;
  if (rc != MLT_OK || (o->n_experiments && !has(v->experiments, row->extra[EXPERIMENT])) ||
      (o->n_imports && !has(v->imported, row->extra[RUN])) ||
      (o->has_since && (!start.p || strtoll(start.p, NULL, 10) < o->since_ms)))
    return rc;
  rc = put(v->chosen, row->extra[RUN], err);
  return rc == MLT_OK && row->extra[EXPERIMENT].p ? put(v->experiments, row->extra[EXPERIMENT], err)
                                                  : rc;
}

/* From the ids that were asked for to those that are there and meant. */
static enum mlt_rc settle(struct mlt_verify *v, struct mlt_err *err) {
  struct mlt_str run;
  uint64_t ignored;
  enum mlt_rc rc = MLT_OK;
  v->runs.n = 0;
  v->partial = true;
  for (size_t at = 0; rc == MLT_OK && mlt_map_next(v->chosen, &at, &run, &ignored);)
    rc = add_run(v, run, err); /* they came in this order */
  return rc;
}

static enum mlt_rc make_maps(struct mlt_verify *v, struct mlt_err *err) {
  struct mlt_map **const maps[] = {&v->chosen,      &v->experiments,   &v->runs_there,
                                   &v->names_there, &v->imports_there, &v->imported};
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
    if (!(*maps[i] = mlt_map_new()))
      return mlt_err_nomem(err);
  return MLT_OK;
}

enum mlt_rc mlt_verify_choose(struct mlt_verify *v, struct mlt_err *err) {
  const struct mlt_verify_opts *o = &v->opts;
  if (!o->n_runs && !o->n_experiments && !o->has_since && !o->n_imports)
    return MLT_OK;
  enum mlt_rc rc = make_maps(v, err);
  if (rc == MLT_OK && o->n_imports)
    rc = look_into_ledger(v, err);
  if (rc == MLT_OK)
    rc = take_ids(v, err);
  if (rc == MLT_OK && o->n_experiments)
    rc = mlt_verify_read(v, MLT_READ_SCOPE_EXPERIMENTS, MLT_READ_COUNT, take_experiment, v, err);
  if (rc == MLT_OK)
    rc = mlt_verify_read(v, MLT_READ_BOTH(SCOPE_RUNS), take_run, v, err);
  return rc == MLT_OK ? settle(v, err) : rc;
}

void mlt_verify_choose_free(struct mlt_verify *v) {
  mlt_map_free(v->chosen);
  mlt_map_free(v->experiments);
  mlt_map_free(v->runs_there);
  mlt_map_free(v->names_there);
  mlt_map_free(v->imports_there);
  mlt_map_free(v->imported);
  mlt_free(v->runs.v);
}

bool mlt_verify_is_partial(const struct mlt_verify *v) {
  return v->partial;
}

bool mlt_verify_has_run(const struct mlt_verify *v, struct mlt_str run) {
  return !v->partial || has(v->chosen, run);
}

bool mlt_verify_has_experiment(const struct mlt_verify *v, struct mlt_str experiment) {
  return !v->partial || has(v->experiments, experiment);
}

/* ---- the check ---- */

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  const struct mlt_verify_opts *o = &v->opts;
  (void)err;
  for (size_t i = 0; i < o->n_runs; i++) {
    struct mlt_str id = mlt_str_c(o->runs[i]);
    if (!has(v->runs_there, id))
      mlt_verify_found(v,
                       &(struct mlt_finding){.what = MLT_FINDING_RUN_MISSING,
                                             .table = MLT_T_RUNS,
                                             .id = id,
                                             .text = MLT_STR_LIT("the database has no such run")});
  }
  for (size_t i = 0; i < o->n_experiments; i++) {
    struct mlt_str name = mlt_str_c(o->experiments[i]);
    if (!has(v->names_there, name))
      mlt_verify_found(v, &(struct mlt_finding){
                              .what = MLT_FINDING_EXPERIMENT_MISSING,
                              .table = MLT_T_EXPERIMENTS,
                              .id = name,
                              .text = MLT_STR_LIT("the database has no experiment of this name")});
  }
  for (size_t i = 0; i < o->n_imports; i++) {
    struct mlt_str id = mlt_str_c(o->imports[i]);
    if (!has(v->imports_there, id))
      mlt_verify_found(v,
                       &(struct mlt_finding){.what = MLT_FINDING_IMPORT_MISSING,
                                             .table = MLT_T_ALL,
                                             .id = id,
                                             .text = MLT_STR_LIT("the ledger has no such import"),
                                             .command = MLT_STR_LIT("mltrack-bulk imports")});
  }
  return MLT_OK;
}

const struct mlt_check_ops mlt_check_chosen = {
    .name = "chosen", .modes = MLT_IN_ALL, .of_runs = true, .run = check};
