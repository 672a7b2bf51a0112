/* The files of a source that may be one file or a folder tree of them. Links to files are followed
   as far as they stay beneath the root (beneath.h); links to folders are counted, not entered;
   folders named with a dot in front are left alone. Holds the paths only. */
#ifndef MLT_SOURCE_TREE_H
#define MLT_SOURCE_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

enum { MLT_TREE_FILES = 1000000, MLT_TREE_DEPTH = 64 };

struct mlt_tree_file {
  size_t path;   /* in paths, NUL-terminated, relative to the root */
  size_t name;   /* where its last component begins, from path */
  int errnum;    /* a folder that cannot be read, and why; 0: a file */
  unsigned mark; /* the caller's */
};

struct mlt_tree {
  int root; /* -1: closed */
  bool is_file;
  struct mlt_buf paths;
  MLT_VEC(struct mlt_tree_file) files; /* those of one folder stand together, then its folders' */
  uint64_t links;                      /* folders that are links */
  char real[PATH_MAX];                 /* absolute path of the root folder; "" is "/" */
  uint64_t artifacts;                  /* folders that were passed over: see no_artifacts */
  char name[NAME_MAX + 1];             /* of the root folder, as it is really called */
  char above[NAME_MAX + 1];            /* of the folder that holds it */
};

struct mlt_tree_rules {
  bool (*wanted)(const char *name);
  const char *left_out; /* the name of folders that are not entered; may be NULL */
  bool no_artifacts;    /* nor is what MLflow's runs have as artifacts */
};

/* `path` is a file, which is taken, or a folder: every file in it whose name is wanted.
   MLT_NOINPUT, MLT_NOPERM when it cannot be read. Call mlt_tree_close in any case. */
enum mlt_rc mlt_tree_open(struct mlt_tree *t, const char *path, const struct mlt_tree_rules *rules,
                          struct mlt_err *err) MLT_NODISCARD;
/* One file of this name, that the caller has open: nothing of the tree can be opened. */
enum mlt_rc mlt_tree_one(struct mlt_tree *t, const char *name, struct mlt_err *err) MLT_NODISCARD;
void mlt_tree_close(struct mlt_tree *t);

static inline const char *mlt_tree_path(const struct mlt_tree *t, size_t i) {
  return t->paths.p + t->files.v[i].path;
}
static inline const char *mlt_tree_name(const struct mlt_tree *t, size_t i) {
  return mlt_tree_path(t, i) + t->files.v[i].name;
}
/* The folder of file i: "" for the root, else its path without the last "/". */
static inline struct mlt_str mlt_tree_folder(const struct mlt_tree *t, size_t i) {
  size_t n = t->files.v[i].name;
  return (struct mlt_str){mlt_tree_path(t, i), n ? n - 1 : 0};
}
/* Absolute path of a name in the folder of file i; "" when it is too long for one. */
void mlt_tree_path_beside(const struct mlt_tree *t, size_t i, const char *name, char out[PATH_MAX]);
/* A descriptor, or -errno. */
int mlt_tree_open_file(const struct mlt_tree *t, const char *path, struct stat *st);
/* When a file was last changed, and when it began to be, in ms: a log that grows keeps that, and a
   copy that kept the time of its change has none before it. */
int64_t mlt_tree_changed(const struct stat *st);
int64_t mlt_tree_born(int fd, const struct stat *st);
/* Another file in the folder of file i; -ENOENT when there is none. */
int mlt_tree_open_beside(const struct mlt_tree *t, size_t i, const char *name, struct stat *st);
/* Does this folder tree hold a file that is wanted? Looks at `limit` folders at most, and not at
   what MLflow's runs have as artifacts. */
bool mlt_tree_any(const char *path, bool (*wanted)(const char *name), unsigned limit);

#endif
