#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "signals.h"

static const double LINE_SECONDS = 30;

void mlt_progress_init(struct mlt_progress *p, const char *doing, bool off) {
  const char *term = getenv("TERM");
  bool terminal = isatty(STDERR_FILENO) && !getenv("CI") && term && strcmp(term, "dumb") != 0;
  *p = (struct mlt_progress){.doing = doing, .bar = terminal && !off, .lines = !terminal && !off};
}

bool mlt_progress_is_due(const struct mlt_progress *p, double seconds) {
  return mlt_progress_asked || p->bar || (p->lines && seconds - p->last >= LINE_SECONDS);
}

double mlt_progress_quiet(struct mlt_progress *p, uint64_t done, double seconds) {
  if (done != p->seen)
    p->since = seconds;
  p->seen = done;
  return seconds - p->since;
}

void mlt_progress_show(struct mlt_progress *p, const char *text, double seconds) {
  if (!mlt_progress_is_due(p, seconds))
    return;
  bool asked = mlt_progress_asked;
  mlt_progress_asked = 0;
  p->last = seconds;
  if (asked || !p->bar) {
    mlt_log(MLT_LOG_INFO, p->doing, MLT_KV_CSTR("progress", text));
    return;
  }
  (void)fprintf(stderr, "\r%.79s\033[K", text);
  (void)fflush(stderr);
  p->drawn = true;
  mlt_log_line_open(true);
}

void mlt_progress_clear(struct mlt_progress *p) {
  if (p->drawn)
    (void)fputs(MLT_LOG_WIPE, stderr);
  p->drawn = false;
  mlt_log_line_open(false);
}
