#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

static int fill(void *p, size_t n) {
  ssize_t got;
  do
    got = getrandom(p, n, 0);
  while (got < 0 && errno == EINTR);
  return got == (ssize_t)n ? 0 : -1; /* requests up to 256 bytes are never cut short */
}

enum mlt_rc mlt_random_uuid(char out[33], struct mlt_err *err) {
  unsigned char b[16];
  if (fill(b, sizeof b) != 0)
    return mlt_err_errno(err, errno, "cannot read random bytes");
  b[6] = (unsigned char)((b[6] & 0x0F) | 0x40); /* RFC 9562, version 4 */
  b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
  for (int i = 0; i < 16; i++) {
    out[2 * i] = "0123456789abcdef"[b[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[b[i] & 15];
  }
  out[32] = '\0';
  return MLT_OK;
}

uint32_t mlt_random_below(uint32_t bound) {
  uint32_t v = 0;
  (void)fill(&v, sizeof v);
  return v % bound;
}
