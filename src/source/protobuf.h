/* The wire format of protocol buffers, field by field, without a schema: the caller knows what the
   numbers mean. Works within the bytes it is given: no I/O, no allocation. Groups, which proto3 has
   not, are refused. */
#ifndef MLT_SOURCE_PROTOBUF_H
#define MLT_SOURCE_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

enum mlt_pb_wire {
  MLT_PB_VARINT = 0,
  MLT_PB_FIXED64 = 1,
  MLT_PB_BYTES = 2, /* bytes, text, a message, packed numbers */
  MLT_PB_FIXED32 = 5
};

struct mlt_pb {
  const unsigned char *p, *end;
};

struct mlt_pb_field {
  uint32_t number;
  enum mlt_pb_wire wire;
  uint64_t u;           /* VARINT, FIXED64, FIXED32 */
  struct mlt_str bytes; /* BYTES: within the message; else absent */
};

struct mlt_pb mlt_pb_of(struct mlt_str message);
/* MLT_OK: *out is the next field. MLT_END: the message is over. MLT_DATA: the bytes are no message;
 *why (may be NULL) is a sentence, and pb->p stands where the bad field begins. */
enum mlt_rc mlt_pb_next(struct mlt_pb *pb, struct mlt_pb_field *out,
                        const char **why) MLT_NODISCARD;
/* A bare varint, as in packed fields. Likewise. */
enum mlt_rc mlt_pb_varint(struct mlt_pb *pb, uint64_t *out, const char **why) MLT_NODISCARD;
/* What a field holds, for a number of that type. */
double mlt_pb_double(uint64_t fixed64);
float mlt_pb_float(uint64_t fixed32);
/* Of packed numbers: bytes at p, little-endian. */
uint64_t mlt_pb_le64(const void *p);
uint32_t mlt_pb_le32(const void *p);

#endif
