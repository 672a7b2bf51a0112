/* See tfrecord.h. */
#include "source/tfrecord.h"

#include <string.h>

#include "base/crc32c.h"
#include "source/protobuf.h"

enum { HEAD = 12, TAIL = 4 };

void mlt_tfrecord_init(struct mlt_tfrecord *r) {
  *r = (struct mlt_tfrecord){.eof = false};
  mlt_buf_init(&r->buf, HEAD + MLT_TFRECORD_MAX + TAIL + 2 * MLT_TFRECORD_CHUNK);
}

void mlt_tfrecord_free(struct mlt_tfrecord *r) {
  mlt_buf_free(&r->buf);
}

void mlt_tfrecord_reset(struct mlt_tfrecord *r) {
  mlt_buf_clear(&r->buf);
  r->start = 0;
  r->offset = r->skip = 0;
  r->eof = false;
}

char *mlt_tfrecord_room(struct mlt_tfrecord *r) {
  if (r->start) {
    memmove(r->buf.p, r->buf.p + r->start, r->buf.len - r->start);
    r->buf.len -= r->start;
    r->start = 0;
  }
  if (mlt_buf_reserve(&r->buf, MLT_TFRECORD_CHUNK) != MLT_OK)
    return NULL;
  return r->buf.p + r->buf.len;
}

void mlt_tfrecord_fed(struct mlt_tfrecord *r, size_t n) {
  r->buf.len += n;
}

void mlt_tfrecord_eof(struct mlt_tfrecord *r) {
  r->eof = true;
}

static void consume(struct mlt_tfrecord *r, size_t n) {
  r->start += n;
  r->offset += n;
}

static bool matches(const char *p, size_t n, const char *crc) {
  return mlt_crc32c_mask(mlt_crc32c(0, p, n)) == mlt_pb_le32(crc);
}

/* Passes over what is left of a record too long; true when it is over. */
static bool skipped(struct mlt_tfrecord *r) {
  size_t here = r->buf.len - r->start;
  size_t n = r->skip < here ? (size_t)r->skip : here;
  consume(r, n);
  r->skip -= n;
  return r->skip == 0;
}

enum mlt_rc mlt_tfrecord_next(struct mlt_tfrecord *r, struct mlt_str *data, uint64_t *offset,
                              const char **why) {
  if (!skipped(r))
    return r->eof ? MLT_END : MLT_AGAIN;
  size_t here = r->buf.len - r->start;
  *offset = r->offset;
  if (here < HEAD)
    return r->eof ? MLT_END : MLT_AGAIN;
  const char *p = r->buf.p + r->start;
  uint64_t length = mlt_pb_le64(p);
  if (!matches(p, 8, p + 8)) {
    *why = "the checksum of its length does not match";
    return MLT_DATA;
  }
  bool too_long = length > MLT_TFRECORD_MAX;
  size_t given = too_long ? MLT_TFRECORD_MAX : (size_t)length;
  if (here < HEAD + given + TAIL)
    return r->eof ? MLT_END : MLT_AGAIN;
  *data = (struct mlt_str){p + HEAD, given};
  if (!too_long && !matches(data->p, given, data->p + given)) {
    *why = "the checksum of its data does not match";
    return MLT_DATA;
  }
  consume(r, HEAD + given + (too_long ? 0 : TAIL));
  if (!too_long)
    return MLT_OK;
  r->skip = length - given;
  r->skip += r->skip <= UINT64_MAX - TAIL ? TAIL : 0;
  return MLT_TOOBIG;
}
