#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"

static void blocks_grow_and_stay_aligned(void **state) {
  (void)state;
  struct mlt_arena *a = mlt_arena_new();
  for (size_t n = 1; n < 3000; n++) {
    char *p = mlt_arena_zalloc(a, n);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_int_equal(p[n - 1], 0);
    memset(p, 0x5A, n);
  }
  assert_true(mlt_arena_bytes(a) > 3000 * 1500);
  mlt_arena_reset(a);
  assert_true(mlt_arena_bytes(a) <= 16 * 1024);
  mlt_arena_free(a);
}

static void absent_strings_stay_absent(void **state) {
  (void)state;
  struct mlt_arena *a = mlt_arena_new();
  struct mlt_str out;
  assert_int_equal(mlt_arena_str(a, MLT_STR_NULL, &out), 0);
  assert_null(out.p);
  assert_int_equal(mlt_arena_str(a, MLT_STR_LIT(""), &out), 0);
  assert_non_null(out.p);
  assert_int_equal(out.len, 0);
  mlt_arena_free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_grow_and_stay_aligned),
                                     cmocka_unit_test(absent_strings_stay_absent)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
