#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "model/rules.h"

typedef const char *(*rule)(struct mlt_str s, enum mlt_rules_version v);

static void assert_valid(rule r, const char *s) {
  const char *verdict = r(mlt_str_c(s), MLT_RULES_3_18);
  if (verdict)
    fail_msg("'%s' %s", s, verdict);
}

static void assert_refused(rule r, const char *s) {
  if (!r(mlt_str_c(s), MLT_RULES_3_18))
    fail_msg("'%s' was accepted", s);
}

static void keys_follow_mlflows_rule(void **state) {
  (void)state;
  static const char *const good[] = {"a",   "a/b c", " a",    "a ",   "\xc3\xa9", "\xe6\x95\xb0",
                                     "a:b", "-.",    "a/..b", "a..b", "_"};
  static const char *const bad[] = {"",       ".",   "..",   "..a", "/",
                                    "/a",     "a/",  "a//b", "./a", "a/./b",
                                    "a/../b", "a@b", "a\tb", "a,b", "\xe2\x82\xac"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_valid(mlt_rule_key, good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_refused(mlt_rule_key, bad[i]);
}

static void keys_are_counted_in_code_points(void **state) {
  (void)state;
  char key[2 * 251 + 1];
  for (size_t i = 0; i < 251; i++)
    memcpy(key + 2 * i, "\xc3\xa9", 2);
  key[2 * 250] = '\0';
  assert_valid(mlt_rule_key, key);
  memcpy(key + 2 * 250, "\xc3\xa9", 3);
  assert_refused(mlt_rule_key, key);
}

static void older_releases_accept_a_last_newline(void **state) {
  (void)state;
  static const rule rules[] = {mlt_rule_key, mlt_rule_alias, mlt_rule_run_id};
  for (size_t i = 0; i < 3; i++) {
    assert_null(rules[i](MLT_STR_LIT("a\n"), MLT_RULES_3_17));
    assert_non_null(rules[i](MLT_STR_LIT("a\n"), MLT_RULES_3_18));
    assert_non_null(rules[i](MLT_STR_LIT("a\n\n"), MLT_RULES_3_17));
  }
}

static void blank_experiment_names_are_refused_since_3_18(void **state) {
  (void)state;
  struct mlt_str blank = MLT_STR_LIT(" \t\xe3\x80\x80\xc2\x85");
  assert_null(mlt_rule_experiment_name(blank, MLT_RULES_3_17));
  assert_non_null(mlt_rule_experiment_name(blank, MLT_RULES_3_18));
  assert_non_null(mlt_rule_experiment_name(MLT_STR_LIT(""), MLT_RULES_3_17));
  assert_valid(mlt_rule_experiment_name, "a/../b");
  char name[501];
  memset(name, 'n', sizeof name);
  assert_null(mlt_rule_experiment_name((struct mlt_str){name, 500}, MLT_RULES_3_17));
  assert_non_null(mlt_rule_experiment_name((struct mlt_str){name, 501}, MLT_RULES_3_17));
}

static void names_of_models_aliases_and_runs_have_their_own_rules(void **state) {
  (void)state;
  assert_valid(mlt_rule_model_name, "my model");
  assert_refused(mlt_rule_model_name, "a/b");
  assert_refused(mlt_rule_model_name, "a:b");
  assert_refused(mlt_rule_model_name, "..");
  assert_refused(mlt_rule_model_name, " ");
  assert_valid(mlt_rule_alias, "a-b_1");
  assert_refused(mlt_rule_alias, "a.b");
  assert_refused(mlt_rule_alias, "");
  assert_valid(mlt_rule_run_id, "my-run_X");
  assert_refused(mlt_rule_run_id, "_a");
  assert_refused(mlt_rule_run_id, "a.b");
  assert_valid(mlt_rule_logged_model_name, "a b");
  assert_refused(mlt_rule_logged_model_name, "a.b");
  assert_refused(mlt_rule_logged_model_name, "");
}

static void text_must_be_utf8_without_nul(void **state) {
  (void)state;
  assert_null(mlt_rule_text(MLT_STR_LIT("")));
  assert_null(mlt_rule_text(MLT_STR_LIT("\xf0\x9f\x98\x80")));
  assert_non_null(mlt_rule_text(MLT_STR_LIT("a\0b")));
  assert_non_null(mlt_rule_text(MLT_STR_LIT("\xed\xa0\x80"))); /* a surrogate */
  assert_non_null(mlt_rule_text(MLT_STR_LIT("\xc0\x80")));     /* overlong */
}

static void assert_uri(const char *location, const char *expected) {
  char out[256];
  size_t n = mlt_rule_artifact_uri(out, sizeof out, mlt_str_c(location), MLT_STR_LIT("r"));
  assert_string_equal(out, expected);
  assert_int_equal(n, strlen(expected));
}

static void artifact_uris_grow_at_the_path(void **state) {
  (void)state;
  assert_uri("/data/1", "/data/1/r/artifacts");
  assert_uri("/data/1/", "/data/1/r/artifacts");
  assert_uri("", "r/artifacts");
  assert_uri("mlflow-artifacts:/1", "mlflow-artifacts:/1/r/artifacts");
  assert_uri("file:///d/1", "file:///d/1/r/artifacts");
  assert_uri("file:/d", "file:///d/r/artifacts");
  assert_uri("file:rel", "file:rel/r/artifacts");
  assert_uri("S3://B/p?x=1#f", "s3://B/p/r/artifacts?x=1#f");
  assert_uri("s3://b", "s3://b/r/artifacts");
  assert_uri("http://h/a;p?q", "http://h/a/r/artifacts;p?q");
}

static void an_artifact_uri_that_does_not_fit_is_cut_and_its_length_told(void **state) {
  (void)state;
  char out[8] = "xxxxxxx";
  assert_int_equal(mlt_rule_artifact_uri(out, sizeof out, MLT_STR_LIT("/data"), MLT_STR_LIT("r")),
                   strlen("/data/r/artifacts"));
  assert_string_equal(out, "/data/r");
  assert_int_equal(mlt_rule_artifact_uri(NULL, 0, MLT_STR_LIT("/"), MLT_STR_LIT("r")), 12);
  assert_int_equal(mlt_rule_artifact_uri(NULL, 0, MLT_STR_LIT(" s3://b"), MLT_STR_LIT("r")), 18);
  char whole[32];
  assert_int_equal(
      mlt_rule_artifact_uri(whole, sizeof whole, MLT_STR_LIT("/data"), MLT_STR_LIT("//r")), 17);
  assert_string_equal(whole, "/data/r/artifacts");
  assert_int_equal(mlt_rule_artifact_location(whole, sizeof whole, "/store", 12), 9);
  assert_string_equal(whole, "/store/12");
}

static void metrics_are_mapped_and_ordered_as_mlflow_does(void **state) {
  (void)state;
  bool is_nan;
  assert_true(mlt_metric_map(-(double)INFINITY, &is_nan) == -DBL_MAX && !is_nan);
  assert_true(mlt_metric_map((double)NAN, &is_nan) == 0.0 && is_nan);
  assert_true(mlt_metric_map(4.9e-324, &is_nan) == 4.9e-324 && !is_nan);
  assert_true(mlt_metric_later(2, 0, 0, 1, 9, 9));
  assert_true(mlt_metric_later(1, 1, 0, 1, 0, 9));
  assert_true(mlt_metric_later(1, 1, 2, 1, 1, 1));
  assert_false(mlt_metric_later(1, 1, 1, 1, 1, 1));
  assert_false(mlt_metric_later(-1, 9, 9, 1, 1, 1));
}

static void names_that_are_too_long_are_refused(void **state) {
  (void)state;
  char name[258];
  memset(name, 'n', sizeof name);
  assert_null(mlt_rule_alias((struct mlt_str){name, 255}, MLT_RULES_3_17));
  assert_non_null(mlt_rule_alias((struct mlt_str){name, 256}, MLT_RULES_3_17));
  assert_null(mlt_rule_run_id((struct mlt_str){name, 256}, MLT_RULES_3_17));
  assert_non_null(mlt_rule_run_id((struct mlt_str){name, 257}, MLT_RULES_3_17));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_follow_mlflows_rule),
      cmocka_unit_test(keys_are_counted_in_code_points),
      cmocka_unit_test(older_releases_accept_a_last_newline),
      cmocka_unit_test(blank_experiment_names_are_refused_since_3_18),
      cmocka_unit_test(names_of_models_aliases_and_runs_have_their_own_rules),
      cmocka_unit_test(names_that_are_too_long_are_refused),
      cmocka_unit_test(text_must_be_utf8_without_nul),
      cmocka_unit_test(artifact_uris_grow_at_the_path),
      cmocka_unit_test(an_artifact_uri_that_does_not_fit_is_cut_and_its_length_told),
      cmocka_unit_test(metrics_are_mapped_and_ordered_as_mlflow_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
