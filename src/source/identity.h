/* Who a run is, for sources whose runs have no MLflow id, and whose it is. */
#ifndef MLT_SOURCE_IDENTITY_H
#define MLT_SOURCE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/str.h"

enum { MLT_RUN_ID = 32, MLT_OWNER_MAX = 256 };

/* The same experiment and run name give the same id, today and on any machine, so that importing
   again finds the run: the first 128 bits, as 32 lower-case hex digits, of
     SHA-256("mltrack run 1" NUL experiment NUL run)
   Neither name may hold a NUL. False when out of memory. */
bool mlt_run_identity(char out[MLT_RUN_ID + 1], struct mlt_str experiment, struct mlt_str run);

/* The name of a user of this machine, "" when it has none. Reads the user database. */
void mlt_owner_name(char out[MLT_OWNER_MAX], uid_t uid);

#endif
