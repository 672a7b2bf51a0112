/* latest_metrics against metrics: its row of a key is the greatest of the key's points by (step,
   timestamp, value), as MLflow keeps it. Runs show nothing but these rows. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "verify/private.h"

/* Extra columns of LATEST_BEHIND and LATEST_UNFOUNDED. */
enum { EXPERIMENT, STEP, TIME, VALUE, IS_NAN };
enum { POINT_TEXT = 200 };

static const char repair[] = "mltrack-verify --repair latest-metrics";

/* A row's own point, or the one in its extra columns, for people. */
static void own_point(const struct mlt_read_row *row, enum mlt_column step, enum mlt_column time,
                      enum mlt_column value, char out[POINT_TEXT]) {
  char number[MLT_DOUBLE_TEXT];
  (void)mlt_text_double(number, mlt_row_at(row, value)->d);
  (void)snprintf(out, POINT_TEXT, "step %" PRId64 ", time %" PRId64 ", value %s",
                 mlt_row_at(row, step)->i, mlt_row_at(row, time)->i, number);
}

static void other_point(const struct mlt_read_row *row, char out[POINT_TEXT]) {
  (void)snprintf(out, POINT_TEXT, "step %.*s, time %.*s, value %.*s", MLT_STR_ARG(row->extra[STEP]),
                 MLT_STR_ARG(row->extra[TIME]), MLT_STR_ARG(row->extra[VALUE]));
}

static enum mlt_rc take_behind(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  char greatest[POINT_TEXT], latest[POINT_TEXT];
  bool missing = !row->extra[STEP].p;
  struct mlt_finding f = {.what = missing ? MLT_FINDING_LATEST_MISSING : MLT_FINDING_LATEST_WRONG,
                          .table = MLT_T_LATEST_METRICS,
                          .id = mlt_row_at(row, MLT_C_METRICS_run_uuid)->s,
                          .experiment = row->extra[EXPERIMENT],
                          .field = mlt_row_at(row, MLT_C_METRICS_key)->s,
                          .command = mlt_str_c(repair)};
  (void)err;
  own_point(row, MLT_C_METRICS_step, MLT_C_METRICS_timestamp, MLT_C_METRICS_value, greatest);
  other_point(row, latest);
  if (missing)
    mlt_verify_foundf(ctx, &f, "there is no row; the last point is %s", greatest);
  else
    mlt_verify_foundf(ctx, &f, "is %s; the last point is %s", latest, greatest);
  return MLT_OK;
}

static const char *nan_text(bool is_nan) {
  return is_nan ? " (NaN)" : "";
}

static enum mlt_rc take_unfounded(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  char greatest[POINT_TEXT], latest[POINT_TEXT];
  bool orphan = !row->extra[STEP].p;
  struct mlt_str is_nan = row->extra[IS_NAN];
  struct mlt_finding f = {.what = orphan ? MLT_FINDING_LATEST_ORPHAN : MLT_FINDING_LATEST_WRONG,
                          .table = MLT_T_LATEST_METRICS,
                          .id = mlt_row_at(row, MLT_C_LATEST_METRICS_run_uuid)->s,
                          .experiment = row->extra[EXPERIMENT],
                          .field = mlt_row_at(row, MLT_C_LATEST_METRICS_key)->s,
                          .command = orphan ? MLT_STR_NULL : mlt_str_c(repair)};
  (void)err;
  own_point(row, MLT_C_LATEST_METRICS_step, MLT_C_LATEST_METRICS_timestamp,
            MLT_C_LATEST_METRICS_value, latest);
  other_point(row, greatest);
  const char *nan = nan_text(mlt_row_at(row, MLT_C_LATEST_METRICS_is_nan)->b);
  if (orphan)
    mlt_verify_foundf(ctx, &f, "is %s%s; table metrics has no point of it", latest, nan);
  else
    mlt_verify_foundf(ctx, &f, "is %s%s; the last point is %s%s", latest, nan, greatest,
                      nan_text(mlt_str_is(is_nan, "1") || mlt_str_is(is_nan, "true")));
  return MLT_OK;
}

static enum mlt_rc take_timeless(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  (void)err;
  mlt_verify_found(ctx, &(struct mlt_finding){.what = MLT_FINDING_LATEST_UNREADABLE,
                                              .table = MLT_T_LATEST_METRICS,
                                              .id = row->extra[0],
                                              .experiment = row->extra[1],
                                              .field = row->extra[2],
                                              .text = MLT_STR_LIT("has no timestamp"),
                                              .command = mlt_str_c(repair)});
  return MLT_OK;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc = mlt_verify_read(v, MLT_READ_BOTH(LATEST_TIMELESS), take_timeless, v, err);
  if (rc == MLT_OK)
    rc = mlt_verify_read(v, MLT_READ_BOTH(LATEST_BEHIND), take_behind, v, err);
  return rc == MLT_OK ? mlt_verify_read(v, MLT_READ_BOTH(LATEST_UNFOUNDED), take_unfounded, v, err)
                      : rc;
}

const struct mlt_check_ops mlt_check_latest = {
    .name = "latest-metrics", .modes = MLT_IN_ALL, .of_runs = true, .run = check};
