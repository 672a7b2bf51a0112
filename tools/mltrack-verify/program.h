/* mltrack-verify's option table, and what its files share. */
#ifndef MLT_VERIFY_PROGRAM_H
#define MLT_VERIFY_PROGRAM_H

#include "base/opt.h"

enum { MLT_OWN = 1 }; /* bit of the one command there is */

/* For mlt_args_str and its like. */
enum mlt_verify_opt {
#define MLT_OPT(id, name, letter, kind, arg, dflt, choices, commands, env, help) MLT_OPT_##id,
#include "options.def"
#undef MLT_OPT
};

extern const struct mlt_program mlt_verify_program;

/* The one command: returns the exit status. */
int mlt_cmd_verify(const struct mlt_args *args);

#endif
