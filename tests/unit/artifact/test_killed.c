/* Placing is killed at random moments and run again: the tree and its manifest come out as of one
   run that nobody disturbed, and nothing is left over. Each round in a process of its own. */
#include "scratch.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/hash.h"

enum { FILES = 200, ROUNDS = 6, KILLS = 6, LET_IT_END = -1 };

static void make_source(void) {
  static char text[200000];
  char name[64];
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(name, sizeof name, "src/%d/%d/file%d", i % 7, i % 3, i);
    size_t n = i % 50 == 0 ? sizeof text : (size_t)(i * 37 % 5000);
    memset(text, 'a' + i % 26, n);
    put_bytes(name, text, n);
  }
}

static void place_in_child(enum mlt_placing mode) {
  opts.mode = mode;
  opts.on_fault = note_fault;
  if (mlt_placer_open(&placer, &opts, &err) == MLT_OK &&
      mlt_placer_root(placer, in("root"), &root, &err) == MLT_OK &&
      mlt_placer_group(placer, &group, &err) == MLT_OK &&
      mlt_placer_folder(group, root, "1/run/artifacts", "run", &folder, &err) == MLT_OK &&
      mlt_placer_tree(folder, in("src"), "", &err) == MLT_OK &&
      mlt_placer_wait(group, NULL, &err) == MLT_OK && !faults[0]) {
    mlt_placer_group_free(group);
    mlt_placer_close(placer);
    _exit(0);
  }
  print_error("%s%s\n", err.msg, faults);
  _exit(1);
}

/* Whether it ended by itself. */
static bool run_and_kill(enum mlt_placing mode, long after_us) {
  int status;
  pid_t pid = fork();
  if (pid == 0)
    place_in_child(mode);
  if (after_us != LET_IT_END) {
    const struct timespec pause = {.tv_nsec = after_us * 1000};
    (void)nanosleep(&pause, NULL);
    (void)kill(pid, SIGKILL);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status))
    assert_int_equal(WEXITSTATUS(status), 0);
  return WIFEXITED(status);
}

/* What has a name below the root is whole, at any time. */
static void check_whole(const char *reference) {
  char name[64], at[96];
  struct stat want, have;
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(name, sizeof name, "%d/%d/file%d", i % 7, i % 3, i);
    (void)snprintf(at, sizeof at, "%s/%s", reference, name);
    assert_int_equal(stat(in(at), &want), 0);
    (void)snprintf(at, sizeof at, PLACED "%s", name);
    if (stat(in(at), &have) == 0)
      assert_int_equal(have.st_size, want.st_size);
  }
}

static void killed_and_run_again(enum mlt_placing mode, const char *manifest) {
  make_source();
  assert_int_equal(rename(in("src"), in("reference")), 0);
  for (int round = 0; round < ROUNDS; round++) {
    make_source();
    bool ended = false;
    for (int i = 0; i < KILLS && !ended; i++) {
      ended = run_and_kill(mode, (500 + round * 900) * (i + 1)) ||
              !is_there("src"); /* moved as a whole: whoever calls has nothing to put again */
      check_whole("reference");
    }
    assert_true(ended || run_and_kill(mode, LET_IT_END));
    check_whole("reference");
    assert_int_equal(files_in("root/1"), FILES);
    assert_false(is_there("root/.mltrack/staging"));
    assert_int_equal(is_there("src"), mode != MLT_PLACE_MOVE);
    struct mlt_manifest_reader *r;
    struct mlt_manifest_entry e;
    int fd = open(in(manifest), O_RDONLY | O_CLOEXEC);
    assert_int_equal(mlt_manifest_reader_open(&r, fd, manifest, &err), MLT_OK);
    for (int i = 0; i < FILES; i++)
      assert_int_equal(mlt_manifest_next(r, &e, &err), MLT_OK);
    assert_int_equal(mlt_manifest_next(r, &e, &err), MLT_END);
    mlt_manifest_reader_close(r);
    assert_int_equal(nftw(in("root"), remove_one, 32, FTW_DEPTH | FTW_PHYS), 0);
  }
}

static void a_killed_copy_is_completed(void **state) {
  (void)state;
  opts.sync = MLT_SYNC_NONE; /* a kill loses nothing that was written */
  killed_and_run_again(MLT_PLACE_COPY, "root/.mltrack/manifests/ru/run.jsonl");
}

static void a_killed_move_loses_nothing(void **state) {
  (void)state;
  opts.sync = MLT_SYNC_NONE;
  killed_and_run_again(MLT_PLACE_MOVE, "root/.mltrack/manifests/ru/run.jsonl");
}

static void the_living_keep_their_staging(void **state) {
  (void)state;
  put("src/a", "a");
  start(MLT_PLACE_COPY);
  struct mlt_placer *first = placer;
  struct mlt_placer_group *first_group = group;
  struct mlt_placer_folder *first_folder = folder;
  start(MLT_PLACE_COPY); /* sweeps as it begins */
  assert_int_equal(mlt_placer_tree(folder, in("src"), "", &err), MLT_OK);
  assert_int_equal(mlt_placer_tree(first_folder, in("src"), "", &err), MLT_OK);
  struct mlt_placed one, other;
  assert_int_equal(mlt_placer_wait(first_group, &one, &err), MLT_OK);
  assert_int_equal(mlt_placer_wait(group, &other, &err), MLT_OK);
  assert_int_equal(one.files + other.files, 1);
  assert_int_equal(one.present + other.present, 1);
  assert_int_equal(one.faults + other.faults, 0);
  mlt_placer_group_free(first_group);
  mlt_placer_close(first);
  (void)finish(MLT_OK);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, reset_options, drop_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      ONE(a_killed_copy_is_completed),
      ONE(a_killed_move_loses_nothing),
      ONE(the_living_keep_their_staging),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
