/* The log of a wandb run (run-*.wandb): LevelDB's log format behind a header of wandb's own, which
   counts as part of the first block. Records lie in blocks of 32 KiB, those that cross a border in
   fragments. Checksums are the plain CRC-32 of zlib, but masked CRC-32C in logs of some releases;
   either is taken. Takes bytes in chunks of any size. No I/O. */
#ifndef MLT_SOURCE_WANDB_LOG_H
#define MLT_SOURCE_WANDB_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { MLT_WLOG_BLOCK = 32768, MLT_WLOG_RECORD_MAX = 64 << 20 };

struct mlt_wlog {
  char *buf; /* 2 * MLT_WLOG_BLOCK */
  size_t start, end;
  uint64_t offset;  /* of buf[start] in the file */
  uint64_t skip_to; /* behind a damaged block */
  bool eof, begun;
  bool in_record;        /* the first fragment has been seen */
  bool resyncing;        /* behind damage, until a record begins */
  uint64_t record_at;    /* where the record at hand begins */
  struct mlt_buf record; /* its fragments so far */
  uint64_t fault_at;     /* MLT_DATA: where */
  const char *reason;    /* likewise: why */
};

enum mlt_rc mlt_wlog_init(struct mlt_wlog *l, struct mlt_err *err) MLT_NODISCARD;
void mlt_wlog_free(struct mlt_wlog *l);
void mlt_wlog_reset(struct mlt_wlog *l); /* for the next log */

/* Where the next bytes go, *n of them at most (at least MLT_WLOG_BLOCK). */
char *mlt_wlog_room(struct mlt_wlog *l, size_t *n);
void mlt_wlog_fed(struct mlt_wlog *l, size_t n);
void mlt_wlog_eof(struct mlt_wlog *l);

/* MLT_OK: *record, valid until the next call. MLT_AGAIN: feed more. MLT_END: the log is over;
   *cut says whether within a record, as the log of a run that was killed may be. MLT_DATA:
   what is at l->fault_at is damaged, and l->reason says how; the next call goes on with the next
   block, as LevelDB's own reader does, but when the header is wrong, after which there is nothing
   to go on with. MLT_NOMEM. */
enum mlt_rc mlt_wlog_next(struct mlt_wlog *l, struct mlt_str *record, bool *cut) MLT_NODISCARD;

#endif
