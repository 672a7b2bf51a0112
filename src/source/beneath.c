/* See beneath.h. Nothing here keeps state but the root's descriptor. */
#include "source/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NONBLOCK: a FIFO that took a file's place must not hang us. */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, OPENAT2_TRIES = 16 };

enum mlt_rc mlt_beneath_root(struct mlt_beneath *b, const char *path, struct mlt_err *err) {
  *b = (struct mlt_beneath){.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (b->fd < 0)
    return mlt_err_errno(err, errno, "cannot open folder '%s'", path);
  return MLT_OK;
}

void mlt_beneath_close(struct mlt_beneath *b) {
  if (b->fd >= 0)
    (void)close(b->fd);
  b->fd = -1;
}

static int open_retry(int dirfd, const char *name, int flags) {
  int fd;
  do
    fd = openat(dirfd, name, flags);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

/* EAGAIN: something was renamed while the kernel walked the path; it asks for another try. */
static int open_resolved(const struct mlt_beneath *b, const char *path, int flags) {
  struct open_how how = {.flags = (unsigned)flags,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  long fd = -1;
  for (int i = 0; i < OPENAT2_TRIES; i++) {
    fd = syscall(SYS_openat2, b->fd, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN))
      break;
  }
  return fd < 0 ? -errno : (int)fd;
}

static int open_link(struct mlt_beneath *b, const char *path, int flags) {
  if (b->no_openat2)
    return -EXDEV;
  int fd = open_resolved(b, path, flags);
  switch (fd) {
  case -ENOSYS:
  case -EPERM: /* a seccomp filter that does not know the call */
    b->no_openat2 = true;
    return -EXDEV;
  case -ENOENT:
    return -ENOLINK;
  default:
    return fd;
  }
}

static bool is_link(int dirfd, const char *name) {
  struct stat st;
  return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

static int open_any(struct mlt_beneath *b, int dirfd, const char *name, const char *path,
                    int flags) {
  int fd = open_retry(dirfd, name, flags | O_NOFOLLOW);
  /* O_DIRECTORY | O_NOFOLLOW on a link gives ENOTDIR. */
  if (fd == -ELOOP || (fd == -ENOTDIR && is_link(dirfd, name)))
    return open_link(b, path, flags);
  return fd;
}

int mlt_beneath_dir(struct mlt_beneath *b, int dirfd, const char *name, const char *path) {
  return open_any(b, dirfd, name, path, OPEN_FLAGS | O_DIRECTORY);
}

int mlt_beneath_file(struct mlt_beneath *b, int dirfd, const char *name, const char *path,
                     off_t *size) {
  int fd = open_any(b, dirfd, name, path, OPEN_FLAGS);
  if (fd < 0)
    return fd == -ENXIO ? -ENODEV : fd; /* a socket */
  struct stat st;
  int bad = 0;
  if (fstat(fd, &st) < 0)
    bad = -errno;
  else if (S_ISDIR(st.st_mode))
    bad = -EISDIR;
  else if (!S_ISREG(st.st_mode))
    bad = -ENODEV;
  if (bad) {
    (void)close(fd);
    return bad;
  }
  *size = st.st_size;
  return fd;
}

const char *mlt_beneath_reason(int errnum, const char **code) {
  static const struct {
    int errnum;
    const char *code, *reason;
  } known[] = {
      {ENOENT, "missing", "it is not there"},
      {EXDEV, "link-out", "it is a symbolic link that leads out of the store, or an absolute one"},
      {ELOOP, "bad-link", "it is a symbolic link that leads back to itself"},
      {ENOLINK, "bad-link", "it is a symbolic link to something that is not there"},
      {ENODEV, "special-file", "it is a device, FIFO or socket, not a file"},
      {EISDIR, "unreadable", "it is a folder, not a file"},
      {ENOTDIR, "unreadable", "it is not a folder"},
      {EACCES, "unreadable", "permission denied"},
      {ENAMETOOLONG, "too-deep", "its path is too long"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].errnum == errnum) {
      *code = known[i].code;
      return known[i].reason;
    }
  *code = "unreadable";
  return strerrordesc_np(errnum);
}

ssize_t mlt_beneath_read(int fd, void *p, size_t n) {
  ssize_t got;
  do
    got = read(fd, p, n);
  while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}
