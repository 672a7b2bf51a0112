/* mltrack-bulk: commands that move whole stores. Which there are is in commands.c. */
#include "../common/frame.h"
#include "commands.h"

static const struct mlt_frame frame = {.program = &mlt_bulk,
                                       .verbose = MLT_OPT_VERBOSE,
                                       .quiet = MLT_OPT_QUIET,
                                       .color = MLT_OPT_COLOR,
                                       .log_format = MLT_OPT_LOG_FORMAT,
                                       .version = MLT_OPT_VERSION};

int mlt_bulk_fail(const struct mlt_err *err) {
  return mlt_frame_fail(err);
}

int main(int argc, char **argv) {
  return mlt_frame_main(&frame, argc, argv);
}
