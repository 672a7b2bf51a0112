/* lines/read.c: what a line means, and why it is refused. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "lines/lines.h"

static struct mlt_line_reader *reader;
static struct mlt_line line;
static struct mlt_line_fault fault;

static int set_up(void **state) {
  (void)state;
  reader = mlt_line_reader_new();
  return reader ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  mlt_line_reader_free(reader);
  mlt_line_reader_free(NULL);
  return 0;
}

static const struct mlt_line_value *taken(const char *text) {
  enum mlt_rc rc = mlt_line_read(reader, mlt_str_c(text), &line, &fault);
  if (rc != MLT_OK)
    fail_msg("%s: %s", text, fault.reason);
  return line.v;
}

static void assert_text(struct mlt_str s, const char *want) {
  if (!mlt_str_is(s, want))
    fail_msg("'%.*s' is not '%s'", MLT_STR_ARG(s), want ? want : "(absent)");
}

static void every_kind_is_read(void **state) {
  (void)state;
  const struct mlt_line_value *v =
      taken("{\"type\":\"run\",\"run_id\":\"r1\",\"status\":\"FAILED\",\"start_time\":-5,"
            "\"lifecycle_stage\":\"deleted\",\"complete\":true,\"name\":null,"
            "\"params\":{\"lr\":\"0.1\",\"none\":null,\"\":\"\"},\"tags\":{}}");
  assert_int_equal(line.type, MLT_LINE_RUN);
  assert_text(v[MLT_AT_RUN_run_id].text, "r1");
  assert_int_equal(v[MLT_AT_RUN_status].integer, MLT_RUN_FAILED);
  assert_int_equal(v[MLT_AT_RUN_start_time].integer, -5);
  assert_int_equal(v[MLT_AT_RUN_lifecycle_stage].integer, 1);
  assert_int_equal(v[MLT_AT_RUN_complete].integer, 1);
  assert_false(v[MLT_AT_RUN_name].has);
  assert_false(v[MLT_AT_RUN_user].has);
  assert_null(v[MLT_AT_RUN_user].text.p);
  assert_int_equal(v[MLT_AT_RUN_params].n, 3);
  assert_text(v[MLT_AT_RUN_params].texts[0].key, "lr");
  assert_text(v[MLT_AT_RUN_params].texts[0].value, "0.1");
  assert_text(v[MLT_AT_RUN_params].texts[1].value, NULL);
  assert_text(v[MLT_AT_RUN_params].texts[2].key, "");
  assert_text(v[MLT_AT_RUN_params].texts[2].value, "");
  assert_true(v[MLT_AT_RUN_tags].has);
  assert_int_equal(v[MLT_AT_RUN_tags].n, 0);
  v = taken("{\"type\":\"logged_model\",\"model_id\":\"m\",\"experiment\":\"e\",\"name\":\"n\","
            "\"artifact_location\":\"a\",\"creation_time\":1,\"last_updated_time\":2,"
            "\"status\":\"READY\"}");
  assert_int_equal(v[MLT_AT_LOGGED_MODEL_status].integer, 2);
  v = taken("{\"type\":\"metrics\",\"run_id\":\"r\",\"timestamp\":1,"
            "\"values\":{\"a\":1,\"b\":\"-Infinity\"}}");
  assert_int_equal(v[MLT_AT_METRICS_values].n, 2);
  assert_text(v[MLT_AT_METRICS_values].keys[1], "b");
  assert_true(v[MLT_AT_METRICS_values].numbers[1] < -DBL_MAX);
}

static void columns_of_points_are_read(void **state) {
  (void)state;
  const struct mlt_line_value *v =
      taken("{\"type\":\"points\",\"run_id\":\"r\",\"key\":\"k\",\"step\":[1, 2 ,-3],"
            "\"timestamp\":[4,5,6],\"value\":[0.5,\"NaN\",1e3]}");
  assert_int_equal(v[MLT_AT_POINTS_step].n, 3);
  assert_int_equal(v[MLT_AT_POINTS_step].integers[2], -3);
  assert_int_equal(v[MLT_AT_POINTS_timestamp].integers[0], 4);
  assert_true(v[MLT_AT_POINTS_value].numbers[0] == 0.5);
  assert_true(isnan(v[MLT_AT_POINTS_value].numbers[1]));
  assert_true(v[MLT_AT_POINTS_value].numbers[2] == 1000.0);
  assert_int_equal(taken("{\"type\":\"points\",\"run_id\":\"r\",\"key\":\"k\",\"step\":[],"
                         "\"timestamp\":[],\"value\":[]}")[MLT_AT_POINTS_value]
                       .n,
                   0);
}

static void a_run_may_name_a_dataset_of_any_experiment(void **state) {
  (void)state;
  taken("{\"type\":\"dataset\",\"run_id\":\"r\",\"name\":\"d\",\"digest\":\"1\","
        "\"experiment\":\"e\",\"context\":\"train\"}");
  assert_text(line.v[MLT_AT_DATASET_experiment].text, "e");
}

static void the_type_may_stand_anywhere(void **state) {
  (void)state;
  taken("{\"run_id\":\"r\",\"key\":\"k\",\"value\":\"v\",\"type\":\"tag\"}");
  assert_int_equal(line.type, MLT_LINE_TAG);
  taken(
      " { \"run_id\" : \"r\" , \"params\" : {\"type\":\"x\",\"y\":\"}\"} , \"type\" : \"run\" } ");
  assert_int_equal(line.type, MLT_LINE_RUN);
  taken("{\"\\u0074ype\":\"t\\u0061g\",\"r\\u0075n_id\":\"r\",\"key\":\"k\",\"value\":\"v\"}");
  assert_int_equal(line.type, MLT_LINE_TAG);
}

static void metric(const char *value, const char *step, char out[256]) {
  (void)snprintf(out, 256,
                 "{\"type\":\"metric\",\"run_id\":\"r\",\"key\":\"k\",\"value\":%s,\"step\":%s,"
                 "\"timestamp\":0}",
                 value, step);
}

static void numbers_keep_every_bit(void **state) {
  (void)state;
  static const struct {
    const char *text;
    double value;
  } cases[] = {{"1.7976931348623157e308", DBL_MAX},
               {"5e-324", 5e-324},
               {"0.1", 0.1},
               {"-0.0", -0.0},
               {"-0", -0.0},
               {"1E2", 100},
               {"1e-400", 0},
               {"9007199254740993", 9007199254740992.0},
               {"\"Infinity\"", HUGE_VAL},
               {"-Infinity", -HUGE_VAL}};
  char text[256];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    metric(cases[i].text, "0", text);
    double got = taken(text)[MLT_AT_METRIC_value].number;
    if (memcmp(&got, &cases[i].value, sizeof got) != 0)
      fail_msg("%s is %.17g", cases[i].text, got);
  }
  metric("\"NaN\"", "-9223372036854775808", text);
  assert_true(isnan(taken(text)[MLT_AT_METRIC_value].number));
  assert_true(line.v[MLT_AT_METRIC_step].integer == INT64_MIN);
  metric("NaN", "9223372036854775807", text);
  assert_true(isnan(taken(text)[MLT_AT_METRIC_value].number));
  assert_true(line.v[MLT_AT_METRIC_step].integer == INT64_MAX);
}

static void escapes_are_what_json_says(void **state) {
  (void)state;
  taken("{\"type\":\"tag\",\"run_id\":\"r\",\"key\":\"k\","
        "\"value\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u2028\\uD83D\\ude00\xf0\x9f\x98\x80x\"}");
  assert_text(line.v[MLT_AT_TAG_value].text,
              "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\xf0\x9f\x98\x80x");
}

struct refusal {
  const char *line, *code, *field;
};

#define METRIC(value, step)                                                                        \
  "{\"type\":\"metric\",\"run_id\":\"r\",\"key\":\"k\",\"value\":" value ",\"step\":" step         \
  ",\"timestamp\":0}"
#define TAG(value) "{\"type\":\"tag\",\"run_id\":\"r\",\"key\":\"k\",\"value\":" value "}"

static const struct refusal refusals[] = {
    {"", "bad-json", NULL},
    {"x", "not-an-object", NULL},
    {"{", "bad-json", NULL},
    {"{\"type\":\"tag\"", "bad-json", NULL},
    {TAG("\"v\"") "{}", "bad-json", NULL},
    {TAG("\"v\"") ",", "bad-json", NULL},
    {"[]", "not-an-object", NULL},
    {"1", "not-an-object", NULL},
    {"null", "not-an-object", NULL},
    {"{}", "no-type", NULL},
    {"{\"step\":1,\"loss\":[{}]}", "no-type", NULL},
    {"{\"type\":\"Tag\"}", "unknown-type", "type"},
    {"{\"type\":1}", "wrong-kind", "type"},
    {"{\"type\":{}}", "wrong-kind", "type"},
    {"{\"type\":null}", "wrong-kind", "type"},
    {"{\"type\":\"tag\",\"type\":\"tag\"}", "duplicate-field", "type"},
    {"{\"type\":\"tag\",\"colour\":1}", "unknown-field", "colour"},
    {"{\"type\":\"metric\",\"model_id\":\"m\"}", "unknown-field", "model_id"},
    {"{\"type\":\"tag\",\"key\":\"a\",\"k\\u0065y\":\"b\"}", "duplicate-field", "key"},
    {"{\"type\":\"tag\",\"key\":null,\"key\":\"b\"}", "duplicate-field", "key"},
    {"{\"type\":\"tag\",\"key\":\"a\",\"value\":\"b\"}", "missing-field", "run_id"},
    {"{\"type\":\"tag\",\"run_id\":null,\"key\":\"a\",\"value\":\"b\"}", "missing-field", "run_id"},
    {TAG("1"), "wrong-kind", "value"},
    {TAG("{}"), "wrong-kind", "value"},
    {TAG("[\"a\"]"), "wrong-kind", "value"},
    {TAG("\"\\ud800\""), "bad-text", "value"},
    {TAG("\"\\udc00\\ud800\""), "bad-text", "value"},
    {TAG("\"\\ud800\\u0041\""), "bad-text", "value"},
    {TAG("\"\\ud800x\\udc00\""), "bad-text", "value"},
    {TAG("\"\\u0000\""), "bad-text", "value"},
    {TAG("\"\\x41\""), "bad-json", "value"},
    {TAG("\"\\u12g4\""), "bad-json", "value"},
    {TAG("\"\\u12\""), "bad-json", "value"},
    {TAG("\"\t\""), "bad-json", NULL},
    {TAG("\"\xff\""), "bad-utf8", NULL},
    {TAG("\"\xed\xa0\x80\""), "bad-utf8", NULL},
    {METRIC("1", "1.0"), "bad-number", "step"},
    {METRIC("1", "1e3"), "bad-number", "step"},
    {METRIC("1", "9223372036854775808"), "bad-number", "step"},
    {METRIC("1", "-9223372036854775809"), "bad-number", "step"},
    {METRIC("1", "\"1\""), "wrong-kind", "step"},
    {METRIC("1", "01"), "wrong-kind", "step"},
    {METRIC("1", "+1"), "wrong-kind", "step"},
    {METRIC("1", "true"), "wrong-kind", "step"},
    {METRIC("1e999", "0"), "bad-number", "value"},
    {METRIC("1.", "0"), "wrong-kind", "value"},
    {METRIC(".5", "0"), "wrong-kind", "value"},
    {METRIC("1e", "0"), "wrong-kind", "value"},
    {METRIC("0x10", "0"), "wrong-kind", "value"},
    {METRIC("1_0", "0"), "wrong-kind", "value"},
    {METRIC("inf", "0"), "wrong-kind", "value"},
    {METRIC("\"1\"", "0"), "wrong-kind", "value"},
    {METRIC("[1]", "0"), "wrong-kind", "value"},
    {"{\"type\":\"end\",\"run_id\":\"r\",\"status\":\"DONE\"}", "bad-value", "status"},
    {"{\"type\":\"run\",\"run_id\":\"r\",\"lifecycle_stage\":\"x\"}", "bad-value",
     "lifecycle_stage"},
    {"{\"type\":\"run\",\"run_id\":\"r\",\"complete\":1}", "wrong-kind", "complete"},
    {"{\"type\":\"run\",\"run_id\":\"r\",\"params\":[]}", "wrong-kind", "params"},
    {"{\"type\":\"run\",\"run_id\":\"r\",\"params\":{\"lr\":0.1}}", "wrong-kind", "params"},
    {"{\"type\":\"run\",\"run_id\":\"r\",\"params\":{\"a\":\"1\",\"\\u0061\":\"2\"}}",
     "duplicate-field", "params"},
    {"{\"type\":\"run\",\"run_id\":\"r\",\"params\":{\"a\":{}}}", "wrong-kind", "params"},
    {"{\"type\":\"points\",\"run_id\":\"r\",\"key\":\"k\",\"step\":[1],\"timestamp\":[1,2],"
     "\"value\":[1]}",
     "bad-value", "value"},
    {"{\"type\":\"points\",\"run_id\":\"r\",\"key\":\"k\",\"step\":[null],\"timestamp\":[1],"
     "\"value\":[1]}",
     "wrong-kind", "step"},
    {"{\"type\":\"mltrack\",\"version\":2}", "bad-value", "version"},
    {"{\"type\":\"dataset\",\"name\":\"d\",\"digest\":\"1\",\"source_type\":\"\",\"source\":\"\"}",
     "missing-field", "run_id"},
    {"{\"type\":\"dataset\",\"run_id\":\"r\",\"experiment\":\"e\",\"name\":\"d\",\"digest\":\"1\","
     "\"source_type\":\"\",\"source\":\"\"}",
     "bad-value", "experiment"},
    {"{\"type\":\"dataset\",\"experiment\":\"e\",\"name\":\"d\",\"digest\":\"1\","
     "\"source_type\":\"\",\"source\":\"\",\"tags\":{}}",
     "bad-value", "tags"},
    {"{\"type\":\"dataset\",\"run_id\":\"r\",\"name\":\"d\",\"digest\":\"1\","
     "\"schema\":\"s\"}",
     "missing-field", "source_type"},
    {"{\"type\":\"dataset\",\"experiment\":\"e\",\"name\":\"d\",\"digest\":\"1\"}", "missing-field",
     "source_type"},
    {"{\"type\":\"model_version\",\"name\":\"m\",\"version\":0}", "bad-value", "version"},
    {"{\"type\":\"model_metric\",\"model_id\":\"m\",\"run_id\":\"r\",\"key\":\"k\",\"value\":1,"
     "\"timestamp\":1,\"dataset_name\":\"d\"}",
     "missing-field", "dataset_digest"},
};

static void what_is_refused_has_a_code_and_a_field(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const struct refusal *x = &refusals[i];
    if (mlt_line_read(reader, mlt_str_c(x->line), &line, &fault) != MLT_DATA)
      fail_msg("%s was taken", x->line);
    if (strcmp(fault.code, x->code) != 0)
      fail_msg("%s is %s: %s", x->line, fault.code, fault.reason);
    if (x->field)
      assert_text(fault.field, x->field);
    assert_true(*fault.reason);
  }
  taken(TAG("\"v\"")); /* nothing of it stays */
}

static void a_nul_in_the_line_is_refused(void **state) {
  (void)state;
  static const char text[] = "{\"type\":\"tag\",\"run_id\":\"r\",\"key\":\"k\",\"value\":\"a\0b\"}";
  assert_int_equal(mlt_line_read(reader, (struct mlt_str){text, sizeof text - 1}, &line, &fault),
                   MLT_DATA);
  assert_string_equal(fault.code, "bad-json");
}

static void what_was_read_before_the_fault_is_there(void **state) {
  (void)state;
  assert_int_equal(mlt_line_read(reader, mlt_str_c(METRIC("1", "1.5")), &line, &fault), MLT_DATA);
  assert_int_equal(fault.type, MLT_LINE_METRIC);
  assert_text(line.v[0].text, "r");
  assert_string_equal(fault.reason,
                      "step must be an integer of 64 bits, without fraction or exponent, not 1.5");
  assert_int_equal(mlt_line_read(reader, MLT_STR_LIT("{\"a\":1}"), &line, &fault), MLT_DATA);
  assert_int_equal(fault.type, MLT_LINE_COUNT);
}

static void long_values_are_shown_cut(void **state) {
  (void)state;
  char text[256], value[100] = "\"";
  for (size_t i = 0; i < 45; i++)
    memcpy(value + 1 + 2 * i, "\xc3\xa9", 2);
  value[91] = '"';
  metric(value, "0", text);
  assert_int_equal(mlt_line_read(reader, mlt_str_c(text), &line, &fault), MLT_DATA);
  assert_int_equal(mlt_utf8_invalid(mlt_str_c(fault.reason)), -1);
  assert_non_null(strstr(fault.reason, "\xc3\xa9..."));
}

static void too_many_values_are_refused(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, MLT_LINE_MAX);
  assert_int_equal(mlt_buf_adds(&b, "{\"type\":\"points\",\"value\":[0"), MLT_OK);
  for (int i = 0; i < MLT_LINE_ITEMS; i++)
    assert_int_equal(mlt_buf_adds(&b, ",0"), MLT_OK);
  assert_int_equal(mlt_buf_adds(&b, "]}"), MLT_OK);
  assert_int_equal(mlt_line_read(reader, mlt_buf_str(&b), &line, &fault), MLT_DATA);
  assert_string_equal(fault.code, "too-long");
  mlt_buf_free(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_kind_is_read),
      TEST(columns_of_points_are_read),
      TEST(a_run_may_name_a_dataset_of_any_experiment),
      TEST(the_type_may_stand_anywhere),
      TEST(numbers_keep_every_bit),
      TEST(escapes_are_what_json_says),
      TEST(what_is_refused_has_a_code_and_a_field),
      TEST(a_nul_in_the_line_is_refused),
      TEST(what_was_read_before_the_fault_is_there),
      TEST(long_values_are_shown_cut),
      TEST(too_many_values_are_refused),
  };
  return cmocka_run_group_tests_name("lines/read", tests, NULL, NULL);
}
