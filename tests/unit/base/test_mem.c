#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static void a_buffer_for_files_begins_at_a_page(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 256 << 10};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char *p = mlt_alloc_pages(sizes[i]);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 4096, 0);
    memset(p, 1, sizes[i]);
    mlt_free(p);
  }
}

static void absurd_sizes_are_refused(void **state) {
  (void)state;
  assert_null(mlt_alloc_pages(SIZE_MAX));
  assert_null(mlt_alloc_pages(SIZE_MAX - 4095));
  assert_null(mlt_reallocarray(NULL, SIZE_MAX / 2, 3));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_buffer_for_files_begins_at_a_page),
      cmocka_unit_test(absurd_sizes_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
