/* A damaged mlflow.db as a source: it is refused with a reason, or read to its end or to where it
   is damaged, and whatever comes of it is records in the order that source.h promises: a batch
   takes them all. Every error has words; notes have a table, a reason and at least one row. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch/batch.h"
#include "source/source.h"

enum {
  MAX_SIZE = 1 << 20,
  MAX_BATCH = 64 << 20,
  MAX_RECORDS = 100000 /* pages may be shared many times over */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void forget(void) {
  (void)unlink(path);
}

static void store(const uint8_t *data, size_t size) {
  if (!path[0]) {
    (void)snprintf(path, sizeof path, "/tmp/mltrack-fuzz-%ld.db", (long)getpid());
    (void)atexit(forget);
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) != 0)
    abort();
}

static void check_note(const struct mlt_note *n) {
  if (n->rows == 0 || !n->code || !n->reason.len || n->table >= MLT_T_COUNT ||
      (n->kind == MLT_NOTE_IGNORED) != (n->what != NULL))
    abort();
}

static void read_all(const struct mlt_source_ops *ops, struct mlt_source *s, struct mlt_batch *b) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record rec;
  enum mlt_rc rc = MLT_OK;
  for (int n = 0; n < MAX_RECORDS && (rc = ops->next(s, &rec, &err)) == MLT_OK; n++) {
    if (rec.kind == MLT_REC_NOTE)
      check_note(&rec.note);
    if (mlt_batch_add(b, &rec, &err) != MLT_OK)
      abort();
    if (mlt_batch_whole(b) && mlt_batch_rows(b) > 1000)
      mlt_batch_reset(b);
  }
  if (rc != MLT_OK && rc != MLT_END && (!err.msg[0] || rc == MLT_INTERNAL))
    abort();
  if (rc == MLT_END && mlt_batch_seal(b, &err) != MLT_OK)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct mlt_source_ops *ops = mlt_source_by_name("sqlite");
  struct mlt_limits limits;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_source *s = NULL;
  if (size > MAX_SIZE)
    return 0;
  store(data, size);
  struct mlt_source_opts opts = {.path = path};
  mlt_limits_none(&limits);
  struct mlt_batch *b = mlt_batch_new(&limits, MAX_BATCH);
  enum mlt_rc rc = ops->open(&s, &opts, &err);
  if (rc == MLT_OK && b)
    read_all(ops, s, b);
  else if (rc != MLT_OK && (!err.msg[0] || rc == MLT_INTERNAL))
    abort();
  ops->close(s);
  mlt_batch_free(b);
  return 0;
}
