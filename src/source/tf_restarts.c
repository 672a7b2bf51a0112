/* See tf_restarts.h. Sealed, the restarts are sorted by tag and event, and each holds the least
   step from it on: a point is gone when the first one behind it has a step no greater than its own.
 */
#include "source/tf_restarts.h"

#include <stdlib.h>

bool mlt_tf_restarts_add(struct mlt_tf_restarts *r, uint64_t event, uint32_t tag, int64_t step) {
  if (r->v.n == MLT_TF_RESTARTS || !MLT_VEC_ROOM(r->v))
    return false;
  r->v.v[r->v.n++] = (struct mlt_tf_restart){event, tag, step};
  return true;
}

static int compare(const void *a, const void *b) {
  const struct mlt_tf_restart *x = a, *y = b;
  if (x->tag != y->tag)
    return x->tag < y->tag ? -1 : 1;
  return x->event < y->event ? -1 : x->event > y->event;
}

void mlt_tf_restarts_seal(struct mlt_tf_restarts *r) {
  if (r->v.n > 1)
    qsort(r->v.v, r->v.n, sizeof *r->v.v, compare);
  for (size_t i = r->v.n; i-- > 1;)
    if (r->v.v[i - 1].tag == r->v.v[i].tag && r->v.v[i].step < r->v.v[i - 1].step)
      r->v.v[i - 1].step = r->v.v[i].step;
}

static bool gone_for(const struct mlt_tf_restarts *r, uint64_t event, uint32_t tag, int64_t step) {
  size_t lo = 0, hi = r->v.n;
  const struct mlt_tf_restart key = {event, tag, step};
  while (lo < hi) { /* the first of this tag behind the event */
    size_t mid = lo + (hi - lo) / 2;
    if (compare(&r->v.v[mid], &key) <= 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < r->v.n && r->v.v[lo].tag == tag && r->v.v[lo].step <= step;
}

bool mlt_tf_restarts_gone(const struct mlt_tf_restarts *r, uint64_t event, uint32_t tag,
                          int64_t step) {
  return r->v.n && (gone_for(r, event, MLT_TF_ALL_TAGS, step) || gone_for(r, event, tag, step));
}
