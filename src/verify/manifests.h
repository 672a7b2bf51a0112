/* Manifests (artifact/manifest.h) for artifacts that were not placed by an import, so that a later
   run can tell what changed since. */
#ifndef MLT_VERIFY_MANIFESTS_H
#define MLT_VERIFY_MANIFESTS_H

#include "verify/verify.h"

struct mlt_manifests_made {
  uint64_t folders;      /* whose files are recorded now */
  uint64_t recorded;     /* that had a manifest: it is left as it is */
  uint64_t empty;        /* that are not there */
  uint64_t files, bytes; /* recorded now */
};

/* Records what is in the folders of the runs and logged models that v's options choose; all of it
   is read. Writes below ROOT/.mltrack/manifests, whole or not at all, and nowhere else. What could
   not be recorded is a finding of v. Errors as mlt_placer_wait has them, and mlt_verify_run. */
enum mlt_rc mlt_verify_manifests(struct mlt_verify *v, struct mlt_manifests_made *made,
                                 struct mlt_err *err) MLT_NODISCARD;

#endif
