/* base/outfile.c, base/deflate.c: a file is there whole or not at all, and unpacks to what went in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/outfile.h"

enum { CAP = 1 << 20 };

static char folder[] = "/tmp/mlt-outfile-XXXXXX";
static char path[128];
static struct mlt_err err;

static int set_up(void **state) {
  (void)state;
  mlt_err_clear(&err);
  return 0;
}

static const char *in_folder(const char *name) {
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static size_t slurp(const char *name, char *out) {
  FILE *f = fopen(name, "rb");
  assert_non_null(f);
  size_t n = fread(out, 1, CAP, f);
  (void)fclose(f);
  return n;
}

static enum mlt_rc write_file(const char *name, const char *text, size_t n, bool replace) {
  struct mlt_outfile *f;
  const struct mlt_outfile_opts opts = {.path = name, .replace = replace};
  enum mlt_rc rc = mlt_outfile_open(&f, &opts, &err);
  if (rc != MLT_OK)
    return rc;
  for (size_t i = 0; i < n && rc == MLT_OK; i += 1000)
    rc = mlt_outfile_write(f, text + i, n - i < 1000 ? n - i : 1000, &err);
  if (rc == MLT_OK)
    rc = mlt_outfile_finish(f, &err);
  mlt_outfile_close(f);
  return rc;
}

static void a_file_is_replaced_only_when_asked(void **state) {
  (void)state;
  char text[CAP];
  const char *name = in_folder("plain");
  assert_int_equal(write_file(name, "one", 3, false), MLT_OK);
  assert_int_equal(write_file(name, "two", 3, false), MLT_CANTCREAT);
  assert_int_equal(slurp(name, text), 3);
  assert_memory_equal(text, "one", 3);
  mlt_err_clear(&err);
  assert_int_equal(write_file(name, "three", 5, true), MLT_OK);
  assert_int_equal(slurp(name, text), 5);
  assert_int_equal(write_file(folder, "", 0, true), MLT_CANTCREAT);
  assert_int_equal(unlink(name), 0);
}

static void what_is_not_finished_is_not_there(void **state) {
  (void)state;
  struct mlt_outfile *f;
  const struct mlt_outfile_opts opts = {.path = in_folder("unfinished.gz")};
  assert_int_equal(mlt_outfile_open(&f, &opts, &err), MLT_OK);
  assert_int_equal(mlt_outfile_write(f, "x", 1, &err), MLT_OK);
  mlt_outfile_close(f);
  mlt_outfile_close(NULL);
  assert_int_equal(rmdir(folder), 0); /* nothing is left in it */
  assert_int_equal(mkdir(folder, 0700), 0);
}

static size_t gunzip(const char *in, size_t n, char *out) {
  z_stream z = {.next_in = (z_const Bytef *)in,
                .avail_in = (uInt)n,
                .next_out = (Bytef *)out,
                .avail_out = CAP};
  assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
  assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
  assert_int_equal(z.avail_in, 0);
  (void)inflateEnd(&z);
  return z.total_out;
}

static void compressed_files_unpack(void **state) {
  (void)state;
  static char text[400000], packed[CAP], back[CAP];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)('a' + i * i % 23);
  for (size_t n = 0; n <= sizeof text; n = n * 5 + 1) {
    assert_int_equal(write_file(in_folder("t.gz"), text, n, true), MLT_OK);
    assert_int_equal(gunzip(packed, slurp(path, packed), back), n);
    assert_memory_equal(back, text, n);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write_file(in_folder("t.zst"), text, n, true), MLT_OK);
    size_t size = slurp(path, packed);
    assert_int_equal(ZSTD_decompress(back, sizeof back, packed, size), n);
    assert_memory_equal(back, text, n);
    assert_int_equal(unlink(path), 0);
  }
}

static void a_full_disk_is_told(void **state) {
  (void)state;
  assert_int_equal(write_file("/dev/full", "x", 1, false), MLT_IO);
  assert_non_null(strstr(err.msg, "/dev/full"));
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_file_is_replaced_only_when_asked),
      TEST(what_is_not_finished_is_not_there),
      TEST(compressed_files_unpack),
      TEST(a_full_disk_is_told),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
