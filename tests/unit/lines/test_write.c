/* lines/write.c: records become lines. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "lines/lines.h"

static struct mlt_buf out;
static struct mlt_lines_writer *w;
static struct mlt_line_fault fault;
static struct mlt_err err;
static size_t given; /* how many times text was given out */

static enum mlt_rc take(void *ctx, const char *p, size_t n, struct mlt_err *e) {
  (void)e;
  given++;
  return mlt_buf_add(ctx, p, n);
}

static int set_up(void **state) {
  (void)state;
  mlt_buf_init(&out, SIZE_MAX);
  mlt_err_clear(&err);
  given = 0;
  w = mlt_lines_writer_new(take, &out, true);
  return w ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  mlt_lines_writer_free(w);
  mlt_lines_writer_free(NULL);
  mlt_buf_free(&out);
  return 0;
}

#define S MLT_STR_LIT
#define RECORD(kind_, ...) (&(struct mlt_record){.kind = MLT_REC_##kind_, __VA_ARGS__})
#define PAIR(kind_, k, v) RECORD(kind_, .kv = {k, v})
#define WRITE(rec) assert_int_equal(mlt_lines_write(w, rec, &fault, &err), MLT_OK)

static void refused(const struct mlt_record *rec, const char *code) {
  assert_int_equal(mlt_lines_write(w, rec, &fault, &err), MLT_REJECTED);
  assert_string_equal(fault.code, code);
  assert_true(fault.reason[0]);
}

/* All that was written after the header. */
static void expect(const char *lines) {
  static const char header[] = "{\"type\":\"mltrack\",\"version\":1,\"complete\":true}\n";
  assert_int_equal(mlt_lines_finish(w, &err), MLT_OK);
  const char *text = mlt_buf_cstr(&out);
  assert_memory_equal(text, header, sizeof header - 1);
  assert_string_equal(text + sizeof header - 1, lines);
}

static const struct mlt_record *experiment(const char *key, const char *name, bool placed) {
  static struct mlt_record rec;
  rec = (struct mlt_record){.kind = MLT_REC_EXPERIMENT,
                            .experiment = {.key = mlt_str_c(key),
                                           .name = mlt_str_c(name),
                                           .id = {7, true},
                                           .artifact_location = MLT_STR_LIT("/a"),
                                           .placed = placed}};
  return &rec;
}

static const struct mlt_record *run(const char *id, const char *experiment_key) {
  static struct mlt_record rec;
  rec = (struct mlt_record){.kind = MLT_REC_RUN,
                            .run = {.run_uuid = mlt_str_c(id),
                                    .experiment = mlt_str_c(experiment_key),
                                    .status = MLT_RUN_RUNNING,
                                    .artifact_uri = MLT_STR_LIT("/a/r")}};
  return &rec;
}

#define EXPERIMENT                                                                                 \
  "{\"type\":\"experiment\",\"name\":\"e\",\"experiment_id\":\"7\",\"artifact_location\":\"/a\","  \
  "\"lifecycle_stage\":\"active\"}\n"
#define RUN(id)                                                                                    \
  "{\"type\":\"run\",\"run_id\":\"" id "\",\"experiment\":\"e\",\"status\":\"RUNNING\","           \
  "\"lifecycle_stage\":\"active\",\"artifact_uri\":\"/a/r\"}\n"
#define END(id) "{\"type\":\"end\",\"run_id\":\"" id "\"}\n"

static void nothing_is_a_header(void **state) {
  (void)state;
  expect("");
}

static void what_is_placed_by_rule_has_no_place(void **state) {
  (void)state;
  WRITE(experiment("1", "e", true));
  WRITE(run("r", "1"));
  WRITE(RECORD(RUN_END, .owner = MLT_STR_NULL));
  expect("{\"type\":\"experiment\",\"name\":\"e\",\"experiment_id\":\"7\","
         "\"lifecycle_stage\":\"active\"}\n"
         "{\"type\":\"run\",\"run_id\":\"r\",\"experiment\":\"e\",\"status\":\"RUNNING\","
         "\"lifecycle_stage\":\"active\"}\n" END("r"));
}

static void tags_go_into_the_line_before_sorted(void **state) {
  (void)state;
  WRITE(experiment("1", "e", false));
  WRITE(PAIR(EXPERIMENT_TAG, S("b"), S("2")));
  WRITE(PAIR(EXPERIMENT_TAG, S("a"), MLT_STR_NULL));
  WRITE(PAIR(EXPERIMENT_TAG, S("b"), S("3"))); /* the last holds */
  WRITE(experiment("2", "f", false));
  expect("{\"type\":\"experiment\",\"name\":\"e\",\"experiment_id\":\"7\","
         "\"artifact_location\":\"/a\",\"lifecycle_stage\":\"active\","
         "\"tags\":{\"a\":null,\"b\":\"3\"}}\n"
         "{\"type\":\"experiment\",\"name\":\"f\",\"experiment_id\":\"7\","
         "\"artifact_location\":\"/a\",\"lifecycle_stage\":\"active\"}\n");
}

static void a_model_has_params_tags_and_aliases(void **state) {
  (void)state;
  WRITE(experiment("1", "e", false));
  WRITE(RECORD(LOGGED_MODEL, .logged_model = {.model_id = S("m"),
                                              .experiment = S("1"),
                                              .name = S("n"),
                                              .artifact_location = S("/m"),
                                              .status = 2}));
  WRITE(PAIR(LOGGED_MODEL_TAG, S("t"), S("v")));
  WRITE(PAIR(LOGGED_MODEL_PARAM, S("p"), S("1")));
  WRITE(PAIR(LOGGED_MODEL_PARAM, S("p"), S("1")));
  refused(PAIR(LOGGED_MODEL_PARAM, S("p"), S("2")), "duplicate");
  WRITE(RECORD(LOGGED_MODEL_METRIC,
               .lm_metric = {.key = S("k"), .run_id = S("r"), .value = (double)NAN}));
  WRITE(RECORD(LOGGED_MODEL_END, .owner = MLT_STR_NULL));
  WRITE(RECORD(REGISTERED_MODEL, .registered_model = {.name = S("M")}));
  WRITE(RECORD(ALIAS, .alias = {S("champion"), 3}));
  WRITE(RECORD(MODEL_VERSION, .version = {.version = 3}));
  WRITE(PAIR(MODEL_VERSION_TAG, S("t"), S("v")));
  WRITE(RECORD(REGISTERED_MODEL_END, .owner = MLT_STR_NULL));
  expect(EXPERIMENT
         "{\"type\":\"logged_model\",\"model_id\":\"m\",\"experiment\":\"e\",\"name\":\"n\","
         "\"artifact_location\":\"/m\",\"creation_time\":0,\"last_updated_time\":0,"
         "\"status\":\"READY\",\"lifecycle_stage\":\"active\",\"params\":{\"p\":\"1\"},"
         "\"tags\":{\"t\":\"v\"}}\n"
         "{\"type\":\"model_metric\",\"model_id\":\"m\",\"run_id\":\"r\",\"key\":\"k\","
         "\"value\":\"NaN\",\"step\":0,\"timestamp\":0}\n"
         "{\"type\":\"registered_model\",\"name\":\"M\",\"aliases\":{\"champion\":\"3\"}}\n"
         "{\"type\":\"model_version\",\"name\":\"M\",\"version\":3,\"tags\":{\"t\":\"v\"}}\n");
}

static void a_dataset_is_written_once_and_named_by_runs(void **state) {
  (void)state;
  const struct mlt_dataset made = {.source_type = S("s"), .source = S("u")};
  WRITE(experiment("1", "e", false));
  WRITE(RECORD(DATASET, .dataset = {.experiment = S("1"),
                                    .name = S("d"),
                                    .digest = S("x"),
                                    .source_type = S("local"),
                                    .source = S("{}")}));
  WRITE(run("r", "1"));
  WRITE(RECORD(INPUT, .input = {.name = S("d"), .digest = S("x"), .experiment = S("1")}));
  WRITE(PAIR(INPUT_TAG, S("mlflow.data.context"), S("train")));
  WRITE(RECORD(INPUT, .input = {.name = S("n"), .digest = S("y"), .made = &made}));
  WRITE(RECORD(MODEL_INPUT, .edge = {.model_id = S("m")}));
  WRITE(PAIR(INPUT_TAG, S("t"), S("v")));
  WRITE(RECORD(OUTPUT, .edge = {.model_id = S("m"), .step = 4}));
  refused(PAIR(INPUT_TAG, S("t"), S("v")), "not-kept");
  WRITE(RECORD(RUN_END, .owner = MLT_STR_NULL));
  expect(
      EXPERIMENT
      "{\"type\":\"dataset\",\"experiment\":\"e\",\"name\":\"d\",\"digest\":\"x\","
      "\"source_type\":\"local\",\"source\":\"{}\"}\n" RUN(
          "r") "{\"type\":\"dataset\",\"run_id\":\"r\",\"name\":\"d\",\"digest\":\"x\","
               "\"tags\":{\"mlflow.data.context\":\"train\"}}\n"
               "{\"type\":\"dataset\",\"run_id\":\"r\",\"name\":\"n\",\"digest\":\"y\","
               "\"source_type\":\"s\",\"source\":\"u\"}\n"
               "{\"type\":\"model_input\",\"run_id\":\"r\",\"model_id\":\"m\",\"tags\":{\"t\":\"v\"}}\n"
               "{\"type\":\"model_output\",\"run_id\":\"r\",\"model_id\":\"m\",\"step\":4}\n" END(
                   "r"));
}

static struct mlt_record points(const char *key, size_t n, const int64_t *at, const double *value) {
  return (struct mlt_record){.kind = MLT_REC_POINTS, .points = {mlt_str_c(key), n, at, at, value}};
}

static void points_of_a_key_are_gathered(void **state) {
  (void)state;
  const int64_t at[] = {INT64_MIN, 0, INT64_MAX};
  const double value[] = {1, -0.0, (double)INFINITY};
  struct mlt_record a = points("a", 3, at, value), b = points("b", 1, at, value);
  WRITE(experiment("1", "e", false));
  WRITE(run("r", "1"));
  WRITE(&a);
  WRITE(&a);
  WRITE(&b);
  WRITE(PAIR(TAG, S("t"), MLT_STR_NULL));
  WRITE(RECORD(RUN_END, .owner = MLT_STR_NULL));
  expect(EXPERIMENT RUN(
      "r") "{\"type\":\"points\",\"run_id\":\"r\",\"key\":\"a\",\"step\":[-9223372036854775808,0,"
           "9223372036854775807,-9223372036854775808,0,9223372036854775807],"
           "\"timestamp\":[-9223372036854775808,0,9223372036854775807,-9223372036854775808,0,"
           "9223372036854775807],\"value\":[1.0,-0.0,\"Infinity\",1.0,-0.0,\"Infinity\"]}\n"
           "{\"type\":\"points\",\"run_id\":\"r\",\"key\":\"b\",\"step\":[-9223372036854775808],"
           "\"timestamp\":[-9223372036854775808],\"value\":[1.0]}\n"
           "{\"type\":\"tag\",\"run_id\":\"r\",\"key\":\"t\"}\n" END("r"));
}

/* Lines do not depend on how many points a record had. */
static void chunks_leave_no_trace(void **state) {
  enum { N = 10000 };
  static int64_t at[N];
  static double value[N];
  char *first = NULL;
  for (int i = 0; i < N; i++) {
    at[i] = i;
    value[i] = 1.0 / (i + 1);
  }
  for (size_t chunk = 1; chunk <= N; chunk *= 7) {
    WRITE(experiment("1", "e", false));
    WRITE(run("r", "1"));
    for (size_t i = 0; i < N; i += chunk) {
      struct mlt_record rec = points("k", i + chunk > N ? N - i : chunk, at + i, value + i);
      WRITE(&rec);
    }
    assert_int_equal(mlt_lines_finish(w, &err), MLT_OK);
    if (first)
      assert_string_equal(mlt_buf_cstr(&out), first);
    else
      first = strdup(mlt_buf_cstr(&out));
    tear_down(state);
    assert_int_equal(set_up(state), 0);
  }
  size_t lines = 0;
  for (const char *p = first; (p = strstr(p, "{\"type\":\"points\"")); p++)
    lines++;
  assert_int_equal(lines, 3);
  free(first);
}

static void what_no_line_can_hold_is_refused(void **state) {
  (void)state;
  refused(run("r", "1"), "experiment-rejected");
  WRITE(experiment("1", "e", false));
  refused(experiment("1", "f", false), "experiment-duplicate");
  refused(experiment("2", "e", false), "experiment-duplicate");
  refused(experiment("3", "\xff", false), "bad-utf8");
  WRITE(run("r", "1"));
  refused(PAIR(PARAM, S("k"), S("\xed\xa0\x80")), "bad-utf8");
  refused(PAIR(PARAM, S("k\0"), S("")), "nul-byte");
  refused(PAIR(PARAM, S("k"), MLT_STR_NULL), "missing");
  refused(PAIR(PARAM, MLT_STR_NULL, S("")), "missing");
  size_t much = MLT_LINE_MAX - 100;
  char *text = malloc(much);
  memset(text, 'x', much);
  WRITE(PAIR(PARAM, S("long"), ((struct mlt_str){text, much})));
  memset(text, 1, much / 6 + 100); /* \u0001 */
  refused(PAIR(PARAM, S("k"), ((struct mlt_str){text, much})), "too-long");
  WRITE(RECORD(INPUT, .input = {.name = S("d"), .digest = S("x")}));
  refused(PAIR(INPUT_TAG, S("k"), ((struct mlt_str){text, much})), "too-long");
  WRITE(PAIR(INPUT_TAG, S("k"), S("v")));
  free(text);
  WRITE(RECORD(RUN_END, .owner = MLT_STR_NULL));
  assert_int_equal(mlt_lines_finish(w, &err), MLT_OK);
  const char *all = mlt_buf_cstr(&out);
  assert_non_null(strstr(all, "\"digest\":\"x\",\"tags\":{\"k\":\"v\"}}\n"));
  assert_null(strstr(all, "\"k\":\"\\u"));
}

static void memory_is_bounded(void **state) {
  (void)state;
  char value[1000];
  memset(value, 'v', sizeof value);
  WRITE(experiment("1", "e", false));
  WRITE(run("r", "1"));
  for (int i = 0; i < 5000; i++)
    WRITE(PAIR(PARAM, S("k"), ((struct mlt_str){value, sizeof value})));
  assert_true(given >= 15);
}

static void runs_that_are_added_to_say_what_changes(void **state) {
  (void)state;
  mlt_lines_writer_free(w);
  w = mlt_lines_writer_new(take, &out, false);
  WRITE(experiment("1", "e", false));
  WRITE(experiment("1", "e", false)); /* of a later window */
  struct mlt_record r = *run("r", "1");
  r.run.part = MLT_RUN_BEGUN;
  WRITE(&r);
  WRITE(RECORD(RUN_END, .owner = MLT_STR_NULL));
  WRITE(RECORD(WINDOW_END, .owner = MLT_STR_NULL));
  WRITE(RECORD(RUN, .run = {.part = MLT_RUN_MORE,
                            .run_uuid = S("r"),
                            .status = MLT_RUN_FAILED,
                            .end_time = {9, true}}));
  WRITE(PAIR(TAG, S("t"), S("v")));
  WRITE(RECORD(RUN_END, .owner = MLT_STR_NULL));
  WRITE(run("s", "1"));
  WRITE(RECORD(RUN_END, .owner = MLT_STR_NULL));
  assert_int_equal(mlt_lines_finish(w, &err), MLT_OK);
  const char *all = mlt_buf_cstr(&out);
  assert_string_equal(
      all,
      "{\"type\":\"mltrack\",\"version\":1}\n" EXPERIMENT EXPERIMENT RUN(
          "r") "{\"type\":\"tag\",\"run_id\":\"r\",\"key\":\"t\",\"value\":\"v\"}\n"
               "{\"type\":\"end\",\"run_id\":\"r\",\"status\":\"FAILED\",\"end_time\":9}\n"
               "{\"type\":\"run\",\"run_id\":\"s\",\"experiment\":\"e\",\"status\":\"RUNNING\","
               "\"lifecycle_stage\":\"active\",\"artifact_uri\":\"/a/r\",\"complete\":true}\n" END(
                   "s"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(nothing_is_a_header),
      TEST(what_is_placed_by_rule_has_no_place),
      TEST(tags_go_into_the_line_before_sorted),
      TEST(a_model_has_params_tags_and_aliases),
      TEST(a_dataset_is_written_once_and_named_by_runs),
      TEST(points_of_a_key_are_gathered),
      TEST(chunks_leave_no_trace),
      TEST(what_no_line_can_hold_is_refused),
      TEST(memory_is_bounded),
      TEST(runs_that_are_added_to_say_what_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
