/* What the parts of the option table share and programs need not see. */
#ifndef MLT_BASE_OPT_INTERN_H
#define MLT_BASE_OPT_INTERN_H

#include "base/opt.h"

/* The command of a program that has no others; NULL if it has. */
const struct mlt_cmd *mlt_opt_alone(const struct mlt_program *p);
/* How to ask for help about cmd, which may be NULL: "mltrack-bulk import --help". */
void mlt_opt_help_command(const struct mlt_program *p, const struct mlt_cmd *cmd, char *buf,
                          size_t size);
bool mlt_opt_takes_value(const struct mlt_opt *o);
/* cmd NULL: does it apply before any command? */
bool mlt_opt_applies(const struct mlt_opt *o, const struct mlt_cmd *cmd);

#endif
