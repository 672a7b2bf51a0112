/* See tf_restarts.h. Sealed, the restarts are sorted by tag and event, and each holds the least
   step from it on: a point is gone when the first one behind it has a step no greater than its own.
 */
#include "source/tf_restarts.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
  const struct mlt_tf_restart *x = a, *y = b;
  if (x->tag != y->tag)
    return x->tag < y->tag ? -1 : 1;
  return x->event < y->event ? -1 : x->event > y->event;
}

/* A restart that is followed by one to its step, or a lower one, says nothing that this does not.
 */
static void prune(struct mlt_tf_restarts *r) {
  size_t kept = r->v.n;
  qsort(r->v.v, r->v.n, sizeof *r->v.v, compare);
  for (size_t i = r->v.n; i-- > 0;)
    if (kept == r->v.n || r->v.v[kept].tag != r->v.v[i].tag || r->v.v[i].step < r->v.v[kept].step)
      r->v.v[--kept] = r->v.v[i];
  memmove(r->v.v, r->v.v + kept, (r->v.n - kept) * sizeof *r->v.v);
  r->v.n -= kept;
}

enum mlt_rc mlt_tf_restarts_add(struct mlt_tf_restarts *r, uint64_t event, uint32_t tag,
                                int64_t step) {
  if (r->v.n == MLT_TF_RESTARTS && !r->full) {
    prune(r);
    r->full = r->v.n > MLT_TF_RESTARTS / 2; /* or each more would cost a sort */
  }
  if (r->v.n == MLT_TF_RESTARTS)
    return MLT_TOOBIG;
  if (!MLT_VEC_ROOM(r->v))
    return MLT_NOMEM;
  r->v.v[r->v.n++] = (struct mlt_tf_restart){event, tag, step};
  return MLT_OK;
}

void mlt_tf_restarts_clear(struct mlt_tf_restarts *r) {
  r->v.n = 0;
  r->full = false;
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
