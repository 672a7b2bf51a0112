#include "base/clock.h"

#include <time.h>

static struct timespec now(clockid_t id) {
  struct timespec t = {0};
  (void)clock_gettime(id, &t); /* cannot fail for the two clocks used here */
  return t;
}

double mlt_clock_seconds(void) {
  struct timespec t = now(CLOCK_MONOTONIC);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int64_t mlt_clock_wall_ms(void) {
  struct timespec t = now(CLOCK_REALTIME);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
