#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <float.h>
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
  uint64_t seed = 1;
  for (int i = 0; i < 20000; i++) {
    double d;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    memcpy(&d, &seed, sizeof d);
    if (!isfinite(d))
      continue;
    mlt_text_double(text, d);
    assert_true(strtod(text, NULL) == d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_terminal_cannot_be_driven),
                                     cmocka_unit_test(every_byte_comes_out_harmless),
                                     cmocka_unit_test(bad_utf8_is_repaired),
                                     cmocka_unit_test(passwords_are_masked),
                                     cmocka_unit_test(limits_hold),
                                     cmocka_unit_test(doubles_are_short_and_read_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
