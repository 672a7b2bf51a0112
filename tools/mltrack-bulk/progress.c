#include "progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "artifacts_report.h"

static uint64_t rows_done(const struct mlt_report *r) {
  uint64_t n = 0;
  for (size_t t = 0; t < MLT_T_ALL; t++)
    n += r->counts[t].inserted + r->counts[t].present + r->counts[t].updated;
  return n;
}

/* A source that gives nothing, or a database that takes nothing. */
static const double QUIET_SECONDS = 5;

static void describe(const struct mlt_report *r, double quiet, char *out, size_t cap) {
  double rate = r->seconds > 0 ? (double)rows_done(r) / r->seconds : 0;
  int n = snprintf(out, cap, "%" PRIu64, r->source.runs_done);
  if (r->source.runs_total)
    n += snprintf(out + n, cap - (size_t)n, "/%" PRIu64, r->source.runs_total);
  n += snprintf(out + n, cap - (size_t)n, " runs, %" PRIu64 " rows in (%.0f rows/s)", rows_done(r),
                rate);
  n += mlt_artifacts_progress(out + n, cap - (size_t)n, &r->artifacts);
  n += snprintf(out + n, cap - (size_t)n, ", %.0f s", r->seconds);
  if (r->rejects)
    n += snprintf(out + n, cap - (size_t)n, ", %" PRIu64 " rejected", r->rejects);
  if (quiet >= QUIET_SECONDS)
    (void)snprintf(out + n, cap - (size_t)n, ", nothing new for %.0f s", quiet);
}

void mlt_progress_update(struct mlt_progress *p, const struct mlt_report *report) {
  char text[300];
  uint64_t done = rows_done(report) + report->source.runs_done + report->source.bytes_done +
                  report->artifacts.bytes + report->rejects;
  double quiet = mlt_progress_quiet(p, done, report->seconds);
  if (!mlt_progress_is_due(p, report->seconds))
    return;
  describe(report, quiet, text, sizeof text);
  mlt_progress_show(p, text, report->seconds);
}
