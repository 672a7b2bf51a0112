#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* Writes and frees j, and compares. */
static void check(struct mlt_json *j, bool pretty, const char *expected) {
  char *text = NULL;
  size_t n = 0;
  struct mlt_err err = MLT_ERR_INIT;
  FILE *f = open_memstream(&text, &n);
  assert_int_equal(mlt_json_write(f, j, pretty, &err), MLT_OK);
  assert_int_equal(fclose(f), 0);
  assert_string_equal(text, expected);
  free(text);
  mlt_json_free(j);
}

static void all_kinds_of_values_are_written(void **state) {
  (void)state;
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_str(j, "s", MLT_STR_LIT("a/b \"q\" \\ \n\t\x01 \xC3\xA4"));
  mlt_json_set_cstr(j, "none", NULL);
  mlt_json_set_i64(j, "min", INT64_MIN);
  mlt_json_set_u64(j, "max", UINT64_MAX);
  mlt_json_set_bool(j, "yes", true);
  mlt_json_set_null(j, "null");
  check(j, false,
        "{\"s\":\"a/b \\\"q\\\" \\\\ \\n\\t\\u0001 \xC3\xA4\",\"none\":null,"
        "\"min\":-9223372036854775808,\"max\":18446744073709551615,\"yes\":true,\"null\":null}\n");
}

static void doubles_round_trip_and_stay_doubles(void **state) {
  (void)state;
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_double(j, "a", 0.1);
  mlt_json_set_double(j, "b", 3);
  mlt_json_set_double(j, "c", 0.30000000000000004);
  mlt_json_set_double(j, "d", 1e300);
  mlt_json_set_double(j, "e", NAN);
  mlt_json_set_double(j, "f", -INFINITY);
  check(
      j, false,
      "{\"a\":0.1,\"b\":3.0,\"c\":0.30000000000000004,\"d\":1e+300,\"e\":\"NaN\",\"f\":\"-Infinity\"}\n");
}

static void nesting_and_arrays(void **state) {
  (void)state;
  struct mlt_json *j = mlt_json_object();
  struct mlt_json *list = mlt_json_set(j, "list", mlt_json_array());
  mlt_json_push(list, mlt_json_array());
  mlt_json_set_i64(mlt_json_push(list, mlt_json_object()), "n", 1);
  mlt_json_set(j, "empty", mlt_json_object());
  check(
      j, true,
      "{\n  \"list\": [\n    [\n    ],\n    {\n      \"n\": 1\n    }\n  ],\n  \"empty\": {\n  }\n}\n");
}

static void a_later_value_replaces(void **state) {
  (void)state;
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_i64(j, "k", 1);
  mlt_json_set_cstr(j, "k", "v");
  check(j, false, "{\"k\":\"v\"}\n");
}

static void output_is_valid_whatever_the_bytes(void **state) {
  (void)state;
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_str(j, "v", MLT_STR_LIT("a\xFF\xC3"));
  mlt_json_set_str(j, "nul", MLT_STR_LIT("a\0b"));
  mlt_json_set_i64(j, "k\xFE", 1);
  check(j, false,
        "{\"v\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\",\"nul\":\"a\\u0000b\",\"k\xEF\xBF\xBD\":1}\n");
}

static void a_full_disk_is_reported(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_json *j = mlt_json_object();
  FILE *f = fopen("/dev/full", "w");
  assert_non_null(f);
  assert_int_equal(mlt_json_write(f, j, false, &err), MLT_IO);
  (void)fclose(f);
  mlt_json_free(j);
}

static void a_lost_part_is_not_written_as_null(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_json *j = mlt_json_object();
  struct mlt_json *list =
      mlt_json_set(mlt_json_set(j, "in", mlt_json_object()), "list", mlt_json_array());
  assert_null(mlt_json_push(list, NULL)); /* as after an allocation that failed */
  assert_int_equal(mlt_json_write(stdout, j, false, &err), MLT_NOMEM);
  mlt_json_free(j);
  assert_int_equal(mlt_json_write(stdout, NULL, false, &err), MLT_NOMEM);
  assert_null(mlt_json_set(NULL, "k", mlt_json_object())); /* and the child is freed */
  mlt_json_set_i64(NULL, "k", 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_kinds_of_values_are_written),
                                     cmocka_unit_test(doubles_round_trip_and_stay_doubles),
                                     cmocka_unit_test(nesting_and_arrays),
                                     cmocka_unit_test(a_later_value_replaces),
                                     cmocka_unit_test(output_is_valid_whatever_the_bytes),
                                     cmocka_unit_test(a_full_disk_is_reported),
                                     cmocka_unit_test(a_lost_part_is_not_written_as_null)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
