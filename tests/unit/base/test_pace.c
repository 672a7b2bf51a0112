#include "base/pace.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

static void take_and_wait(struct mlt_pacer *p, size_t n) {
  struct mlt_err err = MLT_ERR_INIT;
  assert_int_equal(mlt_pacer_wait(p, mlt_pacer_take(p, n), &err), MLT_OK);
}

static void rows_take_as_long_as_the_rate_says(void **state) {
  (void)state;
  double start = mlt_clock_seconds(); /* before the pacer, whose own time starts when it is made */
  struct mlt_pacer *p = mlt_pacer_new(1000, NULL);
  for (int i = 0; i < 5; i++)
    take_and_wait(p, 60);
  assert_true(mlt_clock_seconds() - start >= 0.3 - 1e-6);
  mlt_pacer_free(p);
}

static void idle_time_is_not_saved_up(void **state) {
  (void)state;
  struct mlt_pacer *p = mlt_pacer_new(1000, NULL);
  take_and_wait(p, 1);
  double idle_since = mlt_clock_seconds();
  while (mlt_clock_seconds() - idle_since < 0.4)
    ;
  double now = mlt_clock_seconds();
  assert_true(mlt_pacer_take(p, 300) >= now + 0.2 - 1e-6); /* a tenth of a second, not 0.4 */
  mlt_pacer_free(p);
}

static void *take_hundred(void *p) {
  for (int i = 0; i < 10; i++)
    take_and_wait(p, 10);
  return NULL;
}

static void threads_share_the_rate(void **state) {
  (void)state;
  pthread_t thread[4];
  double start = mlt_clock_seconds();
  struct mlt_pacer *p = mlt_pacer_new(1000, NULL);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&thread[i], NULL, take_hundred, p), 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_join(thread[i], NULL), 0);
  assert_true(mlt_clock_seconds() - start >= 0.4 - 0.1 - 1e-6);
  mlt_pacer_free(p);
}

static void cancelling_ends_the_wait(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  volatile sig_atomic_t cancelled = 1;
  struct mlt_pacer *p = mlt_pacer_new(1, &cancelled);
  double due = mlt_pacer_take(p, 3600);
  assert_int_equal(mlt_pacer_wait(p, due, &err), MLT_CANCELLED);
  mlt_pacer_free(p);
}

static void a_portion_is_a_tenth_of_a_second(void **state) {
  (void)state;
  static const struct {
    uint64_t rate;
    size_t portion;
  } cases[] = {{1, 1}, {9, 1}, {1000, 100}, {UINT64_MAX, 1000000}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct mlt_pacer *p = mlt_pacer_new(cases[i].rate, NULL);
    assert_int_equal(mlt_pacer_portion(p), cases[i].portion);
    mlt_pacer_free(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_take_as_long_as_the_rate_says),
      cmocka_unit_test(idle_time_is_not_saved_up),
      cmocka_unit_test(threads_share_the_rate),
      cmocka_unit_test(cancelling_ends_the_wait),
      cmocka_unit_test(a_portion_is_a_tenth_of_a_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
