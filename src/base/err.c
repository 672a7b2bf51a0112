#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name, *meaning;
  int exit_status;
} rc_table[] = {
#define MLT_RC(name, exit_status, meaning) {#name, meaning, exit_status},
#include "base/rc.def"
#undef MLT_RC
};

enum mlt_rc mlt_err_set(struct mlt_err *err, enum mlt_rc rc, const char *fmt, ...) {
  if (!err || err->rc != MLT_OK)
    return rc;
  va_list ap;
  va_start(ap, fmt);
  err->rc = rc;
  (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
  va_end(ap);
  return rc;
}

void mlt_err_hint(struct mlt_err *err, const char *fmt, ...) {
  if (!err || err->hint[0])
    return;
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(err->hint, sizeof err->hint, fmt, ap);
  va_end(ap);
}

void mlt_err_prefix(struct mlt_err *err, const char *fmt, ...) {
  if (!err || err->rc == MLT_OK)
    return;
  char text[sizeof err->msg];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  if (n < 0 || (size_t)n >= sizeof text - 3)
    return;
  (void)snprintf(text + n, sizeof text - (size_t)n, ": %s", err->msg);
  memcpy(err->msg, text, sizeof text);
}

void mlt_err_clear(struct mlt_err *err) {
  if (err)
    *err = (struct mlt_err)MLT_ERR_INIT;
}

enum mlt_rc mlt_err_nomem(struct mlt_err *err) {
  return mlt_err_set(err, MLT_NOMEM, "out of memory");
}

enum mlt_rc mlt_errno_class(int errnum) {
  switch (errnum) {
  case ENOENT:
  case ENOTDIR:
  case ELOOP:
  case ENAMETOOLONG:
    return MLT_NOINPUT;
  case EACCES:
  case EPERM:
  case EROFS:
    return MLT_NOPERM;
  case ENOMEM:
    return MLT_NOMEM;
  default:
    return MLT_IO;
  }
}

enum mlt_rc mlt_err_errno(struct mlt_err *err, int errnum, const char *fmt, ...) {
  char what[512], buf[128];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(what, sizeof what, fmt, ap);
  va_end(ap);
  const char *why =
      strerror_r(errnum, buf, sizeof buf); /* the GNU one: thread-safe, returns the text */
  return mlt_err_set(err, mlt_errno_class(errnum), "%s: %s", what, why);
}

const char *mlt_rc_name(enum mlt_rc rc) {
  return rc_table[rc].name;
}

const char *mlt_rc_meaning(enum mlt_rc rc) {
  return rc_table[rc].meaning;
}

int mlt_rc_exit(enum mlt_rc rc) {
  return rc_table[rc].exit_status;
}
