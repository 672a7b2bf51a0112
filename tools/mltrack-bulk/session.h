/* What commands that run for a while share: signals, the progress line, the file of rejects. */
#ifndef MLT_BULK_SESSION_H
#define MLT_BULK_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include "../common/signals.h"
#include "base/err.h"
#include "base/opt.h"
#include "pipeline/report.h"
#include "progress.h"
#include "source/source.h"

struct mlt_session {
  struct mlt_progress progress;
  FILE *rejects;
  const char *rejects_path;
  pthread_mutex_t retry_lock;
  bool waiting; /* it was said that a connection is waited for; under retry_lock, as is... */
  double told;  /* ...when that was said last */
};

/* Catches signals; `doing` is for the progress lines: "importing". */
void mlt_session_init(struct mlt_session *s, const struct mlt_args *args, const char *doing);
/* The file that --rejects names, if it does. MLT_CANTCREAT. */
enum mlt_rc mlt_session_open_rejects(struct mlt_session *s, const struct mlt_args *args,
                                     struct mlt_err *err);
/* Has it on the disk. MLT_IO. */
enum mlt_rc mlt_session_close_rejects(struct mlt_session *s, struct mlt_err *err);

/* How a source is to be read, but for .path and .target. */
struct mlt_source_opts mlt_bulk_reading(const struct mlt_args *args);

/* on_progress and on_note of the pipeline; ctx is the session. */
void mlt_session_progress(void *session, const struct mlt_report *report);
enum mlt_rc mlt_session_note(void *session, const struct mlt_note *note, struct mlt_err *err);

/* on_preflight: what is worth a word. */
void mlt_session_preflight(void *session, const struct mlt_preflight *preflight);

/* on_retry: says that it waits, once in a while for all connections together. */
void mlt_session_retry(void *session, const struct mlt_err *why, double waited);
/* on_start_over: empties the file of rejects. MLT_IO. */
enum mlt_rc mlt_session_start_over(void *session, struct mlt_err *err);

static inline bool mlt_session_done(enum mlt_rc rc) {
  return rc == MLT_OK || rc == MLT_REJECTED;
}

#endif
