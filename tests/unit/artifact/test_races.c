/* Sources that change, vanish or turn into links while they are read; disks that fill up; memory
   and descriptors that run out. */
#include "scratch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { SWAPS = 100 };

static atomic_bool over;

/* A name that is by turns a file, a link to a secret outside, nothing; and a folder likewise. */
static void *swap(void *arg) {
  (void)arg;
  char file[128], link[128], folder_path[128], away[128];
  (void)snprintf(file, sizeof file, "%s/spare", scratch);
  (void)snprintf(link, sizeof link, "%s/src/d/name", scratch);
  (void)snprintf(folder_path, sizeof folder_path, "%s/src/d", scratch);
  (void)snprintf(away, sizeof away, "%s/away", scratch);
  while (!atomic_load(&over)) {
    (void)unlink(link);
    (void)!symlink("../../secret", link);
    (void)unlink(link);
    int fd = open(link, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0) {
      (void)!write(fd, "good", 4);
      (void)close(fd);
    }
    (void)rename(folder_path, away);
    (void)!symlink("../secrets", folder_path);
    (void)unlink(folder_path);
    (void)rename(away, folder_path);
  }
  return NULL;
}

static void nothing_from_outside_is_ever_placed(void **state) {
  (void)state;
  pthread_t thread;
  put("secret", "secret");
  put("secrets/name", "secret");
  put("src/d/name", "good");
  atomic_store(&over, false);
  opts.sync = MLT_SYNC_NONE;
  assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
  unsigned placed = 0;
  for (int i = 0; i < SWAPS; i++) {
    (void)place_tree(MLT_PLACE_COPY, "src");
    const char *text = text_of(PLACED "d/name");
    /* created, not yet written: what was there when it was read */
    assert_true(!text || strcmp(text, "good") == 0 || !*text);
    placed += text != NULL;
    (void)nftw(in("root"), remove_one, 32, FTW_DEPTH | FTW_PHYS);
  }
  atomic_store(&over, true);
  (void)pthread_join(thread, NULL);
  assert_in_range(placed, 1, SWAPS);
}

static void *append(void *arg) {
  int fd = *(int *)arg;
  static char block[4096];
  while (!atomic_load(&over) && lseek(fd, 0, SEEK_CUR) < (64 << 20))
    (void)!write(fd, block, sizeof block);
  return NULL;
}

static void a_file_that_grows_is_told_and_not_placed(void **state) {
  (void)state;
  pthread_t thread;
  put("src/log", "");
  assert_int_equal(truncate(in("src/log"), 8 << 20), 0);
  int fd = open(in("src/log"), O_WRONLY | O_APPEND | O_CLOEXEC);
  atomic_store(&over, false);
  opts.sync = MLT_SYNC_NONE;
  assert_int_equal(pthread_create(&thread, NULL, append, &fd), 0);
  unsigned told = 0;
  for (int i = 0; i < 20 && !told; i++) {
    struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
    assert_int_equal(n.files + n.present + n.faults, 1);
    told += strcmp(faults, "changed src/log\n") == 0;
    (void)nftw(in("root"), remove_one, 32, FTW_DEPTH | FTW_PHYS);
  }
  atomic_store(&over, true);
  (void)pthread_join(thread, NULL);
  (void)close(fd);
  assert_int_equal(told, 1);
}

/* In a process of its own, for its limits: 0 done, else the code. */
static int in_child(int resource, rlim_t limit) {
  pid_t pid = fork();
  if (pid == 0) {
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit r; /* the soft one: valgrind keeps the hard limit of descriptors to itself */
    if (getrlimit((__rlimit_resource_t)resource, &r) != 0)
      _exit(200);
    r.rlim_cur = limit < r.rlim_max ? limit : r.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &r) != 0 ||
        mlt_placer_open(&placer, &opts, &err) != MLT_OK)
      _exit(200);
    enum mlt_rc rc = mlt_placer_root(placer, in("root"), &root, &err);
    group = NULL;
    if (rc == MLT_OK)
      rc = mlt_placer_group(placer, &group, &err);
    if (rc == MLT_OK)
      rc = mlt_placer_folder(group, root, "1/run/artifacts", "run", &folder, &err);
    if (rc == MLT_OK)
      rc = mlt_placer_tree(folder, in("src"), "", &err);
    if (rc == MLT_OK)
      rc = mlt_placer_wait(group, NULL, &err);
    mlt_placer_group_free(group);
    mlt_placer_close(placer);
    bool told = rc == MLT_OK || (err.rc == rc && strstr(err.msg, "root") && err.msg[0]);
    _exit(told ? (int)rc : 201);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void what_cannot_be_written_stops_with_its_place(void **state) {
  (void)state;
  put("src/small", "s");
  put("src/large", "");
  char *text = calloc(1, 1 << 20);
  memset(text, 'x', 1 << 20);
  put_bytes("src/large", text, 1 << 20);
  free(text);
  opts.on_fault = note_fault;
  assert_int_equal(in_child(RLIMIT_FSIZE, 300000), MLT_IO);
  assert_false(is_there(PLACED "large"));
  assert_false(is_there("root/.mltrack/staging"));
  assert_int_equal(in_child(RLIMIT_FSIZE, RLIM_INFINITY), MLT_OK);
  assert_true(is_there(PLACED "large") && is_there(PLACED "small"));
}

static void too_few_descriptors_stop_and_are_told(void **state) {
  (void)state;
  char path[512] = "src";
  for (int i = 0; i < 40; i++)
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/d");
  (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/file");
  put(path, "x");
  opts.on_fault = note_fault;
  assert_int_equal(in_child(RLIMIT_NOFILE, 40), MLT_IO);
  assert_int_equal(in_child(RLIMIT_NOFILE, 256), MLT_OK);
  assert_int_equal(files_in("root/1"), 1);
}

static void every_failed_allocation_is_an_error_and_leaks_nothing(void **state) {
  (void)state;
  put("src/a/b", "b");
  put("src/c", "c");
  opts.on_fault = note_fault;
  opts.threads = 1;
  int rc = MLT_NOMEM, n = 0;
  for (; rc == MLT_NOMEM && n < 500; n++) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", n + 1);
    (void)setenv("MLT_FAIL_ALLOC", text, 1);
    rc = in_child(RLIMIT_CORE, 0);
    rc = rc == 200 || rc == 201 ? MLT_NOMEM : rc; /* its message names no place */
    assert_false(is_there("root/.mltrack/staging"));
  }
  (void)unsetenv("MLT_FAIL_ALLOC");
  assert_int_equal(rc, MLT_OK);
#ifdef MLT_FAULTS
  assert_in_range(n, 15, 499);
#endif
  assert_string_equal(text_of(PLACED "a/b"), "b");
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, reset_options, drop_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      ONE(every_failed_allocation_is_an_error_and_leaks_nothing), /* before any is counted */
      ONE(nothing_from_outside_is_ever_placed),
      ONE(a_file_that_grows_is_told_and_not_placed),
      ONE(what_cannot_be_written_stops_with_its_place),
      ONE(too_few_descriptors_stop_and_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
