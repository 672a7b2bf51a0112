/* A batch's life without memory. */
#include "batch_helpers.h"
#include "nomem.h"

static enum mlt_rc fill(struct mlt_batch *b, struct mlt_err *err) {
  int64_t step[3] = {2, 1, 1}, ts[3] = {0, 0, 0};
  double value[3] = {1, 2, 2};
  struct mlt_record lm = {
      .kind = MLT_REC_LOGGED_MODEL,
      .logged_model = {
          .model_id = S("m"), .experiment = S("1"), .name = S("n"), .artifact_location = S("/a")}};
  struct mlt_record points = {
      .kind = MLT_REC_POINTS,
      .points = {.key = S("z"), .n = 3, .timestamp = ts, .step = step, .value = value}};
  struct mlt_record more = points;
  more.points.key = S("a@");
  const struct mlt_record records[] = {
      experiment_record("1", "e"),
      run_record("r"),
      kv_record(MLT_REC_PARAM, "b", "1"),
      kv_record(MLT_REC_PARAM, "a", "1"),
      kv_record(MLT_REC_PARAM, "a", "2"),
      points,
      more,
      points,
      {.kind = MLT_REC_INPUT, .input = {.name = S("d"), .digest = S("x")}},
      kv_record(MLT_REC_INPUT_TAG, "k", "v"),
      bare(MLT_REC_RUN_END),
      run_record("a run id that is much too long for it"),
      kv_record(MLT_REC_TAG, "t", "\xff"),
      bare(MLT_REC_RUN_END),
      lm,
      bare(MLT_REC_LOGGED_MODEL_END),
  };
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < sizeof records / sizeof *records && rc == MLT_OK; i++)
    rc = mlt_batch_add(b, &records[i], err);
  return rc == MLT_OK ? mlt_batch_seal(b, err) : rc;
}

static enum nomem_result live(void *ctx) {
  (void)ctx;
  struct mlt_limits limits;
  mlt_limits_declared(&limits);
  struct mlt_batch *b = mlt_batch_new(&limits, 0);
  if (!b)
    return NOMEM_FAILED;
  struct mlt_err err = MLT_ERR_INIT;
  enum mlt_rc rc = fill(b, &err);
  enum nomem_result result = rc == MLT_OK && b->points.n == 4 && err.rc == MLT_OK   ? NOMEM_DONE
                             : rc == MLT_NOMEM && err.rc == MLT_NOMEM && err.msg[0] ? NOMEM_FAILED
                                                                                    : NOMEM_WRONG;
  mlt_batch_free(b);
  return result;
}

static void every_failed_allocation_is_an_error_and_leaks_nothing(void **state) {
  (void)state;
  nomem_each(live, NULL, 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_failed_allocation_is_an_error_and_leaks_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
