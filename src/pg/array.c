#include "pg/array.h"

#include "pg/wire.h"

enum { TEXT_OID = 25, HEADER = 5 * 4 };

static char *put_header(char *p, bool has_null, size_t n) {
  p = mlt_put32(p, n > 0); /* dimensions: an empty array has none */
  p = mlt_put32(p, has_null);
  p = mlt_put32(p, TEXT_OID);
  if (n == 0)
    return p;
  p = mlt_put32(p, (uint32_t)n);
  return mlt_put32(p, 1); /* lower bound */
}

enum mlt_rc mlt_pg_text_array(struct mlt_buf *out, const struct mlt_str *v, size_t n) {
  size_t bytes = HEADER;
  bool has_null = false;
  for (size_t i = 0; i < n; i++) {
    bytes += 4 + v[i].len;
    has_null |= !v[i].p;
  }
  enum mlt_rc rc = mlt_buf_reserve(out, bytes);
  if (rc != MLT_OK)
    return rc;
  char *p = put_header(out->p + out->len, has_null, n);
  for (size_t i = 0; i < n; i++) {
    p = mlt_put32(p, v[i].p ? (uint32_t)v[i].len : UINT32_MAX);
    if (v[i].p && v[i].len) {
      memcpy(p, v[i].p, v[i].len);
      p += v[i].len;
    }
  }
  out->len = (size_t)(p - out->p);
  return MLT_OK;
}
