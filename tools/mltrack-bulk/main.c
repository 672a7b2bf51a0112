/* mltrack-bulk: parses the command line, sets up messages, runs one command. Knows the tables and
   exit statuses, nothing of what commands do. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static enum mlt_log_level level_of(const struct mlt_args *args) {
  if (mlt_args_flag(args, MLT_OPT_VERBOSE))
    return MLT_LOG_DEBUG;
  return mlt_args_flag(args, MLT_OPT_QUIET) ? MLT_LOG_WARN : MLT_LOG_INFO;
}

static void set_up_messages(const struct mlt_args *args) {
  bool json = strcmp(mlt_args_str(args, MLT_OPT_LOG_FORMAT), "json") == 0;
  mlt_log_init(&(struct mlt_log_setup){
      .program = mlt_bulk.name,
      .level = level_of(args),
      .json = json,
      .color = !json && mlt_color_wanted(mlt_args_str(args, MLT_OPT_COLOR), stderr),
  });
}

int mlt_bulk_fail(const struct mlt_err *err) {
  mlt_log_err(err);
  return mlt_rc_exit(err->rc);
}

static int stop(const struct mlt_args *args) {
  if (args->stop == &mlt_bulk.opts[MLT_OPT_VERSION])
    (void)printf("%s %s\n", mlt_bulk.name, mlt_bulk.version);
  else
    mlt_opt_print_help(stdout, &mlt_bulk, args->cmd);
  return 0;
}

static int dispatch(const struct mlt_args *args) {
  if (args->stop)
    return stop(args);
  if (args->cmd)
    return args->cmd->run(args);
  mlt_opt_print_help(stderr, &mlt_bulk, NULL);
  return mlt_rc_exit(MLT_USAGE);
}

/* A full disk or closed pipe shows when the last output is flushed: never exit 0 then. */
static int flush_output(int status) {
  struct mlt_err err = MLT_ERR_INIT;
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  mlt_err_errno(&err, errno, "cannot write the output");
  return status ? status : mlt_bulk_fail(&err);
}

int main(int argc, char **argv) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_args args;
  enum mlt_rc rc = mlt_args_parse(&args, &mlt_bulk, argc, argv, &err);
  if (rc != MLT_NOMEM) /* also after an error: --log-format may have come before it */
    set_up_messages(&args);
  int status = rc == MLT_OK ? dispatch(&args) : mlt_bulk_fail(&err);
  mlt_args_free(&args);
  return flush_output(status);
}
