#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/map.h"

static struct mlt_str name(char *buf, size_t size, unsigned i) {
  int n = snprintf(buf, size, "metrics/layer %u", i);
  return (struct mlt_str){buf, (size_t)n};
}

static void entries_are_found_and_come_in_the_order_they_came(void **state) {
  (void)state;
  enum { N = 20000 };
  char buf[64];
  struct mlt_map *m = mlt_map_new();
  for (unsigned i = 0; i < N; i++) /* the buffer is reused: keys must be copied */
    assert_int_equal(mlt_map_put(m, name(buf, sizeof buf, i * 7919 % N), i), 1);
  assert_int_equal(mlt_map_count(m), N);
  uint64_t v = 0, seen = 0;
  struct mlt_str key;
  for (size_t pos = 0; mlt_map_next(m, &pos, &key, &v); seen++) {
    assert_int_equal(v, seen);
    assert_true(mlt_str_eq(key, name(buf, sizeof buf, (unsigned)seen * 7919 % N)));
  }
  assert_int_equal(seen, N);
  for (unsigned i = 0; i < N; i++) {
    assert_true(mlt_map_get(m, name(buf, sizeof buf, i * 7919 % N), &v));
    assert_int_equal(v, i);
  }
  mlt_map_free(m);
}

static void put_replaces_and_intern_keeps(void **state) {
  (void)state;
  struct mlt_map *m = mlt_map_new();
  uint64_t v = 0;
  assert_int_equal(mlt_map_put(m, MLT_STR_LIT("a"), 1), 1);
  assert_int_equal(mlt_map_put(m, MLT_STR_LIT("a"), 2), 0);
  assert_int_equal(mlt_map_intern(m, MLT_STR_LIT("a"), 3, &v), 0);
  assert_int_equal(v, 2);
  assert_int_equal(mlt_map_intern(m, MLT_STR_LIT("b"), 4, &v), 1);
  assert_int_equal(v, 4);
  assert_false(mlt_map_get(m, MLT_STR_LIT("c"), &v));
  assert_int_equal(mlt_map_count(m), 2);
  mlt_map_free(m);
}

static void keys_are_bytes(void **state) {
  (void)state;
  struct mlt_map *m = mlt_map_new();
  uint64_t v = 0;
  assert_int_equal(mlt_map_put(m, MLT_STR_LIT("a\0b"), 1), 1);
  assert_int_equal(mlt_map_put(m, MLT_STR_LIT("a\0c"), 2), 1);
  assert_int_equal(mlt_map_put(m, MLT_STR_LIT("a"), 3), 1);
  assert_int_equal(mlt_map_put(m, MLT_STR_LIT(""), 4), 1);
  assert_true(mlt_map_get(m, MLT_STR_LIT("a\0c"), &v));
  assert_int_equal(v, 2);
  assert_true(mlt_map_get(m, MLT_STR_NULL, &v));
  assert_int_equal(v, 4);
  mlt_map_free(m);
}

static void bytes_grow_with_entries_and_keys(void **state) {
  (void)state;
  enum { N = 10000, LEN = 30 };
  char buf[64];
  struct mlt_map *m = mlt_map_new();
  size_t before = mlt_map_bytes(m);
  for (unsigned i = 0; i < N; i++)
    assert_int_equal(
        mlt_map_put(m, (struct mlt_str){buf, (size_t)snprintf(buf, sizeof buf, "%030u", i)}, i), 1);
  assert_true(mlt_map_bytes(m) > before + (size_t)N * (LEN + sizeof(struct mlt_str)));
  mlt_map_clear(m);
  assert_int_equal(mlt_map_bytes(m), before);
  mlt_map_free(m);
}

static void a_cleared_map_is_empty_and_useful(void **state) {
  (void)state;
  struct mlt_map *m = mlt_map_new();
  struct mlt_str key;
  uint64_t v = 0;
  for (int round = 0; round < 3; round++) {
    size_t pos = 0;
    assert_false(mlt_map_next(m, &pos, &key, &v));
    for (unsigned i = 0; i < 1000; i++) {
      char buf[64];
      assert_int_equal(mlt_map_put(m, name(buf, sizeof buf, i), i), 1);
    }
    mlt_map_clear(m);
    assert_int_equal(mlt_map_count(m), 0);
  }
  mlt_map_free(m);
  mlt_map_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_are_found_and_come_in_the_order_they_came),
      cmocka_unit_test(put_replaces_and_intern_keeps), cmocka_unit_test(keys_are_bytes),
      cmocka_unit_test(bytes_grow_with_entries_and_keys),
      cmocka_unit_test(a_cleared_map_is_empty_and_useful)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
