/* What the main function of every program does: parses the command line, sets up messages, runs
   what was asked for. Knows exit statuses, nothing of what programs do. */
#ifndef MLT_COMMON_FRAME_H
#define MLT_COMMON_FRAME_H

#include <stddef.h>
#include "base/err.h"
#include "base/opt.h"

struct mlt_frame {
  const struct mlt_program *program;
  size_t verbose, quiet, color, log_format, version; /* where these options are in its table */
  /* What MLT_KIND_STOP options beside --version and --help print; may be NULL. False: none of
     them. */
  bool (*print)(const struct mlt_args *args);
};

/* Returns the exit status: that of the command, unless its output could not be written. */
int mlt_frame_main(const struct mlt_frame *f, int argc, char **argv);
/* Says on standard error what went wrong and how to mend it; returns the exit status. */
int mlt_frame_fail(const struct mlt_err *err);

#endif
