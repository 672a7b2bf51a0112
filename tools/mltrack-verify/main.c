/* mltrack-verify: is a tracking store what it says it is? The checks are in src/verify/. */
#include "../common/frame.h"
#include "program.h"

static bool print(const struct mlt_args *args) {
  bool man = args->stop == &mlt_verify_program.opts[MLT_OPT_MAN];
  if (man)
    mlt_opt_print_man(stdout, &mlt_verify_program);
  return man;
}

static const struct mlt_frame frame = {.program = &mlt_verify_program,
                                       .verbose = MLT_OPT_VERBOSE,
                                       .quiet = MLT_OPT_QUIET,
                                       .color = MLT_OPT_COLOR,
                                       .log_format = MLT_OPT_LOG_FORMAT,
                                       .version = MLT_OPT_VERSION,
                                       .print = print};

int main(int argc, char **argv) {
  return mlt_frame_main(&frame, argc, argv);
}
