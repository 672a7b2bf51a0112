/* What sources have in common whose runs are bare files of metrics: one experiment, runs known by
   name, tags that say where they came from. Makes records; no I/O. Strings it borrows must live
   until the next run. */
#ifndef MLT_SOURCE_FLAT_H
#define MLT_SOURCE_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "model/record.h"
#include "source/identity.h"
#include "source/params.h"

struct mlt_flat {
  struct mlt_str experiment; /* its name, and key */
  struct mlt_str path;       /* of the file at hand */
  /* the run at hand */
  char run_id[MLT_RUN_ID + 1]; /* "": none */
  struct mlt_str run_name, source_name;
  char owner[MLT_OWNER_MAX];
  int64_t start_time, end_time;
  bool failed;
  unsigned tag; /* the next to be given */
  size_t param; /* likewise */
  char reason[1024];
};

/* An experiment without a location: the target gives it one. */
void mlt_flat_experiment(const struct mlt_flat *f, struct mlt_record *rec);
/* The run at hand begins: f's fields are set, but run_id. FINISHED or FAILED; it
   has no artifacts, so the target gives it the artifact_uri that MLflow would. MLT_NOMEM. */
enum mlt_rc mlt_flat_run(struct mlt_flat *f, struct mlt_record *rec,
                         struct mlt_err *err) MLT_NODISCARD;
/* mlflow.runName, mlflow.source.name, mlflow.source.type, mlflow.user; then false. */
bool mlt_flat_tag(struct mlt_flat *f, struct mlt_record *rec);
bool mlt_flat_param(struct mlt_flat *f, const struct mlt_params *p, struct mlt_record *rec);
void mlt_flat_points(const struct mlt_flat *f, struct mlt_record *rec, struct mlt_points points);
void mlt_flat_end(struct mlt_flat *f, struct mlt_record *rec);

/* A note about f->path. `what` is set in it only for MLT_NOTE_IGNORED. Always MLT_OK. */
enum mlt_rc mlt_flat_note(struct mlt_flat *f, struct mlt_record *rec, struct mlt_note note,
                          const char *fmt, ...) MLT_PRINTF(4, 5);
/* `n` things of the kind `what`, in the plural, that are not imported. Always MLT_OK. */
enum mlt_rc mlt_flat_ignored(struct mlt_flat *f, struct mlt_record *rec, const char *what,
                             uint64_t n);
/* A file or folder that cannot be read at all. */
enum mlt_rc mlt_flat_unreadable(struct mlt_flat *f, struct mlt_record *rec, int errnum);

#endif
