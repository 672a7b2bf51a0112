/* What the files of mltrack-bulk share: the ids of its options, its command table and the entry
   points. To add a command: one file cmd_<name>.c, one row in commands.c, its bit here. */
#ifndef MLT_BULK_COMMANDS_H
#define MLT_BULK_COMMANDS_H

#include "base/opt.h"

enum {
  MLT_BIT_IMPORT = 1 << 0,
  MLT_BIT_SCHEMA_CHECK = 1 << 1,
  MLT_BIT_SCHEMA_SHOW = 1 << 2,
  MLT_BIT_SCHEMA_INIT = 1 << 3,
  MLT_BIT_HELP = 1 << 4,
  MLT_BIT_EXPORT = 1 << 5,
  MLT_BIT_ARTIFACTS_REWRITE = 1 << 6,
  MLT_BIT_IMPORTS = 1 << 7,
  MLT_BIT_UNDO = 1 << 8,
  MLT_BIT_GRANTS = 1 << 9,
  MLT_BIT_PROGRESS = 1 << 10
};

/* For mlt_args_str and its like. */
enum mlt_bulk_opt {
#define MLT_OPT(id, name, letter, kind, arg, dflt, choices, commands, env, help) MLT_OPT_##id,
#include "options.def"
#undef MLT_OPT
};

extern const struct mlt_program mlt_bulk;

int mlt_cmd_import(const struct mlt_args *args);
int mlt_cmd_imports(const struct mlt_args *args);
int mlt_cmd_progress(const struct mlt_args *args);
int mlt_cmd_undo(const struct mlt_args *args);
int mlt_cmd_export(const struct mlt_args *args);
int mlt_cmd_artifacts_rewrite(const struct mlt_args *args);
int mlt_cmd_schema_check(const struct mlt_args *args);
int mlt_cmd_schema_show(const struct mlt_args *args);
int mlt_cmd_schema_init(const struct mlt_args *args);
int mlt_cmd_grants(const struct mlt_args *args);
int mlt_cmd_help(const struct mlt_args *args);

/* The database in force: --to, else the environment, else the default (mlt_target_default). *origin
   says which. */
const char *mlt_bulk_target(const struct mlt_args *args, const char **origin);
/* Says on standard error what went wrong and how to mend it; returns the exit status. */
int mlt_bulk_fail(const struct mlt_err *err);

#endif
