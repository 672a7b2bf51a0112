/* How far an import or export is, as a line. */
#ifndef MLT_BULK_PROGRESS_H
#define MLT_BULK_PROGRESS_H

#include "../common/progress.h"
#include "pipeline/report.h"

void mlt_progress_update(struct mlt_progress *p, const struct mlt_report *report);

#endif
