#include "signals.h"

#include <string.h>
#include <unistd.h>

volatile sig_atomic_t mlt_signalled;
volatile sig_atomic_t mlt_progress_asked;
static const char *interrupted_text;

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
  (void)number;
  (void)!write(STDERR_FILENO, interrupted_text, strlen(interrupted_text));
  _exit(128 + (int)mlt_signalled);
}

static void on_question(int number) {
  (void)number;
  mlt_progress_asked = 1;
}

void mlt_signals_catch(const char *interrupted) {
  struct sigaction action = {.sa_handler = on_signal};
  interrupted_text = interrupted;
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGTERM, &action, NULL);
  (void)sigaction(SIGHUP, &action, NULL);
  action.sa_handler = on_alarm;
  (void)sigaction(SIGALRM, &action, NULL);
  action.sa_handler = on_question;
  action.sa_flags = SA_RESTART;
  (void)sigaction(SIGUSR1, &action, NULL);
  action.sa_handler = SIG_IGN;
  (void)sigaction(SIGPIPE, &action, NULL);
  (void)sigaction(SIGXFSZ, &action, NULL); /* a file at its limit is an error of its write */
}

int mlt_signals_exit(enum mlt_rc rc) {
  return rc == MLT_CANCELLED && mlt_signalled ? 128 + (int)mlt_signalled : mlt_rc_exit(rc);
}
