#include "verify/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct mlt_str c(const char *s) {
  return mlt_str_c(s);
}

static void facts_are_held_against_what_is_said(void **state) {
  (void)state;
  struct mlt_facts *f = mlt_facts_new();
  struct mlt_str known = MLT_STR_NULL;
  assert_int_equal(mlt_facts_put(f, c("status"), c("FINISHED")), MLT_OK);
  assert_int_equal(mlt_facts_put(f, c("end_time"), MLT_STR_NULL), MLT_OK);
  assert_int_equal(mlt_facts_put(f, c("param a"), c("")), MLT_OK);
  assert_int_equal(mlt_facts_hold(f, c("status"), c("FINISHED"), &known), MLT_FACT_SAME);
  assert_int_equal(mlt_facts_hold(f, c("status"), c("FAILED"), &known), MLT_FACT_DIFFERS);
  assert_true(mlt_str_is(known, "FINISHED"));
  assert_int_equal(mlt_facts_hold(f, c("end_time"), MLT_STR_NULL, &known), MLT_FACT_SAME);
  assert_int_equal(mlt_facts_hold(f, c("param a"), MLT_STR_NULL, &known), MLT_FACT_DIFFERS);
  assert_int_equal(mlt_facts_hold(f, c("param b"), c("1"), &known), MLT_FACT_NEW);
  mlt_facts_free(f);
}

static void the_rest_is_what_nobody_spoke_of(void **state) {
  (void)state;
  struct mlt_facts *f = mlt_facts_new();
  struct mlt_str name, value, known;
  size_t pos = 0;
  for (int i = 0; i < 3; i++)
    assert_int_equal(mlt_facts_put(f, c((const char *[]){"a", "b", "c"}[i]), c("x")), MLT_OK);
  assert_int_equal(mlt_facts_hold(f, c("b"), c("y"), &known), MLT_FACT_DIFFERS);
  assert_true(mlt_facts_rest(f, &pos, &name, &value) && mlt_str_is(name, "a"));
  assert_true(mlt_facts_rest(f, &pos, &name, &value) && mlt_str_is(name, "c"));
  assert_true(mlt_str_is(value, "x"));
  assert_false(mlt_facts_rest(f, &pos, &name, &value));
  mlt_facts_clear(f);
  pos = 0;
  assert_false(mlt_facts_rest(f, &pos, &name, &value));
  assert_int_equal(mlt_facts_hold(f, c("a"), c("x"), &known), MLT_FACT_NEW);
  mlt_facts_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(facts_are_held_against_what_is_said),
      cmocka_unit_test(the_rest_is_what_nobody_spoke_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
