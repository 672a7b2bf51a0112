#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "base/err.h"

static void the_first_error_wins(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  assert_int_equal(mlt_err_set(&err, MLT_DATA, "line %d", 3), MLT_DATA);
  assert_int_equal(mlt_err_set(&err, MLT_IO, "later"), MLT_IO);
  assert_int_equal(err.rc, MLT_DATA);
  assert_string_equal(err.msg, "line 3");
  mlt_err_hint(&err, "mend it");
  mlt_err_hint(&err, "or so");
  assert_string_equal(err.hint, "mend it");
  mlt_err_clear(&err);
  assert_int_equal(err.rc, MLT_OK);
  assert_string_equal(err.hint, "");
}

static void a_prefix_says_where(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  mlt_err_prefix(&err, "nowhere");
  assert_string_equal(err.msg, "");
  mlt_err_set(&err, MLT_DATA, "bad value");
  mlt_err_prefix(&err, "line %d", 7);
  assert_string_equal(err.msg, "line 7: bad value");
}

static void long_messages_are_cut_not_overrun(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  char text[4096];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  mlt_err_set(&err, MLT_DATA, "%s", text);
  assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
  mlt_err_prefix(&err, "%s", text);
  mlt_err_prefix(&err, "here");
  assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
  assert_memory_equal(err.msg, "here: xxx", 9);
}

static void errno_gives_the_class(void **state) {
  (void)state;
  static const struct {
    int errnum;
    enum mlt_rc rc;
  } cases[] = {{ENOENT, MLT_NOINPUT}, {EACCES, MLT_NOPERM}, {ENOMEM, MLT_NOMEM}, {ENOSPC, MLT_IO}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct mlt_err err = MLT_ERR_INIT;
    assert_int_equal(mlt_err_errno(&err, cases[i].errnum, "cannot open %s", "f"), cases[i].rc);
    assert_memory_equal(err.msg, "cannot open f: ", 15);
    assert_true(strlen(err.msg) > 16);
  }
}

static void no_error_struct_is_fine(void **state) {
  (void)state;
  assert_int_equal(mlt_err_set(NULL, MLT_DATA, "x"), MLT_DATA);
  mlt_err_hint(NULL, "x");
  mlt_err_prefix(NULL, "x");
  mlt_err_clear(NULL);
}

static void every_code_has_a_name_and_an_exit_status(void **state) {
  (void)state;
  for (int rc = 0; rc < MLT_RC_COUNT; rc++) {
    assert_true(strlen(mlt_rc_name((enum mlt_rc)rc)) > 1);
    assert_true(strlen(mlt_rc_meaning((enum mlt_rc)rc)) > 1);
    assert_in_range(mlt_rc_exit((enum mlt_rc)rc), 0, 255);
  }
  assert_int_equal(mlt_rc_exit(MLT_USAGE), 64);
  assert_string_equal(mlt_rc_name(MLT_SCHEMA), "SCHEMA");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_error_wins),
                                     cmocka_unit_test(a_prefix_says_where),
                                     cmocka_unit_test(long_messages_are_cut_not_overrun),
                                     cmocka_unit_test(errno_gives_the_class),
                                     cmocka_unit_test(no_error_struct_is_fine),
                                     cmocka_unit_test(every_code_has_a_name_and_an_exit_status)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
