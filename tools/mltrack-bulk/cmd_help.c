/* mltrack-bulk help: what the option table says about itself. */
#include "commands.h"

static enum mlt_rc print(const struct mlt_args *args, struct mlt_err *err) {
  const struct mlt_cmd *cmd = NULL;
  int used = 0;
  if (mlt_args_flag(args, MLT_OPT_MAN)) {
    mlt_opt_print_man(stdout, args->program);
    return MLT_OK;
  }
  if (mlt_args_given(args, MLT_OPT_COMPLETION))
    return mlt_opt_print_completion(stdout, args->program, mlt_args_str(args, MLT_OPT_COMPLETION),
                                    err);
  if (args->argc > 0) {
    cmd = mlt_cmd_find(args->program, args->argv, args->argc, &used);
    bool group = !cmd && args->argc == 1 && mlt_cmd_is_group(args->program, args->argv[0]);
    if (!group && (!cmd || used < args->argc))
      return mlt_cmd_unknown(args->program, args->argv, args->argc, err);
  }
  mlt_opt_print_help(stdout, args->program, cmd);
  return MLT_OK;
}

int mlt_cmd_help(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  return print(args, &err) == MLT_OK ? 0 : mlt_bulk_fail(&err);
}
