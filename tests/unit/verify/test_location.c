/* What is wrong with locations, as text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "verify/location.h"

static const char *judge(struct mlt_str uri) {
  struct mlt_location l;
  enum mlt_finding_id what;
  char why[MLT_LOCATION_WHY] = "";
  if (mlt_location_judge(&l, uri, &what, why))
    return "";
  assert_true(strlen(why) > 0);
  return mlt_finding_info(what)->code;
}

static void traversal_is_found_however_it_is_written(void **state) {
  (void)state;
  static const char *const climbing[] = {
      "/a/../b",
      "..",
      "/a/..",
      "file:///a/%2e%2e/b",
      "mlflow-artifacts:/1/%2E./x",
      "/a/%252e%252e",
      "s3://b/a/..",
      "C:\\a\\..\\b",
      "/a/..%2fb",
      "/a/%2e%2e%5cb",
      "runs:/x/../y",
      "/a/..?x=1",
      "file://h/../etc",
      "/a/%25252e%25252e/b",
  };
  static const char *const plain[] = {"/a/...",   "/a/..b/c",    "/a/b..",
                                      "/a/%2e/b", "s3://b/a..b", ""};
  for (size_t i = 0; i < sizeof climbing / sizeof *climbing; i++)
    assert_string_equal(judge(mlt_str_c(climbing[i])), "location-traversal");
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    assert_false(mlt_location_climbs(mlt_str_c(plain[i])));
}

static void what_names_nothing_is_told(void **state) {
  (void)state;
  char longest[MLT_LOCATION_MAX + 2];
  memset(longest, 'a', sizeof longest);
  assert_string_equal(judge(MLT_STR_LIT("")), "location-bad");
  assert_string_equal(judge(MLT_STR_LIT("/a\0b")), "location-bad");
  assert_string_equal(judge(MLT_STR_LIT("/a/%00")), "location-bad");
  assert_string_equal(judge((struct mlt_str){longest, sizeof longest}), "location-bad");
  assert_string_equal(judge(MLT_STR_LIT("file://elsewhere/a")), "location-foreign");
  assert_string_equal(judge(MLT_STR_LIT("/data/1/run/artifacts")), "");
  assert_string_equal(judge(MLT_STR_LIT("mlflow-artifacts:/1/run")), "");
}

static bool is_long(size_t n, enum mlt_column column) {
  char uri[1200], why[MLT_LOCATION_WHY];
  memset(uri, 'a', sizeof uri);
  uri[0] = '/';
  return mlt_location_is_long((struct mlt_str){uri, n}, column, why);
}

static void what_is_near_its_limit_is_long(void **state) {
  (void)state;
  assert_false(is_long(190, MLT_C_RUNS_artifact_uri));
  assert_true(is_long(191, MLT_C_RUNS_artifact_uri));
  assert_false(is_long(157, MLT_C_EXPERIMENTS_artifact_location));
  assert_true(is_long(158, MLT_C_EXPERIMENTS_artifact_location));
  assert_false(is_long(990, MLT_C_LOGGED_MODELS_artifact_location));
  assert_true(is_long(991, MLT_C_LOGGED_MODELS_artifact_location));
  assert_true(is_long(499, MLT_C_MODEL_VERSIONS_source));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(traversal_is_found_however_it_is_written),
      cmocka_unit_test(what_names_nothing_is_told),
      cmocka_unit_test(what_is_near_its_limit_is_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
