#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/limits.h"
#include "model/record.h"
#include "model/row.h"

static void columns_of_a_table_are_contiguous_and_fit_a_row(void **state) {
  (void)state;
  unsigned total = 0;
  for (unsigned t = 0; t < MLT_T_COUNT; t++) {
    unsigned n;
    enum mlt_column first = mlt_table_columns((enum mlt_table)t, &n);
    assert_int_equal(first, total);
    assert_in_range(n, 2, MLT_MAX_COLUMNS);
    for (unsigned i = 0; i < n; i++)
      assert_int_equal(mlt_column_info(first + i)->table, t);
    total += n;
  }
  assert_int_equal(total, MLT_C_COUNT);
}

static void names_and_features_are_those_of_the_definitions(void **state) {
  (void)state;
  assert_string_equal(mlt_table_name(MLT_T_LATEST_METRICS), "latest_metrics");
  assert_int_equal(mlt_table_feature(MLT_T_RUNS), 0);
  assert_int_equal(mlt_table_feature(MLT_T_INPUT_TAGS), MLT_F_DATASETS);
  const struct mlt_column_info *c = mlt_column_info(MLT_C_INPUTS_step);
  assert_string_equal(c->name, "step");
  assert_int_equal(c->type, MLT_TYPE_I8);
  assert_int_equal(c->feature, MLT_F_INPUT_STEP);
}

static void limits_are_the_declared_ones_or_none(void **state) {
  (void)state;
  struct mlt_limits l;
  mlt_limits_declared(&l);
  assert_int_equal(l.chars[MLT_C_PARAMS_value], 8000);
  assert_int_equal(l.chars[MLT_C_EXPERIMENT_TAGS_value], 0);
  assert_true(l.truncate);
  mlt_limits_none(&l);
  for (unsigned c = 0; c < MLT_C_COUNT; c++)
    assert_int_equal(l.chars[c], 0);
}

static void statuses_go_there_and_back(void **state) {
  (void)state;
  enum mlt_run_status s;
  for (unsigned i = MLT_RUN_RUNNING; i <= MLT_RUN_KILLED; i++) {
    assert_true(mlt_run_status_parse(mlt_str_c(mlt_run_status_name((enum mlt_run_status)i)), &s));
    assert_int_equal(s, i);
  }
  assert_null(mlt_run_status_name((enum mlt_run_status)0));
  assert_null(mlt_run_status_name((enum mlt_run_status)6));
  assert_false(mlt_run_status_parse(MLT_STR_LIT("finished"), &s));
  assert_false(mlt_run_status_parse(MLT_STR_LIT(""), &s));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_of_a_table_are_contiguous_and_fit_a_row),
      cmocka_unit_test(names_and_features_are_those_of_the_definitions),
      cmocka_unit_test(limits_are_the_declared_ones_or_none),
      cmocka_unit_test(statuses_go_there_and_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
