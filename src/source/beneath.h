/* Opening folders and files that must lie beneath one root. A symbolic link is
   followed only as far as it stays beneath the root, also when it is swapped while we look;
   devices, FIFOs and sockets are never read. Names come one component at a time, so that what is no
   link cannot lead out. Keeps nothing: the root is a descriptor of the caller's. */
#ifndef MLT_SOURCE_BENEATH_H
#define MLT_SOURCE_BENEATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Opens `name` in `dirfd`; `path` is the same thing relative to the root, for links. A descriptor,
   or -errno:
     -EXDEV    a link that leads out of the root, or an absolute one
     -ELOOP    a link that leads to itself
     -ENOLINK  a link to nothing
     -ENODEV   not a regular file (file only; a folder is -EISDIR)
     -ENOTDIR  not a folder (dir only)
   `listed`: a listing has just called it a regular file; that is not looked at again, which saves a
   system call a file. */
int mlt_beneath_dir(int root, int dirfd, const char *name, const char *path);
int mlt_beneath_file(int root, int dirfd, const char *name, const char *path, bool listed);

/* Why an open or read failed, for people; *code is the stable word for machines. */
const char *mlt_beneath_reason(int errnum, const char **code);

/* Less than a page of what mlt_file_read (base/file.h) gave, where more was asked for, is the rest
   of a regular file on every file system; of more, some (FUSE without its cache) may give a piece.
   Most files are smaller, and one call reads them. */
enum { MLT_BENEATH_PAGE = 4096 };
static inline bool mlt_beneath_was_rest(ssize_t got) {
  return got < MLT_BENEATH_PAGE;
}

#endif
