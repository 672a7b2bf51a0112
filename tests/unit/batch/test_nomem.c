/* Every allocation of a batch's life fails once, each time in a process of its own (the hook counts
   from the start of a process). Without MLT_FAULTS nothing fails and the first child succeeds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch_helpers.h"

enum { MAX_ALLOCATIONS = 2000, DONE = 0, OUT_OF_MEMORY = 1, WRONG = 2 };

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

static int live(void) {
  struct mlt_limits limits;
  mlt_limits_declared(&limits);
  struct mlt_batch *b = mlt_batch_new(&limits, 0);
  if (!b)
    return OUT_OF_MEMORY;
  struct mlt_err err = MLT_ERR_INIT;
  enum mlt_rc rc = fill(b, &err);
  int result = rc == MLT_OK && b->points.n == 4 && err.rc == MLT_OK   ? DONE
               : rc == MLT_NOMEM && err.rc == MLT_NOMEM && err.msg[0] ? OUT_OF_MEMORY
                                                                      : WRONG;
  mlt_batch_free(b);
  return result;
}

static int in_a_child(int fail_at) {
  pid_t pid = fork();
  if (pid == 0) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", fail_at);
    setenv("MLT_FAIL_ALLOC", text, 1);
    exit(live());
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void every_failed_allocation_is_an_error_and_leaks_nothing(void **state) {
  (void)state;
  int n = 1, result;
  while ((result = in_a_child(n)) == OUT_OF_MEMORY && n < MAX_ALLOCATIONS)
    n++;
  assert_int_equal(result, DONE);
#ifdef MLT_FAULTS
  assert_in_range(n, 30, MAX_ALLOCATIONS);
#else
  assert_int_equal(n, 1);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_failed_allocation_is_an_error_and_leaks_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
