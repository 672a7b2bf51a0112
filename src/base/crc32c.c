/* Eight tables, eight bytes a step ("slicing by 8"). */
#include "base/crc32c.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

enum { SLICES = 8 };

static uint32_t table[SLICES][256];

static void fill(void) {
  const uint32_t polynomial = 0x82f63b78U; /* reflected */
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; bit++)
      c = c >> 1 ^ (c & 1 ? polynomial : 0);
    table[0][i] = c;
  }
  for (int k = 1; k < SLICES; k++)
    for (int i = 0; i < 256; i++)
      table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t mlt_crc32c(uint32_t crc, const void *p, size_t n) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const unsigned char *at = p;
  uint64_t c = crc ^ 0xffffffffU;
  (void)pthread_once(&once, fill);
  for (; n >= SLICES; n -= SLICES, at += SLICES) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word) ^ c;
    c = 0;
    for (int k = 0; k < SLICES; k++)
      c ^= table[SLICES - 1 - k][word >> 8 * k & 0xff];
  }
  for (; n; n--, at++)
    c = c >> 8 ^ table[0][(c ^ *at) & 0xff];
  return (uint32_t)c ^ 0xffffffffU;
}
