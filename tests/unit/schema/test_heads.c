/* The table of heads, and MLflow releases resolved to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "schema/schema.h"

static void assert_head_of(const char *version, const char *revision) {
  const struct mlt_head *h = mlt_head_by_version(version);
  assert_non_null(h);
  assert_string_equal(h->revision, revision);
}

static void features_only_grow_from_head_to_head(void **state) {
  (void)state;
  assert_int_equal(mlt_heads_count, 26);
  for (size_t i = 1; i < mlt_heads_count; i++)
    assert_int_equal(mlt_heads[i].features & mlt_heads[i - 1].features, mlt_heads[i - 1].features);
}

static void each_head_is_found_by_its_revision_and_both_its_releases(void **state) {
  (void)state;
  for (size_t i = 0; i < mlt_heads_count; i++) {
    assert_ptr_equal(mlt_head_by_revision(mlt_heads[i].revision), &mlt_heads[i]);
    assert_ptr_equal(mlt_head_by_version(mlt_heads[i].first), &mlt_heads[i]);
    assert_ptr_equal(mlt_head_by_version(mlt_heads[i].last), &mlt_heads[i]);
  }
}

static void releases_between_heads_have_the_head_before(void **state) {
  (void)state;
  assert_head_of("2.10.2", "acf3f17fdcc7");
  assert_head_of("3.6.0", "bf29a5ff90ea");
}

static void a_part_left_out_stands_for_the_newest_release(void **state) {
  (void)state;
  assert_head_of("2.22", "0584bdc529eb");
  assert_head_of("3.1", "bda7b8c39065");
  assert_head_of("2.13", "5b0e9adcef9c");
  assert_head_of("3.10", "1b5f0d9ad7c1");
  assert_head_of("2", "0584bdc529eb");
  assert_head_of("3", "f4a9b2c7d1e6");
}

static void versions_compare_by_number_not_by_text(void **state) {
  (void)state;
  assert_head_of("3.9.0", "d3e4f5a6b7c8");
  assert_head_of("3.10.0", "1b5f0d9ad7c1");
}

static void a_release_newer_than_all_has_the_newest_head(void **state) {
  (void)state;
  assert_head_of("3.99.1", "f4a9b2c7d1e6");
  assert_head_of("4", "f4a9b2c7d1e6");
}

static void releases_before_2_0_and_other_text_have_no_head(void **state) {
  (void)state;
  static const char *const bad[] = {"1.30.1", "1",  "0.9", "",        "v3.1",        "3.",  "3..1",
                                    "3.1.4.", "3a", "-3",  "3.1.4.1", "99999999999", " 3.1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_null(mlt_head_by_version(bad[i]));
}

static void an_unknown_revision_has_no_head(void **state) {
  (void)state;
  assert_null(mlt_head_by_revision("0123456789ab"));
  assert_null(mlt_head_by_revision(""));
}

static void the_default_is_the_last_head_of_3_1(void **state) {
  (void)state;
  assert_string_equal(mlt_head_default()->revision, "bda7b8c39065");
  assert_ptr_equal(mlt_head_choose(NULL, NULL), mlt_head_default());
  assert_ptr_equal(mlt_head_choose("3.1", NULL), mlt_head_default());
}

static void a_wrong_version_is_a_usage_error_that_says_what_is_right(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  assert_null(mlt_head_choose("1.9", &err));
  assert_int_equal(err.rc, MLT_USAGE);
  assert_non_null(strstr(err.msg, "1.9"));
  assert_non_null(strstr(err.hint, "2.0.0"));
}

static void features_know_the_release_that_brought_them(void **state) {
  (void)state;
  assert_string_equal(mlt_feature_release(MLT_F_ALIASES), "2.3.0");
  assert_string_equal(mlt_feature_release(MLT_F_LOGGED_MODELS), "3.0.0");
  assert_string_equal(mlt_feature_release(MLT_F_METRIC_INDEX), "3.12.0");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(features_only_grow_from_head_to_head),
      cmocka_unit_test(each_head_is_found_by_its_revision_and_both_its_releases),
      cmocka_unit_test(releases_between_heads_have_the_head_before),
      cmocka_unit_test(a_part_left_out_stands_for_the_newest_release),
      cmocka_unit_test(versions_compare_by_number_not_by_text),
      cmocka_unit_test(a_release_newer_than_all_has_the_newest_head),
      cmocka_unit_test(releases_before_2_0_and_other_text_have_no_head),
      cmocka_unit_test(an_unknown_revision_has_no_head),
      cmocka_unit_test(the_default_is_the_last_head_of_3_1),
      cmocka_unit_test(a_wrong_version_is_a_usage_error_that_says_what_is_right),
      cmocka_unit_test(features_know_the_release_that_brought_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
