/* Whose folder is whose. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "verify/records.h"

static char found[512];

static void note(void *ctx, const struct mlt_record_place *p,
                 const struct mlt_record_place *other) {
  (void)ctx;
  (void)snprintf(found + strlen(found), sizeof found - strlen(found), "%s in %s\n", p->id,
                 other->id);
}

static void add(struct mlt_records *r, const char *id, const char *path) {
  struct mlt_err err = MLT_ERR_INIT;
  const struct mlt_record_place p = {
      .table = MLT_T_RUNS, .id = id, .experiment = "7", .path = path};
  assert_int_equal(mlt_records_add(r, &p, &err), MLT_OK);
}

static void shared_and_nested_folders_are_found(void **state) {
  (void)state;
  struct mlt_records *r = mlt_records_new();
  assert_non_null(r);
  add(r, "d", "/x/1/d/artifacts");
  add(r, "a", "/x/1/a/artifacts");
  add(r, "below", "/x/1/a/artifacts/sub/deep");
  add(r, "dash", "/x/1/a/artifacts-2"); /* between them by bytes, but in neither */
  add(r, "same", "/x/1/d/artifacts");
  add(r, "nowhere", "");
  add(r, "elsewhere", "");
  found[0] = '\0';
  mlt_records_overlaps(r, note, NULL);
  assert_string_equal(found, "below in a\nsame in d\n");
  assert_string_equal(mlt_records_find(r, "dash")->path, "/x/1/a/artifacts-2");
  assert_null(mlt_records_find(r, "e"));
  add(r, "above", "/x/1");
  assert_string_equal(mlt_records_find(r, "above")->experiment, "7");
  found[0] = '\0';
  mlt_records_overlaps(r, note, NULL);
  assert_string_equal(found,
                      "a in above\nbelow in above\ndash in above\nd in above\nsame in above\n");
  mlt_records_free(r);
}

static void an_empty_one_has_nothing(void **state) {
  (void)state;
  struct mlt_records *r = mlt_records_new();
  assert_null(mlt_records_find(r, "a"));
  found[0] = '\0';
  mlt_records_overlaps(r, note, NULL);
  assert_string_equal(found, "");
  mlt_records_free(r);
}

static void within_goes_by_whole_components(void **state) {
  (void)state;
  assert_true(mlt_path_within("/a/b", "/a/b"));
  assert_true(mlt_path_within("/a/b/c", "/a/b"));
  assert_false(mlt_path_within("/a/bc", "/a/b"));
  assert_false(mlt_path_within("/a", "/a/b"));
  assert_true(mlt_path_within("/a", "/"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shared_and_nested_folders_are_found),
      cmocka_unit_test(an_empty_one_has_nothing),
      cmocka_unit_test(within_goes_by_whole_components),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
