/* lines/fields.c: the tables that lines.def makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lines/lines.h"

static void every_type_is_known_by_its_word(void **state) {
  (void)state;
  for (unsigned i = 0; i < MLT_LINE_COUNT; i++) {
    enum mlt_line_type t;
    assert_true(mlt_line_type_parse(mlt_str_c(mlt_line_word((enum mlt_line_type)i)), &t));
    assert_int_equal(t, i);
  }
  enum mlt_line_type t;
  assert_false(mlt_line_type_parse(MLT_STR_LIT("Metric"), &t));
  assert_false(mlt_line_type_parse(MLT_STR_LIT(""), &t));
  assert_false(mlt_line_type_parse(MLT_STR_NULL, &t));
}

static void fields_stand_where_the_enum_says(void **state) {
  (void)state;
  const struct mlt_line_field *f = mlt_line_fields(MLT_LINE_METRIC);
  assert_string_equal(f[MLT_AT_METRIC_run_id].name, "run_id");
  assert_string_equal(f[MLT_AT_METRIC_value].name, "value");
  assert_int_equal(f[MLT_AT_METRIC_value].kind, MLT_LINE_NUMBER);
  assert_true(f[MLT_AT_METRIC_timestamp].required);
  assert_false(f[MLT_AT_METRIC_step].required);
  assert_null(f[MLT_AT_METRIC_timestamp + 1].name);
}

static void names_of_fields_are_unique_and_end(void **state) {
  (void)state;
  for (unsigned t = 0; t < MLT_LINE_COUNT; t++) {
    const struct mlt_line_field *f = mlt_line_fields((enum mlt_line_type)t);
    size_t n = 0;
    for (; n < MLT_LINE_FIELDS && f[n].name; n++)
      for (size_t k = 0; k < n; k++)
        assert_string_not_equal(f[k].name, f[n].name);
    assert_in_range(n, 2, MLT_LINE_FIELDS - 1);
  }
}

static void model_statuses_are_mlflows(void **state) {
  (void)state;
  int status;
  assert_string_equal(mlt_model_status_name(2), "READY");
  assert_null(mlt_model_status_name(4));
  assert_null(mlt_model_status_name(-1));
  assert_true(mlt_model_status_parse(MLT_STR_LIT("FAILED"), &status));
  assert_int_equal(status, 3);
  assert_false(mlt_model_status_parse(MLT_STR_LIT("ready"), &status));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_is_known_by_its_word),
      cmocka_unit_test(fields_stand_where_the_enum_says),
      cmocka_unit_test(names_of_fields_are_unique_and_end),
      cmocka_unit_test(model_statuses_are_mlflows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
