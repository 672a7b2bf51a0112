#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deflate.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"

struct mlt_outfile {
  const char *path;
  const volatile sig_atomic_t *cancelled;
  int fd;
  bool own_fd;
  struct mlt_newfile *new; /* NULL: written to as it is */
  struct mlt_deflate *deflate;
  uint64_t bytes;
};

static enum mlt_rc exists(const char *path, struct mlt_err *err) {
  (void)mlt_err_set(err, MLT_CANTCREAT, "%s is there already", path);
  mlt_err_hint(err, "Give it another name, or replace it with --force.");
  return MLT_CANTCREAT;
}

static enum mlt_rc cannot_open(const char *path, struct mlt_err *err) {
  return mlt_err_set(err, MLT_CANTCREAT, "cannot write to %s: %s", path, strerror(errno));
}

static enum mlt_rc open_new(struct mlt_outfile *f, bool replace, struct mlt_err *err) {
  enum mlt_rc rc = replace ? mlt_newfile_open_over(&f->new, f->path, 0, err)
                           : mlt_newfile_open(&f->new, f->path, 0, err);
  if (rc == MLT_OK && !f->new)
    return exists(f->path, err);
  if (rc == MLT_OK)
    f->fd = mlt_newfile_fd(f->new);
  return rc;
}

static enum mlt_rc open_file(struct mlt_outfile *f, bool replace, struct mlt_err *err) {
  struct stat st;
  if (strcmp(f->path, "-") == 0) {
    f->fd = STDOUT_FILENO;
    return MLT_OK;
  }
  if (stat(f->path, &st) != 0 || S_ISREG(st.st_mode))
    return open_new(f, replace, err);
  if (S_ISDIR(st.st_mode))
    return mlt_err_set(err, MLT_CANTCREAT, "%s is a folder", f->path);
  f->fd = open(f->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  f->own_fd = true;
  return f->fd >= 0 ? MLT_OK : cannot_open(f->path, err);
}

static enum mlt_rc write_all(void *ctx, const char *p, size_t n, struct mlt_err *err) {
  struct mlt_outfile *f = ctx;
  while (n > 0) {
    if (f->cancelled && *f->cancelled) /* also after a part: the rest would wait again */
      return mlt_err_set(err, MLT_CANCELLED, "interrupted");
    ssize_t done = write(f->fd, p, n);
    if (done >= 0) {
      p += done;
      n -= (size_t)done;
      f->bytes += (uint64_t)done;
    } else if (errno == EPIPE) {
      return MLT_END;
    } else if (errno != EINTR) {
      return mlt_err_errno(err, errno, "cannot write %s",
                           f->fd == STDOUT_FILENO ? "the output" : f->path);
    }
  }
  return MLT_OK;
}

static enum mlt_rc open_deflate(struct mlt_outfile *f, struct mlt_err *err) {
  struct mlt_str path = mlt_str_c(f->path);
  bool gzip = mlt_str_ends(path, ".gz");
  if (!gzip && !mlt_str_ends(path, ".zst"))
    return MLT_OK;
  f->deflate = mlt_deflate_new(gzip ? MLT_DEFLATE_GZIP : MLT_DEFLATE_ZSTD, write_all, f);
  return f->deflate ? MLT_OK : mlt_err_nomem(err);
}

enum mlt_rc mlt_outfile_open(struct mlt_outfile **out, const struct mlt_outfile_opts *opts,
                             struct mlt_err *err) {
  *out = NULL;
  struct mlt_outfile *f = mlt_calloc(1, sizeof *f);
  if (!f)
    return mlt_err_nomem(err);
  f->path = opts->path;
  f->cancelled = opts->cancelled;
  f->fd = -1;
  enum mlt_rc rc = open_file(f, opts->replace, err);
  if (rc == MLT_OK)
    rc = open_deflate(f, err);
  if (rc == MLT_OK)
    *out = f;
  else
    mlt_outfile_close(f);
  return rc;
}

enum mlt_rc mlt_outfile_write(struct mlt_outfile *f, const char *p, size_t n, struct mlt_err *err) {
  return f->deflate ? mlt_deflate_add(f->deflate, p, n, err) : write_all(f, p, n, err);
}

enum mlt_rc mlt_outfile_finish(struct mlt_outfile *f, struct mlt_err *err) {
  enum mlt_rc rc = f->deflate ? mlt_deflate_end(f->deflate, err) : MLT_OK;
  return rc == MLT_OK && f->new ? mlt_newfile_publish(f->new, err) : rc;
}

uint64_t mlt_outfile_bytes(const struct mlt_outfile *f) {
  return f->bytes;
}

void mlt_outfile_close(struct mlt_outfile *f) {
  if (!f)
    return;
  mlt_deflate_free(f->deflate);
  mlt_newfile_close(f->new);
  if (f->own_fd && f->fd >= 0)
    (void)close(f->fd);
  mlt_free(f);
}
