#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/text.h"

typedef enum mlt_rc (*text_fn)(struct mlt_buf *, struct mlt_str);

static void check(text_fn fn, struct mlt_str in, const char *expected) {
  struct mlt_buf b;
  mlt_buf_init(&b, 1 << 16);
  assert_int_equal(fn(&b, in), MLT_OK);
  assert_string_equal(mlt_buf_cstr(&b), expected);
  mlt_buf_free(&b);
}

static void a_terminal_cannot_be_driven(void **state) {
  (void)state;
  check(mlt_text_escape, MLT_STR_LIT("plain \xC3\xA4\xF0\x9F\x98\x80"),
        "plain \xC3\xA4\xF0\x9F\x98\x80");
  check(mlt_text_escape, MLT_STR_LIT("\033]0;owned\007\033[2J"), "\\x1b]0;owned\\x07\\x1b[2J");
  check(mlt_text_escape, MLT_STR_LIT("a\nb\r\tc\x7F"), "a\\nb\\r\\tc\\x7f");
  check(mlt_text_escape,
        MLT_STR_LIT("\xC2\x9B"
                    "31m"),
        "\\u{009b}31m");
  check(mlt_text_escape,
        MLT_STR_LIT("\xE2\x80\xAE"
                    "gpj.exe"),
        "\\u{202e}gpj.exe");
  check(mlt_text_escape,
        MLT_STR_LIT("\xFF"
                    "a\xC3"),
        "\\xffa\\xc3");
  check(mlt_text_escape, MLT_STR_LIT("a\0b"), "a\\x00b");
  check(mlt_text_escape, MLT_STR_NULL, "");
}

static void every_byte_comes_out_harmless(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    char s[2] = {(char)c, 'x'};
    struct mlt_buf b;
    mlt_buf_init(&b, 100);
    assert_int_equal(mlt_text_escape(&b, (struct mlt_str){s, 2}), MLT_OK);
    for (size_t i = 0; i < b.len; i++)
      assert_in_range((unsigned char)b.p[i], 0x20, 0x7E);
    mlt_buf_free(&b);
  }
}

static void bad_utf8_is_repaired(void **state) {
  (void)state;
  check(mlt_text_repair, MLT_STR_LIT("ok"), "ok");
  check(mlt_text_repair,
        MLT_STR_LIT("a\xFF"
                    "b"),
        "a\xEF\xBF\xBD"
        "b");
  check(mlt_text_repair, MLT_STR_LIT("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void passwords_are_masked(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
  } cases[] = {
      {"postgresql://u:secret@h:5432/db", "postgresql://u:***@h:5432/db"},
      {"to postgresql+psycopg2://u:s:e@t@h/db failed",
       "to postgresql+psycopg2://u:***@h/db failed"},
      {"postgresql://:pw@h/db", "postgresql://:***@h/db"},
      {"http://u:p@h/ and http://v:q@k/", "http://u:***@h/ and http://v:***@k/"},
      {"postgresql://u@h:5432/db?password=pw&sslmode=require",
       "postgresql://u@h:5432/db?password=***&sslmode=require"},
      {"host=h password=pw dbname=d", "host=h password=*** dbname=d"},
      {"host=h password = 'a b\\'c' dbname=d", "host=h password = *** dbname=d"},
      {"PASSWORD=x", "PASSWORD=***"},
      {"sslpassword=x", "sslpassword=***"},
      {"no secret: http://h:80/p@th", "no secret: http://h:80/p@th"},
      {"password authentication failed for user", "password authentication failed for user"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check(mlt_text_mask, mlt_str_c(cases[i].in), cases[i].out);
}

static void limits_hold(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 4);
  assert_int_equal(mlt_text_escape(&b, MLT_STR_LIT("\n\n\n")), MLT_TOOBIG);
  mlt_buf_free(&b);
}

static void doubles_are_short_and_read_back(void **state) {
  (void)state;
  static const struct {
    double d;
    const char *text;
  } cases[] = {{0.1, "0.1"},       {1, "1.0"},
               {-0.0, "-0.0"},     {1e300, "1e+300"},
               {2.5, "2.5"},       {123456789012345680.0, "1.2345678901234568e+17"},
               {5e-324, "5e-324"}, {0.30000000000000004, "0.30000000000000004"},
               {INFINITY, "inf"},  {-INFINITY, "-inf"},
               {NAN, "nan"},       {-NAN, "nan"}};
  char text[MLT_DOUBLE_TEXT];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    mlt_text_double(text, cases[i].d);
    assert_string_equal(text, cases[i].text);
  }
}

/* What the C library makes of it: the first of 15, 16, 17 digits that read back. */
static void expect_double(double d) {
  char expected[64], text[MLT_DOUBLE_TEXT];
  for (int n = fabs(d) < DBL_MIN && d != 0 ? 1 : 15; n <= 17; n++) {
    (void)snprintf(expected, sizeof expected - 2, "%.*g", n, d);
    if (strtod(expected, NULL) == d)
      break;
  }
  size_t len = strlen(expected);
  if (!strpbrk(expected, ".e"))
    (void)snprintf(expected + len, sizeof expected - len, ".0");
  assert_int_equal(mlt_text_double(text, d), strlen(expected));
  assert_string_equal(text, expected);
}

static uint64_t next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return *seed ^ *seed >> 29;
}

/* Any bits, numbers like those of metrics, decimals of few digits, and neighbours of powers. */
static void doubles_are_those_of_printf(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (int i = 0; i < 50000; i++) {
    double d;
    uint64_t bits = next_random(&seed);
    memcpy(&d, &bits, sizeof d);
    if (isfinite(d))
      expect_double(d);
    double unit = (double)(next_random(&seed) >> 11) * 0x1p-53;
    expect_double(unit);
    expect_double(-unit * pow(10, (double)(bits % 50) - 20));
    expect_double((double)(bits % 1000000) / pow(10, (double)(seed % 9)));
  }
  for (int e = -330; e < 309; e++) {
    double d = pow(10, e);
    expect_double(d);
    expect_double(nextafter(d, 0));
    expect_double(nextafter(d, INFINITY));
  }
  for (int e = -1074; e < 1024; e++) {
    double d = ldexp(1, e);
    expect_double(d);
    expect_double(nextafter(d, 0));
    expect_double(nextafter(d, 2 * d < INFINITY ? INFINITY : 0));
  }
  expect_double(DBL_MAX);
  expect_double(-DBL_MAX);
  for (uint64_t n = 1; n < UINT64_C(1) << 62; n *= 3)
    expect_double((double)n);
}

static void integers_are_those_of_printf(void **state) {
  (void)state;
  const int64_t cases[] = {0, 1, -1, 9, 10, -10, 1234567890123, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[MLT_INT_TEXT], expected[32];
    int n = snprintf(expected, sizeof expected, "%" PRId64, cases[i]);
    assert_int_equal(mlt_text_int(text, cases[i]), n);
    assert_string_equal(text, expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_terminal_cannot_be_driven),
                                     cmocka_unit_test(every_byte_comes_out_harmless),
                                     cmocka_unit_test(bad_utf8_is_repaired),
                                     cmocka_unit_test(passwords_are_masked),
                                     cmocka_unit_test(limits_hold),
                                     cmocka_unit_test(doubles_are_short_and_read_back),
                                     cmocka_unit_test(doubles_are_those_of_printf),
                                     cmocka_unit_test(integers_are_those_of_printf)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
