#include "base/pace.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

static const double PORTION_SECONDS = 0.1;
static const double LOOK_SECONDS = 0.05; /* no signal wakes a thread of ours */

struct mlt_pacer {
  double rate;
  const volatile sig_atomic_t *cancelled;
  pthread_mutex_t lock;
  double due; /* when all that was taken is paid for; under lock */
};

struct mlt_pacer *mlt_pacer_new(uint64_t rows_per_second, const volatile sig_atomic_t *cancelled) {
  struct mlt_pacer *p = mlt_calloc(1, sizeof *p);
  if (!p || pthread_mutex_init(&p->lock, NULL) != 0) {
    mlt_free(p);
    return NULL;
  }
  p->rate = (double)rows_per_second;
  p->cancelled = cancelled;
  p->due = mlt_clock_seconds();
  return p;
}

void mlt_pacer_free(struct mlt_pacer *p) {
  if (!p)
    return;
  (void)pthread_mutex_destroy(&p->lock);
  mlt_free(p);
}

size_t mlt_pacer_portion(const struct mlt_pacer *p) {
  double n = p->rate * PORTION_SECONDS;
  return n < 1 ? 1 : n > 1e6 ? 1000000 : (size_t)n;
}

double mlt_pacer_take(struct mlt_pacer *p, size_t n) {
  (void)pthread_mutex_lock(&p->lock);
  double saved_up = mlt_clock_seconds() - PORTION_SECONDS;
  if (p->due < saved_up)
    p->due = saved_up;
  p->due += (double)n / p->rate;
  double due = p->due;
  (void)pthread_mutex_unlock(&p->lock);
  return due;
}

enum mlt_rc mlt_pacer_wait(const struct mlt_pacer *p, double due, struct mlt_err *err) {
  for (;;) {
    double left = due - mlt_clock_seconds();
    if (left <= 0)
      return MLT_OK;
    if (p->cancelled && *p->cancelled)
      return mlt_err_set(err, MLT_CANCELLED, "interrupted");
    if (left > LOOK_SECONDS)
      left = LOOK_SECONDS;
    struct timespec t = {.tv_nsec = (long)(left * 1e9)};
    (void)nanosleep(&t, NULL);
  }
}
