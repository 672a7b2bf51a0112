/* One folder beside its manifest, and one file that is read. */
#include "verify/scan_intern.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/mix.h"
#include "verify/tree.h"

enum { TEXT = 512 };

static int64_t mtime_ns(const struct stat *st) {
  return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* One more than may be told of is kept, so that it is seen that there are too many. */
static void keep(struct mlt_scan *s, struct mlt_scan_job *job, const struct mlt_finding *f) {
  struct mlt_finding copy = *f;
  bool kept = true;
  (void)pthread_mutex_lock(&s->found_lock);
  if (job->found.n <= MLT_SCAN_ENDED_FINDINGS) {
    if (!job->arena)
      job->arena = mlt_arena_new();
    kept = job->arena && MLT_VEC_ROOM(job->found) &&
           mlt_arena_str(job->arena, f->path, &copy.path) == 0 &&
           mlt_arena_str(job->arena, f->text, &copy.text) == 0;
    if (kept)
      job->found.v[job->found.n++] = copy;
  }
  (void)pthread_mutex_unlock(&s->found_lock);
  struct mlt_err err = MLT_ERR_INIT;
  if (!kept) {
    (void)mlt_err_nomem(&err);
    mlt_scan_fail(s, &err);
  }
}

void mlt_scan_tell(struct mlt_scan *s, struct mlt_scan_job *job, enum mlt_finding_id what,
                   const char *path, const char *fmt, ...) {
  char text[TEXT], full[2 * PATH_MAX];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  (void)snprintf(full, sizeof full, "%s%s%s", job->full, *path ? "/" : "", path);
  const struct mlt_finding f = {.what = what,
                                .table = job->table,
                                .id = job->id,
                                .experiment = job->experiment,
                                .path = mlt_str_c(full),
                                .text = mlt_str_c(text)};
  s->o.found(s->o.ctx, &f);
  if (s->o.ended)
    keep(s, job, &f);
}

static const struct mlt_access *reader_of(const struct mlt_scan *s) {
  return s->o.as ? s->o.as : s->self;
}

static const char *text_of(int errnum) {
  const char *text = strerrordesc_np(errnum);
  return text ? text : "unknown error";
}

/* ---- manifests ---- */

int mlt_scan_manifest(const char *folder, const char *id, char name[PATH_MAX]) {
  char up[PATH_MAX], path[MLT_MANIFEST_PATH];
  if (!mlt_manifest_id_valid(id) || snprintf(up, sizeof up, "%s", folder) >= PATH_MAX)
    return -1;
  mlt_manifest_path(path, id);
  for (char *slash; (slash = strrchr(up, '/'));) {
    *slash = '\0';
    if (snprintf(name, PATH_MAX, "%s/%s", up, path) >= PATH_MAX)
      continue;
    int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
      return fd;
  }
  return -1;
}

/* ---- one file, read ---- */

/* 0, or errno; ECANCELED when all is over. */
static int hash_file(struct mlt_scan_worker *w, struct mlt_scan_job *job, int fd, bool large,
                     unsigned char sha[MLT_SHA256_BYTES], uint64_t *size) {
  ssize_t n;
  *size = 0;
  if (!mlt_hasher_start(w->hasher))
    return ENOMEM;
  if (large)
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  while ((n = mlt_file_read(fd, w->buffer, MLT_SCAN_BUFFER)) > 0) {
    if (!mlt_hasher_add(w->hasher, w->buffer, (size_t)n))
      return ENOMEM;
    *size += (uint64_t)n;
    MLT_SCAN_COUNT(w->s, job, hashed_bytes, (uint64_t)n);
    if (mlt_scan_over(w->s))
      return ECANCELED;
  }
  if (n < 0)
    return (int)-n;
  MLT_SCAN_COUNT(w->s, job, hashed, 1);
  return mlt_hasher_finish(w->hasher, sha) ? 0 : ENOMEM;
}

int mlt_scan_hash(struct mlt_scan_worker *w, struct mlt_scan_job *job, const char *path,
                  unsigned char sha[MLT_SHA256_BYTES], uint64_t *size, struct stat *st) {
  int fd = mlt_file_open(job->top, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  int failed = fd < 0 ? -fd : fstat(fd, st) != 0 ? errno : 0;
  if (!failed)
    failed = S_ISREG(st->st_mode) ? hash_file(w, job, fd, st->st_size > MLT_SCAN_BUFFER, sha, size)
                                  : ENODEV;
  if (fd >= 0)
    (void)close(fd);
  return failed;
}

static void tell_unread(struct mlt_scan *s, struct mlt_scan_job *job, const char *path,
                        int errnum) {
  if (errnum == ECANCELED)
    return;
  if (errnum == ENOENT)
    mlt_scan_tell(s, job, MLT_FINDING_FILE_MISSING, path, "it went away while it was looked at");
  else
    mlt_scan_tell(s, job, MLT_FINDING_FILE_UNREADABLE, path, "cannot be read: %s", text_of(errnum));
}

void mlt_scan_run_file(struct mlt_scan_worker *w, struct mlt_scan_job *job, const char *path,
                       const struct mlt_manifest_entry *was) {
  unsigned char sha[MLT_SHA256_BYTES];
  uint64_t size = 0;
  struct stat st;
  int failed = mlt_scan_hash(w, job, path, sha, &size, &st);
  if (failed) {
    tell_unread(w->s, job, path, failed);
    return;
  }
  bool same_time = mtime_ns(&st) == was->mtime_ns;
  if (size != was->size)
    mlt_scan_tell(w->s, job, MLT_FINDING_FILE_CHANGED, path,
                  "%" PRIu64 " bytes; it had %" PRIu64 " when it was recorded", size, was->size);
  else if (memcmp(sha, was->sha256, sizeof sha) != 0)
    mlt_scan_tell(w->s, job, MLT_FINDING_FILE_CHANGED, path,
                  "other content (SHA-256) than was recorded, of the same length%s",
                  same_time ? " and time" : "");
  else if (!same_time)
    mlt_scan_tell(w->s, job, MLT_FINDING_FILE_TOUCHED, path,
                  "its time is another than was recorded; its content is the same");
}

/* ---- a folder beside its manifest ---- */

struct compare {
  struct mlt_scan_worker *w;
  struct mlt_scan_job *job;
  struct mlt_manifest_reader *manifest; /* NULL: there is none, or no more of it */
  bool recorded;                        /* there is one, whole so far: what it lacks was added */
  bool have;                            /* was: the next entry */
  struct mlt_manifest_entry was;
};

static void next_entry(struct compare *c) {
  struct mlt_err why = MLT_ERR_INIT;
  enum mlt_rc rc = c->manifest ? mlt_manifest_next(c->manifest, &c->was, &why) : MLT_END;
  c->have = rc == MLT_OK;
  if (rc == MLT_OK || rc == MLT_END)
    return;
  c->recorded = false;
  if (rc == MLT_NOMEM)
    mlt_scan_fail(c->w->s, &why);
  else
    mlt_scan_tell(c->w->s, c->job, MLT_FINDING_MANIFEST_BAD, "", "%s", why.msg);
}

static void tell_missing(struct compare *c, const char *instead) {
  char path[PATH_MAX];
  (void)snprintf(path, sizeof path, "%.*s", MLT_STR_ARG(c->was.path));
  mlt_scan_tell(c->w->s, c->job, MLT_FINDING_FILE_MISSING, path,
                "%s; %" PRIu64 " bytes were recorded", instead, c->was.size);
}

/* It may be there by another name. */
static void miss(struct compare *c) {
  if (!mlt_scan_keep(c->job, c->was.path, c->was.size, c->was.mtime_ns, c->was.sha256))
    tell_missing(c, "not there");
}

/* Is path what was recorded next? What comes before it is missing. */
static bool come_to(struct compare *c, const char *path) {
  struct mlt_str at = mlt_str_c(path);
  int order = 1;
  while (c->have && (order = mlt_str_cmp(c->was.path, at)) < 0) {
    miss(c);
    next_entry(c);
  }
  return c->have && order == 0;
}

/* What was recorded below a folder that cannot be looked into is not known to be missing. */
static void pass_over(struct compare *c, const char *folder) {
  size_t n = strlen(folder);
  if (n)
    (void)come_to(c, folder);
  while (c->have && (!n || (c->was.path.len > n && memcmp(c->was.path.p, folder, n) == 0 &&
                            c->was.path.p[n] == '/')))
    next_entry(c);
}

/* By the path alone, so that it is the same files each time: FNV-1a, with its bits mixed. */
static bool in_sample(const struct mlt_scan *s, const struct mlt_scan_job *job, const char *path) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < job->id.len; i++)
    h = (h ^ (unsigned char)job->id.p[i]) * UINT64_C(0x100000001b3);
  for (; *path; path++)
    h = (h ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
  h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
  h ^= h >> 33;
  return mlt_mix_in_share(h, s->o.sample);
}

static bool is_to_be_read(const struct compare *c, const struct mlt_tree_item *item) {
  const struct mlt_scan *s = c->w->s;
  return mtime_ns(item->st) != c->was.mtime_ns || s->o.mode == MLT_VERIFY_FULL ||
         (s->o.mode == MLT_VERIFY_SAMPLE && in_sample(s, c->job, item->path));
}

static void read_file(struct compare *c, const struct mlt_tree_item *item) {
  struct mlt_scan_task t = {.job = c->job, .was = c->was};
  t.path = mlt_strdup(item->path);
  if (t.path && mlt_scan_give(c->w->s, &t))
    return;
  mlt_scan_run_file(c->w, c->job, item->path, &c->was);
  mlt_free(t.path);
}

static void compare_file(struct compare *c, const struct mlt_tree_item *item) {
  uint64_t size = (uint64_t)item->st->st_size;
  if (size != c->was.size)
    mlt_scan_tell(c->w->s, c->job, MLT_FINDING_FILE_CHANGED, item->path,
                  "%" PRIu64 " bytes; it had %" PRIu64 " when it was recorded", size, c->was.size);
  else if (is_to_be_read(c, item))
    read_file(c, item);
}

/* Of ourselves the kernel knows what ACLs add to mode bits. */
static bool may(const struct mlt_scan *s, const struct mlt_tree_item *item, unsigned rights) {
  if (s->o.as)
    return mlt_access_may_at(s->o.as, item->dir, item->name, item->st, rights);
  return mlt_access_may(s->self, item->st, rights) ||
         faccessat(item->dir, item->name, R_OK | (rights & MLT_MAY_SEARCH ? X_OK : 0),
                   AT_EACCESS) == 0;
}

static void see_file(struct compare *c, const struct mlt_tree_item *item) {
  struct mlt_scan *s = c->w->s;
  bool was = come_to(c, item->path), readable = may(s, item, MLT_MAY_READ);
  MLT_SCAN_COUNT(s, c->job, files, 1);
  MLT_SCAN_COUNT(s, c->job, bytes, (uint64_t)item->st->st_size);
  if (!readable)
    mlt_scan_tell(s, c->job, MLT_FINDING_FILE_UNREADABLE, item->path,
                  "%s may not read it (mode %03o)", mlt_access_name(reader_of(s)),
                  (unsigned)(item->st->st_mode & 0777));
  if (!was && c->recorded &&
      !mlt_scan_keep(c->job, mlt_str_c(item->path), (uint64_t)item->st->st_size, mtime_ns(item->st),
                     NULL))
    mlt_scan_tell(s, c->job, MLT_FINDING_FILE_ADDED, item->path,
                  "%jd bytes, which were not recorded", (intmax_t)item->st->st_size);
  if (was && (readable || s->o.as))
    compare_file(c, item);
  if (was)
    next_entry(c);
}

static void see_folder(struct compare *c, const struct mlt_tree_item *item) {
  if (!may(c->w->s, item, MLT_MAY_READ | MLT_MAY_SEARCH))
    mlt_scan_tell(c->w->s, c->job, MLT_FINDING_FOLDER_UNREADABLE, item->path,
                  "%s may not list it (mode %03o)", mlt_access_name(reader_of(c->w->s)),
                  (unsigned)(item->st->st_mode & 0777));
}

/* Does the absolute path, links resolved, lie in the folder (or is it)? -errno if it is nowhere. */
static int lies_in(const char *path, const char *folder) {
  char real[PATH_MAX], top[PATH_MAX];
  if (!realpath(path, real) || !realpath(folder, top))
    return -errno;
  size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
  return strncmp(real, top, n) == 0 && (real[n] == '/' || !real[n]);
}

static void tell_link(struct mlt_scan *s, struct mlt_scan_job *job, const char *path,
                      const char *within) {
  char full[2 * PATH_MAX], to[256];
  (void)snprintf(full, sizeof full, "%s%s%s", job->full, *path ? "/" : "", path);
  ssize_t n = readlink(full, to, sizeof to);
  int where = lies_in(full, within), length = n < 0 ? 0 : (int)n;
  if (where < 0)
    mlt_scan_tell(s, job, MLT_FINDING_LINK_BROKEN, path, "a symbolic link to '%.*s': %s", length,
                  to, text_of(-where));
  else if (where == 0)
    mlt_scan_tell(s, job, MLT_FINDING_LINK_OUT, path,
                  "a symbolic link to '%.*s', which is not in %s", length, to, within);
  else
    mlt_scan_tell(s, job, MLT_FINDING_LINK_INSIDE, path, "a symbolic link to '%.*s'", length, to);
}

static void see_other(struct compare *c, const struct mlt_tree_item *item) {
  bool link = item->kind == MLT_TREE_LINK;
  bool was = come_to(c, item->path);
  if (link)
    tell_link(c->w->s, c->job, item->path, c->job->full);
  else
    mlt_scan_tell(c->w->s, c->job, MLT_FINDING_SPECIAL_FILE, item->path,
                  "a device, FIFO or socket");
  if (was) {
    tell_missing(c, link ? "a symbolic link is in its place"
                         : "a device, FIFO or socket is in its place");
    next_entry(c);
  }
}

static bool see(void *ctx, const struct mlt_tree_item *item) {
  struct compare *c = ctx;
  switch (item->kind) {
  case MLT_TREE_FILE:
    see_file(c, item);
    break;
  case MLT_TREE_FOLDER:
    see_folder(c, item);
    break;
  case MLT_TREE_UNREAD:
    pass_over(c, item->path);
    mlt_scan_tell(c->w->s, c->job, MLT_FINDING_FOLDER_UNREADABLE, item->path,
                  "cannot be looked into: %s",
                  item->errnum == ELOOP ? "it lies too many folders deep" : text_of(item->errnum));
    break;
  default:
    see_other(c, item);
  }
  return !mlt_scan_over(c->w->s);
}

/* ---- coming to the folder ---- */

/* The first part of the path below the root that is a link; false if none is. */
static bool find_link(const struct mlt_scan_job *job, char part[PATH_MAX]) {
  struct stat st;
  size_t root = strlen(job->full) - strlen(job->path);
  for (const char *at = job->full + root; *at;) {
    at += strcspn(at, "/");
    (void)snprintf(part, PATH_MAX, "%.*s", (int)(at - job->full), job->full);
    if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode))
      return true;
    at += *at == '/';
  }
  return false;
}

/* The folder lies behind a link: where that stays in the root, it is gone into by its real path. */
static int open_behind_link(struct mlt_scan *s, struct mlt_scan_job *job, int root) {
  char real[PATH_MAX], top[PATH_MAX];
  tell_link(s, job, "", job->root);
  if (lies_in(job->full, job->root) <= 0 || !realpath(job->full, real) || !realpath(job->root, top))
    return -ECANCELED; /* told */
  size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
  return mlt_file_open(root, real[n] == '/' ? real + n + 1 : "",
                       O_RDONLY | O_DIRECTORY | O_NONBLOCK);
}

/* A descriptor, or -errno: -ECANCELED if it was told why not. */
static int open_folder(struct mlt_scan *s, struct mlt_scan_job *job) {
  char part[PATH_MAX];
  int root = open(job->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return -errno;
  int fd = mlt_file_open(root, job->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if ((fd == -ELOOP || fd == -ENOTDIR) && find_link(job, part))
    fd = open_behind_link(s, job, root);
  (void)close(root);
  return fd;
}

static bool open_manifest(struct compare *c) {
  char name[PATH_MAX];
  struct mlt_err why = MLT_ERR_INIT;
  int fd = mlt_scan_manifest(c->job->full, c->job->id.p, name);
  if (fd < 0)
    return false;
  enum mlt_rc rc = mlt_manifest_reader_open(&c->manifest, fd, name, &why);
  if (rc == MLT_OK && strcmp(mlt_manifest_reader_id(c->manifest), c->job->id.p) != 0)
    rc = mlt_err_set(&why, MLT_DATA, "manifest %s is that of %s", name,
                     mlt_manifest_reader_id(c->manifest));
  if (rc != MLT_OK) {
    mlt_scan_tell(c->w->s, c->job, MLT_FINDING_MANIFEST_BAD, "", "%s", why.msg);
    return false;
  }
  MLT_SCAN_COUNT(c->w->s, c->job, manifests, 1);
  c->recorded = true;
  next_entry(c);
  return true;
}

static void tell_no_folder(struct compare *c, int failed) {
  struct mlt_scan *s = c->w->s;
  if (failed == ENOENT && c->have)
    mlt_scan_tell(s, c->job, MLT_FINDING_FOLDER_MISSING, "",
                  "not there, though files in it were recorded");
  else if (failed == ENOTDIR)
    mlt_scan_tell(s, c->job, MLT_FINDING_FOLDER_NOT, "", "it, or what it is in, is no folder");
  else if (failed == EMFILE || failed == ENFILE || failed == ENOMEM) {
    struct mlt_err err = MLT_ERR_INIT;
    (void)mlt_err_errno(&err, failed, "cannot open %s", c->job->full);
    mlt_scan_fail(s, &err);
  } else if (failed != ENOENT && failed != ECANCELED) {
    mlt_scan_tell(s, c->job, MLT_FINDING_FOLDER_UNREADABLE, "", "cannot be opened: %s",
                  text_of(failed));
  }
}

/* For another user: every folder on the way, and itself. */
static void check_way(struct mlt_scan *s, struct mlt_scan_job *job) {
  char where[PATH_MAX];
  struct stat st;
  if (!s->o.as)
    return;
  if (!mlt_access_reach(s->o.as, job->full, where))
    mlt_scan_tell(s, job, MLT_FINDING_FOLDER_UNREADABLE, "", "%s may not go through %s",
                  mlt_access_name(s->o.as), where);
  else if (stat(job->full, &st) == 0 && S_ISDIR(st.st_mode) &&
           !mlt_access_may_path(s->o.as, job->full, &st, MLT_MAY_READ | MLT_MAY_SEARCH))
    mlt_scan_tell(s, job, MLT_FINDING_FOLDER_UNREADABLE, "", "%s may not list it (mode %03o)",
                  mlt_access_name(s->o.as), (unsigned)(st.st_mode & 0777));
}

static void drain(struct compare *c) {
  while (c->have && !mlt_scan_over(c->w->s)) {
    miss(c);
    next_entry(c);
  }
}

void mlt_scan_run_folder(struct mlt_scan_worker *w, struct mlt_scan_job *job) {
  struct compare c = {.w = w, .job = job};
  struct mlt_err err = MLT_ERR_INIT;
  int fd = open_folder(w->s, job);
  (void)open_manifest(&c);
  check_way(w->s, job);
  if (fd < 0) {
    tell_no_folder(&c, -fd);
  } else {
    job->top = fd;
    MLT_SCAN_COUNT(w->s, job, folders, 1);
    if (mlt_tree_walk(fd, see, &c, &err) != MLT_OK)
      mlt_scan_fail(w->s, &err);
    drain(&c);
  }
  mlt_manifest_reader_close(c.manifest);
}
