/* mlt_wlog and mlt_wb_leaves: fed whole or in pieces a log gives the same records; every record of
   a log is taken apart, and so are the bytes themselves, without their framing, which checksums
   would keep a fuzzer out of. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "source/wandb_log.h"
#include "source/wandb_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mlt_wb_names names;

static enum mlt_rc leaf(void *ctx, const struct mlt_wb_leaf *l) {
  uint64_t *h = ctx;
  if (!l->name.p)
    abort();
  *h = mix(*h, l->name.p, l->name.len) + l->kind;
  return MLT_OK;
}

static void take_apart(struct mlt_str record, uint64_t *h) {
  static const uint32_t items[] = {1, 2, 3};
  enum mlt_wb_kind kind;
  struct mlt_str body = record;
  const char *why = NULL;
  int64_t ms = 0;
  if (mlt_wb_record(record, &kind, &body, &why) == MLT_DATA && !why)
    abort();
  for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
    why = NULL;
    if (mlt_wb_leaves(&names, body, items[i], leaf, h, &why) == MLT_DATA && !why)
      abort();
  }
  (void)mlt_wb_time(body, 2, &ms);
  *h += (uint64_t)ms + mlt_wb_bytes(body, 3).len;
}

static uint64_t read_log(const uint8_t *data, size_t size, size_t piece) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_wlog l;
  struct mlt_str record;
  uint64_t h = 1;
  bool cut;
  enum mlt_rc rc = mlt_wlog_init(&l, &err);
  while (rc == MLT_OK && (rc = mlt_wlog_next(&l, &record, &cut)) != MLT_END) {
    if (rc == MLT_AGAIN) {
      size_t room, n = piece < size ? piece : size;
      char *to = mlt_wlog_room(&l, &room);
      n = n < room ? n : room;
      memcpy(to, data, n);
      mlt_wlog_fed(&l, n);
      data += n;
      size -= n;
      if (!n)
        mlt_wlog_eof(&l);
    } else if (rc == MLT_OK) {
      take_apart(record, &h);
    } else if (rc != MLT_DATA || !l.reason) {
      abort();
    }
    h = rc == MLT_AGAIN ? h : h * 31 + (uint64_t)rc;
    rc = MLT_OK;
  }
  mlt_wlog_free(&l);
  return h * 2 + cut;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint64_t h = 0;
  if (!names.name.max)
    mlt_wb_names_init(&names);
  if (read_log(data, size, size + 1) != read_log(data, size, 3))
    abort();
  take_apart((struct mlt_str){(const char *)data, size}, &h);
  return 0;
}
