/* What tells sources apart, and processes. */
#include "../lite/scratch.h"

#include <sys/wait.h>

#include "ledger/ledger.h"

static void write_file(const char *folder, const char *name, const char *text) {
  char path[600];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
}

static void make_folder(const char *folder, const char *name) {
  char path[600];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(mkdir(path, 0700), 0);
}

struct id {
  char hex[MLT_IDENTITY_HEX + 1];
};

static struct id of(const char *format, const char *folder, const char *name) {
  struct id id;
  char path[600];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_true(mlt_ledger_identity(id.hex, format, path));
  assert_int_equal(strlen(id.hex), MLT_IDENTITY_HEX);
  return id;
}

static bool same(struct id a, struct id b) {
  return strcmp(a.hex, b.hex) == 0;
}

static void test_files_are_told_by_content_and_format(void **state) {
  struct scratch *s = *state;
  write_file(s->folder, "a", "one\n");
  write_file(s->folder, "b", "one\n");
  write_file(s->folder, "c", "two\n");
  assert_true(same(of("jsonl", s->folder, "a"), of("jsonl", s->folder, "b")));
  assert_false(same(of("jsonl", s->folder, "a"), of("jsonl", s->folder, "c")));
  assert_false(same(of("jsonl", s->folder, "a"), of("csv", s->folder, "a")));
  write_file(s->folder, "b", "one\nmore\n");
  assert_false(same(of("jsonl", s->folder, "a"), of("jsonl", s->folder, "b")));
}

/* Of large ones the beginning and the end. */
static void test_the_end_of_a_large_file_counts(void **state) {
  struct scratch *s = *state;
  enum { SIZE = 3 << 20 };
  char *text = malloc(SIZE + 1);
  assert_non_null(text);
  memset(text, 'x', SIZE);
  text[SIZE] = '\0';
  write_file(s->folder, "a", text);
  text[SIZE - 1] = 'y';
  write_file(s->folder, "b", text);
  text[SIZE - 1] = 'x';
  text[SIZE / 2] = 'y';
  write_file(s->folder, "c", text);
  free(text);
  assert_false(same(of("csv", s->folder, "a"), of("csv", s->folder, "b")));
  assert_true(same(of("csv", s->folder, "a"), of("csv", s->folder, "c")));
}

static void test_folders_are_told_by_names(void **state) {
  struct scratch *s = *state;
  make_folder(s->folder, "one");
  make_folder(s->folder, "one/0");
  make_folder(s->folder, "one/0/run");
  make_folder(s->folder, "two");
  make_folder(s->folder, "two/0");
  make_folder(s->folder, "two/0/run");
  assert_true(same(of("filestore", s->folder, "one"), of("filestore", s->folder, "two")));
  struct id before = of("filestore", s->folder, "one");
  write_file(s->folder, "one/0/run/deep", "is not looked at");
  assert_true(same(before, of("filestore", s->folder, "one")));
  make_folder(s->folder, "one/0/other");
  assert_false(same(before, of("filestore", s->folder, "one")));
  write_file(s->folder, "two/1", "a file of a folder's name");
  struct id file = of("filestore", s->folder, "two");
  make_folder(s->folder, "three");
  make_folder(s->folder, "three/0");
  make_folder(s->folder, "three/0/run");
  make_folder(s->folder, "three/1");
  assert_false(same(file, of("filestore", s->folder, "three")));
}

static void test_what_cannot_be_told(void **state) {
  struct scratch *s = *state;
  struct id id, other;
  char path[600];
  assert_false(mlt_ledger_identity(id.hex, "jsonl", "-"));
  (void)snprintf(path, sizeof path, "%s/pipe", s->folder);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_false(mlt_ledger_identity(id.hex, "jsonl", path));
  assert_true(mlt_ledger_identity(id.hex, "postgresql", "postgresql://h/db"));
  assert_true(mlt_ledger_identity(other.hex, "postgresql", "postgresql://h/other"));
  assert_false(same(id, other));
}

/* ---- processes ---- */

/* The name of a child that lives until told, or is dead by now. */
static pid_t start_child(char name[MLT_WORKER_MAX], int *stop) {
  int tell[2], wait_for[2];
  assert_int_equal(pipe(tell), 0);
  assert_int_equal(pipe(wait_for), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    char mine[MLT_WORKER_MAX] = "", byte;
    (void)close(wait_for[1]);
    mlt_worker_name(mine);
    ssize_t done = write(tell[1], mine, sizeof mine);
    done += read(wait_for[0], &byte, 1);
    _exit(done < 0);
  }
  (void)close(wait_for[0]);
  assert_int_equal(read(tell[0], name, MLT_WORKER_MAX), MLT_WORKER_MAX);
  (void)close(tell[0]);
  (void)close(tell[1]);
  *stop = wait_for[1];
  return pid;
}

static void test_a_process_is_at_work_until_it_ends(void **state) {
  (void)state;
  char name[MLT_WORKER_MAX], mine[MLT_WORKER_MAX], again[MLT_WORKER_MAX];
  int stop, status;
  pid_t pid = start_child(name, &stop);
  assert_true(mlt_worker_at_work(mlt_str_c(name), 1e9));
  mlt_worker_name(mine);
  mlt_worker_name(again);
  assert_string_equal(mine, again);
  assert_false(mlt_worker_at_work(mlt_str_c(mine), 0)); /* it is this one */
  (void)close(stop);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_false(mlt_worker_at_work(mlt_str_c(name), 0));
}

/* The number came again, for a process that was started at another time. */
static void test_another_process_of_the_number_is_not_it(void **state) {
  (void)state;
  char name[MLT_WORKER_MAX];
  int stop, status;
  pid_t pid = start_child(name, &stop);
  char *started = strrchr(name, ' ');
  assert_non_null(started);
  started[1] = started[1] == '9' ? '8' : '9';
  assert_false(mlt_worker_at_work(mlt_str_c(name), 0));
  (void)close(stop);
  assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* What cannot be looked at from here is taken for alive for a minute. */
static void test_elsewhere_silence_tells(void **state) {
  (void)state;
  assert_true(mlt_worker_at_work(MLT_STR_LIT("another-boot pid:[1] 12 345"), 59));
  assert_false(mlt_worker_at_work(MLT_STR_LIT("another-boot pid:[1] 12 345"), 60));
  assert_true(mlt_worker_at_work(MLT_STR_LIT(""), 0));
  assert_false(mlt_worker_at_work(MLT_STR_LIT(""), 1e9));
}

/* A ledger may hold anything: what is no number is no path either. */
static void test_what_is_no_number_is_nobody(void **state) {
  (void)state;
  char name[MLT_WORKER_MAX];
  mlt_worker_name(name);
  char *pid = strrchr(name, ' ');
  assert_non_null(pid);
  *pid = '\0';
  pid = strrchr(name, ' ');
  assert_non_null(pid);
  static const char *const strange[] = {"",
                                        " ",
                                        " 1",
                                        " 1x 5",
                                        " self 5",
                                        " ../self 5",
                                        " 1/task/1 5",
                                        " -1 5",
                                        " 99999999999999999999999999 5"};
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
    (void)snprintf(pid, 100, "%s", strange[i]);
    if (i > 1)
      assert_false(mlt_worker_at_work(mlt_str_c(name), 0));
    (void)mlt_worker_at_work(mlt_str_c(name), 1e9);
  }
}

static int setup(void **state) {
  struct scratch *s = calloc(1, sizeof *s);
  assert_non_null(s);
  scratch_new(s);
  *state = s;
  return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_files_are_told_by_content_and_format),
      TEST(test_the_end_of_a_large_file_counts),
      TEST(test_folders_are_told_by_names),
      TEST(test_what_cannot_be_told),
      cmocka_unit_test(test_a_process_is_at_work_until_it_ends),
      cmocka_unit_test(test_another_process_of_the_number_is_not_it),
      cmocka_unit_test(test_elsewhere_silence_tells),
      cmocka_unit_test(test_what_is_no_number_is_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
