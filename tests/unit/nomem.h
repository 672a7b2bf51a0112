/* Every allocation of a piece of work fails once, each time in a process of its own (the hook
   counts from the start of a process). Without MLT_FAULTS nothing fails and the first child
   succeeds. Include behind cmocka.h. */
#ifndef MLT_TESTS_NOMEM_H
#define MLT_TESTS_NOMEM_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOMEM_MOST = 5000 };
/* What the work came to: as it should, MLT_NOMEM with words, or anything else. */
enum nomem_result { NOMEM_DONE, NOMEM_FAILED, NOMEM_WRONG };

static inline int nomem_in_a_child(enum nomem_result (*work)(void *ctx), void *ctx, int fail_at) {
  pid_t pid = fork();
  if (pid == 0) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", fail_at);
    setenv("MLT_FAIL_ALLOC", text, 1);
    exit((int)work(ctx));
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* least: so many allocations there are at the least. */
static inline void nomem_each(enum nomem_result (*work)(void *ctx), void *ctx, int least) {
  int n = 1, result;
  while ((result = nomem_in_a_child(work, ctx, n)) == NOMEM_FAILED && n < NOMEM_MOST)
    n++;
  assert_int_equal(result, NOMEM_DONE);
#ifdef MLT_FAULTS
  assert_in_range(n, least, NOMEM_MOST);
#else
  (void)least;
  assert_int_equal(n, 1);
#endif
}

#endif
