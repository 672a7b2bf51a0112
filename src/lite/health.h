/* What SQLite says about the state of a file. Errors as in lite/store.h. */
#ifndef MLT_LITE_HEALTH_H
#define MLT_LITE_HEALTH_H

#include <stdbool.h>
#include "lite/store.h"
#include "schema/repairs.h"

/* quick_check, or (whole) integrity_check, which compares the indexes with their tables as well: fn
   is called for each of the first hundred damages, with SQLite's words, valid during the call. */
enum mlt_rc mlt_lite_integrity(struct mlt_lite *db, bool whole,
                               void (*fn)(void *ctx, const char *text), void *ctx,
                               struct mlt_err *err);

/* Inside a write transaction; see pg/health.h. A file has no sequence: nothing is done. */
enum mlt_rc mlt_lite_repair(struct mlt_lite *db, enum mlt_repair what, int64_t before_ms,
                            struct mlt_repaired *out, struct mlt_err *err);

#endif
