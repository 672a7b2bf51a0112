/* See beneath.h. */
#include "source/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* NONBLOCK: a FIFO that took a file's place must not hang us. */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, MAX_LINKS = 40 };

static int open_retry(int dirfd, const char *name, int flags) {
  int fd;
  do
    fd = openat(dirfd, name, flags);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

/* A path on its way to one without links: `done` has none, `todo` is still to be looked at. */
struct walk {
  char done[PATH_MAX], todo[PATH_MAX];
  unsigned links;
};

static int drop_last(char *path) {
  char *slash = strrchr(path, '/');
  if (!*path)
    return -EXDEV; /* ".." at the root */
  *(slash ? slash : path) = '\0';
  return 0;
}

static int join(char out[PATH_MAX], const char *a, const char *b) {
  char joined[PATH_MAX];
  int n = snprintf(joined, sizeof joined, "%s%s%s", a, *a && *b ? "/" : "", b);
  if (n >= PATH_MAX)
    return -ENAMETOOLONG;
  memcpy(out, joined, (size_t)n + 1);
  return 0;
}

/* `done` ends in `name`; if that is a link, what it says takes its place in front of `todo`. */
static int expand(struct walk *w, int root) {
  char target[PATH_MAX];
  ssize_t n = readlinkat(root, w->done, target, sizeof target - 1);
  if (n < 0)
    return errno == EINVAL ? 0 : errno == ENOENT ? -ENOLINK : -errno;
  target[n] = '\0';
  if (target[0] == '/')
    return -EXDEV;
  if (++w->links > MAX_LINKS)
    return -ELOOP;
  int bad = drop_last(w->done);
  return bad ? bad : join(w->todo, target, w->todo);
}

static int step(struct walk *w, int root) {
  char name[PATH_MAX];
  size_t n = strcspn(w->todo, "/");
  memcpy(name, w->todo, n);
  name[n] = '\0';
  n += strspn(w->todo + n, "/");
  char *to = w->todo;
  for (const char *from = w->todo + n; (*to++ = *from++) != '\0';) {
  }
  if (!*name || strcmp(name, ".") == 0)
    return 0;
  if (strcmp(name, "..") == 0)
    return drop_last(w->done);
  int bad = join(w->done, w->done, name);
  return bad ? bad : expand(w, root);
}

/* By hand, as mlt_file_open. Links are rare, so this need not be fast. */
static int open_link(int root, const char *path, int flags) {
  struct walk w = {.links = 0};
  int bad = join(w.todo, path, "");
  while (!bad && *w.todo)
    bad = step(&w, root);
  /* no component is a link by now; if one has become a link since, it is not followed */
  return bad ? bad : mlt_file_open(root, w.done, flags);
}

static bool is_link(int dirfd, const char *name) {
  struct stat st;
  return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

static int open_any(int root, int dirfd, const char *name, const char *path, int flags) {
  int fd = open_retry(dirfd, name, flags | O_NOFOLLOW);
  /* O_DIRECTORY | O_NOFOLLOW on a link gives ENOTDIR. */
  if (fd == -ELOOP || (fd == -ENOTDIR && is_link(dirfd, name)))
    return open_link(root, path, flags);
  return fd;
}

int mlt_beneath_dir(int root, int dirfd, const char *name, const char *path) {
  return open_any(root, dirfd, name, path, OPEN_FLAGS | O_DIRECTORY);
}

static int judge_kind(mode_t mode) {
  return S_ISREG(mode) ? 0 : S_ISDIR(mode) ? -EISDIR : -ENODEV;
}

int mlt_beneath_file(int root, int dirfd, const char *name, const char *path, bool listed) {
  int fd = listed ? open_retry(dirfd, name, OPEN_FLAGS | O_NOFOLLOW) : -ELOOP;
  if (fd >= 0)
    return fd;
  if (fd == -ELOOP) /* a link, perhaps since it was listed */
    fd = open_any(root, dirfd, name, path, OPEN_FLAGS);
  if (fd < 0)
    return fd == -ENXIO ? -ENODEV : fd; /* a socket */
  struct stat st;
  int bad = fstat(fd, &st) < 0 ? -errno : judge_kind(st.st_mode);
  if (bad) {
    (void)close(fd);
    return bad;
  }
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
