/* What the parts of the option table share and programs need not see. */
#ifndef MLT_BASE_OPT_INTERN_H
#define MLT_BASE_OPT_INTERN_H

#include "base/opt.h"

bool mlt_opt_takes_value(const struct mlt_opt *o);
/* cmd NULL: does it apply before any command? */
bool mlt_opt_applies(const struct mlt_opt *o, const struct mlt_cmd *cmd);

#endif
