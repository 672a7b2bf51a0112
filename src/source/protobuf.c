#include "source/protobuf.h"

#include <endian.h>
#include <string.h>

struct mlt_pb mlt_pb_of(struct mlt_str message) {
  const unsigned char *p = (const unsigned char *)(message.p ? message.p : "");
  return (struct mlt_pb){p, p + message.len};
}

static enum mlt_rc bad(const char **why, const char *reason) {
  if (why)
    *why = reason;
  return MLT_DATA;
}

enum mlt_rc mlt_pb_varint(struct mlt_pb *pb, uint64_t *out, const char **why) {
  uint64_t v = 0;
  const unsigned char *p = pb->p;
  if (p == pb->end)
    return MLT_END;
  for (unsigned shift = 0; p < pb->end; shift += 7) {
    unsigned char byte = *p++;
    if (shift == 63 && byte > 1)
      return bad(why, "a number of more than 64 bits");
    v |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) {
      pb->p = p;
      *out = v;
      return MLT_OK;
    }
  }
  return bad(why, "it ends within a number");
}

/* The value of a field whose tag has been read. */
static enum mlt_rc value(struct mlt_pb *pb, struct mlt_pb_field *f, const char **why) {
  static const char ends[] = "it ends within a field";
  size_t left = (size_t)(pb->end - pb->p), size = f->wire == MLT_PB_FIXED64 ? 8 : 4;
  if (f->wire == MLT_PB_VARINT || f->wire == MLT_PB_BYTES) {
    enum mlt_rc rc = mlt_pb_varint(pb, &f->u, why);
    if (rc != MLT_OK)
      return rc == MLT_END ? bad(why, ends) : rc;
    if (f->wire == MLT_PB_VARINT)
      return MLT_OK;
    if (f->u > (size_t)(pb->end - pb->p))
      return bad(why, "a field is longer than what holds it");
    size = (size_t)f->u;
    f->bytes = (struct mlt_str){(const char *)pb->p, size};
  } else if (left < size) {
    return bad(why, ends);
  } else {
    f->u = size == 8 ? mlt_pb_le64(pb->p) : mlt_pb_le32(pb->p);
  }
  pb->p += size;
  return MLT_OK;
}

enum mlt_rc mlt_pb_next(struct mlt_pb *pb, struct mlt_pb_field *out, const char **why) {
  struct mlt_pb at = *pb;
  uint64_t tag;
  enum mlt_rc rc = mlt_pb_varint(&at, &tag, why);
  if (rc != MLT_OK)
    return rc;
  unsigned wire = tag & 7;
  if (tag > UINT32_MAX || tag < 8)
    return bad(why, "a field has a number that fields cannot have");
  if (wire != MLT_PB_VARINT && wire != MLT_PB_FIXED64 && wire != MLT_PB_BYTES &&
      wire != MLT_PB_FIXED32)
    return bad(why, "a field is of a kind that is not known");
  *out = (struct mlt_pb_field){.number = (uint32_t)tag >> 3, .wire = (enum mlt_pb_wire)wire};
  rc = value(&at, out, why);
  if (rc == MLT_OK)
    *pb = at;
  return rc;
}

uint64_t mlt_pb_le64(const void *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return le64toh(v);
}

uint32_t mlt_pb_le32(const void *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return le32toh(v);
}

double mlt_pb_double(uint64_t fixed64) {
  double d;
  memcpy(&d, &fixed64, sizeof d);
  return d;
}

float mlt_pb_float(uint64_t fixed32) {
  uint32_t bits = (uint32_t)fixed32;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
