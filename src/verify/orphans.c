/* Rows that belong to nothing, in tables with and without foreign keys. */
#include "verify/private.h"

static const struct orphans {
  enum mlt_read read;
  enum mlt_finding_id what;
} tables[] = {
    {MLT_READ_LOST_EXPERIMENT_TAGS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_DATASETS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_PARAMS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_TAGS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_METRICS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_LATEST_METRICS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_INPUTS, MLT_FINDING_INPUT_ORPHANED},
    {MLT_READ_LOST_INPUT_TAGS, MLT_FINDING_INPUT_ORPHANED},
    {MLT_READ_LOST_LOGGED_MODELS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_LOGGED_MODEL_PARAMS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_LOGGED_MODEL_TAGS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_LOGGED_MODEL_METRICS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_REGISTERED_MODEL_TAGS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_MODEL_VERSIONS, MLT_FINDING_ROWS_ORPHANED},
    {MLT_READ_LOST_REGISTERED_MODEL_ALIASES, MLT_FINDING_ROWS_ORPHANED},
};

struct taking {
  struct mlt_verify *v;
  const struct orphans *o;
};

static enum mlt_rc take(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct taking *t = ctx;
  enum mlt_table table = mlt_read_info(t->o->read)->table;
  (void)err;
  mlt_verify_foundf(t->v,
                    &(struct mlt_finding){.what = t->o->what, .table = table, .id = row->extra[0]},
                    "%.*s rows of %s belong to it, and it is not there", MLT_STR_ARG(row->extra[1]),
                    mlt_table_name(table));
  return MLT_OK;
}

/* An end of an input: the run, and what it has as its input or output. */
static void found_end(struct mlt_verify *v, const struct mlt_read_row *row, const char *what) {
  mlt_verify_foundf(v,
                    &(struct mlt_finding){.what = MLT_FINDING_INPUT_ORPHANED,
                                          .table = MLT_T_INPUTS,
                                          .id = row->extra[0],
                                          .field = row->extra[1]},
                    "is no %s that is there", what);
}

static enum mlt_rc take_dataset(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  (void)err;
  found_end(ctx, row, "dataset");
  return MLT_OK;
}

static enum mlt_rc take_model(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  (void)err;
  found_end(ctx, row, "logged model");
  return MLT_OK;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == MLT_OK; i++) {
    struct taking t = {v, &tables[i]};
    rc = mlt_verify_read(v, tables[i].read, MLT_READ_COUNT, take, &t, err);
  }
  if (rc == MLT_OK)
    rc = mlt_verify_read(v, MLT_READ_LOST_INPUT_DATASETS, MLT_READ_COUNT, take_dataset, v, err);
  return rc == MLT_OK
             ? mlt_verify_read(v, MLT_READ_LOST_INPUT_MODELS, MLT_READ_COUNT, take_model, v, err)
             : rc;
}

const struct mlt_check_ops mlt_check_orphans = {
    .name = "orphans", .modes = MLT_IN_ALL, .run = check};
