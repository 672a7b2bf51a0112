#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/lookup3.h"

/* What PostgreSQL 15 gives, as bigint. */
static void texts_have_postgresqls_hashes(void **state) {
  static const struct {
    const char *text;
    int64_t seed, hash;
  } known[] = {
      {"", 0, INT64_C(-6939563903564495251)},
      {"", 1, INT64_C(-150071773020461347)},
      {"a", 0, INT64_C(3591986179850072241)},
      {"loss", 0, INT64_C(-9081728818749905025)},
      {"loss", -1, INT64_C(7447479170214763685)},
      {"val/acc", INT64_C(1700000000000), INT64_C(7387045214181890037)},
      {"eleven byte", 7, INT64_C(-7053242350450209406)},
      {"twelve bytes", 7, INT64_C(5524862673995121598)},
      {"thirteen byte", 7, INT64_C(-1758032986519610332)},
      {"twenty-three bytes long", INT64_MIN, INT64_C(-3581732188640036021)},
      {"twenty-four bytes, long!", INT64_C(9223372036854775807), INT64_C(-7192568416768303847)},
      {"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", 42, INT64_C(6387187677881252935)},
  };
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    assert_true(mlt_lookup3(known[i].text, strlen(known[i].text), (uint64_t)known[i].seed) ==
                (uint64_t)known[i].hash);
}

static void numbers_have_postgresqls_hashes(void **state) {
  (void)state;
  assert_true(mlt_lookup3_double(1.0, (uint64_t)0) == (uint64_t)INT64_C(4033440226552636220));
  assert_true(mlt_lookup3_double(0.1, (uint64_t)0) == (uint64_t)INT64_C(-4179333574236083663));
  assert_true(mlt_lookup3_double(-2.5, (uint64_t)-1) == (uint64_t)INT64_C(-7010462721324800216));
  assert_true(mlt_lookup3_double(5e-324, (uint64_t)INT64_C(1700000000000)) ==
              (uint64_t)INT64_C(-6624022972219238712));
  assert_true(mlt_lookup3_double(1.7976931348623157e+308, (uint64_t)9) ==
              (uint64_t)INT64_C(-3114407296455482892));
  assert_true(mlt_lookup3_u32((uint32_t)0, (uint64_t)0) == (uint64_t)INT64_C(4154612158245552303));
  assert_true(mlt_lookup3_u32((uint32_t)1, (uint64_t)0) == (uint64_t)INT64_C(-3670598878359251130));
  assert_true(mlt_lookup3_u32((uint32_t)0, (uint64_t)INT64_C(1700000000000)) ==
              (uint64_t)INT64_C(-3883521810877200630));
  assert_true(mlt_lookup3_u32((uint32_t)1, (uint64_t)INT64_C(1700000000000)) ==
              (uint64_t)INT64_C(-5448698077017212639));
  assert_true(mlt_lookup3_u32((uint32_t)-1, (uint64_t)-1) ==
              (uint64_t)INT64_C(6481520839006961279));
}

static void both_zeros_are_one(void **state) {
  (void)state;
  assert_true(mlt_lookup3_double(0.0, 5) == 5);
  assert_true(mlt_lookup3_double(-0.0, 5) == 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(texts_have_postgresqls_hashes),
                                     cmocka_unit_test(numbers_have_postgresqls_hashes),
                                     cmocka_unit_test(both_zeros_are_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
