#include "frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "argv.h"
#include "base/log.h"
#include "base/mem.h"

static enum mlt_log_level level_of(const struct mlt_frame *f, const struct mlt_args *args) {
  if (mlt_args_flag(args, f->verbose))
    return MLT_LOG_DEBUG;
  return mlt_args_flag(args, f->quiet) ? MLT_LOG_WARN : MLT_LOG_INFO;
}

static void set_up_messages(const struct mlt_frame *f, const struct mlt_args *args) {
  bool json = strcmp(mlt_args_str(args, f->log_format), "json") == 0;
  mlt_log_init(&(struct mlt_log_setup){
      .program = f->program->name,
      .level = level_of(f, args),
      .json = json,
      .color = !json && mlt_color_wanted(mlt_args_str(args, f->color), stderr),
  });
}

int mlt_frame_fail(const struct mlt_err *err) {
  mlt_log_err(err);
  return mlt_rc_exit(err->rc);
}

static int stop(const struct mlt_frame *f, const struct mlt_args *args) {
  if (args->stop == &f->program->opts[f->version])
    (void)printf("%s %s\n", f->program->name, f->program->version);
  else if (!f->print || !f->print(args))
    mlt_opt_print_help(stdout, f->program, args->cmd);
  return 0;
}

static int dispatch(const struct mlt_frame *f, const struct mlt_args *args) {
  if (args->stop)
    return stop(f, args);
  if (args->cmd)
    return args->cmd->run(args);
  mlt_opt_print_help(stderr, f->program, NULL);
  return mlt_rc_exit(MLT_USAGE);
}

/* A full disk or closed pipe shows when the last output is flushed: never exit 0 then. */
static int flush_output(int status) {
  struct mlt_err err = MLT_ERR_INIT;
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  mlt_err_errno(&err, errno, "cannot write the output");
  return status ? status : mlt_frame_fail(&err);
}

static void warn_of_password(void) {
  mlt_log_fields(MLT_LOG_WARN,
                 "the password in the command line could be seen in the list of processes until "
                 "the program hid it: PGPASSFILE, PGPASSWORD or a service keeps it out",
                 NULL, 0);
}

int mlt_frame_main(const struct mlt_frame *f, int argc, char **argv) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_args args;
  struct mlt_argv own;
  mlt_mem_setup();
  mlt_argv_hide(&own, argc, argv);
  enum mlt_rc rc = mlt_args_parse(&args, f->program, argc, own.v, &err);
  if (rc != MLT_NOMEM) /* also after an error: --log-format may have come before it */
    set_up_messages(f, &args);
  if (own.hidden)
    warn_of_password();
  int status = rc == MLT_OK ? dispatch(f, &args) : mlt_frame_fail(&err);
  mlt_args_free(&args);
  mlt_argv_free(&own, argv);
  return flush_output(status);
}
