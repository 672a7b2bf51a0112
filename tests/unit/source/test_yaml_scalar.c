/* Plain scalars, as PyYAML's safe_load resolves them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "source/yaml_scalar.h"

static enum mlt_yaml_kind kind_of(const char *text) {
  int64_t i;
  bool fits;
  return mlt_yaml_resolve(mlt_str_c(text), &i, &fits);
}

static void words_of_yaml_1_1_are_known(void **state) {
  (void)state;
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
  static const char *const bools[] = {"yes", "Yes", "NO", "true", "False", "on", "OFF"};
  static const char *const texts[] = {"y", "n", "nULL", "tRUE", "none", "None", "=", "nan", "inf"};
  for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
    assert_int_equal(kind_of(nulls[i]), MLT_YAML_NULL);
  for (size_t i = 0; i < sizeof bools / sizeof *bools; i++)
    assert_int_equal(kind_of(bools[i]), MLT_YAML_BOOL);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_int_equal(kind_of(texts[i]), MLT_YAML_TEXT);
}

static void whole_numbers_have_five_notations(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t value;
  } ints[] = {
      {"0", 0},
      {"-0", 0},
      {"+7", 7},
      {"1_000", 1000},
      {"017", 15},
      {"0_", 0},
      {"-0x1F", -31},
      {"0b101", 5},
      {"12:30", 750},
      {"1:2:3", 3723},
      {"-1:59", -119},
      {"1656833990508", 1656833990508},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"-0x8000000000000000", INT64_MIN},
  };
  for (size_t k = 0; k < sizeof ints / sizeof *ints; k++) {
    int64_t i;
    bool fits;
    assert_int_equal(mlt_yaml_resolve(mlt_str_c(ints[k].text), &i, &fits), MLT_YAML_INT);
    assert_true(fits);
    assert_int_equal(i, ints[k].value);
  }
}

static void numbers_beyond_64_bits_are_still_numbers(void **state) {
  (void)state;
  static const char *const big[] = {"9223372036854775808", "-9223372036854775809",
                                    "0xFFFFFFFFFFFFFFFFF", "99999999999999999999999999999999",
                                    "9999999999999999:59:59"};
  for (size_t k = 0; k < sizeof big / sizeof *big; k++) {
    int64_t i;
    bool fits;
    assert_int_equal(mlt_yaml_resolve(mlt_str_c(big[k]), &i, &fits), MLT_YAML_INT);
    assert_false(fits);
  }
}

static void fractions_need_a_point(void **state) {
  (void)state;
  static const char *const floats[] = {"1.5",   "1.",    ".5e+3", ".5",    "1_0.5_0", "1.5e-7",
                                       "1.e+1", "1:2.5", ".inf",  "-.INF", "+.Inf",   ".nan"};
  static const char *const texts[] = {
      "1e5", "-.5", "1.5e3", ".", "._5", "-.nan", "1.5.5", "08",    "1:60", ":1",        "1:2.e+1",
      "0x",  "0xg", "0b2",   "+", "-",   "1 ",    "_1",    "1.5e+", "12:",  "2020-01-01"};
  for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
    assert_int_equal(kind_of(floats[i]), MLT_YAML_FLOAT);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_int_equal(kind_of(texts[i]), MLT_YAML_TEXT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_of_yaml_1_1_are_known),
      cmocka_unit_test(whole_numbers_have_five_notations),
      cmocka_unit_test(numbers_beyond_64_bits_are_still_numbers),
      cmocka_unit_test(fractions_need_a_point),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
