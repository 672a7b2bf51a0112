#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/thread.h"

static void *mask_of_thread(void *out) {
  (void)pthread_sigmask(SIG_BLOCK, NULL, out);
  return NULL;
}

static void signals_are_left_to_the_program(void **state) {
  (void)state;
  sigset_t inside, before, after;
  pthread_t thread;
  (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
  assert_int_equal(mlt_thread_start(&thread, mask_of_thread, &inside), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
  static const int programs[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGCHLD, SIGUSR1};
  for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
    assert_true(sigismember(&inside, programs[i]));
    assert_int_equal(sigismember(&after, programs[i]), sigismember(&before, programs[i]));
  }
  assert_false(sigismember(&inside, SIGSEGV));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(signals_are_left_to_the_program)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
