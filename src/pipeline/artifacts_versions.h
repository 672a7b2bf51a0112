/* Part of artifacts.h: model versions, whose source lies among the artifacts of a run or of a
   logged model, follow those. */
#ifndef MLT_PIPELINE_ARTIFACTS_VERSIONS_H
#define MLT_PIPELINE_ARTIFACTS_VERSIONS_H

#include "pipeline/artifacts.h"

/* Adds to at[*n] whose artifacts the batch's versions are: two a version at most. */
void mlt_artifacts_version_owners(const struct mlt_batch *b, struct mlt_whereabouts *at, size_t *n);
/* Sets source and storage_location of the batch's versions, from the batch's runs and logged models
   as they are by now, and those of at[0..n) that are in the target. One whose owner is in neither
   stays as it is, which is noted. */
enum mlt_rc mlt_artifacts_versions(struct mlt_artifacts *p, struct mlt_batch *b,
                                   const struct mlt_whereabouts *at, size_t n, struct mlt_err *err);

/* artifacts.c: for the report. MLT_NOMEM. */
enum mlt_rc mlt_artifacts_note(struct mlt_artifacts *p, struct mlt_note note, struct mlt_err *err);
const struct mlt_artifacts_opts *mlt_artifacts_options(const struct mlt_artifacts *p);

#endif
