/* base/inflate.c against zlib's and zstd's own compressors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/inflate.h"

enum { LIMIT = 1 << 28 };

static void add_gzip(struct mlt_buf *b, const char *p, size_t n) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  size_t room = deflateBound(&z, n);
  assert_int_equal(mlt_buf_reserve(b, room), MLT_OK);
  z.next_in = (Bytef *)(uintptr_t)p;
  z.avail_in = (uInt)n;
  z.next_out = (Bytef *)b->p + b->len;
  z.avail_out = (uInt)room;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  b->len += z.total_out;
  (void)deflateEnd(&z);
}

static void add_zstd(struct mlt_buf *b, const char *p, size_t n, int window) {
  ZSTD_CCtx *z = ZSTD_createCCtx();
  size_t room = ZSTD_compressBound(n);
  assert_int_equal(mlt_buf_reserve(b, room), MLT_OK);
  assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window)));
  assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0)));
  assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)));
  ZSTD_inBuffer from = {p, n, 0};
  ZSTD_outBuffer to = {b->p + b->len, room, 0};
  assert_int_equal(ZSTD_compressStream2(z, &to, &from, ZSTD_e_end), 0);
  b->len += to.pos;
  (void)ZSTD_freeCCtx(z);
}

/* Unpacks in pieces of so many bytes, in and out; returns how it ends. */
static enum mlt_rc unpack(struct mlt_str packed, size_t piece, struct mlt_buf *out,
                          struct mlt_err *err) {
  struct mlt_inflate *z = mlt_inflate_new(mlt_coding_of(packed));
  size_t at = 0, n;
  struct mlt_str in = {packed.p, 0};
  enum mlt_rc rc;
  assert_non_null(z);
  for (;;) {
    assert_int_equal(mlt_buf_reserve(out, piece), MLT_OK);
    rc = mlt_inflate(z, &in, at == packed.len, out->p + out->len, piece, &n, err);
    out->len += n;
    if (rc == MLT_AGAIN) {
      size_t more = packed.len - at < piece ? packed.len - at : piece;
      assert_true(more > 0);
      in = (struct mlt_str){packed.p + at, more};
      at += more;
    } else if (rc != MLT_OK) {
      break;
    }
  }
  mlt_inflate_free(z);
  return rc;
}

static const char text[] = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";

static void both(struct mlt_buf *packed, bool zstd, const char *p, size_t n) {
  if (zstd)
    add_zstd(packed, p, n, 20);
  else
    add_gzip(packed, p, n);
}

static void members_and_frames_follow_each_other(void **state) {
  (void)state;
  for (int zstd = 0; zstd < 2; zstd++)
    for (size_t piece = 1; piece < 100; piece++) {
      struct mlt_err err = MLT_ERR_INIT;
      struct mlt_buf packed, out;
      mlt_buf_init(&packed, LIMIT);
      mlt_buf_init(&out, LIMIT);
      both(&packed, zstd, text, 10);
      both(&packed, zstd, "", 0);
      both(&packed, zstd, text + 10, sizeof text - 11);
      assert_int_equal(unpack(mlt_buf_str(&packed), piece, &out, &err), MLT_END);
      assert_true(mlt_str_is(mlt_buf_str(&out), text));
      mlt_buf_free(&packed);
      mlt_buf_free(&out);
    }
}

static void what_is_cut_off_or_damaged_is_said(void **state) {
  (void)state;
  for (int zstd = 0; zstd < 2; zstd++) {
    struct mlt_buf packed, out;
    mlt_buf_init(&packed, LIMIT);
    mlt_buf_init(&out, LIMIT);
    both(&packed, zstd, text, sizeof text - 1);
    for (size_t n = MLT_CODING_HEAD; n < packed.len; n++) {
      struct mlt_err err = MLT_ERR_INIT;
      mlt_buf_clear(&out);
      assert_int_equal(unpack((struct mlt_str){packed.p, n}, 7, &out, &err), MLT_DATA);
      assert_non_null(strstr(err.msg, "cut off"));
    }
    struct mlt_err err = MLT_ERR_INIT;
    packed.p[packed.len - 2] ^= 1; /* of the checksum */
    assert_int_equal(unpack(mlt_buf_str(&packed), 7, &out, &err), MLT_DATA);
    assert_non_null(strstr(err.msg, "is damaged near byte"));
    mlt_buf_free(&packed);
    mlt_buf_free(&out);
  }
}

static void noise_behind_a_member_is_damage(void **state) {
  (void)state;
  for (int zstd = 0; zstd < 2; zstd++) {
    struct mlt_err err = MLT_ERR_INIT;
    struct mlt_buf packed, out;
    mlt_buf_init(&packed, LIMIT);
    mlt_buf_init(&out, LIMIT);
    both(&packed, zstd, text, sizeof text - 1);
    assert_int_equal(mlt_buf_adds(&packed, "no member, no frame"), MLT_OK);
    assert_int_equal(unpack(mlt_buf_str(&packed), 4096, &out, &err), MLT_DATA);
    assert_true(mlt_str_is(mlt_buf_str(&out), text));
    mlt_buf_free(&packed);
    mlt_buf_free(&out);
  }
}

/* 80 MiB of blanks are 80 KiB of gzip, and a few KiB of zstd. */
static void bombs_are_refused(void **state) {
  (void)state;
  enum { SIZE = 80 << 20, PIECE = 1 << 20 };
  char *blanks = malloc(SIZE), *room = malloc(PIECE);
  assert_true(blanks && room);
  memset(blanks, ' ', SIZE);
  struct mlt_buf packed;
  mlt_buf_init(&packed, LIMIT);
  add_zstd(&packed, blanks, SIZE, 20);
  struct mlt_inflate *z = mlt_inflate_new(MLT_CODING_ZSTD);
  struct mlt_str in = mlt_buf_str(&packed);
  struct mlt_err err = MLT_ERR_INIT;
  uint64_t total = 0;
  enum mlt_rc rc;
  size_t n;
  while ((rc = mlt_inflate(z, &in, true, room, PIECE, &n, &err)) == MLT_OK)
    total += n;
  assert_int_equal(rc, MLT_DATA);
  assert_in_range(total, MLT_INFLATE_FREE - PIECE, MLT_INFLATE_FREE);
  assert_non_null(strstr(err.msg, "more than 1000 times"));
  assert_non_null(strstr(err.hint, "zstd -dc"));
  mlt_inflate_free(z);
  mlt_buf_free(&packed);
  free(blanks);
  free(room);
}

static void large_windows_are_refused(void **state) {
  (void)state;
  for (int window = MLT_INFLATE_WINDOW; window <= MLT_INFLATE_WINDOW + 1; window++) {
    struct mlt_err err = MLT_ERR_INIT;
    struct mlt_buf packed, out;
    mlt_buf_init(&packed, LIMIT);
    mlt_buf_init(&out, LIMIT);
    char *p = calloc(1, 20 << 20);
    assert_non_null(p);
    for (size_t i = 0; i < 20 << 20; i += 64)
      p[i] = (char)i;
    add_zstd(&packed, p, 20 << 20, window);
    bool fits = window == MLT_INFLATE_WINDOW;
    assert_int_equal(unpack(mlt_buf_str(&packed), 1 << 20, &out, &err), fits ? MLT_END : MLT_DATA);
    assert_true(fits || strstr(err.hint, "--long"));
    free(p);
    mlt_buf_free(&packed);
    mlt_buf_free(&out);
  }
}

/* A frame of one segment, with the id of a dictionary and a last block of one raw byte. */
static void a_dictionary_is_asked_for(void **state) {
  (void)state;
  static const char frame[] = "\x28\xb5\x2f\xfd\x21\x2a\x01\x09\0\0{";
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_buf out;
  mlt_buf_init(&out, LIMIT);
  assert_int_equal(unpack((struct mlt_str){frame, sizeof frame - 1}, 64, &out, &err), MLT_DATA);
  assert_non_null(strstr(err.msg, "Dictionary"));
  mlt_buf_free(&out);
}

static void codings_are_told_by_their_first_bytes(void **state) {
  (void)state;
  assert_int_equal(mlt_coding_of(MLT_STR_LIT("\x1f\x8b\x08\x00")), MLT_CODING_GZIP);
  assert_int_equal(mlt_coding_of(MLT_STR_LIT("\x28\xb5\x2f\xfd")), MLT_CODING_ZSTD);
  assert_int_equal(mlt_coding_of(MLT_STR_LIT("\x5a\x2a\x4d\x18")), MLT_CODING_ZSTD);
  assert_int_equal(mlt_coding_of(MLT_STR_LIT("{\"a\"")), MLT_CODING_NONE);
  assert_int_equal(mlt_coding_of(MLT_STR_LIT("\x1f\x8b\x08")), MLT_CODING_NONE);
  mlt_inflate_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_and_frames_follow_each_other),
      cmocka_unit_test(what_is_cut_off_or_damaged_is_said),
      cmocka_unit_test(noise_behind_a_member_is_damage),
      cmocka_unit_test(bombs_are_refused),
      cmocka_unit_test(large_windows_are_refused),
      cmocka_unit_test(a_dictionary_is_asked_for),
      cmocka_unit_test(codings_are_told_by_their_first_bytes),
  };
  return cmocka_run_group_tests_name("base/inflate", tests, NULL, NULL);
}
