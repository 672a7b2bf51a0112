#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static const double LINE_SECONDS = 30;

void mlt_progress_init(struct mlt_progress *p, bool off) {
  const char *term = getenv("TERM");
  bool terminal = isatty(STDERR_FILENO) && !getenv("CI") && term && strcmp(term, "dumb") != 0;
  *p = (struct mlt_progress){.bar = terminal && !off, .lines = !terminal && !off};
}

static void describe(const struct mlt_verify_progress *now, char *out, size_t cap) {
  (void)snprintf(out, cap,
                 "check %zu/%zu, %s: %" PRIu64 " runs, %" PRIu64 " files, %.1f MB, %" PRIu64
                 " errors, %.0f s",
                 now->done + 1, now->checks, now->check, now->amounts[MLT_AMOUNT_RUNS],
                 now->amounts[MLT_AMOUNT_FILES], (double)now->amounts[MLT_AMOUNT_HASHED] / 1e6,
                 now->found[MLT_SEVERITY_ERROR], now->seconds);
}

void mlt_progress_update(struct mlt_progress *p, const struct mlt_verify_progress *now) {
  char text[200];
  if (p->bar) {
    describe(now, text, sizeof text);
    (void)fprintf(stderr, "\r%.79s\033[K", text);
    (void)fflush(stderr);
    p->drawn = true;
    mlt_log_line_open(true);
  } else if (p->lines && now->seconds - p->last >= LINE_SECONDS) {
    p->last = now->seconds;
    describe(now, text, sizeof text);
    mlt_log(MLT_LOG_INFO, "verifying", MLT_KV_CSTR("progress", text));
  }
}

void mlt_progress_clear(struct mlt_progress *p) {
  if (p->drawn)
    (void)fputs(MLT_LOG_WIPE, stderr);
  p->drawn = false;
  mlt_log_line_open(false);
}
