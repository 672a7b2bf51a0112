/* CRC-32C (Castagnoli; RFC 3720, appendix B.4), and the masked form that LevelDB's log and
   TensorFlow's record files store, so that a checksum of data that holds checksums stays useful.
   Thread-safe. */
#ifndef MLT_BASE_CRC32C_H
#define MLT_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of the n bytes at p, following what `crc` stands for: 0 to begin with. */
uint32_t mlt_crc32c(uint32_t crc, const void *p, size_t n);

static inline uint32_t mlt_crc32c_mask(uint32_t crc) {
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

#endif
