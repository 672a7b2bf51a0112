/* A folder that was placed, damaged in one way, and what is found: no more and no less. */
#include "artifact/scratch.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "verify/scan.h"

enum { LINES = 64, LINE = 256 };

static char lines[LINES][LINE];
static size_t n_lines;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void note(void *ctx, const struct mlt_finding *f) {
  const char *top = PLACED;
  size_t n = strlen(scratch) + 1 + strlen(top);
  char path[LINE];
  (void)ctx;
  (void)snprintf(path, sizeof path, "%.*s", MLT_STR_ARG(f->path));
  (void)pthread_mutex_lock(&lock);
  assert_true(n_lines < LINES);
  assert_true(f->text.len > 0 && mlt_str_is(f->id, "run") && mlt_str_is(f->experiment, "7"));
  (void)snprintf(lines[n_lines++], LINE, "%s %s", mlt_finding_info(f->what)->code,
                 strlen(path) > n ? path + n : "");
  (void)pthread_mutex_unlock(&lock);
}

static int by_text(const void *a, const void *b) {
  return strcmp(a, b);
}

/* Scans the folder; the findings as sorted lines. */
static const char *scan_as(enum mlt_verify_mode mode, double sample, const struct mlt_access *as,
                           struct mlt_scanned *sum) {
  static char all[LINES * LINE];
  const struct mlt_scan_options o = {
      .mode = mode, .sample = sample, .as = as, .threads = 3, .found = note};
  const struct mlt_scan_folder f = {.table = MLT_T_RUNS,
                                    .id = MLT_STR_LIT("run"),
                                    .experiment = MLT_STR_LIT("7"),
                                    .root = in("root"),
                                    .path = "1/run/artifacts"};
  struct mlt_scan *s;
  struct mlt_scanned counts;
  bool done = false;
  n_lines = 0;
  assert_int_equal(mlt_scan_open(&s, &o, &err), MLT_OK);
  assert_int_equal(mlt_scan_add(s, &f, &err), MLT_OK);
  while (!done)
    assert_int_equal(mlt_scan_wait(s, 1000, &done, &err), MLT_OK);
  mlt_scan_progress(s, sum ? sum : &counts);
  mlt_scan_close(s);
  qsort(lines, n_lines, LINE, by_text);
  *all = '\0';
  for (size_t i = 0; i < n_lines; i++)
    (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s\n", lines[i]);
  return all;
}

static const char *scan(enum mlt_verify_mode mode) {
  return scan_as(mode, 0, NULL, NULL);
}

/* Names whose order differs by what follows: "a", "a-", "a/", "a0". */
static int set_up(void **state) {
  (void)reset_options(state);
  opts.sync = MLT_SYNC_NONE;
  put("source/a-b", "dash");
  put("source/a/b", "slash");
  put("source/a/c/deep.txt", "deep");
  put("source/a0", "zero");
  put("source/model/MLmodel", "flavors: {}");
  put("source/\xff", "no UTF-8");
  (void)place_tree(MLT_PLACE_COPY, "source");
  return 0;
}

static const char *at(const char *path) {
  static char full[PATH_MAX];
  (void)snprintf(full, sizeof full, "%s%s", in(PLACED), path);
  return full;
}

static void expect(const char *damage, enum mlt_verify_mode mode, const char *what) {
  static const char *const modes[] = {"quick", "full"};
  const char *found = scan(mode);
  if (strcmp(found, what) != 0)
    fail_msg("%s, %s: found\n%sinstead of\n%s", damage, modes[mode], found, what);
}

/* ---- damages ---- */

static void nothing(void) {}
static void remove_file(void) {
  assert_int_equal(unlink(at("a0")), 0);
}
static void rename_file(void) {
  char to[PATH_MAX];
  (void)snprintf(to, sizeof to, "%s", at("a1"));
  assert_int_equal(rename(at("a0"), to), 0);
}
static void truncate_file(void) {
  assert_int_equal(truncate(at("a/b"), 2), 0);
}
static void grow_file(void) {
  assert_int_equal(truncate(at("a/b"), 200), 0);
}
static void add_file(void) {
  put(PLACED "a/new", "new");
}
/* As a disk does it: the length and the time stay. */
static void flip_byte(void) {
  struct stat st;
  int fd = open(at("model/MLmodel"), O_WRONLY | O_CLOEXEC);
  assert_int_equal(fstat(fd, &st), 0);
  assert_int_equal(pwrite(fd, "F", 1, 0), 1);
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
  assert_int_equal(futimens(fd, times), 0);
  (void)close(fd);
}
static void rewrite_same_length(void) {
  put(PLACED "a0", "onze");
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
  assert_int_equal(utimensat(AT_FDCWD, at("a0"), times, 0), 0);
}
static void touch(void) {
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
  assert_int_equal(utimensat(AT_FDCWD, at("a0"), times, 0), 0);
}
static void remove_folder(void) {
  assert_int_equal(unlink(at("model/MLmodel")), 0);
  assert_int_equal(rmdir(at("model")), 0);
}
static void folder_by_file(void) {
  remove_folder();
  put(PLACED "model", "a file");
}
static void file_by_folder(void) {
  remove_file();
  put(PLACED "a0/x", "in a folder");
}
static void file_by_fifo(void) {
  remove_file();
  assert_int_equal(mkfifo(at("a0"), 0600), 0);
}
static void add_socket(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(strlen(at("s")) < sizeof name.sun_path);
  (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", at("s"));
  assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
  (void)close(fd);
}
static void link_out(void) {
  assert_int_equal(symlink("/etc/passwd", at("l")), 0);
}
static void link_up(void) {
  assert_int_equal(symlink("../../..", at("l")), 0);
}
static void link_inside(void) {
  assert_int_equal(symlink("a/b", at("l")), 0);
}
static void link_to_nothing(void) {
  assert_int_equal(symlink("nowhere", at("l")), 0);
}
static void link_loop(void) {
  assert_int_equal(symlink("l", at("l")), 0);
}
static void file_by_link(void) {
  remove_file();
  assert_int_equal(symlink("a/b", at("a0")), 0);
}
static void remove_all(void) {
  assert_int_equal(rename(in("root/1/run"), in("elsewhere")), 0);
}
static void all_by_file(void) {
  assert_int_equal(rename(in("root/1/run/artifacts"), in("elsewhere")), 0);
  put("root/1/run/artifacts", "a file");
}
static void all_by_link_out(void) {
  remove_all();
  assert_int_equal(symlink(in("elsewhere"), in("root/1/run")), 0);
}
static void all_by_link_inside(void) {
  assert_int_equal(rename(in("root/1/run"), in("root/1/other")), 0);
  assert_int_equal(symlink("other", in("root/1/run")), 0);
}
static const char manifest[] = "root/.mltrack/manifests/ru/run.jsonl";
static void cut_manifest(void) {
  struct stat st;
  assert_int_equal(stat(in(manifest), &st), 0);
  assert_int_equal(truncate(in(manifest), st.st_size - 3), 0);
}
static void garbage_manifest(void) {
  put(manifest, "garbage\n");
}
static void no_manifest(void) {
  assert_int_equal(unlink(in(manifest)), 0);
  add_file();
}
static void manifest_of_another(void) {
  put(manifest, "{\"mltrack_manifest\":1,\"id\":\"other\"}\n{\"files\":0,\"bytes\":0}\n");
}
static void newer_manifest(void) {
  put(manifest, "{\"mltrack_manifest\":2,\"id\":\"run\"}\n");
}

static const struct damage {
  const char *name;
  void (*fn)(void);
  const char *quick, *full; /* full NULL: as quick */
} damages[] = {
    {"nothing", nothing, "", NULL},
    {"remove file", remove_file, "file-missing a0\n", NULL},
    {"rename file", rename_file, "file-renamed a0\n", "file-renamed a0\n"},
    {"truncate file", truncate_file, "file-changed a/b\n", NULL},
    {"grow file", grow_file, "file-changed a/b\n", NULL},
    {"add file", add_file, "file-added a/new\n", NULL},
    {"flip byte", flip_byte, "", "file-changed model/MLmodel\n"},
    {"rewrite, same length", rewrite_same_length, "file-changed a0\n", NULL},
    {"touch", touch, "file-touched a0\n", NULL},
    {"remove folder", remove_folder, "file-missing model/MLmodel\n", NULL},
    {"folder by file", folder_by_file, "file-added model\nfile-missing model/MLmodel\n", NULL},
    {"file by folder", file_by_folder, "file-added a0/x\nfile-missing a0\n", NULL},
    {"file by fifo", file_by_fifo, "file-missing a0\nspecial-file a0\n", NULL},
    {"add socket", add_socket, "special-file s\n", NULL},
    {"link out", link_out, "link-out l\n", NULL},
    {"link up", link_up, "link-out l\n", NULL},
    {"link inside", link_inside, "link-inside l\n", NULL},
    {"link to nothing", link_to_nothing, "link-broken l\n", NULL},
    {"link loop", link_loop, "link-broken l\n", NULL},
    {"file by link", file_by_link, "file-missing a0\nlink-inside a0\n", NULL},
    {"remove all", remove_all, "folder-missing \n", NULL},
    {"all by file", all_by_file, "folder-not \n", NULL},
    {"all by link out", all_by_link_out, "link-out \n", NULL},
    {"all by link inside", all_by_link_inside, "link-inside \n", NULL},
    {"cut manifest", cut_manifest, "manifest-bad \n", NULL},
    {"garbage manifest", garbage_manifest, "manifest-bad \n", NULL},
    {"no manifest", no_manifest, "", NULL},
    {"manifest of another", manifest_of_another, "manifest-bad \n", NULL},
    {"newer manifest", newer_manifest, "manifest-bad \n", NULL},
};

static void each_damage_is_found_and_nothing_else(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
    const struct damage *d = &damages[i];
    assert_int_equal(set_up(NULL), 0);
    d->fn();
    expect(d->name, MLT_VERIFY_QUICK, d->quick);
    expect(d->name, MLT_VERIFY_FULL, d->full ? d->full : d->quick);
    assert_int_equal(drop_scratch(NULL), 0);
  }
}

static void a_folder_that_cannot_be_listed_hides_only_what_is_in_it(void **state) {
  (void)state;
  if (geteuid() == 0) {
    struct mlt_access *as;
    assert_int_equal(mlt_access_open(&as, "54321:54321", &err), MLT_OK);
    assert_int_equal(chmod(scratch, 0755), 0);
    assert_int_equal(chmod(at("a/c"), 0700), 0);
    assert_string_equal(scan_as(MLT_VERIFY_FULL, 0, as, NULL), "folder-unreadable a/c\n");
    mlt_access_close(as);
    assert_int_equal(chmod(at("a/c"), 0755), 0);
    return;
  }
  assert_int_equal(chmod(at("a/c"), 0), 0);
  remove_file();
  expect("no permission", MLT_VERIFY_QUICK, "file-missing a0\nfolder-unreadable a/c\n");
  assert_int_equal(chmod(at("a/c"), 0700), 0);
}

static void another_user_is_kept_out_by_mode_bits(void **state) {
  (void)state;
  struct mlt_access *as;
  assert_int_equal(mlt_access_open(&as, "54321:54321", &err), MLT_OK);
  assert_int_equal(chmod(scratch, 0755), 0);
  assert_string_equal(scan_as(MLT_VERIFY_QUICK, 0, as, NULL), "");
  assert_int_equal(chmod(at("a0"), 0640), 0);
  assert_string_equal(scan_as(MLT_VERIFY_QUICK, 0, as, NULL), "file-unreadable a0\n");
  assert_int_equal(chmod(in("root"), 0750), 0);
  assert_string_equal(scan_as(MLT_VERIFY_QUICK, 0, as, NULL),
                      "file-unreadable a0\nfolder-unreadable \n");
  mlt_access_close(as);
}

/* Entries of three numbers, tag, rights, id, as acl(5) has them -> may 54321:54321 read it? */
static bool may_read(uid_t owner, gid_t of_group, size_t n, const unsigned (*entries)[3]) {
  struct stat st = {.st_mode = S_IFREG, .st_uid = owner, .st_gid = of_group};
  unsigned char acl[200] = {2};
  struct mlt_access *as;
  for (size_t i = 0; i < n; i++) {
    acl[4 + 8 * i] = (unsigned char)entries[i][0];
    acl[6 + 8 * i] = (unsigned char)entries[i][1];
    for (unsigned b = 0; b < 4; b++)
      acl[8 + 8 * i + b] = (unsigned char)(entries[i][2] >> (8 * b));
  }
  assert_int_equal(mlt_access_open(&as, "54321:54321", &err), MLT_OK);
  bool may = mlt_access_may_by_acl(as, &st, acl, 4 + 8 * n, MLT_MAY_READ);
  mlt_access_close(as);
  return may;
}

static void an_acl_is_judged_as_the_kernel_does(void **state) {
  (void)state;
  enum { OWNER = 1, USER = 2, ITS_GROUP = 4, GROUP = 8, MASK = 16, OTHERS = 32, ME = 54321 };
  const unsigned mine[][3] = {
      {OWNER, 0, 0}, {USER, 4, ME}, {ITS_GROUP, 4, 0}, {MASK, 4, 0}, {OTHERS, 4, 0}};
  assert_false(may_read(ME, 1, 5, mine)); /* the owner's entry alone counts */
  assert_true(may_read(1, 1, 5, mine));
  const unsigned masked[][3] = {
      {OWNER, 6, 0}, {USER, 4, ME}, {ITS_GROUP, 4, 0}, {MASK, 2, 0}, {OTHERS, 4, 0}};
  assert_false(may_read(1, 1, 5, masked));
  assert_false(may_read(2, ME, 5, masked)); /* the user's entry comes before the group's */
  const unsigned groups[][3] = {{OWNER, 6, 0},  {ITS_GROUP, 0, 0}, {GROUP, 0, 7},
                                {GROUP, 4, ME}, {MASK, 4, 0},      {OTHERS, 0, 0}};
  assert_true(may_read(1, ME, 6, groups)); /* any group that gives it */
  const unsigned no_group[][3] = {{OWNER, 6, 0}, {ITS_GROUP, 0, 0}, {OTHERS, 4, 0}};
  assert_false(
      may_read(1, ME, 3, no_group)); /* a group that does not give it keeps from the others' */
  assert_true(may_read(1, 1, 3, no_group));
  assert_false(may_read(ME, 1, 0, mine)); /* nothing that says so */
}

static void a_sample_is_the_same_files_each_time(void **state) {
  (void)state;
  struct mlt_scanned sum, again;
  for (unsigned i = 0; i < 400; i++) {
    char path[64];
    (void)snprintf(path, sizeof path, "source/many/%u", i);
    put(path, "0123456789");
  }
  (void)place_tree(MLT_PLACE_COPY, "source");
  assert_string_equal(scan_as(MLT_VERIFY_SAMPLE, 0.25, NULL, &sum), "");
  assert_string_equal(scan_as(MLT_VERIFY_SAMPLE, 0.25, NULL, &again), "");
  assert_int_equal(sum.files, 406);
  assert_in_range(sum.hashed, 60, 145);
  assert_int_equal(sum.hashed_bytes, again.hashed_bytes);
  assert_string_equal(scan_as(MLT_VERIFY_SAMPLE, 1, NULL, &sum), "");
  assert_int_equal(sum.hashed, 406);
  assert_string_equal(scan_as(MLT_VERIFY_SAMPLE, 0, NULL, &sum), "");
  assert_int_equal(sum.hashed, 0);
}

static void what_is_cancelled_ends(void **state) {
  (void)state;
  static volatile sig_atomic_t cancelled = 1;
  const struct mlt_scan_options o = {
      .mode = MLT_VERIFY_FULL, .threads = 2, .found = note, .cancelled = &cancelled};
  const struct mlt_scan_folder f = {.id = MLT_STR_LIT("run"), .root = in("root"), .path = "1/run"};
  struct mlt_scan *s;
  bool done = false;
  enum mlt_rc rc = MLT_OK;
  mlt_err_clear(&err);
  assert_int_equal(mlt_scan_open(&s, &o, &err), MLT_OK);
  for (unsigned i = 0; rc == MLT_OK && i < 1000; i++)
    rc = mlt_scan_add(s, &f, &err);
  while (rc == MLT_OK && !done)
    rc = mlt_scan_wait(s, 1000, &done, &err);
  assert_int_equal(rc, MLT_CANCELLED);
  mlt_scan_close(s);
}

int main(void) {
  (void)umask(022);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_damage_is_found_and_nothing_else),
      cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_listed_hides_only_what_is_in_it,
                                      set_up, drop_scratch),
      cmocka_unit_test_setup_teardown(another_user_is_kept_out_by_mode_bits, set_up, drop_scratch),
      cmocka_unit_test(an_acl_is_judged_as_the_kernel_does),
      cmocka_unit_test_setup_teardown(a_sample_is_the_same_files_each_time, set_up, drop_scratch),
      cmocka_unit_test_setup_teardown(what_is_cancelled_ends, set_up, drop_scratch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
