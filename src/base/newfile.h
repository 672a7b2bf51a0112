/* A file that appears whole or not at all: written under a hidden name in the folder it is to be
   in, and given its name when complete. After a crash or a kill -9 the hidden file stays; the next
   attempt at the same name removes it. The hidden name (".NAME.mltrack") is locked with flock(2)
   while it is used, so that no two processes, or threads, make the same file. One thread uses an
   instance. */
#ifndef MLT_BASE_NEWFILE_H
#define MLT_BASE_NEWFILE_H

#include "base/err.h"

struct mlt_newfile;

/* Makes the empty hidden file, mode 0644 less umask. A path that is a symbolic link to nothing
   stands for what it points to. Waits up to wait_ms for another process that makes the same file.
   MLT_OK with *out NULL: there is a file at path (by now). MLT_TEMPFAIL: the other is still at it.
   MLT_CANTCREAT: the folder is missing or not writable, the name is too long, or the hidden name is
   taken by something that is not ours to remove. */
enum mlt_rc mlt_newfile_open(struct mlt_newfile **out, const char *path, unsigned wait_ms,
                             struct mlt_err *err) MLT_NODISCARD;
/* Likewise, but a file that is at path by now, or by then, is replaced when this is published. */
enum mlt_rc mlt_newfile_open_over(struct mlt_newfile **out, const char *path, unsigned wait_ms,
                                  struct mlt_err *err) MLT_NODISCARD;
/* The hidden file, for reading and writing. */
int mlt_newfile_fd(const struct mlt_newfile *f);
/* Where to write, and the name it will have. Owned by f. */
const char *mlt_newfile_hidden(const struct mlt_newfile *f);
const char *mlt_newfile_path(const struct mlt_newfile *f);
/* Has the file on the disk, then gives it its name. Opened by mlt_newfile_open it never replaces
   another: MLT_TEMPFAIL if one came into being meanwhile. MLT_IO, MLT_CANTCREAT. After an error
   only mlt_newfile_close is left.
 */
enum mlt_rc mlt_newfile_publish(struct mlt_newfile *f, struct mlt_err *err) MLT_NODISCARD;
/* Removes the file unless it was published. NULL is fine. */
void mlt_newfile_close(struct mlt_newfile *f);

#endif
