/* Temporary files on real folders. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/temp.h"

static void a_file_has_no_name_and_is_closed_on_exec(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  char folder[] = "/tmp/mlt-temp-XXXXXX";
  assert_non_null(mkdtemp(folder));
  setenv("TMPDIR", folder, 1);
  int fd;
  assert_int_equal(mlt_temp_open(&fd, &err), MLT_OK);
  assert_int_equal(pwrite(fd, "abc", 3, 0), 3);
  struct stat st;
  assert_int_equal(fstat(fd, &st), 0);
  assert_int_equal(st.st_nlink, 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  assert_int_equal(rmdir(folder), 0); /* nothing is left in it */
  close(fd);
  unsetenv("TMPDIR");
}

static void a_folder_that_is_missing_is_named(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  setenv("TMPDIR", "/nowhere/at-all", 1);
  int fd;
  assert_int_equal(mlt_temp_open(&fd, &err), MLT_CANTCREAT);
  assert_int_equal(err.rc, MLT_CANTCREAT);
  assert_string_equal(
      err.msg, "cannot create a temporary file in /nowhere/at-all: No such file or directory");
  assert_non_null(strstr(err.hint, "TMPDIR"));
  unsetenv("TMPDIR");
}

static void without_tmpdir_it_is_tmp(void **state) {
  (void)state;
  unsetenv("TMPDIR");
  assert_string_equal(mlt_temp_folder(), "/tmp");
  setenv("TMPDIR", "", 1);
  assert_string_equal(mlt_temp_folder(), "/tmp");
  unsetenv("TMPDIR");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_has_no_name_and_is_closed_on_exec),
      cmocka_unit_test(a_folder_that_is_missing_is_named),
      cmocka_unit_test(without_tmpdir_it_is_tmp),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
