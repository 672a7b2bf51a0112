/* Return codes and the error struct. Functions return enum mlt_rc and describe a failure in *err.
   The first error wins; nothing here allocates. A function that returns an error never logs it:
   the program that gives up does, once. Thread-safe as long as each thread has its own mlt_err. */
#ifndef MLT_BASE_ERR_H
#define MLT_BASE_ERR_H

#include <stdarg.h>

#define MLT_NODISCARD __attribute__((warn_unused_result))
#define MLT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum mlt_rc {
#define MLT_RC(name, exit_status, meaning) MLT_##name,
#include "base/rc.def"
#undef MLT_RC
  MLT_RC_COUNT
};

/* What went wrong (msg) and how to mend it (hint, may be empty). sqlstate is set by pg/ only. */
struct mlt_err {
  enum mlt_rc rc;
  char sqlstate[6];
  char msg[1024];
  char hint[2048]; /* as long as all GRANTs that a role may lack */
};

#define MLT_ERR_INIT                                                                               \
  { .rc = MLT_OK }

/* Records the error unless one is recorded already, and returns rc. err may be NULL. */
enum mlt_rc mlt_err_set(struct mlt_err *err, enum mlt_rc rc, const char *fmt, ...) MLT_PRINTF(3, 4);
/* Adds the sentence that says how to mend it. Does nothing if there is a hint already. */
void mlt_err_hint(struct mlt_err *err, const char *fmt, ...) MLT_PRINTF(2, 3);
/* Puts "text: " before the message, to say where it happened. */
void mlt_err_prefix(struct mlt_err *err, const char *fmt, ...) MLT_PRINTF(2, 3);
void mlt_err_clear(struct mlt_err *err);
/* Out of memory, as an error; returns MLT_NOMEM. */
enum mlt_rc mlt_err_nomem(struct mlt_err *err);
/* "what: strerror(errno)" with the class of errno (ENOENT -> NOINPUT, EACCES -> NOPERM, ENOSPC ->
 * IO ...). */
enum mlt_rc mlt_err_errno(struct mlt_err *err, int errnum, const char *fmt, ...) MLT_PRINTF(3, 4);

/* The class alone; what errno has no class for is MLT_IO. */
enum mlt_rc mlt_errno_class(int errnum);

const char *mlt_rc_name(enum mlt_rc rc);    /* "DATA" */
const char *mlt_rc_meaning(enum mlt_rc rc); /* "bad input data" */
int mlt_rc_exit(enum mlt_rc rc);            /* 65 */

#endif
