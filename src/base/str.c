#include "base/str.h"

#include <string.h>

struct mlt_str mlt_str_c(const char *s) {
  return s ? (struct mlt_str){s, strlen(s)} : MLT_STR_NULL;
}

bool mlt_str_eq(struct mlt_str a, struct mlt_str b) {
  if (!a.p || !b.p)
    return !a.p && !b.p;
  return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool mlt_str_is(struct mlt_str a, const char *s) {
  return mlt_str_eq(a, mlt_str_c(s));
}

int mlt_str_cmp(struct mlt_str a, struct mlt_str b) {
  if (!a.p || !b.p)
    return (a.p != NULL) - (b.p != NULL);
  size_t n = a.len < b.len ? a.len : b.len;
  int c = n ? memcmp(a.p, b.p, n) : 0;
  return c ? c : (a.len > b.len) - (a.len < b.len);
}

bool mlt_str_starts(struct mlt_str a, const char *prefix) {
  size_t n = strlen(prefix);
  return a.p && a.len >= n && memcmp(a.p, prefix, n) == 0;
}

bool mlt_str_ends(struct mlt_str a, const char *suffix) {
  size_t n = strlen(suffix);
  return a.p && a.len > n && memcmp(a.p + a.len - n, suffix, n) == 0;
}

/* Length of the sequence that starts with this byte, 0 if none may. */
static size_t sequence_length(unsigned char c) {
  if (c < 0x80)
    return 1;
  if (c >= 0xC2 && c <= 0xDF)
    return 2;
  if (c >= 0xE0 && c <= 0xEF)
    return 3;
  if (c >= 0xF0 && c <= 0xF4)
    return 4;
  return 0;
}

/* The second byte's range depends on the first (RFC 3629, section 4). */
static bool second_byte_ok(unsigned char first, unsigned char second) {
  switch (first) {
  case 0xE0:
    return second >= 0xA0 && second <= 0xBF;
  case 0xED:
    return second >= 0x80 && second <= 0x9F;
  case 0xF0:
    return second >= 0x90 && second <= 0xBF;
  case 0xF4:
    return second >= 0x80 && second <= 0x8F;
  default:
    return second >= 0x80 && second <= 0xBF;
  }
}

/* Eight bytes of ASCII, which most text is. */
static bool is_ascii8(const unsigned char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return !(word & UINT64_C(0x8080808080808080));
}

ptrdiff_t mlt_utf8_invalid(struct mlt_str s) {
  const unsigned char *p = (const unsigned char *)s.p;
  size_t i = 0;
  while (i < s.len) {
    if (s.len - i >= 8 && is_ascii8(p + i)) {
      i += 8;
      continue;
    }
    size_t n = sequence_length(p[i]);
    if (n == 0 || n > s.len - i || (n > 1 && !second_byte_ok(p[i], p[i + 1])))
      return (ptrdiff_t)i;
    for (size_t k = 2; k < n; k++)
      if ((p[i + k] & 0xC0) != 0x80)
        return (ptrdiff_t)i;
    i += n;
  }
  return -1;
}

size_t mlt_utf8_length(struct mlt_str s) {
  size_t n = 0;
  for (size_t i = 0; i < s.len; i++)
    n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
  return n;
}

size_t mlt_utf8_prefix(struct mlt_str s, size_t n) {
  for (size_t i = 0; i < s.len; i++)
    if (((unsigned char)s.p[i] & 0xC0) != 0x80 && n-- == 0)
      return i;
  return s.len;
}

size_t mlt_utf8_next(struct mlt_str s, uint32_t *cp) {
  const unsigned char *p = (const unsigned char *)s.p;
  size_t n = sequence_length(p[0]);
  static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t v = p[0] & mask[n];
  for (size_t k = 1; k < n; k++)
    v = (v << 6) | (p[k] & 0x3F);
  *cp = v;
  return n;
}
