/* Files that are staged get their names, in this order, so that nothing is believed too early:
   manifests are written beside the staged files; all is made durable; files get their names, then
   manifests theirs; that is made durable; moved sources are removed. */
#include "artifact/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* What is being committed of one folder. */
struct part {
  struct mlt_placer_folder *folder;
  mlt_place_entries list;
  struct mlt_arena *arena;
  unsigned long long manifest; /* staged; 0: none */
};
typedef MLT_VEC(struct part) parts;

/* The folder in which the last file got its name: mostly the next one's, too. */
struct place {
  struct mlt_placer_root *root;
  char path[PATH_MAX];
  int fd;
};

static void leave_place(struct place *at) {
  if (at->fd >= 0 && at->root->each && fsync(at->fd) != 0)
    (void)mlt_placer_failed(at->root, errno, "cannot make durable", at->path, NULL);
  if (at->fd >= 0)
    (void)close(at->fd);
  at->fd = -1;
}

/* Opens the folder of a path that is relative to the root; *name is its last part. False: told. */
static bool go_to(struct place *at, const char *path, const char **name) {
  const char *slash = strrchr(path, '/');
  size_t n = slash ? (size_t)(slash - path) : 0;
  *name = slash ? slash + 1 : path;
  if (at->fd >= 0 && strlen(at->path) == n && memcmp(at->path, path, n) == 0)
    return true;
  leave_place(at);
  (void)snprintf(at->path, sizeof at->path, "%.*s", (int)n, path);
  at->fd = mlt_file_open(at->root->fd, at->path, O_RDONLY | O_DIRECTORY);
  if (at->fd == -ENOENT)
    at->fd = mlt_file_folder(at->root->fd, at->path, at->root->each, NULL);
  if (at->fd >= 0)
    return true;
  (void)mlt_placer_failed(at->root, -at->fd, "cannot open", at->path, NULL);
  at->fd = -1;
  return false;
}

/* Manifests. */

static int by_path(const void *a, const void *b) {
  const struct mlt_place_entry *x = a, *y = b;
  int order = mlt_str_cmp(x->is.path, y->is.path);
  return order ? order : (x->staged > y->staged) - (x->staged < y->staged);
}

/* The next file of ours that has, or is to have, its place; of two for the same place the first. */
static size_t next_entry(const struct part *part, size_t i) {
  while (i < part->list.n && (part->list.v[i].out ||
                              (i && !part->list.v[i - 1].out &&
                               mlt_str_eq(part->list.v[i].is.path, part->list.v[i - 1].is.path))))
    i++;
  return i;
}

/* What the manifest holds already, and what came; of one path, what came. A manifest that turns out
   not to be whole in the middle adds nothing more. */
static enum mlt_rc merge(struct mlt_manifest_writer *w, struct mlt_manifest_reader *old,
                         const struct part *part, struct mlt_err *err) {
  struct mlt_manifest_entry e;
  struct mlt_err why = MLT_ERR_INIT;
  enum mlt_rc rc = MLT_OK, have = old ? mlt_manifest_next(old, &e, &why) : MLT_END;
  size_t i = next_entry(part, 0);
  while (rc == MLT_OK && (have == MLT_OK || i < part->list.n)) {
    int order = have != MLT_OK      ? 1
                : i == part->list.n ? -1
                                    : mlt_str_cmp(e.path, part->list.v[i].is.path);
    if (order < 0)
      rc = mlt_manifest_add(w, &e, err);
    else
      rc = mlt_manifest_add(w, &part->list.v[i].is, err);
    if (order >= 0)
      i = next_entry(part, i + 1);
    if (order <= 0)
      have = mlt_manifest_next(old, &e, &why);
  }
  return rc;
}

static enum mlt_rc fill_manifest(int fd, struct part *part, struct mlt_err *err) {
  struct mlt_manifest_writer w;
  struct mlt_manifest_reader *old = NULL;
  enum mlt_rc rc = mlt_folder_manifest(part->folder, &old, err);
  if (rc != MLT_OK && rc != MLT_END)
    return rc;
  rc = mlt_manifest_begin(&w, fd, part->folder->id, err);
  if (rc == MLT_OK)
    rc = merge(&w, old, part, err);
  if (rc == MLT_OK)
    rc = mlt_manifest_finish(&w, err);
  mlt_manifest_writer_free(&w);
  mlt_manifest_reader_close(old);
  return rc;
}

static bool stage_manifest(struct part *part) {
  struct mlt_placer_root *root = part->folder->root;
  char name[MLT_STAGED_NAME];
  struct mlt_err err = MLT_ERR_INIT;
  part->manifest = mlt_stage_name(root->p, name);
  int fd = openat(root->staging, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) {
    (void)mlt_placer_failed(root, errno, "cannot create a manifest in", MLT_MANIFEST_FOLDER, NULL);
    return false;
  }
  enum mlt_rc rc = fill_manifest(fd, part, &err);
  if (rc == MLT_OK && root->each && fsync(fd) != 0)
    rc = mlt_err_errno(&err, errno, "cannot make durable the manifest");
  if (close(fd) != 0 && rc == MLT_OK && errno != EINTR)
    rc = mlt_err_errno(&err, errno, "cannot write the manifest");
  if (rc != MLT_OK) {
    mlt_err_prefix(&err, "%s, artifacts of %s", root->path, part->folder->id);
    (void)mlt_placer_stop(root->p, &err);
  }
  return rc == MLT_OK;
}

/* A manifest may replace the one before. */
static bool name_manifest(const struct part *part, struct place *at) {
  char path[MLT_MANIFEST_PATH], staged[MLT_STAGED_NAME];
  const char *name;
  mlt_manifest_path(path, part->folder->id);
  if (!go_to(at, path, &name))
    return false;
  mlt_staged_name(staged, part->manifest);
  if (renameat(at->root->staging, staged, at->fd, name) == 0)
    return true;
  (void)mlt_placer_failed(at->root, errno, "cannot write", path, NULL);
  return false;
}

/* Names. */

/* Something came to have the name of a staged file: is it the same? */
static void compare_late(struct mlt_placer_worker *w, struct place *at, const char *name,
                         struct mlt_place_entry *e, const char *staged) {
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int mine = openat(at->root->staging, staged, flags), there = openat(at->fd, name, flags);
  struct stat st;
  bool equal = mine >= 0 && there >= 0 && fstat(there, &st) == 0 && S_ISREG(st.st_mode) &&
               mlt_place_compare(w, mine, there, NULL) > 0;
  struct mlt_placed sum = {.files = UINT64_MAX, .bytes = -e->is.size}; /* one less */
  if (equal) {
    e->is.mtime_ns = mlt_mtime_ns(&st);
    sum.present = 1;
    sum.present_bytes = e->is.size;
  } else {
    e->out = true;
    mlt_place_fault(e->put, MLT_AT_TARGET, e->is.path.p, "exists", EEXIST,
                    "another file came to have its name meanwhile; it was left as it is");
  }
  mlt_placer_count(e->put->folder->group, &sum);
  (void)unlinkat(at->root->staging, staged, 0);
  if (mine >= 0)
    (void)close(mine);
  if (there >= 0)
    (void)close(there);
}

/* False: all is over. */
static bool name_file(struct mlt_placer_worker *w, struct place *at, struct mlt_place_entry *e) {
  const struct mlt_placer_folder *f = e->put->folder;
  char path[PATH_MAX], staged[MLT_STAGED_NAME];
  const char *name;
  (void)snprintf(path, sizeof path, "%s/%s", f->path, e->is.path.p);
  if (!go_to(at, path, &name))
    return false;
  mlt_staged_name(staged, e->staged);
  int failed = mlt_file_rename_new(at->root->staging, staged, at->fd, name);
  if (failed == -EEXIST) {
    compare_late(w, at, name, e, staged);
  } else if (failed == -ENAMETOOLONG) {
    e->out = true;
    mlt_placer_count(f->group, &(struct mlt_placed){.files = UINT64_MAX, .bytes = -e->is.size});
    mlt_place_fault(e->put, MLT_AT_TARGET, e->is.path.p, "too-long", -failed,
                    "its name is too long");
    (void)unlinkat(at->root->staging, staged, 0);
  } else if (failed) {
    (void)mlt_placer_failed(at->root, -failed, "cannot write", path, NULL);
    return false;
  }
  e->staged = 0;
  return true;
}

static bool name_files(struct mlt_placer_worker *w, struct part *part, struct place *at) {
  bool ok = true, changed = false;
  for (size_t i = 0; ok && i < part->list.n; i++) {
    struct mlt_place_entry *e = &part->list.v[i];
    const int64_t mtime = e->is.mtime_ns;
    if (e->staged)
      ok = !mlt_placer_over(w->p) && name_file(w, at, e);
    changed = changed || e->out || mtime != e->is.mtime_ns;
  }
  if (ok && changed && part->manifest) {
    char name[MLT_STAGED_NAME];
    mlt_staged_name(name, part->manifest);
    (void)unlinkat(at->root->staging, name, 0);
    ok = stage_manifest(part);
  }
  return ok;
}

/* Sources. */

static void not_removed(const struct mlt_place_entry *e, int errnum, const char *reason) {
  mlt_place_fault(e->put, MLT_AT_SOURCE, e->is.path.p, "not-removed", errnum, reason);
}

/* Opens the folder that a source is in. */
static int source_folder(const struct mlt_place_entry *e, const char **name) {
  char path[PATH_MAX];
  const char *below = mlt_place_source_path(e->put, e->is.path.p);
  const char *whole = e->put->tree ? below : e->put->source, *slash = strrchr(whole, '/');
  (void)snprintf(path, sizeof path, "%.*s", slash ? (int)(slash - whole) : 0, whole);
  *name = slash ? slash + 1 : whole;
  if (!e->put->tree) {
    int fd = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
  }
  int top = open(e->put->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (top < 0)
    return -errno;
  int fd = mlt_file_open(top, path, O_RDONLY | O_DIRECTORY);
  (void)close(top);
  return fd;
}

static void remove_source(const struct mlt_place_entry *e) {
  const char *name;
  struct stat st;
  int fd = source_folder(e, &name);
  int failed = fd < 0 ? -fd : fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ? errno : 0;
  bool other =
      !failed && (st.st_dev != e->dev || st.st_ino != e->ino || (uint64_t)st.st_size != e->is.size);
  if (!failed && !other && unlinkat(fd, name, 0) != 0)
    failed = errno;
  if (fd >= 0)
    (void)close(fd);
  if (other)
    not_removed(e, 0, "placed, but the source is another file by now and stays");
  else if (failed && failed != ENOENT)
    not_removed(e, failed, NULL);
  else
    mlt_placer_count(e->put->folder->group, &(struct mlt_placed){.removed = !failed});
}

static void remove_empty(int dir, unsigned depth) {
  int listed = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = listed < 0 ? NULL : fdopendir(listed);
  for (struct dirent *e; d && depth < MLT_PLACE_DEPTH && (e = readdir(d));) {
    if (e->d_name[0] == '.' && (!e->d_name[1] || strcmp(e->d_name, "..") == 0))
      continue;
    int fd = mlt_file_open(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    if (fd < 0)
      continue; /* no folder: it was told why it stays */
    remove_empty(fd, depth + 1);
    (void)close(fd);
    (void)unlinkat(dir, e->d_name, AT_REMOVEDIR);
  }
  if (d)
    (void)closedir(d);
  else if (listed >= 0)
    (void)close(listed);
}

static void clear_source(const struct mlt_place_put *put) {
  int fd = open(put->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return;
  remove_empty(fd, 1);
  (void)close(fd);
  if (unlinkat(AT_FDCWD, put->source, AT_REMOVEDIR) != 0 && errno != ENOTEMPTY && errno != EEXIST)
    mlt_place_fault(put, MLT_AT_SOURCE, NULL, "not-removed", errno, NULL);
}

void mlt_group_clear_sources(struct mlt_placer_group *g) {
  if (g->p->o.mode != MLT_PLACE_MOVE || g->p->o.dry_run || mlt_placer_over(g->p))
    return;
  for (struct mlt_place_put *put = g->puts; put; put = put->next)
    if (put->tree && put->begun && !put->same) {
      clear_source(put);
      put->begun = false;
    }
}

/* All together. */

static bool stage_manifests(struct part *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!stage_manifest(&list[i]))
      return false;
  return true;
}

static bool give_names(struct mlt_placer_worker *w, struct mlt_placer_root *root, struct part *list,
                       size_t n) {
  struct place at = {.root = root, .fd = -1};
  bool ok = true;
  for (size_t i = 0; ok && i < n; i++)
    ok = name_files(w, &list[i], &at);
  for (size_t i = 0; ok && i < n; i++)
    ok = !list[i].manifest || name_manifest(&list[i], &at);
  leave_place(&at);
  return ok && !mlt_placer_over(w->p);
}

static void remove_sources(const struct part *part) {
  for (size_t i = 0; i < part->list.n; i++)
    if (part->list.v[i].remove && !part->list.v[i].out)
      remove_source(&part->list.v[i]);
}

/* The parts of one root. */
static bool commit_root(struct mlt_placer_worker *w, struct mlt_placer_root *root,
                        struct part *list, size_t n) {
  const bool manifests = !root->p->o.no_manifests;
  int lock = manifests ? mlt_root_lock(root) : -1;
  bool ok = !manifests || (lock >= 0 && stage_manifests(list, n));
  ok = ok && mlt_root_sync(root) && give_names(w, root, list, n) && mlt_root_sync(root);
  if (lock >= 0)
    (void)close(lock);
  for (size_t i = 0; ok && i < n; i++)
    remove_sources(&list[i]);
  return ok;
}

static int by_root(const void *a, const void *b) {
  const struct part *x = a, *y = b;
  uintptr_t one = (uintptr_t)x->folder->root, other = (uintptr_t)y->folder->root;
  return (one > other) - (one < other);
}

/* Takes what is done out of the group; what is of one root stands together. */
static bool take(struct mlt_placer_group *g, parts *out) {
  bool ok = true;
  (void)pthread_mutex_lock(&g->lock);
  for (struct mlt_placer_folder *f = g->folders; ok && f; f = f->next) {
    if (!f->done.n)
      continue;
    ok = MLT_VEC_ROOM(*out);
    if (!ok)
      break;
    out->v[out->n++] = (struct part){.folder = f, .list = f->done, .arena = f->arena};
    memset(&f->done, 0, sizeof f->done);
    f->arena = NULL;
  }
  g->entries = 0;
  g->bytes = 0;
  (void)pthread_mutex_unlock(&g->lock);
  for (size_t i = 0; i < out->n; i++)
    qsort(out->v[i].list.v, out->v[i].list.n, sizeof *out->v[i].list.v, by_path);
  if (out->n)
    qsort(out->v, out->n, sizeof *out->v, by_root);
  return ok;
}

static void drop(parts *all) {
  for (size_t i = 0; i < all->n; i++) {
    mlt_free(all->v[i].list.v); /* what is still staged goes with the staging */
    mlt_arena_free(all->v[i].arena);
  }
  mlt_free(all->v);
}

void mlt_group_commit(struct mlt_placer_worker *w, struct mlt_placer_group *g) {
  parts all = {.n = 0};
  (void)pthread_mutex_lock(&g->commit);
  bool ok = !mlt_placer_over(w->p);
  if (ok && !take(g, &all)) {
    (void)mlt_placer_nomem(w->p);
    ok = false;
  }
  for (size_t i = 0, n; ok && i < all.n; i += n) {
    struct mlt_placer_root *root = all.v[i].folder->root;
    for (n = 1; i + n < all.n && all.v[i + n].folder->root == root;)
      n++;
    ok = commit_root(w, root, all.v + i, n);
  }
  drop(&all);
  (void)pthread_mutex_unlock(&g->commit);
}
