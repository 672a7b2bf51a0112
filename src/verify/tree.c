#include "verify/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { NAMES_MAX = 1 << 30 };

/* What is in a folder: entries of a type, a name, "/" if it is a folder's, and a NUL. With the "/"
   the order of the names is that of all paths below them. */
struct listing {
  struct mlt_buf text;
  const char **entries;
  size_t n;
};

struct walk {
  mlt_tree_fn fn;
  void *ctx;
  char path[PATH_MAX];
};

/* 0 to go on, -1 ended by fn, or ENOMEM. */
static int walk_folder(struct walk *w, int fd, size_t len, unsigned depth);

static int by_name(const void *a, const void *b) {
  const char *const *x = a, *const *y = b;
  return strcmp(*x + 1, *y + 1);
}

static unsigned char type_of(int fd, const struct dirent *e) {
  struct stat st;
  if (e->d_type != DT_UNKNOWN)
    return e->d_type;
  bool seen = fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  return seen ? (unsigned char)IFTODT(st.st_mode) : DT_REG; /* that it is not there is seen later */
}

static int add_entry(struct listing *l, int fd, const struct dirent *e) {
  size_t n = strlen(e->d_name);
  if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
    return 0;
  if (mlt_buf_reserve(&l->text, n + 3) != MLT_OK)
    return ENOMEM;
  char *to = l->text.p + l->text.len;
  unsigned char type = type_of(fd, e);
  *to++ = (char)type;
  memcpy(to, e->d_name, n);
  to += n;
  if (type == DT_DIR)
    *to++ = '/';
  *to++ = '\0';
  l->text.len = (size_t)(to - l->text.p);
  l->n++;
  return 0;
}

static int sort(struct listing *l) {
  l->entries = mlt_reallocarray(NULL, l->n + 1, sizeof *l->entries);
  if (!l->entries)
    return ENOMEM;
  const char *at = l->text.p;
  for (size_t i = 0; i < l->n; i++) {
    l->entries[i] = at;
    at += strlen(at + 1) + 2;
  }
  qsort(l->entries, l->n, sizeof *l->entries, by_name);
  return 0;
}

static int list(struct listing *l, int fd) {
  int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = again < 0 ? NULL : fdopendir(again);
  int failed = d ? 0 : errno;
  if (!d && again >= 0)
    (void)close(again);
  while (!failed) {
    errno = 0;
    const struct dirent *e = readdir(d);
    failed = e ? add_entry(l, fd, e) : errno;
    if (!e)
      break;
  }
  if (d)
    (void)closedir(d);
  return failed ? failed : sort(l);
}

static int tell(const struct walk *w, enum mlt_tree_kind kind, int dir, const char *name,
                const struct stat *st, int errnum) {
  const struct mlt_tree_item item = {
      .kind = kind, .path = w->path, .dir = dir, .name = name, .st = st, .errnum = errnum};
  return w->fn(w->ctx, &item) ? 0 : -1;
}

static int enter(struct walk *w, int fd, size_t len, unsigned depth) {
  const char *name = w->path + len;
  struct stat st;
  int below = mlt_file_open(fd, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  int failed = depth >= MLT_TREE_DEPTH ? ELOOP : below < 0 ? -below : 0;
  if (!failed && fstat(below, &st) != 0)
    failed = errno;
  int result = failed ? tell(w, MLT_TREE_UNREAD, fd, name, NULL, failed)
                      : tell(w, MLT_TREE_FOLDER, fd, name, &st, 0);
  if (!result && !failed)
    result = walk_folder(w, below, strlen(w->path), depth + 1);
  if (below >= 0)
    (void)close(below);
  return result;
}

static int look(struct walk *w, int fd, size_t len) {
  const char *name = w->path + len;
  struct stat st;
  if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? 0 /* just went away */
                           : tell(w, MLT_TREE_UNREAD, fd, name, NULL, errno);
  if (S_ISREG(st.st_mode))
    return tell(w, MLT_TREE_FILE, fd, name, &st, 0);
  return tell(w, S_ISLNK(st.st_mode) ? MLT_TREE_LINK : MLT_TREE_SPECIAL, fd, name, NULL, 0);
}

static int visit(struct walk *w, int fd, const char *entry, size_t len, unsigned depth) {
  size_t n = strlen(entry + 1) - (entry[0] == DT_DIR);
  size_t at = len ? len + 1 : 0;
  if (at + n >= PATH_MAX)
    return tell(w, MLT_TREE_UNREAD, fd, "", NULL, ENAMETOOLONG);
  if (len)
    w->path[len] = '/';
  memcpy(w->path + at, entry + 1, n);
  w->path[at + n] = '\0';
  int result = entry[0] == DT_DIR ? enter(w, fd, at, depth) : look(w, fd, at);
  w->path[len] = '\0';
  return result;
}

static int walk_folder(struct walk *w, int fd, size_t len, unsigned depth) {
  struct listing l = {.n = 0};
  mlt_buf_init(&l.text, NAMES_MAX);
  int result = list(&l, fd);
  if (result && result != ENOMEM)
    result = tell(w, MLT_TREE_UNREAD, fd, "", NULL, result);
  else
    for (size_t i = 0; !result && i < l.n; i++)
      result = visit(w, fd, l.entries[i], len, depth);
  mlt_buf_free(&l.text);
  mlt_free(l.entries);
  return result;
}

enum mlt_rc mlt_tree_walk(int fd, mlt_tree_fn fn, void *ctx, struct mlt_err *err) {
  struct walk *w = mlt_calloc(1, sizeof *w);
  if (!w)
    return mlt_err_nomem(err);
  w->fn = fn;
  w->ctx = ctx;
  int result = walk_folder(w, fd, 0, 1);
  mlt_free(w);
  return result == ENOMEM ? mlt_err_nomem(err) : MLT_OK;
}
