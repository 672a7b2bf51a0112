/* Files and folders by descriptors. Paths are relative to a folder that is open, and no part of one
   may be a symbolic link: a path never leads out of that folder, also when somebody swaps parts of
   it meanwhile. Functions that return an int give a descriptor or 0, or -errno, and go on after a
   signal. Thread-safe. */
#ifndef MLT_BASE_FILE_H
#define MLT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

/* Names apart by single slashes, none of them empty, "." or "..", and no NUL. */
bool mlt_file_path_valid(struct mlt_str path);

/* Opens path, "" for root itself; flags as of open(2), but O_CREAT, to which O_CLOEXEC and
   O_NOFOLLOW are added. path must be valid. A link is -ELOOP, or -ENOTDIR where a folder is needed.
 */
int mlt_file_open(int root, const char *path, int flags);
/* Opens the folder path, "" for root itself, making it and its parents as they are missing, mode
   0777 less umask. sync: each new name is on the disk then. *made (may be NULL): it was missing. */
int mlt_file_folder(int root, const char *path, bool sync, bool *made);

/* Bytes read, 0 at the end; less than n does not mean the end. -errno. */
ssize_t mlt_file_read(int fd, void *p, size_t n);
/* Writes all of it. */
int mlt_file_write(int fd, const void *p, size_t n);
/* Gives a file another name, in the same file system, never replacing what has that name
   (-EEXIST). */
int mlt_file_rename_new(int from_dir, const char *from, int to_dir, const char *to);

#endif
