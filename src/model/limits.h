/* Length limits in code points, per column, as the target database declares them (0 = none), and
   what to do with values that are longer. PostgreSQL enforces them; SQLite declares but does not
   enforce, so its limits are all 0 but for what MLflow could not read back. */
#ifndef MLT_MODEL_LIMITS_H
#define MLT_MODEL_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include "model/tables.h"

struct mlt_limits {
  uint32_t chars[MLT_C_COUNT];
  bool truncate; /* MLFLOW_TRUNCATE_LONG_VALUES (default true): cut long param and tag values; else
                    reject */
};

/* What the newest head declares (PostgreSQL). */
void mlt_limits_declared(struct mlt_limits *out);
/* Nothing but validity of text: SQLite. */
void mlt_limits_none(struct mlt_limits *out);

#endif
