/* Files that appear whole or not at all, in a real folder. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/newfile.h"

struct fixture {
  char folder[100], path[150], hidden[150];
  struct mlt_err err;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  (void)snprintf(f->folder, sizeof f->folder, "/tmp/mlt-newfile-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  (void)snprintf(f->path, sizeof f->path, "%s/a.db", f->folder);
  (void)snprintf(f->hidden, sizeof f->hidden, "%s/.a.db.mltrack", f->folder);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  char command[200];
  (void)snprintf(command, sizeof command, "chmod u+rwx '%s' && rm -r '%s'", f->folder, f->folder);
  assert_int_equal(system(command), 0);
  free(f);
  return 0;
}

static void put(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  assert_true(fputs(text, out) >= 0);
  assert_int_equal(fclose(out), 0);
}

static void assert_holds(const char *path, const char *text) {
  char found[100] = "";
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  (void)!fread(found, 1, sizeof found - 1, in);
  assert_int_equal(fclose(in), 0);
  assert_string_equal(found, text);
}

static bool there(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

static struct mlt_newfile *start(struct fixture *f, const char *path) {
  struct mlt_newfile *file = NULL;
  if (mlt_newfile_open(&file, path, 0, &f->err) != MLT_OK)
    fail_msg("%s", f->err.msg);
  return file;
}

static void it_appears_when_published(void **state) {
  struct fixture *f = *state;
  struct mlt_newfile *file = start(f, f->path);
  assert_string_equal(mlt_newfile_hidden(file), f->hidden);
  put(f->hidden, "rows");
  assert_false(there(f->path));
  assert_int_equal(mlt_newfile_publish(file, &f->err), MLT_OK);
  mlt_newfile_close(file);
  assert_holds(f->path, "rows");
  assert_false(there(f->hidden));
}

static void nothing_stays_of_one_that_is_given_up(void **state) {
  struct fixture *f = *state;
  struct mlt_newfile *file = start(f, f->path);
  put(f->hidden, "rows");
  mlt_newfile_close(file);
  assert_false(there(f->path));
  assert_false(there(f->hidden));
}

static void a_leftover_is_replaced(void **state) {
  struct fixture *f = *state;
  put(f->hidden, "of a killed process");
  assert_int_equal(chmod(f->hidden, 0600), 0);
  struct mlt_newfile *file = start(f, f->path);
  assert_holds(f->hidden, "");
  struct stat st;
  assert_int_equal(stat(f->hidden, &st), 0);
  mode_t mask = umask(0);
  (void)umask(mask);
  assert_int_equal(st.st_mode & 0777, 0644 & ~mask);
  mlt_newfile_close(file);
}

static void two_do_not_make_the_same(void **state) {
  struct fixture *f = *state;
  struct mlt_newfile *file = start(f, f->path), *second;
  assert_int_equal(mlt_newfile_open(&second, f->path, 60, &f->err), MLT_TEMPFAIL);
  assert_non_null(strstr(f->err.msg, "another process"));
  assert_true(there(f->hidden));
  mlt_newfile_close(file);
  mlt_err_clear(&f->err);
  mlt_newfile_close(start(f, f->path));
}

static void a_file_that_is_there_is_left(void **state) {
  struct fixture *f = *state;
  put(f->path, "theirs");
  assert_null(start(f, f->path));
  assert_false(there(f->hidden));
  assert_holds(f->path, "theirs");
}

static void a_file_that_appears_meanwhile_is_left(void **state) {
  struct fixture *f = *state;
  struct mlt_newfile *file = start(f, f->path);
  put(f->path, "theirs");
  assert_int_equal(mlt_newfile_publish(file, &f->err), MLT_TEMPFAIL);
  mlt_newfile_close(file);
  assert_holds(f->path, "theirs");
  assert_false(there(f->hidden));
}

static void a_link_to_nothing_stands_for_what_it_names(void **state) {
  struct fixture *f = *state;
  char inner[120], link[120], end[150];
  (void)snprintf(inner, sizeof inner, "%s/inner", f->folder);
  (void)snprintf(link, sizeof link, "%s/link", f->folder);
  (void)snprintf(end, sizeof end, "%s/real.db", inner);
  assert_int_equal(mkdir(inner, 0755), 0);
  assert_int_equal(symlink("inner/real.db", f->path), 0);
  assert_int_equal(symlink(f->path, link), 0);
  struct mlt_newfile *file = start(f, link);
  assert_string_equal(mlt_newfile_path(file), end);
  put(mlt_newfile_hidden(file), "rows");
  assert_int_equal(mlt_newfile_publish(file, &f->err), MLT_OK);
  mlt_newfile_close(file);
  assert_holds(link, "rows");
}

static void links_in_a_circle_are_refused(void **state) {
  struct fixture *f = *state;
  struct mlt_newfile *file;
  assert_int_equal(symlink("a.db", f->path), 0);
  assert_int_equal(mlt_newfile_open(&file, f->path, 0, &f->err), MLT_CANTCREAT);
}

static void what_is_in_the_way_is_not_removed(void **state) {
  struct fixture *f = *state;
  struct mlt_newfile *file;
  assert_int_equal(mkdir(f->hidden, 0755), 0);
  assert_int_equal(mlt_newfile_open(&file, f->path, 0, &f->err), MLT_CANTCREAT);
  assert_int_equal(rmdir(f->hidden), 0);
  char other[150];
  (void)snprintf(other, sizeof other, "%s/other", f->folder);
  put(other, "theirs");
  assert_int_equal(symlink("other", f->hidden), 0);
  mlt_err_clear(&f->err);
  assert_int_equal(mlt_newfile_open(&file, f->path, 0, &f->err), MLT_CANTCREAT);
  assert_holds(other, "theirs");
  assert_true(there(f->hidden));
}

static void impossible_places_are_named(void **state) {
  struct fixture *f = *state;
  struct mlt_newfile *file;
  char path[400];
  (void)snprintf(path, sizeof path, "%s/none/a.db", f->folder);
  assert_int_equal(mlt_newfile_open(&file, path, 0, &f->err), MLT_CANTCREAT);
  assert_non_null(strstr(f->err.msg, path));
  (void)snprintf(path, sizeof path, "%s/%0252d", f->folder, 1);
  mlt_err_clear(&f->err);
  assert_int_equal(mlt_newfile_open(&file, path, 0, &f->err), MLT_CANTCREAT);
  (void)snprintf(path, sizeof path, "%s/", f->folder);
  mlt_err_clear(&f->err);
  assert_int_equal(mlt_newfile_open(&file, path, 0, &f->err), MLT_CANTCREAT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
      T(it_appears_when_published),
      T(nothing_stays_of_one_that_is_given_up),
      T(a_leftover_is_replaced),
      T(two_do_not_make_the_same),
      T(a_file_that_is_there_is_left),
      T(a_file_that_appears_meanwhile_is_left),
      T(a_link_to_nothing_stands_for_what_it_names),
      T(links_in_a_circle_are_refused),
      T(what_is_in_the_way_is_not_removed),
      T(impossible_places_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
