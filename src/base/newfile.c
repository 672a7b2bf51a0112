#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum { MAX_LINKS = 40 /* Linux' own */ };
static const struct timespec POLL = {.tv_nsec = 50 * 1000000L};

struct mlt_newfile {
  char path[PATH_MAX], folder[PATH_MAX], hidden[PATH_MAX];
  int fd;       /* holds the lock; -1: none */
  bool replace; /* what has the name already */
};

static enum mlt_rc cannot_create(const char *path, int errnum, struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  (void)mlt_err_errno(&why, errnum, "cannot create %s", path);
  /* whatever class the reason has: it is the target that failed */
  (void)mlt_err_set(err, MLT_CANTCREAT, "%s", why.msg);
  if (why.hint[0])
    mlt_err_hint(err, "%s", why.hint);
  return MLT_CANTCREAT;
}

/* "a/b.db" -> folder "a", name "b.db" (in path). */
static const char *split(struct mlt_newfile *f) {
  const char *slash = strrchr(f->path, '/');
  if (!slash)
    (void)snprintf(f->folder, sizeof f->folder, ".");
  else
    (void)snprintf(f->folder, sizeof f->folder, "%.*s",
                   slash == f->path ? 1 : (int)(slash - f->path), f->path);
  return slash ? slash + 1 : f->path;
}

/* Replaces a path that is a symbolic link by what it points to. errno on failure. */
static int follow_links(struct mlt_newfile *f) {
  char to[PATH_MAX];
  for (int i = 0; i < MAX_LINKS; i++) {
    ssize_t n = readlink(f->path, to, sizeof to - 1);
    if (n < 0)
      return errno == EINVAL || errno == ENOENT ? 0 : errno;
    to[n] = '\0';
    (void)split(f);
    int len = to[0] == '/' ? snprintf(f->path, sizeof f->path, "%s", to)
                           : snprintf(f->path, sizeof f->path, "%s/%s", f->folder, to);
    if (len >= (int)sizeof f->path)
      return ENAMETOOLONG;
  }
  return ELOOP;
}

static enum mlt_rc name_files(struct mlt_newfile *f, const char *path, struct mlt_err *err) {
  if ((size_t)snprintf(f->path, sizeof f->path, "%s", path) >= sizeof f->path)
    return cannot_create(path, ENAMETOOLONG, err);
  int failed = follow_links(f);
  if (failed)
    return cannot_create(path, failed, err);
  const char *name = split(f);
  if (!*name)
    return mlt_err_set(err, MLT_CANTCREAT, "cannot create %s: not a file name", path);
  int n = snprintf(f->hidden, sizeof f->hidden, "%s/.%s.mltrack", f->folder, name);
  return n < (int)sizeof f->hidden ? MLT_OK : cannot_create(path, ENAMETOOLONG, err);
}

static void drop(struct mlt_newfile *f) {
  (void)close(f->fd);
  f->fd = -1;
}

/* Opens and locks what has the hidden name, making it if there is nothing. MLT_END: in use. */
static enum mlt_rc lock_hidden(struct mlt_newfile *f, struct mlt_err *err) {
  f->fd = open(f->hidden, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
  if (f->fd < 0)
    return cannot_create(f->path, errno, err);
  if (flock(f->fd, LOCK_EX | LOCK_NB) == 0)
    return MLT_OK;
  return errno == EWOULDBLOCK ? MLT_END : cannot_create(f->hidden, errno, err);
}

/* Is the file that we locked an empty one of ours and still has the name? A leftover is removed.
   MLT_END: try again. */
static enum mlt_rc inspect_hidden(struct mlt_newfile *f, struct mlt_err *err) {
  struct stat locked, named;
  if (fstat(f->fd, &locked) != 0)
    return cannot_create(f->hidden, errno, err);
  if (lstat(f->hidden, &named) != 0 || named.st_ino != locked.st_ino ||
      named.st_dev != locked.st_dev)
    return MLT_END;
  if (!S_ISREG(locked.st_mode) || locked.st_uid != geteuid()) {
    (void)mlt_err_set(err, MLT_CANTCREAT, "cannot create %s: %s is in the way", f->path, f->hidden);
    mlt_err_hint(err, "It was not left by an import of this user. Remove it if nobody needs it.");
    return MLT_CANTCREAT;
  }
  if (locked.st_size == 0)
    return MLT_OK;
  return unlink(f->hidden) == 0 ? MLT_END : cannot_create(f->hidden, errno, err);
}

static enum mlt_rc acquire(struct mlt_newfile *f, unsigned wait_ms, struct mlt_err *err) {
  const double deadline = mlt_clock_seconds() + wait_ms / 1000.0;
  for (;;) {
    enum mlt_rc rc = lock_hidden(f, err);
    bool in_use = rc == MLT_END;
    if (rc == MLT_OK)
      rc = inspect_hidden(f, err);
    if (rc != MLT_END)
      return rc;
    drop(f);
    if (in_use && mlt_clock_seconds() >= deadline) {
      (void)mlt_err_set(err, MLT_TEMPFAIL, "%s is being made by another process", f->path);
      mlt_err_hint(err, "Let it finish, then run again.");
      return MLT_TEMPFAIL;
    }
    if (in_use)
      (void)nanosleep(&POLL, NULL);
  }
}

static enum mlt_rc open_hidden(struct mlt_newfile **out, const char *path, unsigned wait_ms,
                               bool replace, struct mlt_err *err) {
  *out = NULL;
  struct mlt_newfile *f = mlt_calloc(1, sizeof *f);
  if (!f)
    return mlt_err_nomem(err);
  f->fd = -1;
  f->replace = replace;
  enum mlt_rc rc = name_files(f, path, err);
  if (rc == MLT_OK)
    rc = acquire(f, wait_ms, err);
  if (rc != MLT_OK) {
    if (f->fd >= 0)
      drop(f); /* and leave what is not ours */
    mlt_free(f);
  } else if (!replace && access(f->path, F_OK) == 0) {
    mlt_newfile_close(f);
  } else {
    *out = f;
  }
  return rc;
}

enum mlt_rc mlt_newfile_open(struct mlt_newfile **out, const char *path, unsigned wait_ms,
                             struct mlt_err *err) {
  return open_hidden(out, path, wait_ms, false, err);
}

enum mlt_rc mlt_newfile_open_over(struct mlt_newfile **out, const char *path, unsigned wait_ms,
                                  struct mlt_err *err) {
  return open_hidden(out, path, wait_ms, true, err);
}

int mlt_newfile_fd(const struct mlt_newfile *f) {
  return f->fd;
}

const char *mlt_newfile_hidden(const struct mlt_newfile *f) {
  return f->hidden;
}

const char *mlt_newfile_path(const struct mlt_newfile *f) {
  return f->path;
}

/* The new name is durable only when its folder is. */
static int sync_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  int rc = fsync(fd);
  int saved = errno;
  (void)close(fd);
  errno = saved;
  return rc == 0 || saved == EINVAL ? 0 : -1;
}

enum mlt_rc mlt_newfile_publish(struct mlt_newfile *f, struct mlt_err *err) {
  if (fsync(f->fd) != 0)
    return mlt_err_errno(err, errno, "cannot write %s", f->path);
  int failed = f->replace ? (rename(f->hidden, f->path) == 0 ? 0 : -errno)
                          : mlt_file_rename_new(AT_FDCWD, f->hidden, AT_FDCWD, f->path);
  if (failed) {
    if (failed != -EEXIST || f->replace)
      return cannot_create(f->path, -failed, err);
    (void)mlt_err_set(err, MLT_TEMPFAIL, "%s came into being meanwhile; it was left as it is",
                      f->path);
    mlt_err_hint(err, "Run again: what is missing in it is added.");
    return MLT_TEMPFAIL;
  }
  drop(f);
  if (sync_folder(f->folder) == 0)
    return MLT_OK;
  return mlt_err_errno(err, errno, "%s is complete, but its name may not outlive a power cut",
                       f->path);
}

void mlt_newfile_close(struct mlt_newfile *f) {
  if (!f)
    return;
  if (f->fd >= 0) {
    (void)unlink(f->hidden);
    drop(f);
  }
  mlt_free(f);
}
