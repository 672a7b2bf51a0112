/* Paths below a folder: valid ones only, never through a link, and names that replace nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

static char folder[] = "/tmp/mltrack-file-XXXXXX";
static int root;

static int make_root(void **state) {
  (void)state;
  memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
  root = mkdtemp(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  return root < 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *w) {
  (void)st, (void)flag, (void)w;
  return remove(path);
}

static int drop_root(void **state) {
  (void)state;
  (void)close(root);
  return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text) {
  int fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  assert_true(fd >= 0);
  assert_int_equal(mlt_file_write(fd, text, strlen(text)), 0);
  assert_int_equal(close(fd), 0);
}

static int open_and_close(const char *path) {
  int fd = mlt_file_open(root, path, O_RDONLY);
  if (fd >= 0)
    (void)close(fd);
  return fd < 0 ? fd : 0;
}

static int make(const char *path, bool *made) {
  int fd = mlt_file_folder(root, path, true, made);
  if (fd >= 0)
    (void)close(fd);
  return fd < 0 ? fd : 0;
}

static void a_path_goes_down_only(void **state) {
  (void)state;
  static const char *const good[] = {"a", "a/b", ".hidden", "...", "a/..b", "a b\n/\xff"};
  static const char *const bad[] = {"",   "/",    "/a",   "a/",    "a//b", ".",
                                    "..", "a/..", "../a", "a/./b", "./a"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(mlt_file_path_valid(mlt_str_c(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(mlt_file_path_valid(mlt_str_c(bad[i])));
  assert_false(mlt_file_path_valid(MLT_STR_LIT("a\0b")));
}

static void folders_are_made_as_they_are_missing(void **state) {
  (void)state;
  bool made;
  assert_int_equal(make("a/b/c", &made), 0);
  assert_true(made);
  assert_int_equal(make("a/b/c", &made), 0);
  assert_false(made);
  assert_int_equal(make("a/b/d", &made), 0);
  assert_true(made);
  assert_int_equal(make("", &made), 0);
  put("a/b/file", "x");
  assert_int_equal(make("a/b/file", &made), -ENOTDIR);
  assert_int_equal(make("a/b/file/below", &made), -ENOTDIR);
  assert_int_equal(open_and_close("a/b/file"), 0);
  assert_int_equal(open_and_close("a/b/none"), -ENOENT);
  char deep[PATH_MAX + 2];
  memset(deep, 'x', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  assert_int_equal(make(deep, &made), -ENAMETOOLONG);
  assert_int_equal(open_and_close(deep), -ENAMETOOLONG);
}

static void no_link_is_followed(void **state) {
  (void)state;
  assert_int_equal(make("in/deep", NULL), 0);
  put("in/deep/file", "x");
  assert_int_equal(symlinkat("in", root, "link"), 0);
  assert_int_equal(symlinkat("/tmp", root, "out"), 0);
  assert_int_equal(open_and_close("in/deep/file"), 0);
  assert_int_equal(open_and_close("link"), -ELOOP);
  assert_int_equal(open_and_close("link/deep/file"), -ENOTDIR);
  assert_int_equal(make("link/new", NULL), -ENOTDIR);
  assert_int_equal(make("out", NULL), -ENOTDIR);
  assert_int_equal(faccessat(root, "in/new", F_OK, 0), -1);
}

static void a_new_name_replaces_nothing(void **state) {
  (void)state;
  put("one", "1");
  put("two", "2");
  assert_int_equal(mlt_file_rename_new(root, "one", root, "two"), -EEXIST);
  assert_int_equal(mlt_file_rename_new(root, "none", root, "three"), -ENOENT);
  assert_int_equal(mlt_file_rename_new(root, "one", root, "three"), 0);
  assert_int_equal(open_and_close("one"), -ENOENT);
  char text[4];
  int fd = mlt_file_open(root, "three", O_RDONLY);
  assert_int_equal(mlt_file_read(fd, text, sizeof text), 1);
  assert_int_equal(text[0], '1');
  assert_int_equal(mlt_file_read(fd, text, sizeof text), 0);
  assert_int_equal(mlt_file_write(fd, text, 1), -EBADF);
  (void)close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_path_goes_down_only),
      cmocka_unit_test_setup_teardown(folders_are_made_as_they_are_missing, make_root, drop_root),
      cmocka_unit_test_setup_teardown(no_link_is_followed, make_root, drop_root),
      cmocka_unit_test_setup_teardown(a_new_name_replaces_nothing, make_root, drop_root),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
