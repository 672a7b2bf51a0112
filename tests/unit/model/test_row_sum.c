#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/row_sum.h"

/* In the order of model/columns.def: key, value, timestamp, run_uuid, step, is_nan. */
struct point {
  const char *key;
  double value;
  int64_t timestamp, step;
  bool is_nan;
};

static uint64_t hash(struct point p) {
  const struct mlt_value row[MLT_MAX_COLUMNS] = {{.kind = MLT_V_TEXT, .s = mlt_str_c(p.key)},
                                                 {.kind = MLT_V_DOUBLE, .d = p.value},
                                                 {.kind = MLT_V_INT, .i = p.timestamp},
                                                 {.kind = MLT_V_TEXT, .s = MLT_STR_LIT("run")},
                                                 {.kind = MLT_V_INT, .i = p.step},
                                                 {.kind = MLT_V_BOOL, .b = p.is_nan}};
  return mlt_row_hash(MLT_T_METRICS, row);
}

static const struct point a = {"loss", 0.5, 1700000000000, 3, false};

static void every_bit_of_a_point_counts(void **state) {
  (void)state;
  for (unsigned bit = 0; bit < 64; bit++) {
    struct point step = a, time = a, value = a;
    union {
      double d;
      uint64_t u;
    } bits = {.d = a.value};
    step.step ^= (int64_t)(UINT64_C(1) << bit);
    time.timestamp ^= (int64_t)(UINT64_C(1) << bit);
    bits.u ^= UINT64_C(1) << bit;
    value.value = bits.d;
    assert_true(hash(a) != hash(step));
    assert_true(hash(a) != hash(time));
    assert_true(hash(a) != hash(value));
  }
  struct point key = a, is_nan = a;
  key.key = "loss ";
  is_nan.is_nan = true;
  assert_true(hash(a) != hash(key));
  assert_true(hash(a) != hash(is_nan));
}

/* Two errors that are each other's opposite, also where the value is 0, whose hash is its seed. */
static void what_two_points_exchange_does_not_cancel(void **state) {
  (void)state;
  for (int64_t i = 0; i < 1000; i++) {
    struct point p = {"m", 0, 1700000000000 + i, i, false},
                 q = {"m", 0, 1700000000001 + i, i + 1, false};
    struct point ps = p, qs = q, pv = p, qv = q;
    ps.step = q.step;
    qs.step = p.step;
    assert_true(hash(p) + hash(q) != hash(ps) + hash(qs));
    p.value = pv.value = 1.5;
    q.value = qv.value = (double)i;
    pv.value = q.value;
    qv.value = p.value;
    assert_true(p.value == q.value || hash(p) + hash(q) != hash(pv) + hash(qv));
  }
}

static uint64_t kv(struct mlt_str key, struct mlt_str value) {
  const struct mlt_value row[MLT_MAX_COLUMNS] = {
      {.kind = MLT_V_TEXT, .s = key}, {.kind = value.p ? MLT_V_TEXT : MLT_V_NULL, .s = value}};
  return mlt_row_hash(MLT_T_TAGS, row);
}

static void keys_and_values_are_two_things(void **state) {
  (void)state;
  assert_true(kv(MLT_STR_LIT("ab"), MLT_STR_LIT("c")) != kv(MLT_STR_LIT("a"), MLT_STR_LIT("bc")));
  assert_true(kv(MLT_STR_LIT("a"), MLT_STR_LIT("b")) != kv(MLT_STR_LIT("b"), MLT_STR_LIT("a")));
  assert_true(kv(MLT_STR_LIT("a"), MLT_STR_LIT("")) != kv(MLT_STR_LIT("a"), MLT_STR_NULL));
}

static void zeros_of_either_sign_are_the_same_row(void **state) {
  struct point p = a, n = a;
  (void)state;
  p.value = 0.0;
  n.value = -0.0;
  assert_true(hash(p) == hash(n));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_bit_of_a_point_counts),
                                     cmocka_unit_test(what_two_points_exchange_does_not_cancel),
                                     cmocka_unit_test(keys_and_values_are_two_things),
                                     cmocka_unit_test(zeros_of_either_sign_are_the_same_row)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
