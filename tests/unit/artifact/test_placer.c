/* Files get their places whole and once, whatever the mode; what cannot be placed is told. */
#include "scratch.h"

static void make_source(void) {
  put("src/MLmodel", "model");
  put("src/data/a", "a");
  put("src/data/deep/b", "bb");
  put("src/empty/", "");
}

static void check_placed(void) {
  assert_string_equal(text_of(PLACED "MLmodel"), "model");
  assert_string_equal(text_of(PLACED "data/a"), "a");
  assert_string_equal(text_of(PLACED "data/deep/b"), "bb");
  assert_true(is_there(PLACED "empty"));
}

static void a_tree_is_copied_and_again_is_nothing(void **state) {
  (void)state;
  make_source();
  const struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 2}, {.tv_sec = 1000, .tv_nsec = 7}};
  assert_int_equal(utimensat(AT_FDCWD, in("src/MLmodel"), times, 0), 0);
  assert_int_equal(chmod(in("src/data/a"), 04711), 0);
  struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 3);
  assert_int_equal(n.bytes, 8);
  assert_int_equal(n.faults + n.present + n.linked + n.copied + n.removed, 0);
  check_placed();
  struct stat st;
  assert_int_equal(stat(in(PLACED "MLmodel"), &st), 0);
  assert_int_equal(st.st_mtim.tv_sec, 1000);
  assert_int_equal(st.st_mtim.tv_nsec, 7);
  assert_int_equal(st.st_nlink, 1);
  mode_t mask = umask(0);
  (void)umask(mask);
  assert_int_equal(st.st_mode & 07777, 0666 & ~mask);
  assert_int_equal(stat(in(PLACED "data/a"), &st), 0);
  assert_int_equal(st.st_mode & 07777, 0777 & ~mask);
  n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 0);
  assert_int_equal(n.present, 3);
  assert_int_equal(n.present_bytes, 8);
  assert_true(is_there("src/MLmodel"));
}

static void a_link_is_the_same_file(void **state) {
  (void)state;
  make_source();
  struct mlt_placed n = place_tree(MLT_PLACE_LINK, "src");
  assert_int_equal(n.files, 3);
  assert_int_equal(n.linked, 3);
  check_placed();
  struct stat a, b;
  assert_int_equal(stat(in("src/data/a"), &a) | stat(in(PLACED "data/a"), &b), 0);
  assert_int_equal(a.st_ino, b.st_ino);
  assert_int_equal(place_tree(MLT_PLACE_LINK, "src").present, 3);
}

static void what_is_moved_is_gone_where_it_was(void **state) {
  (void)state;
  make_source();
  put("src/stays", "mine");
  put(PLACED "stays", "other");
  struct mlt_placed n = place_tree(MLT_PLACE_MOVE, "src");
  assert_int_equal(n.files, 3);
  assert_int_equal(n.removed, 3);
  assert_string_equal(faults, "exists root/1/run/artifacts/stays\n");
  check_placed();
  assert_string_equal(text_of("src/stays"), "mine");
  assert_string_equal(text_of(PLACED "stays"), "other");
  assert_false(is_there("src/data"));
  assert_int_equal(unlink(in("src/stays")), 0);
  n = place_tree(MLT_PLACE_MOVE, "src");
  assert_int_equal(n.files + n.faults, 0);
  assert_false(is_there("src"));
}

static void a_move_that_was_cut_short_is_completed(void **state) {
  (void)state;
  make_source();
  (void)place_tree(MLT_PLACE_COPY, "src");
  struct mlt_placed n = place_tree(MLT_PLACE_MOVE, "src");
  assert_int_equal(n.present, 3);
  assert_int_equal(n.removed, 3);
  assert_false(is_there("src"));
  check_placed();
}

static void what_is_in_its_place_stays_there(void **state) {
  (void)state;
  put(PLACED "a/b", "x");
  put(PLACED "empty/", "");
  struct mlt_placed n = place_tree(MLT_PLACE_MOVE, "root/1/run/artifacts");
  assert_int_equal(n.present, 1);
  assert_int_equal(n.removed + n.faults, 0);
  assert_string_equal(text_of(PLACED "a/b"), "x");
  assert_true(is_there(PLACED "empty"));
  start(MLT_PLACE_MOVE);
  assert_int_equal(mlt_placer_file(folder, in(PLACED "a/b"), "a/b", &err), MLT_OK);
  n = finish(MLT_OK);
  assert_int_equal(n.present, 1);
  assert_int_equal(n.removed, 0);
  assert_string_equal(text_of(PLACED "a/b"), "x");
}

static void nothing_is_ever_replaced(void **state) {
  (void)state;
  make_source();
  put(PLACED "MLmodel", "MODEL"); /* as long */
  put(PLACED "data/a", "longer");
  put(PLACED "data/deep", "no folder");
  struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 0);
  assert_int_equal(n.faults, 3);
  assert_non_null(strstr(faults, "exists " PLACED "MLmodel\n"));
  assert_non_null(strstr(faults, "exists " PLACED "data/a\n"));
  assert_non_null(strstr(faults, "exists " PLACED "data/deep\n"));
  assert_string_equal(text_of(PLACED "MLmodel"), "MODEL");
  assert_string_equal(text_of(PLACED "data/deep"), "no folder");
}

static void a_change_of_equal_length_and_time_is_found_without_a_manifest(void **state) {
  (void)state;
  put("src/a", "one");
  put(PLACED "a", "two");
  const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};
  assert_int_equal(utimensat(AT_FDCWD, in("src/a"), times, 0), 0);
  assert_int_equal(utimensat(AT_FDCWD, in(PLACED "a"), times, 0), 0);
  (void)place_tree(MLT_PLACE_COPY, "src");
  assert_string_equal(faults, "exists " PLACED "a\n");
}

static void links_and_special_files_are_left_out(void **state) {
  (void)state;
  put("secret", "s");
  put("secrets/s", "s");
  put("src/a", "a");
  assert_int_equal(symlink(in("secret"), in("src/abs")), 0);
  assert_int_equal(symlink("../secrets", in("src/folder")), 0);
  assert_int_equal(symlink("a", in("src/inside")), 0);
  assert_int_equal(symlink("nothing", in("src/dangling")), 0);
  assert_int_equal(symlink(".", in("src/loop")), 0);
  assert_int_equal(mkfifo(in("src/fifo"), 0666), 0);
  struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 1);
  assert_int_equal(n.faults, 6);
  assert_int_equal(files_in("root/1"), 1);
  assert_non_null(strstr(faults, "special-file src/fifo\n"));
  assert_non_null(strstr(faults, "link-skipped src/folder\n"));
  assert_int_equal(symlink("src", in("link")), 0);
  (void)place_tree(MLT_PLACE_COPY, "link/");
  assert_string_equal(faults, "link-skipped link\n");
}

/* Those that say "ok/..." lead to what has that name in the scratch folder. */
static int follow_ok(void *ctx, const char *target) {
  (void)ctx;
  if (strncmp(target, "ok/", 3) != 0)
    return -ELOOP;
  int fd = open(in(target), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static void links_are_followed_where_they_may_be(void **state) {
  (void)state;
  static const enum mlt_placing modes[] = {MLT_PLACE_COPY, MLT_PLACE_LINK, MLT_PLACE_MOVE};
  char sub[32];
  put("ok/model", "weights");
  put("src/deep/", "");
  assert_int_equal(symlink("ok/model", in("src/deep/a")), 0);
  assert_int_equal(symlink("ok/none", in("src/gone")), 0);
  assert_int_equal(symlink("ok", in("src/other")), 0);
  assert_int_equal(symlink("ok/", in("src/folder")), 0);
  opts.follow = follow_ok;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    (void)snprintf(sub, sizeof sub, "%zu", i);
    start(modes[i]);
    assert_int_equal(mlt_placer_tree(folder, in("src"), sub, &err), MLT_OK);
    struct mlt_placed n = finish(MLT_OK);
    assert_int_equal(n.files, 1);
    assert_int_equal(n.linked + n.removed, 0);
    assert_int_equal(n.faults, 3);
    assert_non_null(strstr(faults, "missing src/gone\n"));
    assert_non_null(strstr(faults, "link-skipped src/other\n"));
    assert_non_null(strstr(faults, "unreadable src/folder\n"));
    struct stat st;
    (void)snprintf(sub, sizeof sub, PLACED "%zu/deep/a", i);
    assert_string_equal(text_of(sub), "weights");
    assert_int_equal(lstat(in(sub), &st), 0);
    assert_true(S_ISREG(st.st_mode) && st.st_nlink == 1);
    assert_true(is_there("src/deep/a") && is_there("ok/model"));
  }
}

static void links_where_files_belong_are_not_followed(void **state) {
  (void)state;
  put("src/a/b", "b");
  put("outside/", "");
  put(PLACED, "");
  assert_int_equal(symlink(in("outside"), in(PLACED "a")), 0);
  struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 0);
  assert_string_equal(faults, "exists " PLACED "a\n");
  assert_int_equal(files_in("outside"), 0);
  assert_int_equal(rename(in("root/1"), in("root/2")), 0);
  assert_int_equal(symlink(in("outside"), in("root/1")), 0);
  n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 0);
  assert_int_equal(n.faults, 1);
  assert_int_equal(files_in("outside"), 0);
}

static void what_is_not_there_is_missing(void **state) {
  (void)state;
  put("file", "x");
  start(MLT_PLACE_COPY);
  assert_int_equal(mlt_placer_tree(folder, in("none"), "", &err), MLT_OK);
  assert_int_equal(mlt_placer_tree(folder, in("file"), "", &err), MLT_OK);
  assert_int_equal(mlt_placer_file(folder, in("none"), "x", &err), MLT_OK);
  assert_int_equal(mlt_placer_file(folder, in("no/folder"), "x", &err), MLT_OK);
  assert_int_equal(mlt_placer_file(folder, scratch, "x", &err), MLT_OK);
  struct mlt_placed n = finish(MLT_OK);
  assert_int_equal(n.faults, 5);
  assert_non_null(strstr(faults, "missing none\n"));
  assert_non_null(strstr(faults, "unreadable file\n"));
  assert_non_null(strstr(faults, "missing no/folder\n"));
  assert_false(is_there("root/1/run/artifacts/x"));
}

static void a_path_never_leads_out(void **state) {
  (void)state;
  static const char *const bad[] = {"..", "../x", "/etc/x", "a/../../x", "a//b", "", ".", "a/"};
  const unsigned n_bad = sizeof bad / sizeof *bad;
  put("file", "x");
  start(MLT_PLACE_COPY);
  for (size_t i = 0; i < n_bad; i++)
    assert_int_equal(mlt_placer_file(folder, in("file"), bad[i], &err), MLT_OK);
  assert_int_equal(mlt_placer_file(folder, "relative", "x", &err), MLT_OK);
  assert_int_equal(mlt_placer_tree(folder, scratch, "../x", &err), MLT_OK);
  char deep[5000];
  memset(deep, 'x', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  assert_int_equal(mlt_placer_file(folder, in("file"), deep, &err), MLT_OK);
  deep[300] = '\0';
  assert_int_equal(mlt_placer_file(folder, in("file"), deep, &err), MLT_OK);
  struct mlt_placer_folder *f;
  for (size_t i = 0; i < n_bad; i++) {
    struct mlt_err why = MLT_ERR_INIT;
    assert_int_equal(mlt_placer_folder(group, root, bad[i], "run", &f, &why), MLT_USAGE);
  }
  struct mlt_err why = MLT_ERR_INIT;
  assert_int_equal(mlt_placer_folder(group, root, "a", "../run", &f, &why), MLT_USAGE);
  struct mlt_placed n = finish(MLT_OK);
  assert_int_equal(n.files, 0);
  assert_int_equal(n.faults, n_bad + 4);
  assert_int_equal(files_in("root/1"), 0);
}

static void overlapping_folders_do_not_grow(void **state) {
  (void)state;
  put("a", "a");
  put("sub/b", "b");
  start(MLT_PLACE_COPY); /* root lies inside of the source */
  assert_int_equal(mlt_placer_tree(folder, scratch, "", &err), MLT_OK);
  struct mlt_placed n = finish(MLT_OK);
  assert_int_equal(n.files, 2);
  assert_string_equal(faults, "overlap root\n");
  assert_int_equal(files_in("root/1"), 2);
  put("root/x", "x"); /* the source is the root */
  (void)place_tree(MLT_PLACE_COPY, "root");
  assert_string_equal(faults, "overlap root\n");
}

static void single_files_go_where_they_are_told(void **state) {
  (void)state;
  put("one.png", "1");
  start(MLT_PLACE_COPY);
  assert_int_equal(mlt_placer_file(folder, in("one.png"), "plots/1.png", &err), MLT_OK);
  assert_int_equal(mlt_placer_wait(group, NULL, &err), MLT_OK);
  assert_string_equal(text_of(PLACED "plots/1.png"), "1");
  put("two.png", "2");
  assert_int_equal(mlt_placer_file(folder, in("two.png"), "plots/2.png", &err), MLT_OK);
  assert_int_equal(mlt_placer_file(folder, in("one.png"), "plots/2.png", &err), MLT_OK);
  struct mlt_placed n = finish(MLT_OK);
  assert_int_equal(n.files, 2);
  assert_string_equal(faults, "exists " PLACED "plots/2.png\n");
}

static void depth_has_a_limit(void **state) {
  (void)state;
  char path[1024] = "src";
  for (int i = 0; i <= MLT_PLACE_DEPTH; i++)
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/d");
  (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/file");
  put(path, "x");
  put("src/top", "x");
  struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 1);
  assert_int_equal(n.faults, 1);
  assert_non_null(strstr(faults, "too-deep src/d/d"));
}

static void names_are_any_bytes(void **state) {
  (void)state;
  put("src/new\nline", "1");
  put("src/bad\xff", "2");
  put("src/quo\"te\\", "3");
  assert_int_equal(place_tree(MLT_PLACE_COPY, "src").files, 3);
  assert_string_equal(text_of(PLACED "new\nline"), "1");
  assert_string_equal(text_of(PLACED "bad\xff"), "2");
  assert_int_equal(place_tree(MLT_PLACE_COPY, "src").present, 3);
}

static void holes_stay_holes(void **state) {
  (void)state;
  put("src/sparse", "begin");
  assert_int_equal(truncate(in("src/sparse"), 20 << 20), 0);
  struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.bytes, 20 << 20);
  struct stat st;
  assert_int_equal(stat(in(PLACED "sparse"), &st), 0);
  assert_int_equal(st.st_size, 20 << 20);
  assert_true(st.st_blocks * 512 < 1 << 20);
  assert_int_equal(place_tree(MLT_PLACE_COPY, "src").present, 1);
}

/* Not who may run them as whom, nor that they are one. */
static void only_the_bytes_of_a_file_are_taken(void **state) {
  (void)state;
  put("src/tool", "#!");
  assert_int_equal(chmod(in("src/tool"), 06755), 0);
  assert_int_equal(link(in("src/tool"), in("src/again")), 0);
  struct mlt_placed n = place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(n.files, 2);
  struct stat st;
  assert_int_equal(stat(in(PLACED "again"), &st), 0);
  assert_int_equal(st.st_mode & 07000, 0);
  assert_int_equal(st.st_mode & 0700, 0700);
  assert_int_equal(st.st_nlink, 1);
  assert_string_equal(text_of(PLACED "tool"), "#!");
}

static void a_dry_run_counts_and_writes_nothing(void **state) {
  (void)state;
  make_source();
  opts.dry_run = true;
  struct mlt_placed n = place_tree(MLT_PLACE_MOVE, "src");
  assert_int_equal(n.files, 3);
  assert_int_equal(n.bytes, 8);
  assert_false(is_there("root"));
  put(PLACED "data/a", "a");
  put(PLACED "MLmodel", "other");
  n = place_tree(MLT_PLACE_MOVE, "src");
  assert_int_equal(n.files, 1);
  assert_int_equal(n.present, 1);
  assert_string_equal(faults, "exists " PLACED "MLmodel\n");
  assert_int_equal(files_in("root"), 2);
  assert_true(is_there("src/data/a"));
}

static void every_way_to_be_durable_places_the_same(void **state) {
  (void)state;
  make_source();
  static const char *const old[] = {"one", "two", "three"};
  for (int sync = MLT_SYNC_AUTO; sync <= MLT_SYNC_NONE; sync++) {
    opts.sync = (enum mlt_place_sync)sync;
    opts.no_manifests = sync == MLT_SYNC_NONE;
    assert_int_equal(place_tree(MLT_PLACE_COPY, "src").files, 3);
    check_placed();
    assert_int_equal(rename(in("root"), in(old[sync])), 0);
  }
}

static void without_manifests_nothing_but_the_files_is_left(void **state) {
  (void)state;
  make_source();
  char *big = calloc(1, 3 << 20);
  assert_non_null(big);
  memset(big, 'b', 3 << 20);
  put_bytes("src/big", big, 3 << 20);
  free(big);
  opts.no_manifests = true;
  assert_int_equal(place_tree(MLT_PLACE_COPY, "src").bytes, (3 << 20) + 8);
  assert_int_equal(files_in("root"), 4);
  assert_false(is_there("root/.mltrack"));
  assert_int_equal(place_tree(MLT_PLACE_COPY, "src").present, 4);
}

static void a_root_that_cannot_be_is_told(void **state) {
  (void)state;
  struct mlt_placer_root *r;
  put("file", "x");
  opts.on_fault = note_fault;
  assert_int_equal(mlt_placer_open(&placer, &opts, &err), MLT_OK);
  struct mlt_err why[3] = {MLT_ERR_INIT, MLT_ERR_INIT, MLT_ERR_INIT};
  assert_int_equal(mlt_placer_root(placer, in("file"), &r, &why[0]), MLT_CANTCREAT);
  assert_int_equal(mlt_placer_root(placer, in("file/below"), &r, &why[1]), MLT_CANTCREAT);
  assert_int_equal(mlt_placer_root(placer, "relative", &r, &why[2]), MLT_USAGE);
  struct mlt_placer_root *one, *other;
  assert_int_equal(mlt_placer_root(placer, in("new/deep"), &one, &err), MLT_OK);
  assert_int_equal(symlink("new", in("alias")), 0);
  assert_int_equal(mlt_placer_root(placer, in("alias/deep/"), &other, &err), MLT_OK);
  assert_ptr_equal(one, other);
  mlt_placer_close(placer);
}

static void an_interrupted_placer_leaves_nothing_half(void **state) {
  (void)state;
  make_source();
  static volatile sig_atomic_t cancelled;
  cancelled = 0;
  opts.cancelled = &cancelled;
  start(MLT_PLACE_COPY);
  cancelled = 1;
  enum mlt_rc rc = mlt_placer_tree(folder, in("src"), "", &err);
  assert_int_equal(rc, MLT_CANCELLED);
  struct mlt_err why = MLT_ERR_INIT;
  assert_int_equal(mlt_placer_tree(folder, in("src"), "", &why), MLT_CANCELLED);
  (void)finish(MLT_CANCELLED);
  assert_int_equal(files_in("root"), 0);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, reset_options, drop_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      ONE(a_tree_is_copied_and_again_is_nothing),
      ONE(a_link_is_the_same_file),
      ONE(what_is_moved_is_gone_where_it_was),
      ONE(a_move_that_was_cut_short_is_completed),
      ONE(what_is_in_its_place_stays_there),
      ONE(nothing_is_ever_replaced),
      ONE(a_change_of_equal_length_and_time_is_found_without_a_manifest),
      ONE(links_and_special_files_are_left_out),
      ONE(links_are_followed_where_they_may_be),
      ONE(links_where_files_belong_are_not_followed),
      ONE(what_is_not_there_is_missing),
      ONE(a_path_never_leads_out),
      ONE(overlapping_folders_do_not_grow),
      ONE(single_files_go_where_they_are_told),
      ONE(depth_has_a_limit),
      ONE(names_are_any_bytes),
      ONE(holes_stay_holes),
      ONE(only_the_bytes_of_a_file_are_taken),
      ONE(a_dry_run_counts_and_writes_nothing),
      ONE(every_way_to_be_durable_places_the_same),
      ONE(without_manifests_nothing_but_the_files_is_left),
      ONE(a_root_that_cannot_be_is_told),
      ONE(an_interrupted_placer_leaves_nothing_half),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
