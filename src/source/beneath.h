/* Opening folders and files that must lie beneath one root, and reading them. A symbolic link is
   followed only as far as it stays beneath the root; devices, FIFOs and sockets are never read.
   Names come one component at a time, so plain entries cannot leave by construction; links go
   through openat2(RESOLVE_BENEATH) and are refused where the kernel lacks it. */
#ifndef MLT_SOURCE_BENEATH_H
#define MLT_SOURCE_BENEATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/err.h"

struct mlt_beneath {
  int fd;          /* the root */
  bool no_openat2; /* learnt at the first link */
};

/* The root itself may be a link. Close with mlt_beneath_close. */
enum mlt_rc mlt_beneath_root(struct mlt_beneath *b, const char *path,
                             struct mlt_err *err) MLT_NODISCARD;
void mlt_beneath_close(struct mlt_beneath *b);

/* Opens `name` in `dirfd`; `path` is the same thing relative to the root, for links. A descriptor,
   or -errno:
     -EXDEV    a link that leads out of the root, is absolute, or cannot be checked
     -ELOOP    a link that leads to itself
     -ENOLINK  a link to nothing
     -ENODEV   not a regular file (file only; a folder is -EISDIR)
     -ENOTDIR  not a folder (dir only) */
int mlt_beneath_dir(struct mlt_beneath *b, int dirfd, const char *name, const char *path);
int mlt_beneath_file(struct mlt_beneath *b, int dirfd, const char *name, const char *path,
                     off_t *size);

/* Why an open or read failed, for people; *code is the stable word for machines. */
const char *mlt_beneath_reason(int errnum, const char **code);

/* read(2) that goes on after a signal. Bytes read, 0 at the end, or -errno. */
ssize_t mlt_beneath_read(int fd, void *p, size_t n);

#endif
