/* Lines of manifests: refused with a reason, or read as something that, written, reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "artifact/manifest.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int in_memory;

static void rewind_to(size_t n) {
  if (ftruncate(in_memory, (off_t)n) != 0 || lseek(in_memory, 0, SEEK_SET) != 0)
    abort();
}

/* What the writer makes of an entry, read again. */
static void round_trip(const struct mlt_manifest_entry *e) {
  struct mlt_manifest_writer w;
  struct mlt_manifest_reader *r;
  struct mlt_manifest_entry again;
  struct mlt_err err = MLT_ERR_INIT;
  rewind_to(0);
  if (mlt_manifest_begin(&w, in_memory, "id", &err) != MLT_OK ||
      mlt_manifest_add(&w, e, &err) != MLT_OK || mlt_manifest_finish(&w, &err) != MLT_OK)
    abort();
  (void)lseek(in_memory, 0, SEEK_SET);
  if (mlt_manifest_reader_open(&r, dup(in_memory), "m", &err) != MLT_OK ||
      mlt_manifest_next(r, &again, &err) != MLT_OK || !mlt_str_eq(again.path, e->path) ||
      again.size != e->size || again.mtime_ns != e->mtime_ns ||
      memcmp(again.sha256, e->sha256, sizeof e->sha256) != 0 ||
      mlt_manifest_next(r, &again, &err) != MLT_END)
    abort();
  mlt_manifest_reader_close(r);
}

static void read_file(const uint8_t *data, size_t size) {
  struct mlt_manifest_reader *r;
  struct mlt_manifest_entry e;
  struct mlt_err err = MLT_ERR_INIT;
  rewind_to(0);
  if (mlt_file_write(in_memory, data, size) != 0)
    abort();
  (void)lseek(in_memory, 0, SEEK_SET);
  enum mlt_rc rc = mlt_manifest_reader_open(&r, dup(in_memory), "m", &err);
  while (rc == MLT_OK)
    rc = mlt_manifest_next(r, &e, &err);
  if (rc != MLT_END && !err.msg[0])
    abort();
  mlt_manifest_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mlt_buf path;
  struct mlt_manifest_parsed p;
  struct mlt_err err = MLT_ERR_INIT;
  if (!in_memory && (in_memory = memfd_create("manifest", MFD_CLOEXEC)) < 0)
    abort();
  mlt_buf_init(&path, MLT_MANIFEST_LINE_MAX);
  enum mlt_rc rc = mlt_manifest_parse((struct mlt_str){(const char *)data, size}, &path, &p, &err);
  if ((rc == MLT_OK) == (err.msg[0] != '\0'))
    abort();
  if (rc == MLT_OK && p.kind == MLT_MANIFEST_FILE) {
    if (!mlt_file_path_valid(p.entry.path))
      abort();
    round_trip(&p.entry);
  }
  mlt_buf_free(&path);
  read_file(data, size);
  return 0;
}
