/* What became of artifacts, for people, for programs, and for the progress line. */
#ifndef MLT_BULK_ARTIFACTS_REPORT_H
#define MLT_BULK_ARTIFACTS_REPORT_H

#include <stdio.h>
#include "base/json.h"
#include "pipeline/report.h"

/* Member "artifacts" of the document. */
void mlt_artifacts_add_json(struct mlt_json *doc, const struct mlt_artifact_counts *c);
/* A line; nothing if there were no artifacts. */
void mlt_artifacts_print(FILE *out, const struct mlt_artifact_counts *c, bool dry_run);
/* ", 12 files (3.4 MiB)"; nothing if there are none. Returns the length. */
int mlt_artifacts_progress(char *out, size_t cap, const struct mlt_artifact_counts *c);

#endif
