/* Goes through what was put: a tree folder by folder, each file becoming a job. No folder is
   followed that is a link, no file but where the options say so, and every name is opened in the
   folder that was listed. */
#include "artifact/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC };

struct mlt_place_dir *mlt_place_dir_use(struct mlt_place_dir *dir) {
  atomic_fetch_add(&dir->users, 1);
  return dir;
}

void mlt_place_dir_done(struct mlt_place_dir *dir) {
  if (atomic_fetch_sub(&dir->users, 1) > 1)
    return;
  if (dir->listing)
    (void)closedir(dir->listing);
  else if (dir->source >= 0)
    (void)close(dir->source);
  if (dir->target >= 0)
    (void)close(dir->target);
  mlt_free(dir);
}

bool mlt_place_path(char out[PATH_MAX], const struct mlt_place_dir *dir, const char *name) {
  const struct mlt_placer_folder *f = dir->put->folder;
  size_t above = strlen(f->root->path) + strlen(f->path) + 2;
  int n = snprintf(out, PATH_MAX, "%s%s%s", dir->path, *dir->path ? "/" : "", name);
  if (n < PATH_MAX && above + (size_t)n < PATH_MAX)
    return true;
  mlt_place_fault(dir->put, MLT_AT_SOURCE, dir->path, "too-long", ENAMETOOLONG,
                  "the path of something in it is too long for where it belongs");
  return false;
}

/* Opens where dir's files belong, below `up` (the root or the folder above), making it. */
static bool open_target(struct mlt_place_dir *dir, int up, const char *path) {
  struct mlt_placer_root *root = dir->put->folder->root;
  if (up < 0) { /* a dry run, and what is above is not there */
    dir->fresh = true;
    return true;
  }
  int fd = root->p->o.dry_run ? mlt_file_open(up, path, DIR_FLAGS)
                              : mlt_file_folder(up, path, root->each, &dir->fresh);
  dir->target = fd;
  if (fd >= 0)
    return true;
  dir->target = -1;
  if (fd == -ENOENT && root->p->o.dry_run)
    dir->fresh = true;
  else if (fd == -ENOTDIR || fd == -ELOOP)
    mlt_place_fault(dir->put, MLT_AT_TARGET, dir->path, "exists", -fd,
                    "it should be a folder, but something else, or a link, has its name");
  else if (fd == -ENAMETOOLONG)
    mlt_place_fault(dir->put, MLT_AT_TARGET, dir->path, "too-long", -fd, "its path is too long");
  else
    (void)mlt_placer_failed(root, -fd, "cannot make", dir->put->folder->path, dir->path);
  return dir->fresh;
}

static struct mlt_place_dir *new_dir(struct mlt_place_put *put, int source, const char *path) {
  size_t n = strlen(path) + 1;
  struct mlt_place_dir *dir = mlt_calloc(1, sizeof *dir + n);
  if (!dir) {
    (void)close(source);
    (void)mlt_placer_nomem(put->folder->group->p);
    return NULL;
  }
  memcpy(dir->path, path, n);
  atomic_init(&dir->users, 1);
  dir->put = put;
  dir->source = source;
  dir->target = -1;
  return dir;
}

static bool is_target(const struct mlt_place_put *put, const struct stat *st) {
  const struct mlt_placer_root *root = put->folder->root;
  return (root->fd >= 0 && st->st_dev == root->dev && st->st_ino == root->ino) ||
         (put->ino && st->st_dev == put->dev && st->st_ino == put->ino);
}

/* Is it the folder itself that its files go to? Then they are where they belong. */
static bool note_identity(struct mlt_place_dir *dir, const struct stat *source, bool top) {
  struct stat target;
  if (dir->target < 0)
    return true;
  if (fstat(dir->target, &target) != 0) {
    (void)mlt_placer_failed(dir->put->folder->root, errno, "cannot look at", dir->put->folder->path,
                            dir->path);
    return false;
  }
  dir->same = source->st_dev == target.st_dev && source->st_ino == target.st_ino;
  if (top) {
    dir->put->dev = target.st_dev;
    dir->put->ino = target.st_ino;
  }
  return true;
}

static void walk(struct mlt_placer_worker *w, struct mlt_place_dir *dir, unsigned depth);

/* A folder of dir's; path is its own, relative to the folder. */
static void enter(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const char *name,
                  const char *path, unsigned depth) {
  struct stat st;
  if (depth >= MLT_PLACE_DEPTH) {
    mlt_place_fault(dir->put, MLT_AT_SOURCE, path, "too-deep", 0,
                    "it lies too many folders deep; it and all in it is left out");
    return;
  }
  int fd = mlt_file_open(dir->source, name, DIR_FLAGS);
  if (fd < 0 || fstat(fd, &st) != 0) {
    mlt_place_source_fault(dir->put, path, fd < 0 ? -fd : errno);
    if (fd >= 0)
      (void)close(fd);
    return;
  }
  if (is_target(dir->put, &st)) {
    (void)close(fd);
    mlt_place_fault(dir->put, MLT_AT_SOURCE, path, "overlap", 0,
                    "the artifacts are being placed below it; it is left out");
    return;
  }
  struct mlt_place_dir *below = new_dir(dir->put, fd, path);
  if (!below)
    return;
  if (open_target(below, dir->target, name) && note_identity(below, &st, false))
    walk(w, below, depth + 1);
  mlt_place_dir_done(below);
}

static void give_file(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const char *name,
                      const char *path) {
  struct mlt_placer_job job = {.dir = mlt_place_dir_use(dir), .name = mlt_strdup(name)};
  if (!job.name)
    (void)mlt_placer_nomem(w->p);
  else if (mlt_placer_push(dir->put->folder->group, &job, false))
    return;
  else /* the others have enough to do */
    mlt_place_file(w, dir, name, path);
  mlt_free(job.name);
  mlt_place_dir_done(dir);
}

static void visit(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const struct dirent *e,
                  unsigned depth) {
  char path[PATH_MAX];
  unsigned char type = e->d_type;
  struct stat st;
  if (!mlt_place_path(path, dir, e->d_name))
    return;
  if (type == DT_UNKNOWN) {
    if (fstatat(dir->source, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
      mlt_place_source_fault(dir->put, path, errno);
      return;
    }
    type = (unsigned char)IFTODT(st.st_mode);
  }
  switch (type) {
  case DT_DIR:
    enter(w, dir, e->d_name, path, depth);
    break;
  case DT_REG:
    give_file(w, dir, e->d_name, path);
    break;
  case DT_LNK:
    mlt_place_link(w, dir, e->d_name, path);
    break;
  default: /* not opened: that alone may do something to a device */
    mlt_place_source_fault(dir->put, path, ENODEV);
  }
}

static void walk(struct mlt_placer_worker *w, struct mlt_place_dir *dir, unsigned depth) {
  dir->listing = fdopendir(dir->source);
  if (!dir->listing) {
    mlt_place_source_fault(dir->put, dir->path, errno);
    return;
  }
  while (!mlt_placer_over(w->p)) {
    errno = 0;
    const struct dirent *e = readdir(dir->listing);
    if (!e) {
      if (errno)
        mlt_place_source_fault(dir->put, dir->path, errno);
      return;
    }
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      visit(w, dir, e, depth);
  }
}

/* The folder at an absolute path, whose parents may be links: they are the user's. */
static int open_source(const char *path, int flags, struct stat *st) {
  int fd = open(path, DIR_FLAGS | flags);
  if (fd < 0) /* with O_DIRECTORY, a link gives ENOTDIR */
    return errno == ENOTDIR && lstat(path, st) == 0 && S_ISLNK(st->st_mode) ? -ELOOP : -errno;
  if (fstat(fd, st) == 0)
    return fd;
  int failed = -errno;
  (void)close(fd);
  return failed;
}

/* Where `path`, relative to the folder, lies below the root. */
static bool open_top(struct mlt_place_dir *dir) {
  const struct mlt_placer_folder *f = dir->put->folder;
  char full[PATH_MAX]; /* fits: its length was looked at when it was put */
  (void)snprintf(full, sizeof full, "%s%s%s", f->path, *dir->path ? "/" : "", dir->path);
  return open_target(dir, f->root->fd, full);
}

static void begin_tree(struct mlt_placer_worker *w, struct mlt_place_put *put) {
  struct stat st;
  int fd = open_source(put->source, O_NOFOLLOW, &st);
  if (fd < 0) {
    mlt_place_source_fault(put, NULL, -fd);
    return;
  }
  if (is_target(put, &st)) {
    (void)close(fd);
    mlt_place_fault(put, MLT_AT_SOURCE, NULL, "overlap", 0,
                    "it is the folder below which artifacts are placed");
    return;
  }
  struct mlt_place_dir *dir = new_dir(put, fd, put->below);
  if (!dir)
    return;
  if (open_top(dir) && note_identity(dir, &st, true)) {
    put->begun = true;
    put->same = dir->same;
    walk(w, dir, 1);
  }
  mlt_place_dir_done(dir);
}

/* "a/b" -> "a" in `folder`, and "b". */
static const char *split(char folder[PATH_MAX], const char *path) {
  const char *slash = strrchr(path, '/');
  size_t n = slash ? (size_t)(slash - path) : 0;
  (void)snprintf(folder, PATH_MAX, "%.*s", (int)n, path);
  return slash ? slash + 1 : path;
}

static void begin_file(struct mlt_placer_worker *w, struct mlt_place_put *put) {
  char from[PATH_MAX], to[PATH_MAX];
  struct stat st;
  if (strlen(put->source) >= PATH_MAX) {
    mlt_place_source_fault(put, NULL, ENAMETOOLONG);
    return;
  }
  const char *name = split(from, put->source), *as = split(to, put->below);
  if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
    mlt_place_source_fault(put, NULL, EISDIR);
    return;
  }
  int fd = open_source(*from ? from : "/", 0, &st);
  if (fd < 0) {
    mlt_place_source_fault(put, NULL, -fd);
    return;
  }
  struct mlt_place_dir *dir = new_dir(put, fd, to);
  if (!dir)
    return;
  if (open_top(dir) && note_identity(dir, &st, false)) {
    dir->same = dir->same && strcmp(name, as) == 0;
    mlt_place_file(w, dir, name, put->below);
  }
  mlt_place_dir_done(dir);
}

void mlt_place_begin(struct mlt_placer_worker *w, struct mlt_place_put *put) {
  if (put->tree)
    begin_tree(w, put);
  else
    begin_file(w, put);
}
