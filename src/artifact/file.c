/* One file: staged for its place, or compared with what has that place already. */
#include "artifact/private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"

enum {
  CLONE_FROM = 64 << 10, /* less is sooner copied than asked for */
  FLUSH_BYTES = 8 << 20
};

/* The file at hand. */
struct job {
  struct mlt_placer_worker *w;
  struct mlt_place_dir *dir;
  const char *name; /* in dir's source */
  const char *path; /* its own, relative to the folder */
  const char *as;   /* in dir's target: the end of path */
  int fd;           /* the source's */
  struct stat st;   /* its state before it was read */
  bool hash;
  bool led; /* there by a symbolic link */
  struct mlt_place_entry e;
};

static struct mlt_placer_root *root_of(const struct job *j) {
  return j->dir->put->folder->root;
}

static bool wants(const struct job *j, enum mlt_placing mode) {
  return j->w->p->o.mode == mode;
}

static void fault(const struct job *j, int errnum) {
  mlt_place_source_fault(j->dir->put, j->path, errnum);
}

static void target_failed(const struct job *j, int errnum, const char *what) {
  (void)mlt_placer_failed(root_of(j), errnum, what, j->dir->put->folder->path, j->path);
}

static void drop(const struct job *j) {
  char name[MLT_STAGED_NAME];
  mlt_staged_name(name, j->e.staged);
  (void)unlinkat(root_of(j)->staging, name, 0);
}

/* Reading. */

static bool hash_start(const struct job *j) {
  return !j->hash || mlt_hasher_start(j->w->hasher) || (mlt_placer_nomem(j->w->p), false);
}

static bool hash_add(const struct job *j, const char *p, size_t n) {
  return !j->hash || mlt_hasher_add(j->w->hasher, p, n) || (mlt_placer_nomem(j->w->p), false);
}

static bool hash_finish(struct job *j) {
  return !j->hash || mlt_hasher_finish(j->w->hasher, j->e.is.sha256) ||
         (mlt_placer_nomem(j->w->p), false);
}

static bool is_zero(const char *p, size_t n) {
  return n && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* A block of zeros of a file that has holes becomes a hole. */
static int put_block(const char *p, size_t n, int out, bool holes) {
  if (out < 0 || n == 0)
    return 0;
  if (holes && is_zero(p, n))
    return lseek(out, (off_t)n, SEEK_CUR) < 0 ? -errno : 0;
  return mlt_file_write(out, p, n);
}

/* Has all been read? A small file's only read gave all of it; whether that is so is seen when its
   state is compared with what it was. One that grows is read no further: it is told. */
static bool at_end(const struct job *j, uint64_t total, ssize_t last) {
  uint64_t size = (uint64_t)j->st.st_size;
  return last == 0 || total > size || (total == size && total < MLT_PLACER_BUFFER);
}

/* Of a large file: what was written is on its way to the disk while the rest is read, so that
   little is left to wait for when it is made durable. Only that: what fails here fails again there.
 */
static void flush_early(const struct job *j, int out, uint64_t before, uint64_t now) {
  uint64_t from = before / FLUSH_BYTES * FLUSH_BYTES, to = now / FLUSH_BYTES * FLUSH_BYTES;
  if (out >= 0 && from != to && j->w->p->o.sync != MLT_SYNC_NONE)
    (void)sync_file_range(out, (off_t)from, (off_t)(to - from), SYNC_FILE_RANGE_WRITE);
}

/* Reads fd to its end, hashing, and writes it to `out` unless that is -1. False: told, or all is
   over. */
static bool read_all(struct job *j, int fd, int out) {
  bool holes = j->st.st_blocks < j->st.st_size / 512;
  char *p = j->w->buffer;
  uint64_t total = 0;
  ssize_t n;
  int failed = 0;
  if (!hash_start(j))
    return false;
  do {
    if (mlt_placer_over(j->w->p))
      return false;
    n = mlt_file_read(fd, p, MLT_PLACER_BUFFER);
    if (n < 0) {
      fault(j, (int)-n);
      return false;
    }
    failed = put_block(p, (size_t)n, out, holes);
    if (!failed && !hash_add(j, p, (size_t)n))
      return false;
    total += (uint64_t)n;
    flush_early(j, out, total - (uint64_t)n, total);
  } while (!failed && !at_end(j, total, n));
  if (!failed && out >= 0 && holes && ftruncate(out, (off_t)total) != 0)
    failed = -errno;
  if (failed)
    target_failed(j, -failed, "cannot write");
  j->e.is.size = total;
  return !failed && hash_finish(j);
}

/* Has the source stayed as it was when it was opened? If not, that is told. */
static bool unchanged(const struct job *j) {
  struct stat now;
  if (fstat(j->fd, &now) != 0) {
    fault(j, errno);
    return false;
  }
  if (now.st_size == j->st.st_size && j->e.is.size == (uint64_t)now.st_size &&
      mlt_mtime_ns(&now) == mlt_mtime_ns(&j->st))
    return true;
  mlt_place_fault(j->dir->put, MLT_AT_SOURCE, j->path, "changed", 0,
                  "it changed while it was read; it was not placed");
  return false;
}

/* Copying. */

/* Shares the source's blocks. What was shared cannot change any more, so it is that which is
   hashed. False: cannot be, nothing was done. */
static bool clone_blocks(struct job *j, int out) {
  struct mlt_place_put *put = j->dir->put;
  if (j->st.st_size < CLONE_FROM || atomic_load_explicit(&put->no_clones, memory_order_relaxed))
    return false;
  if (ioctl(out, FICLONE, j->fd) == 0)
    return true;
  atomic_store(&put->no_clones, true);
  return false;
}

/* Where nothing is hashed the kernel may copy by itself: 0, or -errno if nothing was done. */
static int copy_in_kernel(struct job *j, int out) {
  ssize_t n;
  j->e.is.size = 0;
  while ((n = copy_file_range(j->fd, NULL, out, NULL, 1 << 30, 0)) > 0) {
    j->e.is.size += (uint64_t)n;
    if (mlt_placer_over(j->w->p))
      return 0;
  }
  return n < 0 ? -errno : 0;
}

static bool copy_contents(struct job *j, int out) {
  if (clone_blocks(j, out)) {
    j->e.is.size = (uint64_t)j->st.st_size;
    return !j->hash || read_all(j, out, -1);
  }
  bool holes = j->st.st_blocks < j->st.st_size / 512;
  if (j->hash || holes || j->st.st_size < CLONE_FROM)
    return read_all(j, j->fd, out);
  int failed = copy_in_kernel(j, out);
  if (!failed)
    return !mlt_placer_over(j->w->p);
  if (failed == -ENOSPC || failed == -EDQUOT) {
    target_failed(j, -failed, "cannot write");
    return false;
  }
  /* another file system, an old kernel, or an error that will come again and be told */
  if (lseek(j->fd, 0, SEEK_SET) < 0 || lseek(out, 0, SEEK_SET) < 0 || ftruncate(out, 0) != 0) {
    target_failed(j, errno, "cannot write");
    return false;
  }
  return read_all(j, j->fd, out);
}

static bool finish_copy(struct job *j, int out) {
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, j->st.st_mtim};
  int failed = futimens(out, times) != 0 ? errno : root_of(j)->each && fsync(out) != 0 ? errno : 0;
  if (close(out) != 0 && !failed && errno != EINTR)
    failed = errno;
  if (failed)
    target_failed(j, failed, "cannot write");
  return !failed;
}

static bool stage_copy(struct job *j) {
  char name[MLT_STAGED_NAME];
  j->e.staged = mlt_stage_name(j->w->p, name);
  int out = openat(root_of(j)->staging, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0666 | (j->st.st_mode & 0111));
  if (out < 0) {
    target_failed(j, errno, "cannot create");
    return false;
  }
  bool ok = copy_contents(j, out) && unchanged(j);
  if (!ok)
    (void)close(out);
  else
    ok = finish_copy(j, out);
  if (!ok)
    drop(j);
  return ok;
}

/* Linking. */

static bool cannot_be_linked(int errnum) {
  static const int why[] = {EXDEV, EPERM, EACCES, EMLINK, EOPNOTSUPP, ENOSYS};
  for (size_t i = 0; i < sizeof why / sizeof *why; i++)
    if (errnum == why[i])
      return true;
  return false;
}

/* Is what was linked what was opened? */
static bool linked_it(const struct job *j, const char *staged) {
  struct stat st;
  if (fstatat(root_of(j)->staging, staged, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      st.st_ino == j->st.st_ino && st.st_dev == j->st.st_dev)
    return true;
  mlt_place_fault(j->dir->put, MLT_AT_SOURCE, j->path, "changed", 0,
                  "another file took its name while it was placed");
  return false;
}

/* 1: done; 0: it has to be copied; -1: told. */
static int stage_link(struct job *j) {
  char name[MLT_STAGED_NAME];
  j->e.staged = mlt_stage_name(j->w->p, name);
  if (linkat(j->dir->source, j->name, root_of(j)->staging, name, 0) != 0) {
    if (cannot_be_linked(errno))
      return 0;
    if (errno == ENOENT)
      fault(j, ENOENT);
    else
      target_failed(j, errno, "cannot link");
    return -1;
  }
  j->e.is.size = (uint64_t)j->st.st_size;
  bool ok = linked_it(j, name) && (!j->hash || read_all(j, j->fd, -1)) && unchanged(j);
  if (!ok)
    drop(j);
  return ok ? 1 : -1;
}

static void stage(struct job *j) {
  struct mlt_placed sum = {.files = 1};
  if (!j->w->p->o.dry_run) {
    int linked = wants(j, MLT_PLACE_COPY) || j->led ? 0 : stage_link(j);
    if (linked < 0 || (!linked && !stage_copy(j)))
      return;
    sum.linked = linked != 0;
    sum.copied = !linked && !wants(j, MLT_PLACE_COPY);
  } else {
    j->e.is.size = (uint64_t)j->st.st_size;
  }
  sum.bytes = j->e.is.size;
  j->e.remove = wants(j, MLT_PLACE_MOVE) && !j->led;
  mlt_placer_count(j->dir->put->folder->group, &sum);
  if (!j->w->p->o.dry_run)
    mlt_folder_add(j->w, j->dir->put->folder, &j->e, j->path);
}

/* Comparing. */

static ssize_t read_full(int fd, char *p, size_t n) {
  size_t have = 0;
  while (have < n) {
    ssize_t got = mlt_file_read(fd, p + have, n - have);
    if (got < 0)
      return got;
    if (got == 0)
      break;
    have += (size_t)got;
  }
  return (ssize_t)have;
}

int mlt_place_compare(struct mlt_placer_worker *w, int a, int b, struct mlt_hasher *h) {
  for (;;) {
    if (mlt_placer_over(w->p))
      return -ECANCELED;
    ssize_t n = read_full(a, w->buffer, MLT_PLACER_BUFFER);
    ssize_t m = n < 0 ? n : read_full(b, w->other, MLT_PLACER_BUFFER);
    if (m < 0)
      return (int)m;
    if (n != m || memcmp(w->buffer, w->other, (size_t)n) != 0)
      return 0;
    if (h && !mlt_hasher_add(h, w->buffer, (size_t)n))
      return -ENOMEM;
    if (n < MLT_PLACER_BUFFER)
      return 1;
  }
}

static void exists(const struct job *j, const char *reason) {
  mlt_place_fault(j->dir->put, MLT_AT_TARGET, j->path, "exists", EEXIST, reason);
}

/* Equal contents; reads both. False: told. */
static bool equal_contents(struct job *j) {
  int fd = openat(j->dir->target, j->as, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) {
    exists(j, "there is a file of this name, which cannot be read to compare it");
    return false;
  }
  int equal =
      hash_start(j) ? mlt_place_compare(j->w, j->fd, fd, j->hash ? j->w->hasher : NULL) : -ENOMEM;
  if (equal > 0 && root_of(j)->each && !j->w->p->o.dry_run && fsync(fd) != 0)
    target_failed(j, errno, "cannot make durable");
  (void)close(fd);
  j->e.is.size = (uint64_t)j->st.st_size;
  if (equal == 0)
    exists(j, "a file of other content has its name; it was left as it is");
  else if (equal < 0 && equal != -ECANCELED)
    fault(j, -equal);
  return equal > 0 && hash_finish(j) && unchanged(j);
}

/* There is something of this name. */
static bool same_as_there(struct job *j, const struct stat *there) {
  struct mlt_manifest_entry known;
  if (!S_ISREG(there->st_mode)) {
    exists(j, "what has its name is no file; it was left as it is");
    return false;
  }
  if (there->st_size != j->st.st_size) {
    exists(j, "a file of another length has its name; it was left as it is");
    return false;
  }
  if (mlt_mtime_ns(there) == mlt_mtime_ns(&j->st) &&
      mlt_folder_known(j->dir->put->folder, j->path, &known) &&
      known.mtime_ns == mlt_mtime_ns(there) && known.size == (uint64_t)there->st_size) {
    memcpy(j->e.is.sha256, known.sha256, sizeof known.sha256);
    j->e.is.size = known.size;
    return true;
  }
  if (there->st_dev == j->st.st_dev && there->st_ino == j->st.st_ino) {
    j->e.is.size = (uint64_t)j->st.st_size;
    return (!j->hash || read_all(j, j->fd, -1)) && unchanged(j);
  }
  return equal_contents(j);
}

static void present(struct job *j, const struct stat *there) {
  if (!same_as_there(j, there))
    return;
  j->e.is.mtime_ns = mlt_mtime_ns(there);
  j->e.remove = wants(j, MLT_PLACE_MOVE) && !j->dir->same && !j->led;
  mlt_placer_count(j->dir->put->folder->group,
                   &(struct mlt_placed){.present = 1, .present_bytes = j->e.is.size});
  if (!j->w->p->o.dry_run)
    mlt_folder_add(j->w, j->dir->put->folder, &j->e, j->path);
}

static void place(struct job *j) {
  struct stat there;
  if (j->dir->fresh || fstatat(j->dir->target, j->as, &there, AT_SYMLINK_NOFOLLOW) != 0) {
    if (j->dir->fresh || errno == ENOENT)
      stage(j);
    else if (errno == ENAMETOOLONG)
      mlt_place_fault(j->dir->put, MLT_AT_TARGET, j->path, "too-long", errno,
                      "its name is too long");
    else
      target_failed(j, errno, "cannot look at");
    return;
  }
  present(j, &there);
}

/* What j->fd is; closes it. */
static void place_opened(struct job *j) {
  int failed = fstat(j->fd, &j->st) != 0 ? errno : 0;
  if (!failed && !S_ISREG(j->st.st_mode))
    failed = S_ISDIR(j->st.st_mode) ? EISDIR : ENODEV;
  if (failed) {
    fault(j, failed);
  } else {
    j->e = (struct mlt_place_entry){.put = j->dir->put,
                                    .dev = j->st.st_dev,
                                    .ino = j->st.st_ino,
                                    .is.mtime_ns = mlt_mtime_ns(&j->st)};
    place(j);
  }
  (void)close(j->fd);
}

static struct job job_of(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const char *name,
                         const char *path) {
  const char *slash = strrchr(path, '/');
  return (struct job){.w = w,
                      .dir = dir,
                      .name = name,
                      .path = path,
                      .as = slash ? slash + 1 : path,
                      .hash = !w->p->o.no_manifests && !w->p->o.dry_run};
}

void mlt_place_file(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const char *name,
                    const char *path) {
  struct job j = job_of(w, dir, name, path);
  do
    j.fd = openat(dir->source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  while (j.fd < 0 && errno == EINTR);
  if (j.fd < 0)
    fault(&j, errno);
  else
    place_opened(&j);
}

void mlt_place_link(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const char *name,
                    const char *path) {
  const struct mlt_placer_options *o = &w->p->o;
  struct job j = job_of(w, dir, name, path);
  char target[PATH_MAX];
  ssize_t n = o->follow ? readlinkat(dir->source, name, target, sizeof target) : 0;
  if (n < 0) {
    fault(&j, errno);
    return;
  }
  bool whole = n > 0 && (size_t)n < sizeof target;
  target[whole ? n : 0] = '\0';
  j.led = true;
  j.fd = whole ? o->follow(o->ctx, target) : -ELOOP;
  if (j.fd < 0)
    fault(&j, -j.fd);
  else
    place_opened(&j);
}
