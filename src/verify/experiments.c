/* The rows of experiments, and what lies in workspaces that a server may not know. */

#include "base/text.h"
#include "verify/private.h"

static void unreadable(struct mlt_verify *v, struct mlt_str id, enum mlt_column c,
                       const char *text) {
  mlt_verify_found(v, &(struct mlt_finding){.what = MLT_FINDING_EXPERIMENT_UNREADABLE,
                                            .table = MLT_T_EXPERIMENTS,
                                            .id = id,
                                            .experiment = id,
                                            .field = mlt_str_c(mlt_column_info(c)->name),
                                            .text = mlt_str_c(text)});
}

static enum mlt_rc take(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct mlt_str name = mlt_row_at(row, MLT_C_EXPERIMENTS_name)->s,
                       stage = mlt_row_at(row, MLT_C_EXPERIMENTS_lifecycle_stage)->s;
  char text[MLT_INT_TEXT];
  (void)err;
  (void)mlt_text_int(text, mlt_row_at(row, MLT_C_EXPERIMENTS_experiment_id)->i);
  struct mlt_str id = mlt_str_c(text);
  if (!mlt_verify_has_experiment(ctx, id))
    return MLT_OK;
  mlt_verify_count(ctx, MLT_AMOUNT_EXPERIMENTS, 1);
  if (!name.p || name.len == 0)
    unreadable(ctx, id, MLT_C_EXPERIMENTS_name, "is NULL or empty");
  if (!mlt_str_is(stage, "active") && !mlt_str_is(stage, "deleted"))
    unreadable(ctx, id, MLT_C_EXPERIMENTS_lifecycle_stage, "is not active or deleted");
  if (row->bad != MLT_C_COUNT)
    unreadable(ctx, id, row->bad, "is not of its column's type");
  return MLT_OK;
}

struct elsewhere {
  struct mlt_verify *v;
  enum mlt_table table;
};

static enum mlt_rc take_workspace(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct elsewhere *e = ctx;
  (void)err;
  mlt_verify_foundf(
      e->v,
      &(struct mlt_finding){
          .what = MLT_FINDING_WORKSPACE_OTHER, .table = e->table, .id = row->extra[0]},
      "%.*s %s are in this workspace", MLT_STR_ARG(row->extra[1]), mlt_table_name(e->table));
  return MLT_OK;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  struct elsewhere e = {v, MLT_T_EXPERIMENTS};
  enum mlt_rc rc = mlt_verify_read(v, MLT_READ_EXPERIMENTS_SEEN, MLT_READ_COUNT, take, v, err);
  if (rc != MLT_OK || mlt_verify_is_partial(v) ||
      !(mlt_verify_schema(v)->features & MLT_F_WORKSPACE))
    return rc;
  rc = mlt_verify_read(v, MLT_READ_OTHER_EXPERIMENTS, MLT_READ_COUNT, take_workspace, &e, err);
  e.table = MLT_T_REGISTERED_MODELS;
  return rc == MLT_OK ? mlt_verify_read(v, MLT_READ_OTHER_REGISTERED_MODELS, MLT_READ_COUNT,
                                        take_workspace, &e, err)
                      : rc;
}

const struct mlt_check_ops mlt_check_experiments = {
    .name = "experiments", .modes = MLT_IN_ALL, .of_runs = true, .run = check};
