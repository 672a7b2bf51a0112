/* SHA-256 (FIPS 180-4), by OpenSSL: the only header of ours that stands for it. Thread-safe. */
#ifndef MLT_BASE_HASH_H
#define MLT_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include "base/str.h"

enum { MLT_SHA256_BYTES = 32 };

/* Of the parts one after another, with nothing between them. False when out of memory. */
bool mlt_sha256(unsigned char out[MLT_SHA256_BYTES], const struct mlt_str *parts, size_t n);

#endif
