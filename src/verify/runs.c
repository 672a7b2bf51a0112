/* The rows of runs: what MLflow fails over, what says two different things, what was left behind.
   The rules are MLflow's, entities/run_info.py and utils/validation.py. */
#include <inttypes.h>
#include <string.h>
#include <stdlib.h>

#include "verify/private.h"

enum { EXPERIMENT, NAME_TAG, NEWEST }; /* extra columns of RUNS_SEEN */

enum { ID_MAX = 256 };

/* Times before it, taken for milliseconds, are of the first four months of 1970: seconds, mostly.
 */
static const int64_t LOOKS_LIKE_SECONDS = 10000000000;
static const int64_t DAY_MS = 86400000;

struct run {
  struct mlt_verify *v;
  const struct mlt_read_row *row;
  struct mlt_finding f; /* table, id, experiment */
};

static const struct mlt_value *at(const struct run *r, enum mlt_column c) {
  return mlt_row_at(r->row, c);
}

static bool is_null(const struct run *r, enum mlt_column c) {
  return at(r, c)->kind == MLT_V_NULL;
}

static void found(const struct run *r, enum mlt_finding_id what, enum mlt_column c,
                  const char *text) {
  struct mlt_finding f = r->f;
  f.what = what;
  f.field = mlt_str_c(mlt_column_info(c)->name);
  f.text = mlt_str_c(text);
  if (what == MLT_FINDING_RUN_STALE)
    f.command = MLT_STR_LIT("mltrack-verify --repair stale-runs");
  mlt_verify_found(r->v, &f);
}

/* [A-Za-z0-9][A-Za-z0-9_-]*, which is what MLflow looks up. */
static bool is_id(struct mlt_str id) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (!id.p || id.len == 0 || id.len > ID_MAX || id.p[0] == '_' || id.p[0] == '-')
    return false;
  for (size_t i = 0; i < id.len; i++)
    if (!id.p[i] || !strchr(letters, id.p[i]))
      return false;
  return true;
}

static bool is_one_of(struct mlt_str s, const char *const *list) {
  for (; *list; list++)
    if (mlt_str_is(s, *list))
      return true;
  return false;
}

static void check_readable(const struct run *r) {
  static const enum mlt_column needed[] = {MLT_C_RUNS_user_id, MLT_C_RUNS_status,
                                           MLT_C_RUNS_start_time, MLT_C_RUNS_lifecycle_stage};
  static const char *const statuses[] = {"RUNNING", "SCHEDULED", "FINISHED",
                                         "FAILED",  "KILLED",    NULL};
  static const char *const stages[] = {"active", "deleted", NULL};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (is_null(r, needed[i]) && r->row->bad != needed[i])
      found(r, MLT_FINDING_RUN_UNREADABLE, needed[i], "is NULL");
  if (!is_null(r, MLT_C_RUNS_status) && !is_one_of(at(r, MLT_C_RUNS_status)->s, statuses))
    found(r, MLT_FINDING_RUN_UNREADABLE, MLT_C_RUNS_status, "is none of MLflow's");
  if (!is_null(r, MLT_C_RUNS_lifecycle_stage) &&
      !is_one_of(at(r, MLT_C_RUNS_lifecycle_stage)->s, stages))
    found(r, MLT_FINDING_RUN_UNREADABLE, MLT_C_RUNS_lifecycle_stage, "is not active or deleted");
  if (r->row->bad != MLT_C_COUNT)
    found(r, MLT_FINDING_RUN_UNREADABLE, r->row->bad, "is not of its column's type");
  if (!is_id(at(r, MLT_C_RUNS_run_uuid)->s))
    found(r, MLT_FINDING_RUN_ID_FORM, MLT_C_RUNS_run_uuid,
          "is not made of letters, digits, - and _ alone");
}

static void check_belongings(const struct run *r) {
  struct mlt_str name = at(r, MLT_C_RUNS_name)->s, tag = r->row->extra[NAME_TAG];
  struct mlt_finding f = r->f;
  bool deleted = mlt_str_is(at(r, MLT_C_RUNS_lifecycle_stage)->s, "deleted");
  if (!r->row->extra[EXPERIMENT].p)
    found(r, MLT_FINDING_ROWS_ORPHANED, MLT_C_RUNS_experiment_id, "its experiment is not there");
  f.what = MLT_FINDING_RUN_NAME_DIFFERS;
  f.field = MLT_STR_LIT("mlflow.runName");
  if (name.p && name.len && tag.p && !mlt_str_eq(name, tag))
    mlt_verify_foundf(r->v, &f, "the run is called \"%.*s\", its tag says \"%.*s\"",
                      MLT_STR_ARG(name), MLT_STR_ARG(tag));
  if (is_null(r, MLT_C_RUNS_artifact_uri))
    found(r, MLT_FINDING_RUN_WITHOUT_PLACE, MLT_C_RUNS_artifact_uri, "is NULL");
  if (deleted && is_null(r, MLT_C_RUNS_deleted_time))
    found(r, MLT_FINDING_RUN_DELETED_WITHOUT_TIME, MLT_C_RUNS_deleted_time,
          "is NULL in a deleted run");
}

static void check_times(const struct run *r) {
  const struct mlt_value *start = at(r, MLT_C_RUNS_start_time), *end = at(r, MLT_C_RUNS_end_time);
  int64_t tomorrow = mlt_verify_options(r->v)->now_ms + DAY_MS;
  if (start->kind == MLT_V_INT && start->i < 0)
    found(r, MLT_FINDING_TIMES_ODD, MLT_C_RUNS_start_time, "is before 1970");
  else if (start->kind == MLT_V_INT && start->i > 0 && start->i < LOOKS_LIKE_SECONDS)
    found(r, MLT_FINDING_TIMES_ODD, MLT_C_RUNS_start_time,
          "is of early 1970: seconds, where milliseconds are meant?");
  else if (start->kind == MLT_V_INT && start->i > tomorrow)
    found(r, MLT_FINDING_TIMES_ODD, MLT_C_RUNS_start_time, "is in the future");
  if (start->kind == MLT_V_INT && end->kind == MLT_V_INT && end->i < start->i)
    found(r, MLT_FINDING_TIMES_ODD, MLT_C_RUNS_end_time, "is before the start");
}

/* A run that still logs is not stale, however long ago it began. */
static void check_stale(const struct run *r) {
  const struct mlt_verify_opts *o = mlt_verify_options(r->v);
  const char *newest = r->row->extra[NEWEST].p; /* a number that the database printed */
  int64_t alive = is_null(r, MLT_C_RUNS_start_time) ? 0 : at(r, MLT_C_RUNS_start_time)->i;
  if (newest && strtoll(newest, NULL, 10) > alive)
    alive = strtoll(newest, NULL, 10);
  if (mlt_str_is(at(r, MLT_C_RUNS_status)->s, "RUNNING") &&
      mlt_str_is(at(r, MLT_C_RUNS_lifecycle_stage)->s, "active") &&
      alive < o->now_ms - (int64_t)o->stale_seconds * 1000)
    found(r, MLT_FINDING_RUN_STALE, MLT_C_RUNS_status,
          "is RUNNING, but nothing has come of it since --stale");
}

static enum mlt_rc take(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct run r = {.v = ctx, .row = row};
  (void)err;
  r.f = (struct mlt_finding){.table = MLT_T_RUNS,
                             .id = mlt_row_at(row, MLT_C_RUNS_run_uuid)->s,
                             .experiment = row->extra[EXPERIMENT]};
  mlt_verify_count(ctx, MLT_AMOUNT_RUNS, 1);
  check_readable(&r);
  check_belongings(&r);
  check_times(&r);
  check_stale(&r);
  return MLT_OK;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  return mlt_verify_read(v, MLT_READ_BOTH(RUNS_SEEN), take, v, err);
}

const struct mlt_check_ops mlt_check_runs = {
    .name = "runs", .modes = MLT_IN_ALL, .of_runs = true, .run = check};
