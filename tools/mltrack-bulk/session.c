#include "session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "notes.h"

volatile sig_atomic_t mlt_signalled; /* the signal's number */

/* How long what is on its way may take after a signal. */
enum { GRACE_SECONDS = 4 };

static void on_signal(int number) {
  if (mlt_signalled)
    _exit(128 + number); /* the second one does not wait; the database rolls back by itself */
  mlt_signalled = number;
  (void)alarm(GRACE_SECONDS);
}

/* A server that does not answer, or a lock that somebody holds, is not waited for either. */
static void on_alarm(int number) {
  static const char text[] =
      "mltrack-bulk: interrupted while it waited for the database, which rolls back the rest\n";
  (void)number;
  (void)!write(STDERR_FILENO, text, sizeof text - 1);
  _exit(128 + (int)mlt_signalled);
}

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGTERM, &action, NULL);
  (void)sigaction(SIGHUP, &action, NULL);
  action.sa_handler = on_alarm;
  (void)sigaction(SIGALRM, &action, NULL);
  action.sa_handler = SIG_IGN;
  (void)sigaction(SIGPIPE, &action, NULL);
  (void)sigaction(SIGXFSZ, &action, NULL); /* a file at its limit is an error of its write */
}

void mlt_session_init(struct mlt_session *s, const struct mlt_args *args, const char *doing) {
  *s = (struct mlt_session){.rejects = NULL};
  catch_signals();
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

int mlt_session_exit(enum mlt_rc rc) {
  return rc == MLT_CANCELLED && mlt_signalled ? 128 + (int)mlt_signalled : mlt_rc_exit(rc);
}

struct mlt_source_opts mlt_bulk_reading(const struct mlt_args *args) {
  return (struct mlt_source_opts){.experiment = mlt_args_str(args, MLT_OPT_EXPERIMENT),
                                  .run = mlt_args_str(args, MLT_OPT_RUN),
                                  .step_field = mlt_args_str(args, MLT_OPT_STEP_FIELD),
                                  .time_field = mlt_args_str(args, MLT_OPT_TIME_FIELD),
                                  .time_unit = mlt_args_str(args, MLT_OPT_TIME_UNIT)};
}
