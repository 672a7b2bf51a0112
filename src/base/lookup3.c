#include "base/lookup3.h"

#include <endian.h>
#include <string.h>

struct state {
  uint32_t a, b, c;
};

static uint32_t rotated(uint32_t x, unsigned k) {
  return x << k | x >> (32 - k);
}

static void mix(struct state *s) {
  uint32_t a = s->a, b = s->b, c = s->c;
  a = (a - c) ^ rotated(c, 4);
  c += b;
  b = (b - a) ^ rotated(a, 6);
  a += c;
  c = (c - b) ^ rotated(b, 8);
  b += a;
  a = (a - c) ^ rotated(c, 16);
  c += b;
  b = (b - a) ^ rotated(a, 19);
  a += c;
  c = (c - b) ^ rotated(b, 4);
  b += a;
  *s = (struct state){a, b, c};
}

static uint64_t finish(const struct state *s) {
  uint32_t a = s->a, b = s->b, c = s->c;
  c = (c ^ b) - rotated(b, 14);
  a = (a ^ c) - rotated(c, 11);
  b = (b ^ a) - rotated(a, 25);
  c = (c ^ b) - rotated(b, 16);
  a = (a ^ c) - rotated(c, 4);
  b = (b ^ a) - rotated(a, 14);
  c = (c ^ b) - rotated(b, 24);
  return (uint64_t)b << 32 | c;
}

static struct state begin(size_t n, uint64_t seed) {
  uint32_t x = 0x9e3779b9U + (uint32_t)n + 3923095U;
  struct state s = {x, x, x};
  if (seed != 0) {
    s.a += (uint32_t)(seed >> 32);
    s.b += (uint32_t)seed;
    mix(&s);
  }
  return s;
}

static uint32_t word(const unsigned char *p) {
  uint32_t w;
  memcpy(&w, p, sizeof w);
  return le32toh(w);
}

/* The last 0 to 11 bytes; the lowest byte of c is the length's. */
static void add_rest(struct state *s, const unsigned char *p, size_t n) {
  unsigned char rest[12] = {0};
  if (n)
    memcpy(rest, p, n);
  s->a += word(rest);
  s->b += word(rest + 4);
  s->c += word(rest + 8) << 8;
}

uint64_t mlt_lookup3(const void *p, size_t n, uint64_t seed) {
  const unsigned char *k = p;
  struct state s = begin(n, seed);
  for (; n >= 12; n -= 12, k += 12) {
    s.a += word(k);
    s.b += word(k + 4);
    s.c += word(k + 8);
    mix(&s);
  }
  add_rest(&s, k, n);
  return finish(&s);
}

uint64_t mlt_lookup3_u32(uint32_t k, uint64_t seed) {
  struct state s = begin(sizeof k, seed);
  s.a += k;
  return finish(&s);
}

uint64_t mlt_lookup3_double(double d, uint64_t seed) {
  return d == 0 ? seed : mlt_lookup3(&d, sizeof d, seed);
}
