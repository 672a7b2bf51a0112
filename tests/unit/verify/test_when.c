#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "verify/when.h"

static const int64_t NOW = 1800000000000;

static void durations_have_units(void **state) {
  static const struct {
    const char *text;
    uint64_t seconds;
  } good[] = {{"0", 0},     {"90", 90},     {"90s", 90},     {"5m", 300},
              {"2h", 7200}, {"7d", 604800}, {"2w", 1209600}, {"366000d", 31622400000}};
  static const char *const bad[] = {"",           "d",    "7x",  "-7d",     "7 d",
                                    "7dd",        "1.5h", "7D ", "366001d", "99999999999999999999",
                                    "31622400001"};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    uint64_t seconds = UINT64_MAX;
    assert_true(mlt_parse_duration(good[i].text, &seconds));
    assert_int_equal(seconds, good[i].seconds);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint64_t seconds;
    assert_false(mlt_parse_duration(bad[i], &seconds));
  }
}

static void a_time_is_a_point_or_so_long_ago(void **state) {
  int64_t ms = 0;
  (void)state;
  assert_true(mlt_parse_since("1970-01-02", NOW, &ms));
  assert_int_equal(ms, 86400000);
  assert_true(mlt_parse_since("2h", NOW, &ms));
  assert_int_equal(ms, NOW - 7200000);
  assert_false(mlt_parse_since("yesterday", NOW, &ms));
  assert_false(mlt_parse_since("", NOW, &ms));
}

static void shares_are_percentages(void **state) {
  static const char *const bad[] = {"", "%", "5", "0%", "101%", "-5%", "5%%", ".5%", "5 %", "1e1%"};
  double share;
  (void)state;
  assert_true(mlt_parse_share("100%", &share));
  assert_true(share == 1);
  assert_true(mlt_parse_share("5%", &share));
  assert_true(share == 0.05);
  assert_true(mlt_parse_share("0.5%", &share));
  assert_true(share == 0.005);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(mlt_parse_share(bad[i], &share));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(durations_have_units),
      cmocka_unit_test(a_time_is_a_point_or_so_long_ago),
      cmocka_unit_test(shares_are_percentages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
