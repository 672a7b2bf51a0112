/* The source of JSON lines, whatever the bytes: records come in the order that model/record.h
   promises, windows end, and compressed input is unpacked or refused. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a record may stand in. */
enum within { NOTHING, RUN, MODEL, REGISTERED };

static enum within before(enum mlt_rec_kind kind) {
  if (kind > MLT_REC_RUN && kind <= MLT_REC_RUN_END)
    return RUN;
  if (kind > MLT_REC_LOGGED_MODEL && kind <= MLT_REC_LOGGED_MODEL_END)
    return MODEL;
  if (kind > MLT_REC_REGISTERED_MODEL && kind <= MLT_REC_REGISTERED_MODEL_END)
    return REGISTERED;
  return NOTHING;
}

static enum within after(enum within now, enum mlt_rec_kind kind) {
  switch (kind) {
  case MLT_REC_RUN:
    return RUN;
  case MLT_REC_LOGGED_MODEL:
    return MODEL;
  case MLT_REC_REGISTERED_MODEL:
    return REGISTERED;
  case MLT_REC_RUN_END:
  case MLT_REC_LOGGED_MODEL_END:
  case MLT_REC_REGISTERED_MODEL_END:
    return NOTHING;
  default:
    return now;
  }
}

static void read_all(const struct mlt_source_ops *ops, struct mlt_source *s) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record rec;
  enum within now = NOTHING;
  enum mlt_rc rc;
  while ((rc = ops->next(s, &rec, &err)) == MLT_OK) {
    if (rec.kind != MLT_REC_NOTE && before(rec.kind) != now)
      abort();
    now = after(now, rec.kind);
    if (rec.kind == MLT_REC_NOTE && (!rec.note.code || !rec.note.reason.len))
      abort();
  }
  if (rc == MLT_END && now != NOTHING)
    abort();
  if (rc != MLT_END && rc != MLT_NOMEM && !err.msg[0])
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct mlt_source_ops *ops = mlt_source_by_name("jsonl");
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_source *s = NULL;
  char path[64];
  int fd = memfd_create("lines", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size)
    abort();
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  (void)ops->probe(path);
  if (ops->open(&s, &(struct mlt_source_opts){.path = path}, &err) == MLT_OK)
    read_all(ops, s);
  else if (!err.msg[0])
    abort();
  ops->close(s);
  (void)close(fd);
  return 0;
}
