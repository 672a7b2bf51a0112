/* See inflate.h. */
#include "base/inflate.h"

#include <string.h>

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"

struct mlt_inflate {
  enum mlt_coding coding;
  z_stream gzip;
  ZSTD_DCtx *zstd;
  bool within; /* a member or frame that has not ended */
  uint64_t in, out;
};

enum mlt_coding mlt_coding_of(struct mlt_str head) {
  static const unsigned char skippable[] = {0x2A, 0x4D, 0x18}; /* behind 0x50 to 0x5F */
  if (head.len < MLT_CODING_HEAD)
    return MLT_CODING_NONE;
  if (memcmp(head.p, "\x1f\x8b\x08", 3) == 0)
    return MLT_CODING_GZIP;
  bool skips = ((unsigned char)head.p[0] & 0xF0) == 0x50 && memcmp(head.p + 1, skippable, 3) == 0;
  return skips || memcmp(head.p, "\x28\xb5\x2f\xfd", 4) == 0 ? MLT_CODING_ZSTD : MLT_CODING_NONE;
}

static voidpf zlib_alloc(voidpf ctx, uInt n, uInt size) {
  (void)ctx;
  return mlt_calloc(n, size);
}

static void zlib_free(voidpf ctx, voidpf p) {
  (void)ctx;
  mlt_free(p);
}

static bool start(struct mlt_inflate *z) {
  enum { GZIP_ONLY = 16 };
  z->gzip.zalloc = zlib_alloc;
  z->gzip.zfree = zlib_free;
  if (z->coding == MLT_CODING_GZIP)
    return inflateInit2(&z->gzip, MAX_WBITS + GZIP_ONLY) == Z_OK;
  z->zstd = ZSTD_createDCtx();
  return z->zstd &&
         !ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, MLT_INFLATE_WINDOW));
}

struct mlt_inflate *mlt_inflate_new(enum mlt_coding coding) {
  struct mlt_inflate *z = mlt_calloc(1, sizeof *z);
  if (!z)
    return NULL;
  z->coding = coding;
  if (start(z))
    return z;
  mlt_inflate_free(z);
  return NULL;
}

void mlt_inflate_free(struct mlt_inflate *z) {
  if (!z)
    return;
  if (z->coding == MLT_CODING_GZIP)
    (void)inflateEnd(&z->gzip);
  (void)ZSTD_freeDCtx(z->zstd);
  mlt_free(z);
}

static const char *name(const struct mlt_inflate *z) {
  return z->coding == MLT_CODING_GZIP ? "gzip" : "zstd";
}

static enum mlt_rc damaged(const struct mlt_inflate *z, const char *why, struct mlt_err *err) {
  return mlt_err_set(err, MLT_DATA, "the %s stream is damaged near byte %llu: %s", name(z),
                     (unsigned long long)z->in, why);
}

/* One step of either library: takes what it wants of *in, gives *n bytes. */
static enum mlt_rc gzip_step(struct mlt_inflate *z, struct mlt_str *in, char *out, size_t cap,
                             size_t *n, struct mlt_err *err) {
  enum { PIECE = 1 << 30 };
  if (!z->within && inflateReset(&z->gzip) != Z_OK)
    return damaged(z, "it cannot be read", err);
  z->gzip.next_in = (Bytef *)(uintptr_t)in->p;
  z->gzip.avail_in = in->len > PIECE ? PIECE : (uInt)in->len;
  z->gzip.next_out = (Bytef *)out;
  z->gzip.avail_out = cap > PIECE ? PIECE : (uInt)cap;
  int done = inflate(&z->gzip, Z_NO_FLUSH);
  size_t taken = (size_t)(z->gzip.next_in - (const Bytef *)in->p);
  *n = (size_t)(z->gzip.next_out - (Bytef *)out);
  in->p += taken;
  in->len -= taken;
  z->in += taken;
  z->within = done != Z_STREAM_END;
  if (done == Z_MEM_ERROR)
    return mlt_err_nomem(err);
  if (done == Z_OK || done == Z_STREAM_END || done == Z_BUF_ERROR)
    return MLT_OK;
  return damaged(z, z->gzip.msg ? z->gzip.msg : "it cannot be read", err);
}

static enum mlt_rc zstd_failed(const struct mlt_inflate *z, size_t done, struct mlt_err *err) {
  switch (ZSTD_getErrorCode(done)) {
  case ZSTD_error_memory_allocation:
    return mlt_err_nomem(err);
  case ZSTD_error_frameParameter_windowTooLarge:
    (void)mlt_err_set(
        err, MLT_DATA,
        "the zstd stream was made with a window of more than %d MiB (--long, --ultra)",
        (1 << MLT_INFLATE_WINDOW) >> 20);
    mlt_err_hint(err, "unpack it first: zstd -dc --long=31 FILE | mltrack-bulk import -");
    return MLT_DATA;
  default:
    return damaged(z, ZSTD_getErrorName(done), err);
  }
}

static enum mlt_rc zstd_step(struct mlt_inflate *z, struct mlt_str *in, char *out, size_t cap,
                             size_t *n, struct mlt_err *err) {
  ZSTD_inBuffer from = {in->p, in->len, 0};
  ZSTD_outBuffer to = {out, cap, 0};
  size_t done = ZSTD_decompressStream(z->zstd, &to, &from);
  *n = to.pos;
  in->p += from.pos;
  in->len -= from.pos;
  z->in += from.pos;
  z->within = done != 0;
  return ZSTD_isError(done) ? zstd_failed(z, done, err) : MLT_OK;
}

static enum mlt_rc check_ratio(const struct mlt_inflate *z, struct mlt_err *err) {
  if (z->out <= MLT_INFLATE_FREE || z->out / MLT_INFLATE_RATIO <= z->in)
    return MLT_OK;
  (void)mlt_err_set(err, MLT_DATA, "the %s stream unpacks to more than %d times its size", name(z),
                    MLT_INFLATE_RATIO);
  mlt_err_hint(err, "if it is meant to, unpack it first: %s -dc FILE | mltrack-bulk import -",
               name(z));
  return MLT_DATA;
}

enum mlt_rc mlt_inflate(struct mlt_inflate *z, struct mlt_str *in, bool last, char *out, size_t cap,
                        size_t *n, struct mlt_err *err) {
  *n = 0;
  while (*n == 0) {
    if (!in->len && !z->within)
      return last ? MLT_END : MLT_AGAIN;
    bool was_empty = in->len == 0;
    enum mlt_rc rc = z->coding == MLT_CODING_GZIP ? gzip_step(z, in, out, cap, n, err)
                                                  : zstd_step(z, in, out, cap, n, err);
    if (rc != MLT_OK)
      return rc;
    if (*n == 0 && was_empty && z->within)
      return last ? damaged(z, "it is cut off there", err) : MLT_AGAIN;
  }
  z->out += *n;
  return check_ratio(z, err);
}
