/* How what was looked at before the first write is told. */
#ifndef MLT_BULK_PREFLIGHT_REPORT_H
#define MLT_BULK_PREFLIGHT_REPORT_H

#include "base/json.h"
#include "model/preflight.h"

/* Adds "preflight". */
void mlt_preflight_add_json(struct mlt_json *doc, const struct mlt_preflight *p);
/* Warnings, on standard error. */
void mlt_preflight_tell(const struct mlt_preflight *p);

#endif
