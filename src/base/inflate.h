/* Bytes of a stream, freed of compression: gzip (RFC 1952, members one after another) and zstd (RFC
   8878, frames likewise). Memory is bounded by the format's window, and what a stream may unpack to
   by MLT_INFLATE_RATIO. No I/O. */
#ifndef MLT_BASE_INFLATE_H
#define MLT_BASE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

enum mlt_coding { MLT_CODING_NONE, MLT_CODING_GZIP, MLT_CODING_ZSTD };

enum {
  MLT_CODING_HEAD = 4,         /* bytes that tell a coding */
  MLT_INFLATE_RATIO = 1000,    /* a stream that grows more than this, */
  MLT_INFLATE_FREE = 64 << 20, /* beyond so many bytes, is refused */
  MLT_INFLATE_WINDOW = 23      /* zstd: 2^23 bytes, what RFC 8878 wants every reader to take */
};

/* By the first MLT_CODING_HEAD bytes; fewer are of no coding. */
enum mlt_coding mlt_coding_of(struct mlt_str head);

struct mlt_inflate;

/* coding is not MLT_CODING_NONE. NULL when out of memory. */
struct mlt_inflate *mlt_inflate_new(enum mlt_coding coding);
void mlt_inflate_free(struct mlt_inflate *z); /* NULL is fine */
/* Takes bytes off the front of *in, which nothing follows if `last`, and puts *n of them, cap at
   most, into out. MLT_OK: *n > 0. MLT_AGAIN: *in is empty, feed more. MLT_END. MLT_DATA: the stream
   is damaged, cut off, or refused; err says where and how to mend it, and there is no going on.
   MLT_NOMEM. */
enum mlt_rc mlt_inflate(struct mlt_inflate *z, struct mlt_str *in, bool last, char *out, size_t cap,
                        size_t *n, struct mlt_err *err) MLT_NODISCARD;

#endif
