#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/rules.h"

static double parsed(const char *text) {
  double d;
  if (!mlt_parse_double(mlt_str_c(text), &d))
    fail_msg("'%s' is not a number", text);
  return d;
}

static void assert_double(const char *text, double expected) {
  double d = parsed(text);
  if (memcmp(&d, &expected, sizeof d) != 0)
    fail_msg("'%s' gives %a, not %a", text, d, expected);
}

static void words_that_python_takes_are_taken(void **state) {
  (void)state;
  assert_double("1", 1.0);
  assert_double("1.", 1.0);
  assert_double(".5", 0.5);
  assert_double("+1_000.2_5e-0_1", 100.025);
  assert_double(" 1\n", 1.0);
  assert_double("-0", -0.0);
  assert_double("inf", (double)INFINITY);
  assert_double("-Infinity", -(double)INFINITY);
  assert_true(isnan(parsed("nan")));
  assert_true(isnan(parsed("-NaN")));
  assert_double("1e309", (double)INFINITY);
  assert_double("-1e400", -(double)INFINITY);
  assert_double("1e-400", 0.0);
  assert_double("0e999999999999999999999", 0.0);
  assert_double("1e99999999999999999999", (double)INFINITY);
}

static void words_that_python_refuses_are_refused(void **state) {
  (void)state;
  static const char *const words[] = {
      "",     ".",   "e5",  "1e", "1e+",     "0x10",  "1__0", "_1",     "1_", "1_.",  "1._0",
      "1e_5", "--1", "1 2", "in", "infinit", "1.2.3", "1,5",  "nan(1)", "+",  "1e5_", "1f"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    double d;
    if (mlt_parse_double(mlt_str_c(words[i]), &d))
      fail_msg("'%s' was taken", words[i]);
  }
  double d;
  assert_false(mlt_parse_double(MLT_STR_LIT("1\0"), &d));
}

static void hard_cases_are_rounded_correctly(void **state) {
  (void)state;
  assert_double("2.2250738585072011e-308", 0x0.fffffffffffffp-1022); /* the largest denormal */
  assert_double("2.2250738585072014e-308", DBL_MIN);
  assert_double("4.9406564584124654e-324", 0x1p-1074);
  assert_double("2.4703282292062327e-324", 0.0);         /* below half of it */
  assert_double("2.4703282292062328e-324", 0x1p-1074);   /* above */
  assert_double("9007199254740993", 9007199254740992.0); /* a tie, to even */
  assert_double("9007199254740993.00000000000000000001", 9007199254740994.0);
  assert_double("1.7976931348623157e308", DBL_MAX);
  assert_double("1.7976931348623158e308", DBL_MAX);
  assert_double("1.7976931348623159e308", (double)INFINITY);
}

/* The exact decimal of the midpoint between 1 and the next double, then one more digit far out. */
static void digits_far_behind_still_decide_a_tie(void **state) {
  (void)state;
  char text[2100] = "1.00000000000000011102230246251565404236316680908203125";
  assert_double(text, 1.0);
  size_t n = strlen(text);
  memset(text + n, '0', 2000);
  text[n + 2000] = '\0';
  assert_double(text, 1.0);
  memcpy(text + n + 2000, "1", 2);
  assert_double(text, 1.0 + DBL_EPSILON);
}

static void the_locale_does_not_matter(void **state) {
  (void)state;
  setlocale(LC_ALL, "de_DE.UTF-8"); /* where it exists, the decimal point is a comma */
  assert_double("0.30000000000000004441", 0.30000000000000004);
  setlocale(LC_ALL, "C");
}

static void assert_int(const char *text, int64_t expected) {
  int64_t v;
  assert_true(mlt_parse_i64(mlt_str_c(text), &v));
  assert_int_equal(v, expected);
}

static void integers_are_read_within_64_bits(void **state) {
  (void)state;
  assert_int("0", 0);
  assert_int("-007", -7);
  assert_int("+1_0", 10);
  assert_int("\t5 ", 5);
  assert_int("9223372036854775807", INT64_MAX);
  assert_int("-9223372036854775808", INT64_MIN);
  static const char *const words[] = {"9223372036854775808",
                                      "-9223372036854775809",
                                      "",
                                      "-",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "1__0",
                                      "_1",
                                      "1_",
                                      "99999999999999999999999"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    int64_t v;
    if (mlt_parse_i64(mlt_str_c(words[i]), &v))
      fail_msg("'%s' was taken", words[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_that_python_takes_are_taken),
      cmocka_unit_test(words_that_python_refuses_are_refused),
      cmocka_unit_test(hard_cases_are_rounded_correctly),
      cmocka_unit_test(digits_far_behind_still_decide_a_tie),
      cmocka_unit_test(the_locale_does_not_matter),
      cmocka_unit_test(integers_are_read_within_64_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
