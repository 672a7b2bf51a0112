/* One export: source -> JSON lines -> a file or standard output, counted. */
#ifndef MLT_PIPELINE_EXPORT_H
#define MLT_PIPELINE_EXPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "pipeline/report.h"
#include "source/source.h"

struct mlt_export_opts {
  const char *source;             /* path, or a database's URI */
  const char *format;             /* NULL or "auto" */
  struct mlt_source_opts reading; /* all but .path and .target */
  const char *output;             /* base/outfile.h */
  bool replace;                   /* an output file that is there */
  bool skip_errors;               /* --on-error skip */
  uint64_t max_errors;            /* with skip: stop when more rows are rejected; 0 = no limit */
  const volatile sig_atomic_t *cancelled; /* set by a signal handler: stop soon; may be NULL */
  /* As of struct mlt_import_opts. */
  void (*on_progress)(void *ctx, const struct mlt_report *report);
  enum mlt_rc (*on_note)(void *ctx, const struct mlt_note *note, struct mlt_err *err);
  void *ctx;
};

/* In the report a row that was written counts as inserted. MLT_REJECTED: done, but rows were
   rejected (skip_errors). MLT_DATA, MLT_CONFLICT: stopped at the first reject. MLT_END: whoever
   read the output has gone, which is no error of ours. MLT_CANCELLED. Unless done there is no
   output file; what went to standard output has. *report must be freed with mlt_report_free in
   every case.
 */
enum mlt_rc mlt_export(const struct mlt_export_opts *opts, struct mlt_report *report,
                       struct mlt_err *err) MLT_NODISCARD;

#endif
