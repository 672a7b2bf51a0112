#include "base/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *mlt_temp_folder(void) {
  const char *folder = getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

enum mlt_rc mlt_temp_failed(int errnum, const char *what, struct mlt_err *err) {
  enum mlt_rc rc = mlt_err_errno(err, errnum, "%s a temporary file in %s", what, mlt_temp_folder());
  mlt_err_hint(err, "Set TMPDIR to a folder on a disk with room, or allow more memory.");
  return rc;
}

/* For file systems without O_TMPFILE. */
static int make_and_unlink(const char *folder) {
  char path[PATH_MAX];
  int n = snprintf(path, sizeof path, "%s/mltrack-XXXXXX", folder);
  if (n < 0 || (size_t)n >= sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0)
    (void)unlink(path);
  return fd;
}

enum mlt_rc mlt_temp_open(int *fd, struct mlt_err *err) {
  const char *folder = mlt_temp_folder();
  *fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
    *fd = make_and_unlink(folder);
  if (*fd >= 0)
    return MLT_OK;
  (void)mlt_temp_failed(errno, "cannot create", err);
  if (err)
    err->rc = MLT_CANTCREAT; /* whatever errno says: it is no input that is missing */
  return MLT_CANTCREAT;
}
