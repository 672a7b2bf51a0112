/* SHA-256 (FIPS 180-4), by OpenSSL: the only header of ours that stands for it. Thread-safe, but
   for one hasher. */
#ifndef MLT_BASE_HASH_H
#define MLT_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include "base/str.h"

enum { MLT_SHA256_BYTES = 32, MLT_SHA256_HEX = 2 * MLT_SHA256_BYTES };

/* Of the parts one after another, with nothing between them. False when out of memory. */
bool mlt_sha256(unsigned char out[MLT_SHA256_BYTES], const struct mlt_str *parts, size_t n);

/* The same in pieces, one hash after another: start, add..., finish. False when out of memory; then
   it may be started again. */
struct mlt_hasher;
struct mlt_hasher *mlt_hasher_new(void);    /* NULL when out of memory */
void mlt_hasher_free(struct mlt_hasher *h); /* NULL is fine */
bool mlt_hasher_start(struct mlt_hasher *h);
bool mlt_hasher_add(struct mlt_hasher *h, const void *p, size_t n);
bool mlt_hasher_finish(struct mlt_hasher *h, unsigned char out[MLT_SHA256_BYTES]);

#endif
