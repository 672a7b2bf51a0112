/* Places the artifacts of what an import writes, batch by batch: finds them, sets the URIs that
   they will have in the target, puts the files there. Called for a batch in its lane, before the
   sink writes it: so rows are committed when their files are on the disk. */
#ifndef MLT_PIPELINE_ARTIFACTS_H
#define MLT_PIPELINE_ARTIFACTS_H

#include <signal.h>
#include "batch/batch.h"
#include "pipeline/places.h"
#include "pipeline/report.h"
#include "sink/sink.h"

struct mlt_artifacts;

enum mlt_artifacts_how {
  MLT_ARTIFACTS_KEEP,
  MLT_ARTIFACTS_COPY,
  MLT_ARTIFACTS_LINK,
  MLT_ARTIFACTS_MOVE
};

struct mlt_artifacts_opts {
  enum mlt_artifacts_how how;      /* not KEEP */
  const struct mlt_places *places; /* borrowed for the life of the placing */
  const struct mlt_limits *limits; /* likewise */
  const struct mlt_sink_ops *sink_ops;
  /* The user has named the root: it is made, also when nothing will be put there. */
  bool root_asked;
  bool dry_run;
  bool stop;  /* the first thing that cannot be placed is an error */
  bool merge; /* runs that are there keep their URIs, and get the files there */
  const volatile sig_atomic_t *cancelled;
};

enum mlt_rc mlt_artifacts_open(struct mlt_artifacts **out, const struct mlt_artifacts_opts *opts,
                               struct mlt_err *err) MLT_NODISCARD;
void mlt_artifacts_close(struct mlt_artifacts *p); /* NULL is fine */

/* Thread-safe, each batch and sink being one thread's. On an error nothing of the batch is to be
   written. MLT_DATA, MLT_NOINPUT: an artifact could not be placed, and `stop`. */
enum mlt_rc mlt_artifacts_batch(struct mlt_artifacts *p, struct mlt_sink *sink, struct mlt_batch *b,
                                struct mlt_err *err) MLT_NODISCARD;

/* What has been noted since the last call, through `take`; the notes are gone then. */
enum mlt_rc mlt_artifacts_notes(struct mlt_artifacts *p,
                                enum mlt_rc (*take)(void *ctx, const struct mlt_note *note),
                                void *ctx) MLT_NODISCARD;
/* So far. */
void mlt_artifacts_counts(struct mlt_artifacts *p, struct mlt_artifact_counts *out);

#endif
