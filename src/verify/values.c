/* Values that MLflow never stores, as its pages fail over them. */
#include "verify/private.h"

enum { RUN, KEY, ROWS }; /* extra columns */

struct taking {
  struct mlt_verify *v;
  enum mlt_table table;
};

static enum mlt_rc take(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct taking *t = ctx;
  (void)err;
  mlt_verify_foundf(t->v,
                    &(struct mlt_finding){.what = MLT_FINDING_VALUE_NOT_FINITE,
                                          .table = t->table,
                                          .id = row->extra[RUN],
                                          .field = row->extra[KEY]},
                    "%.*s x infinity, NaN or what is no number in table %s, where MLflow stores "
                    "+-1.7976931348623157e308, or 0 with is_nan",
                    MLT_STR_ARG(row->extra[ROWS]), mlt_table_name(t->table));
  return MLT_OK;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  struct taking t = {v, MLT_T_METRICS};
  enum mlt_rc rc = mlt_verify_read(v, MLT_READ_BOTH(METRICS_NOT_FINITE), take, &t, err);
  t.table = MLT_T_LATEST_METRICS;
  if (rc == MLT_OK)
    rc = mlt_verify_read(v, MLT_READ_BOTH(LATEST_NOT_FINITE), take, &t, err);
  t.table = MLT_T_LOGGED_MODEL_METRICS;
  return rc == MLT_OK ? mlt_verify_read(v, MLT_READ_BOTH(MODEL_METRICS_NOT_FINITE), take, &t, err)
                      : rc;
}

const struct mlt_check_ops mlt_check_values = {
    .name = "values", .modes = MLT_IN_ALL, .of_runs = true, .run = check};
