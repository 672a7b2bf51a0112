/* Goes through a folder and all that is below it, in the order in which a manifest has the files:
   by the bytes of their paths. No symbolic link is followed, no device or FIFO opened. Memory: the
   names of the folders from the top down to where it is. Thread-safe. */
#ifndef MLT_VERIFY_TREE_H
#define MLT_VERIFY_TREE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"

enum mlt_tree_kind {
  MLT_TREE_FILE,
  MLT_TREE_FOLDER, /* before what is in it */
  MLT_TREE_LINK,
  MLT_TREE_SPECIAL, /* device, FIFO, socket */
  MLT_TREE_UNREAD,  /* a folder that cannot be listed, or anything that cannot be looked at: errnum
                     */
};

/* Valid during the call. */
struct mlt_tree_item {
  enum mlt_tree_kind kind;
  const char *path;      /* relative to the folder; "" is itself (UNREAD) */
  int dir;               /* descriptor of the folder it is in */
  const char *name;      /* its name there */
  const struct stat *st; /* of FILE and FOLDER */
  int errnum;
};

/* False ends it. */
typedef bool (*mlt_tree_fn)(void *ctx, const struct mlt_tree_item *item);

enum { MLT_TREE_DEPTH = 100 }; /* a folder that lies deeper is UNREAD, ELOOP */

/* fd: the folder, borrowed. MLT_NOMEM; what cannot be read is told to fn. */
enum mlt_rc mlt_tree_walk(int fd, mlt_tree_fn fn, void *ctx, struct mlt_err *err) MLT_NODISCARD;

#endif
