/* PostgreSQL's binary format: integers in network order, doubles as their IEEE bits. For the COPY
   encoder, array parameters and the decoder of results; pure, no bounds checks: the callers have
   them. */
#ifndef MLT_PG_WIRE_H
#define MLT_PG_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline char *mlt_put16(char *p, uint16_t v) {
  v = htobe16(v);
  memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

static inline char *mlt_put32(char *p, uint32_t v) {
  v = htobe32(v);
  memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

static inline char *mlt_put64(char *p, uint64_t v) {
  v = htobe64(v);
  memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

static inline uint16_t mlt_get16(const char *p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return be16toh(v);
}

static inline uint32_t mlt_get32(const char *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return be32toh(v);
}

static inline uint64_t mlt_get64(const char *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return be64toh(v);
}

static inline uint64_t mlt_double_bits(double d) {
  uint64_t v;
  memcpy(&v, &d, sizeof v);
  return v;
}

static inline double mlt_bits_double(uint64_t v) {
  double d;
  memcpy(&d, &v, sizeof d);
  return d;
}

#endif
