/* A hash of 64 bits for sums that must not depend on an order: fast, not for secrets. */
#ifndef MLT_BASE_MIX_H
#define MLT_BASE_MIX_H

#include <stdbool.h>
#include <stdint.h>

/* The finalizer of SplitMix64. */
static inline uint64_t mlt_mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/* Is what has this hash among a share (0 to 1) of everything? */
static inline bool mlt_mix_in_share(uint64_t h, double share) {
  return (double)(h >> 11) < share * 9007199254740992.0; /* 2^53 */
}

#endif
