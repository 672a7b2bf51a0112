#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

/* The code point whose encoding is p[0..n), by the definition of RFC 3629: encode every candidate
   and compare. -1 if there is none. */
static int32_t naive_decode(const unsigned char *p, size_t n) {
  static const struct {
    uint32_t first, last;
  } ranges[] = {{0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, 0x10FFFF}};
  static const unsigned char lead[] = {0x00, 0xC0, 0xE0, 0xF0},
                             lead_mask[] = {0x80, 0xE0, 0xF0, 0xF8};
  if ((p[0] & lead_mask[n - 1]) != lead[n - 1])
    return -1;
  uint32_t cp = p[0] & (unsigned char)~lead_mask[n - 1];
  for (size_t i = 1; i < n; i++) {
    if (p[i] < 0x80 || p[i] > 0xBF)
      return -1;
    cp = cp * 64 + (p[i] - 0x80u);
  }
  bool surrogate = cp >= 0xD800 && cp <= 0xDFFF;
  return cp < ranges[n - 1].first || cp > ranges[n - 1].last || surrogate ? -1 : (int32_t)cp;
}

/* First bad byte by trying each length at each place. */
static ptrdiff_t naive_invalid(const unsigned char *p, size_t len) {
  size_t i = 0;
  while (i < len) {
    size_t n = 1;
    while (n <= 4 && (n > len - i || naive_decode(p + i, n) < 0))
      n++;
    if (n > 4)
      return (ptrdiff_t)i;
    i += n;
  }
  return -1;
}

static void every_sequence_of_three_bytes_is_judged_right(void **state) {
  (void)state;
  for (uint32_t v = 0; v < 1u << 24; v++) {
    /* A copy of exact size, so that a sanitizer sees a read past the end. */
    const unsigned char p[3] = {(unsigned char)(v >> 16), (unsigned char)(v >> 8),
                                (unsigned char)v};
    ptrdiff_t ours = mlt_utf8_invalid((struct mlt_str){(const char *)p, 3});
    if (ours != naive_invalid(p, 3))
      fail_msg("%02x %02x %02x: %td", p[0], p[1], p[2], ours);
  }
}

static void every_code_point_round_trips(void **state) {
  (void)state;
  for (uint32_t v = 0; v <= 0x10FFFF; v += v < 0x10000 ? 1 : 17) {
    unsigned char p[4];
    size_t n = v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0x00, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1;)
      p[i] = (unsigned char)(0x80 | ((v >> (6 * (n - 1 - i))) & 0x3F));
    p[0] = (unsigned char)(lead[n - 1] | (v >> (6 * (n - 1))));
    struct mlt_str s = {(const char *)p, n};
    uint32_t cp = 0;
    bool surrogate = v >= 0xD800 && v <= 0xDFFF;
    assert_int_equal(mlt_utf8_invalid(s), surrogate ? 0 : -1);
    if (surrogate)
      continue;
    assert_int_equal(mlt_utf8_next(s, &cp), n);
    assert_int_equal(cp, v);
    assert_int_equal(mlt_utf8_length(s), 1);
  }
}

static void four_byte_borders_are_judged_right(void **state) {
  (void)state;
  for (uint32_t a = 0xEF; a <= 0xF8; a++)
    for (uint32_t b = 0x70; b <= 0xC8; b++)
      for (uint32_t c = 0x7E; c <= 0xC2; c++)
        for (uint32_t d = 0x7E; d <= 0xC2; d += 2) {
          const unsigned char p[4] = {(unsigned char)a, (unsigned char)b, (unsigned char)c,
                                      (unsigned char)d};
          assert_int_equal(mlt_utf8_invalid((struct mlt_str){(const char *)p, 4}),
                           naive_invalid(p, 4));
        }
}

static void lengths_and_prefixes_count_code_points(void **state) {
  (void)state;
  struct mlt_str s = MLT_STR_LIT("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z");
  static const size_t bytes[] = {0, 1, 3, 6, 10, 11, 11};
  assert_int_equal(mlt_utf8_length(s), 5);
  for (size_t n = 0; n < 7; n++)
    assert_int_equal(mlt_utf8_prefix(s, n), bytes[n]);
}

static void absent_differs_from_empty(void **state) {
  (void)state;
  assert_true(mlt_str_eq(MLT_STR_NULL, MLT_STR_NULL));
  assert_false(mlt_str_eq(MLT_STR_NULL, MLT_STR_LIT("")));
  assert_true(mlt_str_eq(mlt_str_c(""), MLT_STR_LIT("")));
  assert_null(mlt_str_c(NULL).p);
  assert_true(mlt_str_cmp(MLT_STR_NULL, MLT_STR_LIT("")) < 0);
  assert_int_equal(mlt_str_cmp(MLT_STR_NULL, MLT_STR_NULL), 0);
  assert_false(mlt_str_starts(MLT_STR_NULL, ""));
}

static void strings_order_by_bytes(void **state) {
  (void)state;
  assert_true(mlt_str_cmp(MLT_STR_LIT("ab"), MLT_STR_LIT("abc")) < 0);
  assert_true(mlt_str_cmp(MLT_STR_LIT("b"), MLT_STR_LIT("abc")) > 0);
  assert_true(mlt_str_cmp(MLT_STR_LIT("\xC3"), MLT_STR_LIT("z")) > 0);
  assert_true(mlt_str_is(MLT_STR_LIT("ab"), "ab"));
  assert_false(mlt_str_is(MLT_STR_LIT("a\0b"), "a"));
  assert_true(mlt_str_starts(MLT_STR_LIT("sqlite:x"), "sqlite:"));
  assert_false(mlt_str_starts(MLT_STR_LIT("sql"), "sqlite"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sequence_of_three_bytes_is_judged_right),
      cmocka_unit_test(every_code_point_round_trips),
      cmocka_unit_test(four_byte_borders_are_judged_right),
      cmocka_unit_test(lengths_and_prefixes_count_code_points),
      cmocka_unit_test(absent_differs_from_empty),
      cmocka_unit_test(strings_order_by_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
