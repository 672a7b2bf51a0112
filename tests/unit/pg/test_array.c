#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "pg/array.h"

static void becomes(const struct mlt_str *v, size_t n, const char *bytes, size_t len) {
  struct mlt_buf b;
  mlt_buf_init(&b, 1000);
  assert_int_equal(mlt_pg_text_array(&b, v, n), MLT_OK);
  assert_int_equal(b.len, len);
  assert_memory_equal(b.p, bytes, len);
  mlt_buf_free(&b);
}

static void elements_are_lengths_and_bytes(void **state) {
  (void)state;
  const struct mlt_str v[] = {MLT_STR_LIT("a\"{\\"), MLT_STR_LIT("")};
  static const char want[] = "\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\2\0\0\0\1"
                             "\0\0\0\4a\"{\\\0\0\0\0";
  becomes(v, 2, want, sizeof want - 1);
}

static void an_absent_string_is_null(void **state) {
  (void)state;
  const struct mlt_str v[] = {MLT_STR_NULL};
  static const char want[] = "\0\0\0\1\0\0\0\1\0\0\0\31\0\0\0\1\0\0\0\1\377\377\377\377";
  becomes(v, 1, want, sizeof want - 1);
}

static void an_empty_array_has_no_dimension(void **state) {
  (void)state;
  static const char want[] = "\0\0\0\0\0\0\0\0\0\0\0\31";
  becomes(NULL, 0, want, sizeof want - 1);
}

static void an_array_beyond_the_limit_is_refused(void **state) {
  (void)state;
  const struct mlt_str v[] = {MLT_STR_LIT("0123456789")};
  struct mlt_buf b;
  mlt_buf_init(&b, 33);
  assert_int_equal(mlt_pg_text_array(&b, v, 1), MLT_TOOBIG);
  assert_int_equal(b.len, 0);
  mlt_buf_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_are_lengths_and_bytes),
      cmocka_unit_test(an_absent_string_is_null),
      cmocka_unit_test(an_empty_array_has_no_dimension),
      cmocka_unit_test(an_array_beyond_the_limit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
