#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "model/location.h"

static void assert_place(const char *uri, enum mlt_location_kind kind, const char *text) {
  struct mlt_location l;
  const char *wrong = mlt_location_parse(&l, mlt_str_c(uri));
  if (wrong)
    fail_msg("'%s' %s", uri, wrong);
  assert_string_equal(l.text, text);
  assert_int_equal(l.len, strlen(text));
  assert_int_equal(l.kind, kind);
}

static void assert_nowhere(const char *uri) {
  struct mlt_location l;
  if (!mlt_location_parse(&l, mlt_str_c(uri)))
    fail_msg("'%s' was taken for %s", uri, l.text);
}

static void paths_are_decoded_as_mlflow_decodes_them(void **state) {
  (void)state;
  assert_place("/a/b", MLT_LOCATION_LOCAL, "/a/b");
  assert_place("/a//b/./c/", MLT_LOCATION_LOCAL, "/a/b/c");
  assert_place("/", MLT_LOCATION_LOCAL, "");
  assert_place("/a%20b/50%", MLT_LOCATION_LOCAL, "/a b/50%");
  assert_place("/a?b#c;d", MLT_LOCATION_LOCAL, "/a?b#c;d");
  assert_place("/a:b", MLT_LOCATION_LOCAL, "/a:b");
  assert_place("./mlruns/0", MLT_LOCATION_RELATIVE, "mlruns/0");
  assert_place(".", MLT_LOCATION_RELATIVE, "");
}

static void file_uris_are_paths(void **state) {
  (void)state;
  assert_place("file:///a/b", MLT_LOCATION_LOCAL, "/a/b");
  assert_place("FILE:/a", MLT_LOCATION_LOCAL, "/a");
  assert_place("file://localhost/a", MLT_LOCATION_LOCAL, "/a");
  assert_place("file:///Machine%20Learning/%C3%A9", MLT_LOCATION_LOCAL,
               "/Machine Learning/\xc3\xa9");
  assert_place("file:///a?x=1#f", MLT_LOCATION_LOCAL, "/a");
  assert_place("file:mlruns/0", MLT_LOCATION_RELATIVE, "mlruns/0");
  assert_nowhere("file://host/a");
}

static void paths_of_windows_are_told_apart(void **state) {
  (void)state;
  assert_place("C:\\Users\\x\\mlruns", MLT_LOCATION_WINDOWS, "C:/Users/x/mlruns");
  assert_place("c:/Users", MLT_LOCATION_WINDOWS, "C:/Users");
  assert_place("file:///C:/Users/a%20b", MLT_LOCATION_WINDOWS, "C:/Users/a b");
  assert_place("\\\\server\\share\\x", MLT_LOCATION_WINDOWS, "//server/share/x");
}

static void other_schemes_keep_scheme_and_host(void **state) {
  (void)state;
  assert_place("mlflow-artifacts:/1//x/", MLT_LOCATION_SERVED, "mlflow-artifacts:/1/x");
  assert_place("mlflow-artifacts:/", MLT_LOCATION_SERVED, "mlflow-artifacts:");
  assert_place("mlflow-artifacts:///1", MLT_LOCATION_SERVED, "mlflow-artifacts:/1");
  assert_place("mlflow-artifacts://h:5000/1", MLT_LOCATION_SERVED, "mlflow-artifacts://h:5000/1");
  assert_place("S3://Bucket/K%20", MLT_LOCATION_REMOTE, "s3://Bucket/K%20");
  assert_place("dbfs:/x", MLT_LOCATION_REMOTE, "dbfs:/x");
  assert_place("runs:/abc/model", MLT_LOCATION_REFERENCE, "runs:/abc/model");
  assert_place("models:/m-1", MLT_LOCATION_REFERENCE, "models:/m-1");
}

static void what_leads_out_or_names_nothing_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "/a/../b",
                                    "/a/%2e%2e/b",
                                    "file:///a/..",
                                    "/a%00b",
                                    "s3://b/../c",
                                    "C:\\a\\..\\b",
                                    "../mlruns",
                                    "file:%00/",
                                    "mlflow-artifacts:/../x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_nowhere(bad[i]);
  struct mlt_location l;
  char deep[MLT_LOCATION_MAX + 2];
  memset(deep, 'a', sizeof deep);
  assert_null(mlt_location_parse(&l, (struct mlt_str){deep, MLT_LOCATION_MAX}));
  assert_non_null(mlt_location_parse(&l, (struct mlt_str){deep, MLT_LOCATION_MAX + 1}));
  deep[0] = 'C', deep[1] = ':', deep[2] = '/';
  assert_null(mlt_location_parse(&l, (struct mlt_str){deep, MLT_LOCATION_MAX}));
}

static void assert_below(const char *uri, const char *prefix, const char *rest) {
  struct mlt_location l, p;
  struct mlt_str found;
  assert_null(mlt_location_parse(&l, mlt_str_c(uri)));
  assert_null(mlt_location_parse(&p, mlt_str_c(prefix)));
  bool below = mlt_location_below(&l, &p, &found);
  if (below != (rest != NULL))
    fail_msg("'%s' and '%s'", uri, prefix);
  if (rest)
    assert_true(mlt_str_is(found, rest));
}

static void places_are_compared_by_whole_components(void **state) {
  (void)state;
  assert_below("file:///srv/u/mlruns/1/r/artifacts", "/srv/u/mlruns", "1/r/artifacts");
  assert_below("/srv/u/mlruns", "file:///srv/u/mlruns/", "");
  assert_below("/srv/u/mlruns2/1", "/srv/u/mlruns", NULL);
  assert_below("/a/b", "/", "a/b");
  assert_below("file:///C:/m/1", "C:\\m", "1");
  assert_below("./mlruns/0/r", "mlruns", "0/r");
  assert_below("mlruns/0/r", ".", "mlruns/0/r");
  assert_below("mlflow-artifacts:/1/r", "mlflow-artifacts:/", "1/r");
  assert_below("mlflow-artifacts://h/1", "mlflow-artifacts:/", NULL);
  assert_below("mlflow-artifacts://h/1", "mlflow-artifacts://h", "1");
  assert_below("s3://b/k", "s3://b", "k");
  assert_below("s3://bb/k", "s3://b", NULL);
  assert_below("mlruns/0", "/", NULL);
}

static void going_up_stops_at_the_root(void **state) {
  (void)state;
  struct mlt_location l;
  assert_null(mlt_location_parse(&l, MLT_STR_LIT("/m/1/r/artifacts")));
  assert_true(mlt_location_up(&l, 3));
  assert_string_equal(l.text, "/m");
  assert_true(mlt_location_up(&l, 1));
  assert_string_equal(l.text, "");
  assert_false(mlt_location_up(&l, 1));
  assert_null(mlt_location_parse(&l, MLT_STR_LIT("s3://b/k")));
  assert_true(mlt_location_up(&l, 1));
  assert_false(mlt_location_up(&l, 1));
}

static void the_folder_of_a_run_is_known_by_its_end(void **state) {
  (void)state;
  struct mlt_location l;
  assert_null(mlt_location_parse(&l, MLT_STR_LIT("/m/1/abc/artifacts")));
  assert_true(mlt_location_is_of(&l, MLT_STR_LIT("abc")));
  assert_false(mlt_location_is_of(&l, MLT_STR_LIT("bc")));
  assert_false(mlt_location_is_of(&l, MLT_STR_LIT("")));
  assert_null(mlt_location_parse(&l, MLT_STR_LIT("/etc")));
  assert_false(mlt_location_is_of(&l, MLT_STR_LIT("abc")));
}

#define RUN "0123456789abcdef0123456789abcdef"

static void assert_owner(const char *uri, const char *expected, const char *id, const char *rest) {
  struct mlt_str got, left;
  bool found = mlt_location_owner(mlt_str_c(uri), mlt_str_c(expected), &got, &left);
  if (found != (id != NULL))
    fail_msg("'%s'", uri);
  if (id) {
    assert_true(mlt_str_is(got, id));
    assert_true(mlt_str_is(left, rest));
  }
}

static void the_owner_of_a_models_source_is_found(void **state) {
  (void)state;
  assert_owner("/m/1/" RUN "/artifacts/model", NULL, RUN, "/model");
  assert_owner("mlflow-artifacts:/1/" RUN "/artifacts", NULL, RUN, "");
  assert_owner("s3://b/1/models/m-" RUN "/artifacts", NULL, "m-" RUN, "");
  assert_owner("/m/1/my-run/artifacts/a/artifacts", "my-run", "my-run", "/a/artifacts");
  assert_owner("/m/1/my-run/artifacts/a", NULL, NULL, NULL);
  assert_owner("/m/artifacts/1/" RUN "/artifacts/x", NULL, RUN, "/x");
  assert_owner("/m/" RUN "/artifactsx", NULL, NULL, NULL);
  assert_owner("artifacts", NULL, NULL, NULL);
  assert_owner("/artifacts", "", NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths_are_decoded_as_mlflow_decodes_them),
      cmocka_unit_test(file_uris_are_paths),
      cmocka_unit_test(paths_of_windows_are_told_apart),
      cmocka_unit_test(other_schemes_keep_scheme_and_host),
      cmocka_unit_test(what_leads_out_or_names_nothing_is_refused),
      cmocka_unit_test(places_are_compared_by_whole_components),
      cmocka_unit_test(going_up_stops_at_the_root),
      cmocka_unit_test(the_folder_of_a_run_is_known_by_its_end),
      cmocka_unit_test(the_owner_of_a_models_source_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
