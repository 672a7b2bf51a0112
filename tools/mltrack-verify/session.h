/* A run of mltrack-verify: what the command line asks for, where findings go. */
#ifndef MLT_VERIFY_SESSION_H
#define MLT_VERIFY_SESSION_H

#include "../common/progress.h"
#include "program.h"
#include "report.h"
#include "verify/manifests.h"

enum { MLT_SESSION_LISTS = 6 };

struct mlt_session {
  const struct mlt_args *args;
  struct mlt_target target;
  const char **lists[MLT_SESSION_LISTS]; /* the values of LIST options, of which others borrow */
  struct mlt_progress progress;
  bool text, color, quiet;
  bool repair; /* only findings with this command are named */
  char repair_command[80];
  const char *mode;
  bool manifests; /* --manifest-only */
  struct mlt_manifests_made made;
};

/* Fills *s, whose args are set, and *o, which borrows of it. MLT_USAGE. */
enum mlt_rc mlt_session_options(struct mlt_session *s, struct mlt_verify_opts *o,
                                struct mlt_err *err);
/* The result in the form that was asked for, and the JUnit file. */
enum mlt_rc mlt_session_print(const struct mlt_session *s, const struct mlt_verify_report *r,
                              struct mlt_err *err);
void mlt_session_free(struct mlt_session *s);

#endif
