#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER = O_PATH | O_DIRECTORY };

bool mlt_file_path_valid(struct mlt_str path) {
  if (!path.len || memchr(path.p, '\0', path.len))
    return false;
  for (size_t at = 0, n; at <= path.len; at += n + 1) {
    const char *name = path.p + at, *slash = memchr(name, '/', path.len - at);
    n = slash ? (size_t)(slash - name) : path.len - at;
    if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && memcmp(name, "..", 2) == 0))
      return false;
  }
  return true;
}

static int open_at(int dir, const char *name, int flags) {
  int fd;
  do
    fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

/* As open_at; a name of its own also when it was there already. */
static int make_at(int dir, const char *name, bool sync, bool *made) {
  *made = mkdirat(dir, name, 0777) == 0;
  if (!*made && errno != EEXIST)
    return -errno;
  if (*made && sync) {
    int up = open_at(dir, ".", O_RDONLY | O_DIRECTORY); /* dir may be O_PATH */
    int failed = up < 0 ? up : fsync(up) == 0 ? 0 : -errno;
    if (up >= 0)
      (void)close(up);
    if (failed)
      return failed;
  }
  return open_at(dir, name, O_RDONLY | O_DIRECTORY);
}

/* By hand rather than with openat2(RESOLVE_BENEATH): kernels before 5.6 and many sandboxes lack
   that. Opens the folder that the last name is in and makes *last point to that name. */
static int open_parent(int root, char *path, bool make, bool sync, char **last) {
  int dir = open_at(root, ".", FOLDER);
  for (char *slash; dir >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
    bool made;
    *slash = '\0';
    int below = make ? make_at(dir, path, sync, &made) : open_at(dir, path, FOLDER);
    (void)close(dir);
    dir = below;
  }
  *last = path;
  return dir;
}

static bool copy_path(char out[PATH_MAX], const char *path) {
  return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
}

int mlt_file_open(int root, const char *path, int flags) {
  char parts[PATH_MAX], *last;
  if (!copy_path(parts, path))
    return -ENAMETOOLONG;
  int dir = open_parent(root, parts, false, false, &last);
  if (dir < 0)
    return dir;
  int fd = open_at(dir, *last ? last : ".", flags);
  (void)close(dir);
  return fd;
}

int mlt_file_folder(int root, const char *path, bool sync, bool *made) {
  char parts[PATH_MAX], *last;
  bool new_one = false;
  if (!copy_path(parts, path))
    return -ENAMETOOLONG;
  int dir = open_parent(root, parts, true, sync, &last);
  if (dir < 0)
    return dir;
  int fd = *last ? make_at(dir, last, sync, &new_one) : open_at(dir, ".", O_RDONLY | O_DIRECTORY);
  (void)close(dir);
  if (made)
    *made = new_one;
  return fd;
}

ssize_t mlt_file_read(int fd, void *p, size_t n) {
  ssize_t got;
  do
    got = read(fd, p, n);
  while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}

int mlt_file_write(int fd, const void *p, size_t n) {
  for (const char *at = p; n;) {
    ssize_t put = write(fd, at, n);
    if (put < 0 && errno != EINTR)
      return -errno;
    if (put > 0) {
      at += put;
      n -= (size_t)put;
    }
  }
  return 0;
}

int mlt_file_rename_new(int from_dir, const char *from, int to_dir, const char *to) {
  if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return -errno;
  /* not every file system knows that; a hard link cannot replace either */
  if (linkat(from_dir, from, to_dir, to, 0) != 0)
    return -errno;
  (void)unlinkat(from_dir, from, 0);
  return 0;
}
