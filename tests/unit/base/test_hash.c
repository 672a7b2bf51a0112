/* SHA-256 against the vectors of FIPS 180-4. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"

static void it_is_sha_256(void **state) {
  (void)state;
  static const unsigned char abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                      0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                      0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                      0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  const struct mlt_str whole[] = {MLT_STR_LIT("abc")};
  const struct mlt_str parts[] = {MLT_STR_LIT("a"), MLT_STR_NULL, MLT_STR_LIT("bc")};
  unsigned char out[MLT_SHA256_BYTES];
  assert_true(mlt_sha256(out, whole, 1));
  assert_memory_equal(out, abc, sizeof abc);
  assert_true(mlt_sha256(out, parts, 3));
  assert_memory_equal(out, abc, sizeof abc);
}

static void nothing_has_a_hash_too(void **state) {
  (void)state;
  static const unsigned char begins[] = {0xe3, 0xb0, 0xc4, 0x42};
  unsigned char out[MLT_SHA256_BYTES];
  assert_true(mlt_sha256(out, NULL, 0));
  assert_memory_equal(out, begins, sizeof begins);
}

static void a_hasher_hashes_one_after_another(void **state) {
  (void)state;
  const struct mlt_str whole[] = {MLT_STR_LIT("abc")};
  unsigned char one[MLT_SHA256_BYTES], other[MLT_SHA256_BYTES];
  assert_true(mlt_sha256(one, whole, 1));
  struct mlt_hasher *h = mlt_hasher_new();
  assert_non_null(h);
  for (int i = 0; i < 3; i++) {
    assert_true(mlt_hasher_start(h) && mlt_hasher_add(h, "a", 1) && mlt_hasher_add(h, "", 0));
    if (i == 1)
      continue; /* given up half-way: the next begins anew */
    assert_true(mlt_hasher_add(h, "bc", 2) && mlt_hasher_finish(h, other));
    assert_memory_equal(one, other, sizeof one);
  }
  mlt_hasher_free(h);
  mlt_hasher_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_sha_256),
      cmocka_unit_test(nothing_has_a_hash_too),
      cmocka_unit_test(a_hasher_hashes_one_after_another),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
