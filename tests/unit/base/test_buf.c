#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"

static void a_buffer_grows_up_to_its_limit(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 10000);
  for (int i = 0; i < 10000; i++)
    assert_int_equal(mlt_buf_add(&b, "x", 1), MLT_OK);
  assert_int_equal(mlt_buf_add(&b, "x", 1), MLT_TOOBIG);
  assert_int_equal(mlt_buf_adds(&b, "xy"), MLT_TOOBIG);
  assert_int_equal(mlt_buf_printf(&b, "%d", 1), MLT_TOOBIG);
  assert_int_equal(b.len, 10000);
  assert_int_equal(strlen(mlt_buf_cstr(&b)), 10000);
  mlt_buf_free(&b);
}

static void absurd_sizes_do_not_wrap_around(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 100);
  assert_int_equal(mlt_buf_adds(&b, "abc"), MLT_OK);
  assert_int_equal(mlt_buf_reserve(&b, SIZE_MAX), MLT_TOOBIG);
  assert_int_equal(mlt_buf_reserve(&b, SIZE_MAX - 2), MLT_TOOBIG);
  assert_int_equal(b.len, 3);
  mlt_buf_free(&b);
}

static void an_empty_buffer_is_an_empty_string(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 10);
  assert_non_null(mlt_buf_str(&b).p);
  assert_int_equal(mlt_buf_str(&b).len, 0);
  assert_int_equal(mlt_buf_add(&b, NULL, 0), MLT_OK);
  assert_string_equal(mlt_buf_cstr(&b), "");
  mlt_buf_free(&b);
}

static void printf_appends_and_clear_keeps_the_memory(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 1 << 20);
  assert_int_equal(mlt_buf_printf(&b, "%s=%d", "n", 42), MLT_OK);
  assert_int_equal(mlt_buf_printf(&b, "%*s", 5000, "end"), MLT_OK);
  assert_int_equal(b.len, 5004);
  assert_memory_equal(b.p, "n=42  ", 6);
  size_t cap = b.cap;
  mlt_buf_clear(&b);
  assert_int_equal(b.len, 0);
  assert_int_equal(b.cap, cap);
  mlt_buf_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_buffer_grows_up_to_its_limit),
                                     cmocka_unit_test(absurd_sizes_do_not_wrap_around),
                                     cmocka_unit_test(an_empty_buffer_is_an_empty_string),
                                     cmocka_unit_test(printf_appends_and_clear_keeps_the_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
