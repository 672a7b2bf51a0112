/* Growing byte buffer with a limit given at the start: nothing grows from outside input without
 * one. */
#ifndef MLT_BASE_BUF_H
#define MLT_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

struct mlt_buf {
  char *p;
  size_t len, cap, max;
};

void mlt_buf_init(struct mlt_buf *b, size_t max);
void mlt_buf_free(struct mlt_buf *b);
static inline void mlt_buf_clear(struct mlt_buf *b) {
  b->len = 0;
}
/* MLT_TOOBIG past the limit, MLT_NOMEM; the buffer is unchanged then. */
enum mlt_rc mlt_buf_reserve(struct mlt_buf *b, size_t more) MLT_NODISCARD;
enum mlt_rc mlt_buf_add(struct mlt_buf *b, const void *p, size_t n) MLT_NODISCARD;
enum mlt_rc mlt_buf_adds(struct mlt_buf *b, const char *s) MLT_NODISCARD;
enum mlt_rc mlt_buf_printf(struct mlt_buf *b, const char *fmt, ...) MLT_NODISCARD MLT_PRINTF(2, 3);
/* The contents with a NUL behind them (not counted in len); NULL when out of memory. */
const char *mlt_buf_cstr(struct mlt_buf *b);
static inline struct mlt_str mlt_buf_str(const struct mlt_buf *b) {
  return (struct mlt_str){b->p ? b->p : "", b->len};
}

#endif
