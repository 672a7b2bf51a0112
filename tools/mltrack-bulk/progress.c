#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artifacts_report.h"
#include "base/log.h"

static const double LINE_SECONDS = 30;

void mlt_progress_init(struct mlt_progress *p, const char *doing, bool off) {
  const char *term = getenv("TERM");
  bool terminal = isatty(STDERR_FILENO) && !getenv("CI") && term && strcmp(term, "dumb") != 0;
  *p = (struct mlt_progress){.doing = doing, .bar = terminal && !off, .lines = !terminal && !off};
}

static uint64_t rows_done(const struct mlt_report *r) {
  uint64_t n = 0;
  for (size_t t = 0; t < MLT_T_ALL; t++)
    n += r->counts[t].inserted + r->counts[t].present + r->counts[t].updated;
  return n;
}

static void describe(const struct mlt_report *r, char *out, size_t cap) {
  double rate = r->seconds > 0 ? (double)rows_done(r) / r->seconds : 0;
  int n = snprintf(out, cap, "%" PRIu64, r->source.runs_done);
  if (r->source.runs_total)
    n += snprintf(out + n, cap - (size_t)n, "/%" PRIu64, r->source.runs_total);
  n += snprintf(out + n, cap - (size_t)n, " runs, %" PRIu64 " rows in (%.0f rows/s)", rows_done(r),
                rate);
  n += mlt_artifacts_progress(out + n, cap - (size_t)n, &r->artifacts);
  n += snprintf(out + n, cap - (size_t)n, ", %.0f s", r->seconds);
  if (r->rejects)
    (void)snprintf(out + n, cap - (size_t)n, ", %" PRIu64 " rejected", r->rejects);
}

void mlt_progress_update(struct mlt_progress *p, const struct mlt_report *report) {
  char text[200];
  if (p->bar) {
    describe(report, text, sizeof text);
    (void)fprintf(stderr, "\r%.79s\033[K", text);
    (void)fflush(stderr);
    p->drawn = true;
    mlt_log_line_open(true);
  } else if (p->lines && report->seconds - p->last >= LINE_SECONDS) {
    p->last = report->seconds;
    describe(report, text, sizeof text);
    mlt_log(MLT_LOG_INFO, p->doing, MLT_KV_CSTR("progress", text));
  }
}

void mlt_progress_clear(struct mlt_progress *p) {
  if (p->drawn)
    (void)fputs(MLT_LOG_WIPE, stderr);
  p->drawn = false;
  mlt_log_line_open(false);
}
