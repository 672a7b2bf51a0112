/* FNV-1a: what a fuzz target has read, as a number to compare with that of another reading. */
#ifndef MLT_FUZZ_MIX_H
#define MLT_FUZZ_MIX_H

#include <stddef.h>
#include <stdint.h>

#define MIX_NOTHING UINT64_C(14695981039346656037)

static inline uint64_t mix(uint64_t h, const void *p, size_t n) {
  const unsigned char *b = p;
  for (size_t i = 0; i < n; i++)
    h = (h ^ b[i]) * UINT64_C(1099511628211);
  return h;
}

#endif
