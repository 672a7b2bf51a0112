#include "base/deflate.h"

#include <limits.h>
#include <stdbool.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

enum { OUT = 128 << 10, GZIP_HEADER = 16 };

struct mlt_deflate {
  mlt_deflate_out out;
  void *ctx;
  bool begun; /* z is zlib's */
  z_stream z;
  ZSTD_CCtx *zstd; /* NULL: gzip */
  char buf[OUT];
};

static bool begin(struct mlt_deflate *d, enum mlt_deflate_kind kind) {
  if (kind == MLT_DEFLATE_GZIP) {
    d->begun = deflateInit2(&d->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_HEADER,
                            MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    return d->begun;
  }
  d->zstd = ZSTD_createCCtx();
  return d->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(d->zstd, ZSTD_c_checksumFlag, 1));
}

struct mlt_deflate *mlt_deflate_new(enum mlt_deflate_kind kind, mlt_deflate_out out, void *ctx) {
  struct mlt_deflate *d = mlt_calloc(1, sizeof *d);
  if (!d)
    return NULL;
  d->out = out;
  d->ctx = ctx;
  if (begin(d, kind))
    return d;
  mlt_deflate_free(d);
  return NULL;
}

void mlt_deflate_free(struct mlt_deflate *d) {
  if (!d)
    return;
  if (d->begun)
    (void)deflateEnd(&d->z);
  (void)ZSTD_freeCCtx(d->zstd);
  mlt_free(d);
}

static enum mlt_rc add_gzip(struct mlt_deflate *d, const char *p, size_t n, bool last,
                            struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  do {
    size_t now = n > INT_MAX ? INT_MAX : n;
    bool end = last && now == n;
    d->z.next_in = (z_const Bytef *)p;
    d->z.avail_in = (uInt)now;
    do {
      d->z.next_out = (Bytef *)d->buf;
      d->z.avail_out = sizeof d->buf;
      (void)deflate(&d->z, end ? Z_FINISH : Z_NO_FLUSH);
      rc = d->out(d->ctx, d->buf, sizeof d->buf - d->z.avail_out, err);
    } while (rc == MLT_OK && d->z.avail_out == 0);
    p += now;
    n -= now;
  } while (rc == MLT_OK && n > 0);
  return rc;
}

static enum mlt_rc add_zstd(struct mlt_deflate *d, const char *p, size_t n, bool last,
                            struct mlt_err *err) {
  ZSTD_inBuffer in = {p, n, 0};
  for (;;) {
    ZSTD_outBuffer out = {d->buf, sizeof d->buf, 0};
    size_t left = ZSTD_compressStream2(d->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left))
      return mlt_err_set(err, MLT_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
    enum mlt_rc rc = d->out(d->ctx, d->buf, out.pos, err);
    if (rc != MLT_OK || (last ? left == 0 : in.pos == in.size))
      return rc;
  }
}

static enum mlt_rc add(struct mlt_deflate *d, const char *p, size_t n, bool last,
                       struct mlt_err *err) {
  return d->zstd ? add_zstd(d, p, n, last, err) : add_gzip(d, p, n, last, err);
}

enum mlt_rc mlt_deflate_add(struct mlt_deflate *d, const char *p, size_t n, struct mlt_err *err) {
  return n ? add(d, p, n, false, err) : MLT_OK;
}

enum mlt_rc mlt_deflate_end(struct mlt_deflate *d, struct mlt_err *err) {
  return add(d, "", 0, true, err);
}
