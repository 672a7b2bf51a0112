/* A new database made and filled at full speed, where nobody else can see it: one transaction
   without journal, without waiting for the disk, without locks; the keys and indexes of metrics,
   latest_metrics, params and tags are made after their rows, sorted. After a failure, a crash or a
   kill at any moment the file is worthless: it must have a name nobody opens (base/newfile.h). */
#ifndef MLT_LITE_BUILD_H
#define MLT_LITE_BUILD_H

#include <stdint.h>
#include "lite/store.h"

struct mlt_lite_build_opts {
  const char *file; /* an empty file of ours; a plain path */
  const char *path; /* the name it will have: for messages */
  const char *ddl;  /* MLflow's schema (schema/schema.h) */
  /* Bytes for the page cache and for sorting, 48 MiB at most; 0: that much. What does not fit is
     sorted in temporary files (SQLITE_TMPDIR, TMPDIR, /var/tmp). */
  uint64_t memory;
};

/* Makes the schema and leaves the transaction open: insert and select as usual, without
   mlt_lite_begin and mlt_lite_commit. A select on one of the four tables reads all of it. NOT NULL
   holds from the start, keys are checked by the finish. */
enum mlt_rc mlt_lite_build_begin(struct mlt_lite **out, const struct mlt_lite_build_opts *opts,
                                 struct mlt_err *err);
/* Makes the indexes now instead of in the end, for statements that need them (mlt_lite_merge). */
enum mlt_rc mlt_lite_build_indexes(struct mlt_lite *db, struct mlt_err *err);
/* Makes the indexes and commits: afterwards the file is what MLflow's own DDL and inserts would
   have made. Not yet on the disk. MLT_DATA for a row whose run is missing. The connection can only
   be closed then. */
enum mlt_rc mlt_lite_build_finish(struct mlt_lite *db, struct mlt_err *err);

#endif
