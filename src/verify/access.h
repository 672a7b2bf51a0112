/* What another user may do, computed from owner, groups, mode bits and POSIX ACLs: nobody is
   impersonated, so no rights are needed. Capabilities, and what a file system does beyond that
   (ACLs of NFSv4, root squashed), are not looked at; user 0 may do everything. Thread-safe once
   open. */
#ifndef MLT_VERIFY_ACCESS_H
#define MLT_VERIFY_ACCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

struct mlt_access;

/* who: a user's name or number as the system knows it, or "uid:gid" of one it need not know, as a
   container's. MLT_USAGE: no such user. */
enum mlt_rc mlt_access_open(struct mlt_access **out, const char *who,
                            struct mlt_err *err) MLT_NODISCARD;
/* Who this process runs as. */
enum mlt_rc mlt_access_self(struct mlt_access **out, struct mlt_err *err) MLT_NODISCARD;
void mlt_access_close(struct mlt_access *a); /* NULL is fine */
const char *mlt_access_name(const struct mlt_access *a);

enum { MLT_MAY_SEARCH = 1, MLT_MAY_WRITE = 2, MLT_MAY_READ = 4 };
/* Has the user all of `rights` on what st is of, by its mode bits alone? */
bool mlt_access_may(const struct mlt_access *a, const struct stat *st, unsigned rights);
/* Likewise by the ACL of the path, where it has one. */
bool mlt_access_may_path(const struct mlt_access *a, const char *path, const struct stat *st,
                         unsigned rights);
/* The same of `name` in the folder that is open as dir. */
bool mlt_access_may_at(const struct mlt_access *a, int dir, const char *name, const struct stat *st,
                       unsigned rights);
/* acl: a value of the attribute system.posix_acl_access, n bytes; one that is none is as if it were
   not there. */
bool mlt_access_may_by_acl(const struct mlt_access *a, const struct stat *st, const void *acl,
                           size_t n, unsigned rights);

/* Can the user come to the absolute path, by going through every folder above it? If not, `where`
   is the first one that keeps the user out. What is missing keeps nobody out. */
bool mlt_access_reach(const struct mlt_access *a, const char *path, char where[PATH_MAX]);

#endif
