/* How one figure is divided. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pipeline/budget.h"

static const uint64_t MIB = 1 << 20;

static void everybody_s_share_together_is_within_the_whole(void **state) {
  (void)state;
  static const enum mlt_target_kind kinds[] = {MLT_TARGET_SQLITE, MLT_TARGET_PG};
  for (size_t k = 0; k < 2; k++)
    for (unsigned batches = 2; batches <= 66; batches *= 2)
      for (uint64_t total = MIB; total < 65536 * MIB; total *= 2) {
        struct mlt_budget b;
        struct mlt_err err = MLT_ERR_INIT;
        enum mlt_rc rc = mlt_budget_divide(&b, total, kinds[k], batches, &err);
        if (rc == MLT_USAGE) {
          assert_true(total < 512 * MIB);
          continue;
        }
        assert_int_equal(rc, MLT_OK);
        assert_true(b.batch * batches + b.cache < total);
        assert_true(b.batch >= MIB);
        assert_int_equal(b.full, b.batch / 2);
        assert_int_equal(b.cache == 0, kinds[k] == MLT_TARGET_PG);
      }
}

static void too_little_is_refused_with_the_least(void **state) {
  (void)state;
  struct mlt_budget b;
  struct mlt_err err = MLT_ERR_INIT;
  assert_int_equal(mlt_budget_divide(&b, 16 * MIB, MLT_TARGET_PG, 3, &err), MLT_USAGE);
  assert_string_equal(err.msg, "16 MiB of memory are too little for 3 batches at a time: at least "
                               "29 MiB (--memory)");
  mlt_err_clear(&err);
  assert_int_equal(mlt_budget_divide(&b, 29 * MIB, MLT_TARGET_PG, 3, &err), MLT_OK);
  assert_int_equal(mlt_budget_divide(&b, 32 * MIB, MLT_TARGET_SQLITE, 2, &err), MLT_OK);
}

static void nothing_said_is_the_default(void **state) {
  (void)state;
  struct mlt_budget said, unsaid;
  struct mlt_err err = MLT_ERR_INIT;
  assert_int_equal(mlt_budget_divide(&said, MLT_MEMORY_DEFAULT, MLT_TARGET_PG, 3, &err), MLT_OK);
  assert_int_equal(mlt_budget_divide(&unsaid, 0, MLT_TARGET_PG, 3, &err), MLT_OK);
  assert_memory_equal(&said, &unsaid, sizeof said);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everybody_s_share_together_is_within_the_whole),
      cmocka_unit_test(too_little_is_refused_with_the_least),
      cmocka_unit_test(nothing_said_is_the_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
