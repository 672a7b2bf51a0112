#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void mlt_buf_init(struct mlt_buf *b, size_t max) {
  *b = (struct mlt_buf){.max = max};
}

void mlt_buf_free(struct mlt_buf *b) {
  mlt_free(b->p);
  b->p = NULL;
  b->len = b->cap = 0;
}

enum mlt_rc mlt_buf_reserve(struct mlt_buf *b, size_t more) {
  if (more > b->max || b->len > b->max - more)
    return MLT_TOOBIG;
  size_t need = b->len + more + 1; /* one for the NUL of mlt_buf_cstr */
  if (need <= b->cap)
    return MLT_OK;
  size_t cap = b->cap ? b->cap * 2 : 256;
  while (cap < need)
    cap *= 2;
  char *p = mlt_realloc(b->p, cap);
  if (!p)
    return MLT_NOMEM;
  b->p = p;
  b->cap = cap;
  return MLT_OK;
}

enum mlt_rc mlt_buf_add(struct mlt_buf *b, const void *p, size_t n) {
  enum mlt_rc rc = mlt_buf_reserve(b, n);
  if (rc != MLT_OK)
    return rc;
  if (n)
    memcpy(b->p + b->len, p, n);
  b->len += n;
  return MLT_OK;
}

enum mlt_rc mlt_buf_adds(struct mlt_buf *b, const char *s) {
  return mlt_buf_add(b, s, strlen(s));
}

enum mlt_rc mlt_buf_printf(struct mlt_buf *b, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  va_list again;
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  enum mlt_rc rc = n < 0 ? MLT_INTERNAL : mlt_buf_reserve(b, (size_t)n);
  if (rc == MLT_OK) {
    (void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
    b->len += (size_t)n;
  }
  va_end(again);
  return rc;
}

const char *mlt_buf_cstr(struct mlt_buf *b) {
  if (mlt_buf_reserve(b, 0) != MLT_OK)
    return NULL;
  b->p[b->len] = '\0';
  return b->p;
}
