/* Event files: the same bytes give the same records however they are cut, and of each record, or of
   its beginning alone, anything is refused or understood. The first byte says into what pieces; if
   it is even the rest is one record without its frame. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "source/tf_event.h"
#include "source/tfrecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct mlt_str whole, struct mlt_str part) {
  if (part.len && (part.p < whole.p || part.p + part.len > whole.p + whole.len))
    abort();
}

static void read_params(struct mlt_str content) {
  bool failed;
  const char *why;
  struct mlt_tf_param p;
  struct mlt_pb pb = mlt_pb_of(mlt_tf_session(content, &failed));
  while (mlt_tf_param(&pb, &p, &why) == MLT_OK)
    within(content, p.kind == MLT_TF_PARAM_TEXT ? p.text : p.key);
}

static void read_event(struct mlt_str record, bool cut) {
  struct mlt_tf_event e;
  struct mlt_tf_value v;
  const char *why = NULL;
  double number;
  enum mlt_rc rc = mlt_tf_event(record, cut, &e, &why);
  if (rc != MLT_OK && (rc != MLT_DATA || cut || !why))
    abort();
  within(record, e.summary);
  within(record, e.file_version);
  struct mlt_pb pb = mlt_pb_of(e.summary.p ? e.summary : MLT_STR_LIT(""));
  while (mlt_tf_value(&pb, &v, &why) == MLT_OK) {
    within(record, v.tag);
    within(record, v.plugin);
    within(record, v.tensor);
    if (v.kind == MLT_TF_TENSOR && !mlt_tf_number(v.tensor, &number, &why) && !why)
      abort();
    read_params(v.content);
  }
}

static uint64_t records(struct mlt_tfrecord *r, const uint8_t *data, size_t size, size_t piece) {
  uint64_t h = MIX_NOTHING, offset = 0;
  struct mlt_str record;
  const char *why;
  mlt_tfrecord_reset(r);
  for (size_t at = 0;;) {
    enum mlt_rc rc = mlt_tfrecord_next(r, &record, &offset, &why);
    h = rc == MLT_AGAIN ? h : mix(mix(h, &rc, sizeof rc), &offset, sizeof offset);
    if (rc == MLT_END || rc == MLT_DATA)
      return h;
    if (rc != MLT_AGAIN) {
      h = mix(h, record.p, record.len);
      read_event(record, rc == MLT_TOOBIG);
      continue;
    }
    size_t n = size - at < piece ? size - at : piece;
    char *p = mlt_tfrecord_room(r);
    if (!p)
      return 0;
    memcpy(p, data + at, n);
    at += n;
    if (n)
      mlt_tfrecord_fed(r, n);
    else
      mlt_tfrecord_eof(r);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mlt_tfrecord r;
  if (size == 0 || size > MLT_TFRECORD_CHUNK)
    return 0;
  if (!r.buf.max)
    mlt_tfrecord_init(&r);
  if (data[0] % 2 == 0) {
    read_event((struct mlt_str){(const char *)data + 1, size - 1}, false);
    read_event((struct mlt_str){(const char *)data + 1, size - 1}, true);
    return 0;
  }
  uint64_t whole = records(&r, data + 1, size - 1, MLT_TFRECORD_CHUNK);
  if (records(&r, data + 1, size - 1, data[0]) != whole)
    abort();
  return 0;
}
