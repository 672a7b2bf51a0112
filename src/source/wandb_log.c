/* See wandb_log.h. What LevelDB's log_reader.cc does; a fragment is
   checksum (4), length (2), kind (1), data. */
#include "source/wandb_log.h"

#include <string.h>
#include <zlib.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "source/protobuf.h"

enum { HEADER = 7, PREFIX = 7, FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4 };

enum mlt_rc mlt_wlog_init(struct mlt_wlog *l, struct mlt_err *err) {
  *l = (struct mlt_wlog){.buf = mlt_alloc(2 * MLT_WLOG_BLOCK)};
  mlt_buf_init(&l->record, MLT_WLOG_RECORD_MAX);
  return l->buf ? MLT_OK : mlt_err_nomem(err);
}

void mlt_wlog_free(struct mlt_wlog *l) {
  mlt_free(l->buf);
  mlt_buf_free(&l->record);
  l->buf = NULL;
}

void mlt_wlog_reset(struct mlt_wlog *l) {
  mlt_buf_clear(&l->record);
  *l = (struct mlt_wlog){.buf = l->buf, .record = l->record};
}

char *mlt_wlog_room(struct mlt_wlog *l, size_t *n) {
  memmove(l->buf, l->buf + l->start, l->end - l->start);
  l->end -= l->start;
  l->start = 0;
  *n = 2 * MLT_WLOG_BLOCK - l->end;
  return l->buf + l->end;
}

void mlt_wlog_fed(struct mlt_wlog *l, size_t n) {
  l->end += n;
}

void mlt_wlog_eof(struct mlt_wlog *l) {
  l->eof = true;
}

static void pass(struct mlt_wlog *l, size_t n) {
  l->start += n;
  l->offset += n;
}

static size_t held(const struct mlt_wlog *l) {
  return l->end - l->start;
}

static size_t left_of_block(const struct mlt_wlog *l) {
  return MLT_WLOG_BLOCK - (size_t)(l->offset % MLT_WLOG_BLOCK);
}

/* What is left of the block at hand is passed over, as its lengths cannot be trusted. */
static enum mlt_rc damaged(struct mlt_wlog *l, uint64_t at, const char *reason) {
  l->fault_at = at;
  l->reason = reason;
  l->in_record = false;
  l->resyncing = true;
  l->skip_to = l->offset + left_of_block(l);
  return MLT_DATA;
}

static bool skipped(struct mlt_wlog *l) {
  if (l->offset < l->skip_to) {
    uint64_t left = l->skip_to - l->offset;
    pass(l, held(l) < left ? held(l) : (size_t)left);
  }
  return l->offset >= l->skip_to;
}

static enum mlt_rc header(struct mlt_wlog *l) {
  static const char want[HEADER] = {':', 'W', '&', 'B', '\xe1', '\xbe', 0};
  if (held(l) < HEADER && !l->eof)
    return MLT_AGAIN;
  if (held(l) < HEADER || memcmp(l->buf + l->start, want, HEADER) != 0) {
    bool begins = held(l) >= 4 && memcmp(l->buf + l->start, want, 4) == 0;
    (void)damaged(l, 0,
                  begins ? "the log is of a version that is not known" : "it is no log of wandb");
    pass(l, held(l));
    l->eof = l->begun = true;
    return MLT_DATA;
  }
  l->begun = true;
  pass(l, HEADER);
  return MLT_OK;
}

static bool sum_is_good(const char *p, size_t length) {
  uint32_t sum = mlt_pb_le32(p);
  const char *kind = p + PREFIX - 1; /* the sum is of kind and data */
  return sum == (uint32_t)crc32(0, (const unsigned char *)kind, (unsigned)length + 1) ||
         sum == mlt_crc32c_mask(mlt_crc32c(0, kind, length + 1));
}

/* The fragment at hand belongs to the record, or begins one. */
static enum mlt_rc take(struct mlt_wlog *l, int kind, struct mlt_str data) {
  bool begins = kind == FULL || kind == FIRST;
  if (kind < FULL || kind > LAST)
    return damaged(l, l->offset, "a fragment is of a kind that is not known");
  if (!begins && l->resyncing) { /* of a record that has been told of */
    pass(l, PREFIX + data.len);
    return MLT_AGAIN;
  }
  if (begins == l->in_record)
    return damaged(l, begins ? l->record_at : l->offset,
                   begins ? "a record ends within" : "the beginning of a record is missing");
  if (begins) {
    mlt_buf_clear(&l->record);
    l->record_at = l->offset;
    l->resyncing = false;
  }
  enum mlt_rc rc = mlt_buf_add(&l->record, data.p, data.len);
  if (rc == MLT_TOOBIG)
    return damaged(l, l->record_at, "a record is too long");
  if (rc != MLT_OK)
    return rc;
  pass(l, PREFIX + data.len);
  l->in_record = kind == FIRST || kind == MIDDLE;
  return l->in_record ? MLT_AGAIN : MLT_OK;
}

/* MLT_AGAIN with less than a fragment held: feed more. */
static enum mlt_rc fragment(struct mlt_wlog *l, bool *more) {
  *more = true;
  if (!skipped(l))
    return MLT_AGAIN;
  size_t left = left_of_block(l);
  const char *p = l->buf + l->start;
  if (left < PREFIX) { /* padding */
    if (held(l) < left)
      return MLT_AGAIN;
    pass(l, left);
    left = MLT_WLOG_BLOCK;
    p = l->buf + l->start;
  }
  if (held(l) < PREFIX)
    return MLT_AGAIN;
  size_t length = (unsigned char)p[4] | (size_t)(unsigned char)p[5] << 8;
  if (length + PREFIX > left)
    return damaged(l, l->offset, "a fragment is longer than its block");
  if (held(l) < PREFIX + length)
    return MLT_AGAIN;
  *more = false;
  if (!sum_is_good(p, length))
    return damaged(l, l->offset, "a checksum does not fit its data");
  return take(l, (unsigned char)p[PREFIX - 1], (struct mlt_str){p + PREFIX, length});
}

enum mlt_rc mlt_wlog_next(struct mlt_wlog *l, struct mlt_str *record, bool *cut) {
  bool more = false;
  enum mlt_rc rc = l->begun ? MLT_OK : header(l);
  *cut = false;
  if (rc != MLT_OK)
    return rc == MLT_DATA || !l->eof ? rc : MLT_END;
  do
    rc = fragment(l, &more);
  while (rc == MLT_AGAIN && !more);
  *record = mlt_buf_str(&l->record);
  if (rc != MLT_AGAIN || !l->eof)
    return rc;
  *cut = l->in_record || held(l) > 0;
  return MLT_END;
}
