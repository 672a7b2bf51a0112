/* Lines of one rank come together, in the order they came in, however little memory there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/line_sort.h"

enum { LINES = 5000, RANKS = 37 };

/* A line that says where it belongs; some are long. */
static struct mlt_str line_of(char text[8192], uint64_t rank, uint64_t number) {
  int n = snprintf(text, 64, "%ju of %ju", (uintmax_t)number, (uintmax_t)rank);
  size_t len = number % 97 == 0 ? 8192 : (size_t)n;
  memset(text + n, '.', 8192 - (size_t)n);
  return (struct mlt_str){text, len};
}

static uint64_t rank_of(uint64_t number) {
  return number * number % RANKS;
}

static void sorts_within(size_t bytes) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_line_sort *s;
  struct mlt_sorted_line line, last = {0};
  char text[8192];
  size_t n = 0;
  assert_int_equal(mlt_line_sort_new(&s, bytes, &err), MLT_OK);
  for (uint64_t i = 1; i <= LINES; i++) {
    line = (struct mlt_sorted_line){rank_of(i), i, line_of(text, rank_of(i), i)};
    assert_int_equal(mlt_line_sort_add(s, &line, &err), MLT_OK);
  }
  for (; mlt_line_sort_next(s, &line, &err) == MLT_OK; n++) {
    assert_true(n == 0 || line.rank > last.rank ||
                (line.rank == last.rank && line.number > last.number));
    assert_int_equal(line.rank, rank_of(line.number));
    assert_true(mlt_str_eq(line.text, line_of(text, line.rank, line.number)));
    last = line;
  }
  assert_int_equal(n, LINES);
  assert_int_equal(mlt_line_sort_next(s, &line, &err), MLT_END);
  mlt_line_sort_free(s);
}

static void order_does_not_depend_on_memory(void **state) {
  (void)state;
  sorts_within((size_t)1 << 30);
  sorts_within((size_t)1 << 18);
  sorts_within((size_t)1 << 14);
  sorts_within(1); /* a piece a line */
}

static void nothing_is_sorted_too(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_line_sort *s;
  struct mlt_sorted_line line;
  assert_int_equal(mlt_line_sort_new(&s, 1, &err), MLT_OK);
  assert_int_equal(mlt_line_sort_next(s, &line, &err), MLT_END);
  mlt_line_sort_free(s);
  mlt_line_sort_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_does_not_depend_on_memory),
      cmocka_unit_test(nothing_is_sorted_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
