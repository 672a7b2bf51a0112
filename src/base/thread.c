#include "base/thread.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

int mlt_thread_start(pthread_t *out, void *(*run)(void *), void *arg) {
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF};
  sigset_t blocked, before;
  (void)sigfillset(&blocked);
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    (void)sigdelset(&blocked, own[i]);
  (void)pthread_sigmask(SIG_BLOCK, &blocked, &before);
  int failed = pthread_create(out, NULL, run, arg);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

void mlt_thread_cond_init(pthread_cond_t *out) {
  pthread_condattr_t attr;
  (void)pthread_condattr_init(&attr);
  (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  (void)pthread_cond_init(out, &attr);
  (void)pthread_condattr_destroy(&attr);
}
