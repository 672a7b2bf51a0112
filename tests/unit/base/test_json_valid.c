#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/json_valid.h"

static void what_is_json(void **state) {
  (void)state;
  static const char *const yes[] = {"null",
                                    " true ",
                                    "\"\"",
                                    "0",
                                    "-0",
                                    "-1.5e-3",
                                    "1E+9",
                                    "[]",
                                    "{}",
                                    "[1, [2, {}], \"a\"]",
                                    "{\"a\": {\"b\": []}, \"c\": null}\n",
                                    "\"\\u00e9\\n\\/\"",
                                    "{\"\": \"\xc3\xa9\"}"};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    assert_true(mlt_json_valid(mlt_str_c(yes[i])));
}

static void what_is_not(void **state) {
  (void)state;
  static const char *const no[] = {
      "",    " ",      "NaN",  "Infinity", "nul",     "01",          "1.",         "-",
      "1e",  "+1",     "[1,]", "[1 2]",    "{a: 1}",  "{\"a\"}",     "{\"a\":1,}", "[",
      "]",   "{]",     "[}",   "\"",       "\"\\x\"", "\"\\u12g4\"", "\"\n\"",     "1 2",
      "'a'", "{1: 2}", "[1}",  "\"a\\",    "\"\\u12"};
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    assert_false(mlt_json_valid(mlt_str_c(no[i])));
  assert_false(mlt_json_valid((struct mlt_str){"1\0", 2}));
}

static void depth_is_bounded(void **state) {
  (void)state;
  static char text[2 * (MLT_JSON_VALID_DEPTH + 2)];
  for (size_t depth = 1; depth <= MLT_JSON_VALID_DEPTH + 2; depth++) {
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    /* the innermost is empty, and needs no place */
    assert_int_equal(mlt_json_valid((struct mlt_str){text, 2 * depth}),
                     depth <= MLT_JSON_VALID_DEPTH + 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_json), cmocka_unit_test(what_is_not),
                                     cmocka_unit_test(depth_is_bounded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
