/* Bob Jenkins' lookup3 (public domain, 2006) with a seed of 64 bits, bit for bit as PostgreSQL has
   it in common/hashfn.c: hash_bytes_extended and hash_bytes_uint32_extended, the insides of
   hashtextextended, hashfloat8extended and hashint4extended. The rows of hash partitions on disk
   depend on them, so that they stay what they are (14 to 18 alike). A server whose bytes are in the
   other order computes others. Not for secrets. */
#ifndef MLT_BASE_LOOKUP3_H
#define MLT_BASE_LOOKUP3_H

#include <stddef.h>
#include <stdint.h>

uint64_t mlt_lookup3(const void *p, size_t n, uint64_t seed);
uint64_t mlt_lookup3_u32(uint32_t k, uint64_t seed);
/* Of its bytes; either zero gives the seed itself. */
uint64_t mlt_lookup3_double(double d, uint64_t seed);

#endif
