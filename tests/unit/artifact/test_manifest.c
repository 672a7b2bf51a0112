/* Manifests: what is written is read back, whatever the names; what is not whole or not right is
   refused with its line; placing keeps them up to date. */
#include "scratch.h"

#include "base/str.h"

static const char hex64[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static struct mlt_manifest_entry entry(const char *path, uint64_t size) {
  struct mlt_manifest_entry e = {.path = mlt_str_c(path), .size = size, .mtime_ns = -5};
  for (unsigned char i = 0; i < MLT_SHA256_BYTES; i++)
    e.sha256[i] = i;
  return e;
}

static struct mlt_manifest_reader *open_reader(const char *path, enum mlt_rc want) {
  struct mlt_manifest_reader *r;
  mlt_err_clear(&err);
  int fd = open(in(path), O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(mlt_manifest_reader_open(&r, fd, path, &err), want);
  return r;
}

/* The first code of reading all of it that is not OK. */
static enum mlt_rc read_text(const char *text) {
  struct mlt_manifest_entry e;
  struct mlt_manifest_reader *r;
  mlt_err_clear(&err);
  put("m", text);
  int fd = open(in("m"), O_RDONLY | O_CLOEXEC);
  enum mlt_rc rc = mlt_manifest_reader_open(&r, fd, "m", &err);
  while (rc == MLT_OK)
    rc = mlt_manifest_next(r, &e, &err);
  mlt_manifest_reader_close(r);
  return rc;
}

static void what_is_written_is_read(void **state) {
  (void)state;
  static const char *const paths[] = {"a\nb", "a/b", "a\"\\\x01\x7f", "caf\xc3\xa9", "z\xff/\xfe"};
  enum { N = sizeof paths / sizeof *paths };
  struct mlt_manifest_writer w;
  int fd = open(in("m"), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  assert_int_equal(mlt_manifest_begin(&w, fd, "run", &err), MLT_OK);
  struct mlt_str sorted[N] = {mlt_str_c(paths[0]), mlt_str_c(paths[2]), mlt_str_c(paths[1]),
                              mlt_str_c(paths[3]), mlt_str_c(paths[4])};
  for (size_t i = 0; i < N; i++) {
    struct mlt_manifest_entry e = entry(sorted[i].p, i ? i : UINT64_MAX - 100);
    assert_int_equal(mlt_manifest_add(&w, &e, &err), MLT_OK);
  }
  assert_int_equal(mlt_manifest_finish(&w, &err), MLT_OK);
  (void)close(fd);
  struct mlt_manifest_reader *r = open_reader("m", MLT_OK);
  struct mlt_manifest_entry e;
  assert_string_equal(mlt_manifest_reader_id(r), "run");
  for (size_t i = 0; i < N; i++) {
    assert_int_equal(mlt_manifest_next(r, &e, &err), MLT_OK);
    assert_true(mlt_str_eq(e.path, sorted[i]));
    assert_true(e.size == (i ? i : UINT64_MAX - 100) && e.mtime_ns == -5 && e.sha256[31] == 31);
  }
  assert_int_equal(mlt_manifest_next(r, &e, &err), MLT_END);
  assert_int_equal(mlt_manifest_next(r, &e, &err), MLT_END);
  mlt_manifest_reader_close(r);
}

#define HEAD "{\"mltrack_manifest\":1,\"id\":\"run\"}\n"
#define FILE_LINE(path) "{" path ",\"size\":1,\"mtime_ns\":2,\"sha256\":\"%s\"}\n"
#define TAIL(n) "{\"files\":" n ",\"bytes\":" n "}\n"

static void what_is_not_right_is_refused_with_its_line(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
    enum mlt_rc rc;
  } bad[] = {
      {"", "line 1: it is empty", MLT_DATA},
      {"no json\n", "line 1: ", MLT_DATA},
      {"[]\n", "line 1: not a JSON object", MLT_DATA},
      {TAIL("0"), "line 1: it does not begin", MLT_DATA},
      {"{\"mltrack_manifest\":2,\"id\":\"run\"}\n", "form 2", MLT_SCHEMA},
      {"{\"mltrack_manifest\":1,\"id\":\"../x\"}\n", "line 1: id", MLT_DATA},
      {"{\"mltrack_manifest\":1}\n", "line 1: id", MLT_DATA},
      {HEAD, "line 2: it ends without its end", MLT_DATA},
      {HEAD "{\"files\":0,\"byt", "line 2: the line is cut off", MLT_DATA},
      {HEAD TAIL("1"), "line 2: the number of files", MLT_DATA},
      {HEAD TAIL("0") "\n", "line 2: there are lines behind", MLT_DATA},
      {HEAD HEAD, "line 2: a second head", MLT_DATA},
      {HEAD FILE_LINE("\"path\":\"../a\""), "line 2: the path is not one", MLT_DATA},
      {HEAD FILE_LINE("\"path\":\"/a\""), "line 2: the path is not one", MLT_DATA},
      {HEAD FILE_LINE("\"path\":\"a\\u0000b\""), "line 2: the path is not one", MLT_DATA},
      {HEAD FILE_LINE("\"path\":7"), "line 2: a line has either", MLT_DATA},
      {HEAD FILE_LINE("\"path\":\"a\",\"path_hex\":\"ff\""), "line 2: a line has either", MLT_DATA},
      {HEAD FILE_LINE("\"path_hex\":\"FF\""), "line 2: path_hex is not", MLT_DATA},
      {HEAD FILE_LINE("\"path_hex\":\"61\""), "line 2: path_hex stands for", MLT_DATA},
      {HEAD FILE_LINE("\"path\":\"b\"") FILE_LINE("\"path\":\"a\""), "line 3: the paths are not",
       MLT_DATA},
      {HEAD FILE_LINE("\"path\":\"b\"") FILE_LINE("\"path\":\"b\""), "line 3: the paths are not",
       MLT_DATA},
      {HEAD "{\"path\":\"a\",\"size\":-1}\n", "line 2: size", MLT_DATA},
      {HEAD "{\"path\":\"a\",\"size\":1e3}\n", "line 2: size", MLT_DATA},
      {HEAD "{\"path\":\"a\",\"size\":1}\n", "line 2: mtime_ns", MLT_DATA},
      {HEAD "{\"path\":\"a\",\"size\":1,\"mtime_ns\":1,\"sha256\":\"aa\"}\n", "line 2: sha256",
       MLT_DATA},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, sizeof text, bad[i].text, hex64, hex64);
#pragma GCC diagnostic pop
    assert_int_equal(read_text(text), bad[i].rc);
    assert_non_null(strstr(err.msg, bad[i].words));
    assert_non_null(strstr(err.msg, "manifest m"));
  }
  char good[1024];
  (void)snprintf(good, sizeof good, HEAD FILE_LINE("\"more\":[1],\"path\":\"a\"") TAIL("1"), hex64);
  assert_int_equal(read_text(good), MLT_END);
}

static unsigned lines_of(const char *path) {
  unsigned n = 0;
  for (const char *p = text_of(path); p && *p; p++)
    n += *p == '\n';
  return n;
}

#define MANIFEST "root/.mltrack/manifests/ru/run.jsonl"

static void placing_adds_to_what_was_placed_before(void **state) {
  (void)state;
  put("one/b", "bb");
  put("one/d", "dd");
  put("two/a", "a");
  put("two/c/x", "x");
  put("two/d", "dd");
  (void)place_tree(MLT_PLACE_COPY, "one");
  assert_int_equal(lines_of(MANIFEST), 4);
  (void)place_tree(MLT_PLACE_COPY, "two");
  assert_int_equal(lines_of(MANIFEST), 6);
  struct mlt_manifest_reader *r = open_reader(MANIFEST, MLT_OK);
  struct mlt_manifest_entry e;
  static const char *const want[] = {"a", "b", "c/x", "d"};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    assert_int_equal(mlt_manifest_next(r, &e, &err), MLT_OK);
    assert_true(mlt_str_is(e.path, want[i]));
  }
  assert_int_equal(mlt_manifest_next(r, &e, &err), MLT_END);
  mlt_manifest_reader_close(r);
}

static void the_hash_is_of_what_is_there(void **state) {
  (void)state;
  put("src/a", "abc");
  for (enum mlt_placing mode = MLT_PLACE_COPY; mode <= MLT_PLACE_MOVE; mode++) {
    put("src/a", "abc");
    (void)place_tree(mode, "src");
    assert_non_null(strstr(text_of(MANIFEST), "\"sha256\":\"ba7816bf8f01cfea414140de5dae2223"
                                              "b00361a396177a9cb410ff61f20015ad\""));
    assert_int_equal(unlink(in(MANIFEST)), 0);
    assert_int_equal(unlink(in(PLACED "a")), 0);
  }
}

static void a_broken_manifest_is_made_anew(void **state) {
  (void)state;
  put("src/a", "a");
  put("src/b", "b");
  put(MANIFEST, HEAD "cut of");
  (void)place_tree(MLT_PLACE_COPY, "src");
  assert_int_equal(lines_of(MANIFEST), 4);
  put(MANIFEST, "{\"mltrack_manifest\":2,\"id\":\"run\"}\n");
  start(MLT_PLACE_COPY);
  assert_int_equal(mlt_placer_tree(folder, in("src"), "", &err), MLT_OK);
  (void)finish(MLT_SCHEMA); /* a newer form is not thrown away */
  assert_int_equal(lines_of(MANIFEST), 1);
}

static void what_the_manifest_knows_is_not_read_again(void **state) {
  (void)state;
  put("src/a", "one");
  (void)place_tree(MLT_PLACE_COPY, "src");
  struct stat st;
  assert_int_equal(stat(in(PLACED "a"), &st), 0);
  const struct timespec times[2] = {st.st_atim, st.st_mtim};
  put(PLACED "a", "two"); /* rotten, with the length and time of before */
  assert_int_equal(utimensat(AT_FDCWD, in(PLACED "a"), times, 0), 0);
  assert_int_equal(place_tree(MLT_PLACE_COPY, "src").present, 1);
  assert_non_null(strstr(text_of(MANIFEST), "7692c3ad3540bb80")); /* of "one": verify will tell */
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, reset_options, drop_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      ONE(what_is_written_is_read),
      ONE(what_is_not_right_is_refused_with_its_line),
      ONE(placing_adds_to_what_was_placed_before),
      ONE(the_hash_is_of_what_is_there),
      ONE(a_broken_manifest_is_made_anew),
      ONE(what_the_manifest_knows_is_not_read_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
