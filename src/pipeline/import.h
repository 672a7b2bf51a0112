/* One import: source -> batch -> sink, counted. Knows the contracts, no concrete back end beyond
 * their tables. */
#ifndef MLT_PIPELINE_IMPORT_H
#define MLT_PIPELINE_IMPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "pipeline/artifacts.h"
#include "pipeline/budget.h"
#include "pipeline/report.h"
#include "sink/sink.h"
#include "source/source.h"

struct mlt_artifact_opts { /* pipeline/places.h; strings are borrowed */
  enum mlt_artifacts_how how;
  const char *root, *destination;
  const char *const *maps;
  size_t n_maps;
};

struct mlt_import_opts {
  const char *source;             /* path, or a database's URI */
  const char *format;             /* NULL or "auto" */
  struct mlt_source_opts reading; /* all but .path, .target, .window_rows, .whole_runs */
  const struct mlt_target *target;
  const char *mlflow_version; /* for a new database; NULL = default */
  bool dry_run;
  bool prove;          /* with dry_run and MLT_LOAD_APPEND: is all of it in? sink/sink.h */
  bool skip_errors;    /* --on-error skip */
  bool reject_long;    /* param and tag values that do not fit: reject them, do not cut them */
  uint64_t max_errors; /* with skip: stop when more rows are rejected; 0 = no limit. The batch that
                          holds the one too many is not written, unless the target rejected it */
  struct mlt_artifact_opts artifacts;
  enum mlt_load load;
  bool trust_runs;              /* PostgreSQL: see sink/sink.h */
  double retry_seconds;         /* how long a lost connection is tried again; 0 = not at all */
  uint64_t max_rows_per_second; /* of all connections together; 0 = no limit */
  unsigned jobs;                /* connections that write at the same time; 0 = default */
  unsigned readers;    /* threads that read runs at the same time; 0 = by processors and runs */
  uint64_t batch_rows; /* flush when a batch holds so many; 0 = default */
  bool no_ledger;      /* leave no record in the target */
  bool restart;    /* an unfinished import of this source is not continued: it counts as failed */
  uint64_t memory; /* bytes to stay within, all in all; 0 = MLT_MEMORY_DEFAULT */
  const volatile sig_atomic_t *cancelled; /* set by a signal handler: stop soon; may be NULL */
  /* Called once the target is open, before the first batch; may be NULL. */
  void (*on_preflight)(void *ctx, const struct mlt_preflight *preflight);
  /* Called after every batch and about ten times a second; may be NULL. */
  void (*on_progress)(void *ctx, const struct mlt_report *report);
  /* Called for every note, before it is forgotten (the rejects file). An error stops the import.
   * May be NULL. */
  enum mlt_rc (*on_note)(void *ctx, const struct mlt_note *note, struct mlt_err *err);
  /* Called for every sealed batch before it is written. Likewise. */
  enum mlt_rc (*on_batch)(void *ctx, const struct mlt_batch *batch, struct mlt_err *err);
  /* As tell() of struct mlt_retry. May be NULL. */
  void (*on_retry)(void *ctx, const struct mlt_err *why, double waited);
  /* The import begins anew, since a load that is one transaction was lost with its connection: what
     on_note got is void. May be NULL: then that is an error. */
  enum mlt_rc (*on_start_over)(void *ctx, struct mlt_err *err);
  void *ctx;
};

/* Runs the import. MLT_OK: everything is in (or was present). MLT_REJECTED: done, but rows were
   rejected (skip_errors), or artifacts not placed. MLT_DATA / MLT_CONFLICT: stopped at the first
   reject; whole batches before it are in. MLT_CANCELLED: likewise. *report must be freed with
   mlt_report_free in every case. */
enum mlt_rc mlt_import(const struct mlt_import_opts *opts, struct mlt_report *report,
                       struct mlt_err *err) MLT_NODISCARD;
#endif
