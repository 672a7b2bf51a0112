/* Logged models and the registry. */
#include <stdio.h>

#include "verify/private.h"

enum { STATUS_MAX = 3 }; /* MLflow's LoggedModelStatus: 0 unspecified, pending, ready, failed */

/* ---- logged models ---- */

static enum mlt_rc take_model(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct mlt_value *status = mlt_row_at(row, MLT_C_LOGGED_MODELS_status);
  const struct mlt_str stage = mlt_row_at(row, MLT_C_LOGGED_MODELS_lifecycle_stage)->s;
  struct mlt_finding f = {.what = MLT_FINDING_MODEL_UNREADABLE,
                          .table = MLT_T_LOGGED_MODELS,
                          .id = mlt_row_at(row, MLT_C_LOGGED_MODELS_model_id)->s};
  (void)err;
  mlt_verify_count(ctx, MLT_AMOUNT_LOGGED_MODELS, 1);
  f.field = MLT_STR_LIT("status");
  if (status->kind != MLT_V_INT || status->i < 0 || status->i > STATUS_MAX)
    mlt_verify_foundf(ctx, &f, "is none of MLflow's (0 to %d)", STATUS_MAX);
  f.field = MLT_STR_LIT("lifecycle_stage");
  if (!mlt_str_is(stage, "active") && !mlt_str_is(stage, "deleted"))
    mlt_verify_foundf(ctx, &f, "is not active or deleted");
  return MLT_OK;
}

struct taking {
  struct mlt_verify *v;
  enum mlt_table table;
};

static enum mlt_rc take_elsewhere(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct taking *t = ctx;
  (void)err;
  mlt_verify_foundf(t->v,
                    &(struct mlt_finding){.what = MLT_FINDING_MODEL_ELSEWHERE,
                                          .table = t->table,
                                          .id = row->extra[0],
                                          .field = MLT_STR_LIT("experiment_id")},
                    "%.*s rows of %s name another experiment than logged_models does",
                    MLT_STR_ARG(row->extra[1]), mlt_table_name(t->table));
  return MLT_OK;
}

static enum mlt_rc check_logged(struct mlt_verify *v, struct mlt_err *err) {
  static const enum mlt_read reads[] = {MLT_READ_ELSEWHERE_PARAMS, MLT_READ_ELSEWHERE_TAGS,
                                        MLT_READ_ELSEWHERE_METRICS};
  enum mlt_rc rc = mlt_verify_read(v, MLT_READ_LOGGED_MODELS, MLT_READ_COUNT, take_model, v, err);
  for (size_t i = 0; i < sizeof reads / sizeof *reads && rc == MLT_OK; i++) {
    struct taking t = {v, mlt_read_info(reads[i])->table};
    rc = mlt_verify_read(v, reads[i], MLT_READ_COUNT, take_elsewhere, &t, err);
  }
  return rc;
}

/* ---- the registry ---- */

static enum mlt_rc take_alias(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  (void)err;
  mlt_verify_foundf(ctx,
                    &(struct mlt_finding){.what = MLT_FINDING_ALIAS_LOST,
                                          .table = MLT_T_REGISTERED_MODEL_ALIASES,
                                          .id = row->extra[0],
                                          .field = row->extra[1]},
                    "stands for version %.*s, which is not there", MLT_STR_ARG(row->extra[2]));
  return MLT_OK;
}

/* A version is known as "name/version". */
static void found_version(struct mlt_verify *v, enum mlt_finding_id what, enum mlt_table table,
                          struct mlt_str name, struct mlt_str version, struct mlt_str field,
                          const char *text) {
  char id[600];
  (void)snprintf(id, sizeof id, "%.*s/%.*s", MLT_STR_ARG(name), MLT_STR_ARG(version));
  mlt_verify_found(v, &(struct mlt_finding){.what = what,
                                            .table = table,
                                            .id = mlt_str_c(id),
                                            .field = field,
                                            .text = mlt_str_c(text)});
}

static enum mlt_rc take_tag(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  (void)err;
  found_version(ctx, MLT_FINDING_ROWS_ORPHANED, MLT_T_MODEL_VERSION_TAGS, row->extra[0],
                row->extra[2], row->extra[1], "a tag of a version that is not there");
  return MLT_OK;
}

static enum mlt_rc take_version(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  char text[200];
  (void)err;
  (void)snprintf(text, sizeof text, "run %.*s is not there", MLT_STR_ARG(row->extra[2]));
  found_version(ctx, MLT_FINDING_VERSION_RUN_GONE, MLT_T_MODEL_VERSIONS, row->extra[0],
                row->extra[1], MLT_STR_LIT("run_id"), text);
  return MLT_OK;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc = check_logged(v, err);
  if (rc == MLT_OK)
    rc = mlt_verify_read(v, MLT_READ_LOST_ALIASES, MLT_READ_COUNT, take_alias, v, err);
  if (rc == MLT_OK)
    rc = mlt_verify_read(v, MLT_READ_LOST_VERSION_TAGS, MLT_READ_COUNT, take_tag, v, err);
  return rc == MLT_OK
             ? mlt_verify_read(v, MLT_READ_LOST_VERSION_RUNS, MLT_READ_COUNT, take_version, v, err)
             : rc;
}

const struct mlt_check_ops mlt_check_models = {.name = "models", .modes = MLT_IN_ALL, .run = check};
