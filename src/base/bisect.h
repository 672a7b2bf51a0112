/* Looking something up among what stands in order. */
#ifndef MLT_BASE_BISECT_H
#define MLT_BASE_BISECT_H

#include <stddef.h>
#include <stdint.h>

/* How the element at `i` stands to what is looked for: < 0 before it, 0 is it, > 0 behind it. */
typedef int (*mlt_bisect_fn)(const void *ctx, size_t i);

/* The index of one that is it among the n from `first` on; SIZE_MAX: there is none. */
static inline size_t mlt_bisect(size_t first, size_t n, mlt_bisect_fn order, const void *ctx) {
  size_t lo = first, hi = first + n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    int c = order(ctx, mid);
    if (c == 0)
      return mid;
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return SIZE_MAX;
}

#endif
