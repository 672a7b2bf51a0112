/* Framed records, fed whole and cut at every byte; and the rule of restarts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/crc32c.h"
#include "source/tf_restarts.h"
#include "source/tfrecord.h"

static struct mlt_tfrecord reader;
static struct mlt_buf said, file;

static void put_le(uint64_t v, size_t n) {
  for (size_t i = 0; i < n; i++)
    assert_int_equal(mlt_buf_add(&file, &(char){(char)(v >> 8 * i)}, 1), MLT_OK);
}

static void put_crc(size_t from) {
  put_le(mlt_crc32c_mask(mlt_crc32c(0, file.p + from, file.len - from)), 4);
}

static void put_record(const void *data, size_t n) {
  size_t at = file.len;
  put_le(n, 8);
  put_crc(at);
  at = file.len;
  assert_int_equal(mlt_buf_add(&file, data, n), MLT_OK);
  put_crc(at);
}

static const char *records(size_t piece) {
  struct mlt_str data;
  uint64_t offset;
  const char *why = "";
  size_t at = 0;
  mlt_tfrecord_reset(&reader);
  mlt_buf_clear(&said);
  for (;;) {
    enum mlt_rc rc = mlt_tfrecord_next(&reader, &data, &offset, &why);
    if (rc == MLT_OK || rc == MLT_TOOBIG)
      assert_int_equal(mlt_buf_printf(&said, "%" PRIu64 " %s%.*s|", offset,
                                      rc == MLT_TOOBIG ? "too long " : "",
                                      (int)(data.len > 8 ? 8 : data.len), data.p),
                       MLT_OK);
    else if (rc == MLT_DATA)
      assert_int_equal(mlt_buf_printf(&said, "%" PRIu64 " %s|", offset, why), MLT_OK);
    if (rc == MLT_END || rc == MLT_DATA)
      return mlt_buf_cstr(&said);
    if (rc != MLT_AGAIN)
      continue;
    size_t n = file.len - at < piece ? file.len - at : piece;
    char *p = mlt_tfrecord_room(&reader);
    assert_non_null(p);
    if (n)
      memcpy(p, file.p + at, n);
    at += n;
    if (n)
      mlt_tfrecord_fed(&reader, n);
    else
      mlt_tfrecord_eof(&reader);
  }
}

static void expect(const char *seen) {
  for (size_t piece = 1; piece <= file.len + 1; piece++)
    assert_string_equal(records(piece), seen);
}

static void records_come_with_their_offsets(void **state) {
  (void)state;
  expect("");
  put_record("ab", 2);
  put_record("", 0);
  put_record("cde", 3);
  expect("0 ab|18 |34 cde|");
}

static void a_record_cut_short_is_the_end(void **state) {
  (void)state;
  put_record("ab", 2);
  put_record("cdefg", 5);
  while (file.len > 18) {
    file.len--;
    assert_string_equal(records(7), "0 ab|");
  }
}

static void damage_is_told_with_its_offset(void **state) {
  (void)state;
  put_record("ab", 2);
  put_record("cd", 2);
  put_record("ef", 2);
  for (size_t at = 18; at < 36; at++) {
    file.p[at] ^= 1;
    assert_string_equal(records(100), at < 30 ? "0 ab|18 the checksum of its length does not match|"
                                              : "0 ab|18 the checksum of its data does not match|");
    file.p[at] ^= 1;
  }
}

static void a_record_too_long_is_passed_over(void **state) {
  (void)state;
  static char big[MLT_TFRECORD_MAX + 1000];
  memset(big, 'x', sizeof big);
  put_record("ab", 2);
  put_record(big, sizeof big);
  put_record("cd", 2);
  char seen[100];
  (void)snprintf(seen, sizeof seen, "0 ab|18 too long xxxxxxxx|%zu cd|", 18 + 16 + sizeof big);
  assert_string_equal(records(MLT_TFRECORD_CHUNK), seen);
  assert_string_equal(records(MLT_TFRECORD_CHUNK - 7), seen);
}

static void later_restarts_make_points_void(void **state) {
  (void)state;
  struct mlt_tf_restarts r = {.full = false};
  assert_false(mlt_tf_restarts_gone(&r, 0, 0, 0));
  assert_int_equal(mlt_tf_restarts_add(&r, 20, MLT_TF_ALL_TAGS, 5), MLT_OK);
  assert_int_equal(mlt_tf_restarts_add(&r, 10, MLT_TF_ALL_TAGS, 8), MLT_OK);
  assert_int_equal(mlt_tf_restarts_add(&r, 15, 1, 2), MLT_OK);
  mlt_tf_restarts_seal(&r);
  assert_true(mlt_tf_restarts_gone(&r, 9, 0, 5)); /* by the one at 20 */
  assert_false(mlt_tf_restarts_gone(&r, 9, 0, 4));
  assert_true(mlt_tf_restarts_gone(&r, 14, 1, 2));
  assert_false(mlt_tf_restarts_gone(&r, 14, 2, 2));
  assert_false(mlt_tf_restarts_gone(&r, 15, 1, 2)); /* its own point */
  assert_true(mlt_tf_restarts_gone(&r, 19, 0, 6));
  assert_false(mlt_tf_restarts_gone(&r, 20, 0, 6));
  mlt_free(r.v.v);
}

/* Those that a later one says as well take no room; of others there is a limit. */
static void restarts_without_end_are_held_as_far_as_they_matter(void **state) {
  (void)state;
  struct mlt_tf_restarts r = {.full = false};
  for (uint64_t event = 1; event <= 2 * MLT_TF_RESTARTS + 7; event++)
    assert_int_equal(mlt_tf_restarts_add(&r, event, event % 2 ? 0 : MLT_TF_ALL_TAGS, 5), MLT_OK);
  assert_true(r.v.n < MLT_TF_RESTARTS);
  mlt_tf_restarts_seal(&r);
  assert_true(mlt_tf_restarts_gone(&r, 2 * MLT_TF_RESTARTS, 9, 5));
  assert_true(mlt_tf_restarts_gone(&r, 0, 9, 5));
  assert_false(mlt_tf_restarts_gone(&r, 0, 0, 4));
  mlt_tf_restarts_clear(&r);
  for (uint64_t event = 0; event < MLT_TF_RESTARTS; event++)
    assert_int_equal(mlt_tf_restarts_add(&r, event, 0, (int64_t)event), MLT_OK);
  assert_int_equal(mlt_tf_restarts_add(&r, MLT_TF_RESTARTS, 0, MLT_TF_RESTARTS), MLT_TOOBIG);
  mlt_free(r.v.v);
}

static int begin(void **state) {
  (void)state;
  mlt_buf_init(&said, 1 << 20);
  mlt_buf_init(&file, 64 << 20);
  mlt_tfrecord_init(&reader);
  return 0;
}

static int end(void **state) {
  (void)state;
  mlt_buf_free(&said);
  mlt_buf_free(&file);
  mlt_tfrecord_free(&reader);
  return 0;
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      TEST(records_come_with_their_offsets),
      TEST(a_record_cut_short_is_the_end),
      TEST(damage_is_told_with_its_offset),
      TEST(a_record_too_long_is_passed_over),
      TEST(later_restarts_make_points_void),
      TEST(restarts_without_end_are_held_as_far_as_they_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
