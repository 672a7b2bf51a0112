#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "commands.h"
#include "notes.h"
#include "preflight_report.h"

static const double RETRY_LINE_SECONDS = 30;

void mlt_session_init(struct mlt_session *s, const struct mlt_args *args, const char *doing) {
  *s = (struct mlt_session){.rejects = NULL};
  (void)pthread_mutex_init(&s->retry_lock, NULL);
  mlt_signals_catch(
      "mltrack-bulk: interrupted while it waited for the database, which rolls back the rest\n");
  mlt_progress_init(&s->progress, doing,
                    mlt_args_flag(args, MLT_OPT_NO_PROGRESS) ||
                        mlt_args_flag(args, MLT_OPT_QUIET) || mlt_args_flag(args, MLT_OPT_JSON));
}

enum mlt_rc mlt_session_open_rejects(struct mlt_session *s, const struct mlt_args *args,
                                     struct mlt_err *err) {
  const char *path = mlt_args_str(args, MLT_OPT_REJECTS);
  s->rejects_path = path;
  if (!path)
    return MLT_OK;
  s->rejects = fopen(path, "we");
  return s->rejects ? MLT_OK
                    : mlt_err_set(err, MLT_CANTCREAT, "cannot create the rejects file %s: %s", path,
                                  strerror(errno));
}

enum mlt_rc mlt_session_close_rejects(struct mlt_session *s, struct mlt_err *err) {
  FILE *f = s->rejects;
  s->rejects = NULL;
  if (!f)
    return MLT_OK;
  int failed = fflush(f) == 0 && fsync(fileno(f)) == 0 ? 0 : errno;
  if (failed == EINVAL || failed == EROFS) /* nothing to sync: a pipe, a terminal */
    failed = 0;
  if (fclose(f) != 0 && !failed)
    failed = errno;
  return failed ? mlt_err_errno(err, failed, "cannot write %s", s->rejects_path) : MLT_OK;
}

void mlt_session_preflight(void *session, const struct mlt_preflight *preflight) {
  (void)session;
  mlt_preflight_tell(preflight);
}

void mlt_session_progress(void *session, const struct mlt_report *report) {
  struct mlt_session *s = session;
  mlt_progress_update(&s->progress, report);
}

enum mlt_rc mlt_session_note(void *session, const struct mlt_note *note, struct mlt_err *err) {
  struct mlt_session *s = session;
  if (!s->rejects || (note->kind != MLT_NOTE_REJECT && note->kind != MLT_NOTE_CONFLICT))
    return MLT_OK;
  struct mlt_json *j = mlt_note_json(note);
  enum mlt_rc rc = mlt_json_write(s->rejects, j, false, err);
  mlt_json_free(j);
  if (rc != MLT_OK)
    mlt_err_prefix(err, "%s", s->rejects_path);
  return rc;
}

/* Lanes lose their connections together: one of them says so. */
static bool is_time_to_tell(struct mlt_session *s, bool waiting) {
  double now = mlt_clock_seconds();
  (void)pthread_mutex_lock(&s->retry_lock);
  double apart = s->waiting ? RETRY_LINE_SECONDS : 1;
  bool due = waiting ? now - s->told >= apart : s->waiting;
  s->waiting = waiting;
  s->told = due ? now : s->told;
  (void)pthread_mutex_unlock(&s->retry_lock);
  return due;
}

void mlt_session_retry(void *session, const struct mlt_err *why, double waited) {
  if (!is_time_to_tell(session, why != NULL))
    return;
  if (why)
    mlt_log(MLT_LOG_WARN, "the database is waited for; --retry-timeout says how long",
            MLT_KV_CSTR("because", why->msg), MLT_KV_DOUBLE("seconds", waited));
  else
    mlt_log(MLT_LOG_WARN, "connected again", MLT_KV_DOUBLE("seconds", waited));
}

static bool is_file(FILE *f) {
  struct stat st;
  return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode);
}

enum mlt_rc mlt_session_start_over(void *session, struct mlt_err *err) {
  struct mlt_session *s = session;
  mlt_log_fields(MLT_LOG_WARN, "the import begins anew: it was one transaction, which was lost",
                 NULL, 0);
  if (!s->rejects || !is_file(s->rejects))
    return MLT_OK;
  rewind(s->rejects);
  return ftruncate(fileno(s->rejects), 0) == 0
             ? MLT_OK
             : mlt_err_errno(err, errno, "cannot empty %s", s->rejects_path);
}

struct mlt_source_opts mlt_bulk_reading(const struct mlt_args *args) {
  return (struct mlt_source_opts){.experiment = mlt_args_str(args, MLT_OPT_EXPERIMENT),
                                  .run = mlt_args_str(args, MLT_OPT_RUN),
                                  .step_field = mlt_args_str(args, MLT_OPT_STEP_FIELD),
                                  .time_field = mlt_args_str(args, MLT_OPT_TIME_FIELD),
                                  .time_unit = mlt_args_str(args, MLT_OPT_TIME_UNIT)};
}
