/* mlt_pb_next: every field lies within the message, the reader moves on with each, and what is no
   message is refused with a reason. Messages within messages are followed. */
#include <stdint.h>
#include <stdlib.h>

#include "source/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void follow(struct mlt_str message, int depth) {
  struct mlt_pb pb = mlt_pb_of(message);
  for (;;) {
    struct mlt_pb_field f;
    const unsigned char *before = pb.p;
    const char *why = NULL;
    enum mlt_rc rc = mlt_pb_next(&pb, &f, &why);
    if (rc == MLT_END && pb.p == pb.end)
      return;
    if (rc == MLT_DATA && why && pb.p == before)
      return;
    if (rc != MLT_OK || pb.p <= before || pb.p > pb.end || f.number == 0)
      abort();
    if (f.wire != MLT_PB_BYTES)
      continue;
    if (f.bytes.p < message.p || f.bytes.p + f.bytes.len > message.p + message.len)
      abort();
    if (depth)
      follow(f.bytes, depth - 1);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  follow((struct mlt_str){(const char *)data, size}, 8);
  return 0;
}
