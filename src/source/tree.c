/* See tree.h. */
#include "source/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "source/beneath.h"
#include "source/names.h"

struct walk {
  struct mlt_tree *t;
  const struct mlt_tree_rules *rules;
  char path[PATH_MAX];
  struct mlt_err *err;
};

static enum mlt_rc add(struct walk *w, size_t folder, int errnum) {
  struct mlt_tree *t = w->t;
  struct mlt_tree_file f = {.path = t->paths.len, .name = folder, .errnum = errnum};
  if (t->files.n == MLT_TREE_FILES)
    return mlt_err_set(w->err, MLT_DATA, "there are more than %d files", MLT_TREE_FILES);
  if (!MLT_VEC_ROOM(t->files) || mlt_buf_add(&t->paths, w->path, strlen(w->path) + 1) != MLT_OK)
    return mlt_err_nomem(w->err);
  t->files.v[t->files.n++] = f;
  return MLT_OK;
}

static bool is_folder(int fd, const char *name) {
  struct stat st;
  return fstatat(fd, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* w->path is the folder's, with a "/" behind it unless it is the root. */
static bool append(struct walk *w, size_t folder, const char *name) {
  size_t n = strlen(name);
  if (folder + n + 2 > sizeof w->path)
    return false;
  memcpy(w->path + folder, name, n + 1);
  return true;
}

static enum mlt_rc walk_folder(struct walk *w, int fd, size_t folder, unsigned depth);

static enum mlt_rc enter(struct walk *w, int parent, size_t folder, const char *name,
                         unsigned depth) {
  if (!append(w, folder, name))
    return MLT_OK; /* nothing could open what lies below */
  int fd =
      depth == MLT_TREE_DEPTH ? -ENAMETOOLONG : mlt_beneath_dir(w->t->root, parent, name, w->path);
  if (fd == -EMFILE || fd == -ENFILE)
    return mlt_err_errno(w->err, -fd, "cannot open folder '%s'", w->path);
  if (fd < 0)
    return add(w, folder, -fd);
  size_t n = strlen(w->path);
  memcpy(w->path + n, "/", 2);
  enum mlt_rc rc = walk_folder(w, fd, n + 1, depth + 1);
  (void)close(fd);
  return rc;
}

static enum mlt_rc take_files(struct walk *w, const struct mlt_names *l, int fd, size_t folder) {
  for (size_t i = 0; i < l->n; i++) {
    const char *name = mlt_names_at(l, i);
    uint8_t type = l->v[i].type;
    bool folder_link = type == DT_LNK && is_folder(fd, name);
    w->t->links += folder_link;
    /* what is no file, or a link to nothing, is found out when it is opened */
    if (type == DT_DIR || folder_link || !w->rules->wanted(name) || !append(w, folder, name))
      continue;
    enum mlt_rc rc = add(w, folder, 0);
    if (rc != MLT_OK)
      return rc;
  }
  return MLT_OK;
}

/* The folder of a run in a file store, or in the place where a server keeps artifacts. */
static bool is_run_of_mlflow(const char *name) {
  return strlen(name) == 32 && strspn(name, "0123456789abcdef") == 32;
}

/* w->path, up to `folder`, is a run's of MLflow, with a "/" behind it. */
static bool in_run_of_mlflow(const struct walk *w, size_t folder) {
  enum { RUN_ID = 32 };
  char name[RUN_ID + 1];
  if (folder < RUN_ID + 1 || (folder > RUN_ID + 1 && w->path[folder - RUN_ID - 2] != '/'))
    return false;
  memcpy(name, w->path + folder - RUN_ID - 1, RUN_ID);
  name[RUN_ID] = '\0';
  return is_run_of_mlflow(name);
}

static bool is_entered(const struct walk *w, size_t folder, const char *name) {
  const struct mlt_tree_rules *r = w->rules;
  if (r->no_artifacts && strcmp(name, "artifacts") == 0 && in_run_of_mlflow(w, folder)) {
    w->t->artifacts++;
    return false;
  }
  return name[0] != '.' && !(r->left_out && strcmp(name, r->left_out) == 0);
}

static enum mlt_rc walk_folder(struct walk *w, int fd, size_t folder, unsigned depth) {
  struct mlt_names l = {.n = 0};
  int bad = mlt_names_read(&l, fd);
  enum mlt_rc rc = MLT_OK;
  if (bad == -ENOMEM)
    rc = mlt_err_nomem(w->err);
  else if (bad)
    rc = add(w, folder, -bad);
  mlt_names_sort(&l);
  if (rc == MLT_OK)
    rc = take_files(w, &l, fd, folder);
  for (size_t i = 0; i < l.n && rc == MLT_OK; i++)
    if (l.v[i].type == DT_DIR && is_entered(w, folder, mlt_names_at(&l, i)))
      rc = enter(w, fd, folder, mlt_names_at(&l, i), depth);
  mlt_names_free(&l);
  return rc;
}

/* The last component of *path, which is cut off. */
static void take_last(char *path, char out[NAME_MAX + 1]) {
  char *slash = strrchr(path, '/');
  (void)snprintf(out, NAME_MAX + 1, "%s", slash ? slash + 1 : path);
  *(slash ? slash : path) = '\0';
}

/* Opens the root: the folder, or the one that holds the file, whose name is left in w->path. */
static enum mlt_rc open_root(struct walk *w, const char *path) {
  struct mlt_tree *t = w->t;
  struct stat st;
  char real[PATH_MAX];
  if (!realpath(path, real) || stat(real, &st) < 0)
    return mlt_err_errno(w->err, errno, "cannot open '%s'", path);
  t->is_file = !S_ISDIR(st.st_mode);
  if (t->is_file && !S_ISREG(st.st_mode))
    return mlt_err_set(w->err, MLT_NOINPUT, "'%s' is a device, FIFO or socket, not a file", path);
  if (t->is_file)
    take_last(real, w->path);
  (void)snprintf(t->real, sizeof t->real, "%s", strcmp(real, "/") == 0 ? "" : real);
  t->root = open(*real ? real : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (t->root < 0)
    return mlt_err_errno(w->err, errno, "cannot open the folder of '%s'", path);
  take_last(real, t->name);
  take_last(real, t->above);
  return MLT_OK;
}

enum mlt_rc mlt_tree_open(struct mlt_tree *t, const char *path, const struct mlt_tree_rules *rules,
                          struct mlt_err *err) {
  struct walk w = {.t = t, .rules = rules, .err = err};
  *t = (struct mlt_tree){.root = -1};
  mlt_buf_init(&t->paths, (size_t)1 << 30);
  enum mlt_rc rc = open_root(&w, path);
  if (rc != MLT_OK)
    return rc;
  return t->is_file ? add(&w, 0, 0) : walk_folder(&w, t->root, 0, 0);
}

void mlt_tree_path_beside(const struct mlt_tree *t, size_t i, const char *name,
                          char out[PATH_MAX]) {
  struct mlt_str folder = mlt_tree_folder(t, i);
  int n = snprintf(out, PATH_MAX, "%s/%.*s%s%s", t->real, (int)folder.len, folder.p,
                   folder.len ? "/" : "", name);
  if (n >= PATH_MAX)
    *out = '\0';
}

enum mlt_rc mlt_tree_one(struct mlt_tree *t, const char *name, struct mlt_err *err) {
  struct walk w = {.t = t, .err = err};
  *t = (struct mlt_tree){.root = -1, .is_file = true};
  mlt_buf_init(&t->paths, PATH_MAX);
  (void)snprintf(t->name, sizeof t->name, "%s", name);
  (void)snprintf(w.path, sizeof w.path, "%s", t->name);
  return add(&w, 0, 0);
}

void mlt_tree_close(struct mlt_tree *t) {
  if (t->root >= 0)
    (void)close(t->root);
  mlt_buf_free(&t->paths);
  mlt_free(t->files.v);
  *t = (struct mlt_tree){.root = -1};
}

int mlt_tree_open_file(const struct mlt_tree *t, const char *path, struct stat *st) {
  int fd = mlt_beneath_file(t->root, t->root, path, path, false);
  if (fd < 0)
    return fd;
  if (fstat(fd, st) == 0)
    return fd;
  int bad = -errno;
  (void)close(fd);
  return bad;
}

int64_t mlt_tree_changed(const struct stat *st) {
  return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

int64_t mlt_tree_born(int fd, const struct stat *st) {
  struct statx x;
  int64_t changed = mlt_tree_changed(st), born = changed;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) == 0 && (x.stx_mask & STATX_BTIME))
    born = x.stx_btime.tv_sec * 1000 + x.stx_btime.tv_nsec / 1000000;
  return born < changed ? born : changed;
}

int mlt_tree_open_beside(const struct mlt_tree *t, size_t i, const char *name, struct stat *st) {
  char path[PATH_MAX];
  struct mlt_str folder = mlt_tree_folder(t, i);
  int n = snprintf(path, sizeof path, "%.*s%s%s", (int)folder.len, folder.p, folder.len ? "/" : "",
                   name);
  return n >= PATH_MAX ? -ENAMETOOLONG : mlt_tree_open_file(t, path, st);
}

static bool is_looked_into(const char *name, bool in_run) {
  return name[0] != '.' && !(in_run && strcmp(name, "artifacts") == 0);
}

struct hunt {
  bool (*wanted)(const char *name);
  unsigned limit; /* folders that may still be looked at */
};

static bool any_in(struct hunt *h, int fd, bool in_run, unsigned depth) {
  struct mlt_names l = {.n = 0};
  bool found = false;
  if (h->limit == 0 || depth == MLT_TREE_DEPTH || mlt_names_read(&l, fd) != 0)
    goto out;
  h->limit--;
  mlt_names_sort(&l);
  for (size_t i = 0; i < l.n && !found; i++)
    found = l.v[i].type != DT_DIR && h->wanted(mlt_names_at(&l, i));
  for (size_t i = 0; i < l.n && !found && h->limit; i++) {
    const char *name = mlt_names_at(&l, i);
    if (l.v[i].type != DT_DIR || !is_looked_into(name, in_run))
      continue;
    int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    found = below >= 0 && any_in(h, below, is_run_of_mlflow(name), depth + 1);
    if (below >= 0)
      (void)close(below);
  }
out:
  mlt_names_free(&l);
  return found;
}

bool mlt_tree_any(const char *path, bool (*wanted)(const char *name), unsigned limit) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  struct hunt h = {wanted, limit};
  bool found = any_in(&h, fd, false, 0);
  (void)close(fd);
  return found;
}
