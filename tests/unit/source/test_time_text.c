/* Times as logs write them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "source/time_text.h"

static int64_t number(const char *text, enum mlt_time_unit unit) {
  int64_t ms = -1;
  assert_true(mlt_time_number(mlt_str_c(text), unit, &ms));
  return ms;
}

static int64_t iso(const char *text, bool zoned) {
  int64_t ms = -1;
  bool z;
  assert_true(mlt_time_iso(mlt_str_c(text), &ms, &z));
  assert_int_equal(z, zoned);
  return ms;
}

static void no_iso(const char *text) {
  int64_t ms;
  bool z;
  assert_false(mlt_time_iso(mlt_str_c(text), &ms, &z));
}

static void numbers_are_of_a_unit(void **state) {
  (void)state;
  assert_int_equal(number("1700000000", MLT_TIME_S), 1700000000000);
  assert_int_equal(number("1700000000.123", MLT_TIME_S), 1700000000123);
  assert_int_equal(number("1700000000.0004", MLT_TIME_S), 1700000000000);
  assert_int_equal(number("1.7e9", MLT_TIME_S), 1700000000000);
  assert_int_equal(number("1700000000123", MLT_TIME_MS), 1700000000123);
  assert_int_equal(number("1700000000123999", MLT_TIME_US), 1700000000123);
  assert_int_equal(number("1700000000123999999", MLT_TIME_NS), 1700000000123);
  assert_int_equal(number("-1", MLT_TIME_US), -1);
  assert_int_equal(number("-1000", MLT_TIME_US), -1);
}

static void what_is_no_time_is_refused(void **state) {
  (void)state;
  const char *const bad[] = {"", "x", "nan", "inf", "1e300", "99999999999999999"};
  int64_t ms;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(mlt_time_number(mlt_str_c(bad[i]), MLT_TIME_S, &ms));
}

static void the_unit_is_guessed_by_size(void **state) {
  (void)state;
  assert_int_equal(mlt_time_guess(1700000000.5), MLT_TIME_S);
  assert_int_equal(mlt_time_guess(1.7e12), MLT_TIME_MS);
  assert_int_equal(mlt_time_guess(1.7e15), MLT_TIME_US);
  assert_int_equal(mlt_time_guess(1.7e18), MLT_TIME_NS);
  assert_int_equal(mlt_time_guess(0), MLT_TIME_S);
}

static void dates_are_those_of_iso_8601(void **state) {
  (void)state;
  assert_int_equal(iso("1970-01-01", false), 0);
  assert_int_equal(iso("2024-02-29T12:34:56.789Z", true), 1709210096789);
  assert_int_equal(iso("2024-02-29 12:34:56.789123", false), 1709210096789);
  assert_int_equal(iso("2024-02-29T12:34", false), 1709210040000);
  assert_int_equal(iso("2024-02-29T14:34:56+02:00", true), 1709210096000);
  assert_int_equal(iso("2024-02-29T07:04:56-0530", true), 1709210096000);
  assert_int_equal(iso("1969-12-31T23:59:59.999Z", true), -1);
  assert_int_equal(iso("2000-03-01", false), 951868800000);
  assert_int_equal(iso("1900-03-01", false), -2203891200000);
}

static void what_is_no_date_is_refused(void **state) {
  (void)state;
  const char *const bad[] = {"",           "2024",          "2024-13-01",        "2023-02-29",
                             "1900-02-29", "2024-01-01T25", "2024-01-01T12:60",  "2024-01-01x",
                             "24-01-01",   "2024-1-1",      "2024-01-01T12:00+1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    no_iso(bad[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_of_a_unit),       cmocka_unit_test(what_is_no_time_is_refused),
      cmocka_unit_test(the_unit_is_guessed_by_size), cmocka_unit_test(dates_are_those_of_iso_8601),
      cmocka_unit_test(what_is_no_date_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
