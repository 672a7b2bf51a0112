#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pipeline/report.h"

enum { MORE = 5 };

static char names[MLT_REPORT_IGNORED + MORE][16];

static void note(struct mlt_report *r, enum mlt_note_kind kind, const char *name) {
  struct mlt_err err = MLT_ERR_INIT;
  const struct mlt_note n = {.kind = kind, .code = name, .what = name, .rows = 2};
  assert_int_equal(mlt_report_note(r, &n, &err), MLT_OK);
}

/* As many kinds as there is room for and some more, each three times. */
static void tell(struct mlt_report *r, enum mlt_note_kind kind, size_t kinds) {
  for (size_t i = 0; i < 3 * kinds; i++) {
    (void)snprintf(names[i % kinds], sizeof names[0], "kind %zu", i % kinds);
    note(r, kind, names[i % kinds]);
  }
}

static void ignored_things_without_a_place_are_counted_together(void **state) {
  (void)state;
  struct mlt_report r;
  struct mlt_err err = MLT_ERR_INIT;
  assert_int_equal(mlt_report_init(&r, "store", &err), MLT_OK);
  tell(&r, MLT_NOTE_IGNORED, MLT_REPORT_IGNORED + MORE);
  for (size_t i = 0; i < MLT_REPORT_IGNORED - 1; i++) {
    assert_string_equal(r.ignored[i].what, names[i]);
    assert_int_equal(r.ignored[i].n, 6);
  }
  assert_string_equal(r.ignored[MLT_REPORT_IGNORED - 1].what, "other things");
  assert_int_equal(r.ignored[MLT_REPORT_IGNORED - 1].n, 6 * (MORE + 1));
  mlt_report_free(&r);
}

static void changes_without_a_place_are_counted_together(void **state) {
  (void)state;
  struct mlt_report r;
  struct mlt_err err = MLT_ERR_INIT;
  assert_int_equal(mlt_report_init(&r, "store", &err), MLT_OK);
  tell(&r, MLT_NOTE_CHANGED, MLT_REPORT_CHANGES + MORE);
  for (size_t i = 0; i < MLT_REPORT_CHANGES - 1; i++)
    assert_int_equal(r.changed[i].n, 3);
  assert_string_equal(r.changed[MLT_REPORT_CHANGES - 1].code, "other");
  assert_int_equal(r.changed[MLT_REPORT_CHANGES - 1].n, 3 * (MORE + 1));
  assert_string_equal(r.changed[MLT_REPORT_CHANGES - 1].first.code, names[MLT_REPORT_CHANGES - 1]);
  assert_int_equal(r.changes, 3 * (MLT_REPORT_CHANGES + MORE));
  mlt_report_free(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ignored_things_without_a_place_are_counted_together),
      cmocka_unit_test(changes_without_a_place_are_counted_together)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
