/* A hash of 64 bits for sums that must not depend on an order: fast, not for secrets. */
#ifndef MLT_BASE_MIX_H
#define MLT_BASE_MIX_H

#include <stdint.h>

/* The finalizer of SplitMix64. */
static inline uint64_t mlt_mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

#endif
