/* Sorting by index: a natural merge sort, because what arrives is mostly sorted, or made of a few
   sorted pieces (a resumed run). Stable; sorted input costs n - 1 comparisons and no memory. */
#include <string.h>

#include "base/mem.h"
#include "batch/private.h"

struct sorting {
  mlt_order_fn cmp;
  const void *ctx;
  uint32_t *from, *to;
  size_t n;
};

/* End of the ascending stretch that starts at i. */
static size_t stretch(const struct sorting *s, size_t i) {
  while (++i < s->n && s->cmp(s->ctx, s->from[i - 1], s->from[i]) <= 0)
    continue;
  return i < s->n ? i : s->n;
}

static void merge(const struct sorting *s, size_t first, size_t middle, size_t end) {
  size_t a = first, b = middle;
  for (size_t out = first; out < end; out++) {
    bool take_a = b == end || (a < middle && s->cmp(s->ctx, s->from[a], s->from[b]) <= 0);
    s->to[out] = s->from[take_a ? a++ : b++];
  }
}

/* Merges neighbouring stretches from `from` into `to`; true when only one was left. */
static bool merge_pass(const struct sorting *s) {
  size_t first = 0;
  while (first < s->n) {
    size_t middle = stretch(s, first);
    if (first == 0 && middle == s->n)
      return true;
    size_t end = middle < s->n ? stretch(s, middle) : s->n;
    merge(s, first, middle, end);
    first = end;
  }
  return false;
}

static bool is_sorted(size_t n, mlt_order_fn cmp, const void *ctx) {
  for (size_t i = 1; i < n; i++)
    if (cmp(ctx, (uint32_t)(i - 1), (uint32_t)i) > 0)
      return false;
  return true;
}

static enum mlt_rc order_room(struct mlt_batch_private *p, size_t n, struct mlt_err *err) {
  if (n <= p->order_cap)
    return MLT_OK;
  if (n > UINT32_MAX)
    return mlt_err_set(err, MLT_TOOBIG, "a batch holds %zu rows of one table", n);
  mlt_free(p->order); /* nothing in them is to be kept */
  mlt_free(p->order_tmp);
  p->order = mlt_reallocarray(NULL, n, sizeof *p->order);
  p->order_tmp = mlt_reallocarray(NULL, n, sizeof *p->order_tmp);
  p->order_cap = p->order && p->order_tmp ? n : 0;
  return p->order_cap ? MLT_OK : mlt_err_nomem(err);
}

enum mlt_rc mlt_batch_order(struct mlt_batch *b, size_t n, mlt_order_fn cmp, const void *ctx,
                            bool *sorted, struct mlt_err *err) {
  *sorted = is_sorted(n, cmp, ctx);
  if (*sorted)
    return MLT_OK;
  struct mlt_batch_private *p = b->priv;
  enum mlt_rc rc = order_room(p, n, err);
  if (rc != MLT_OK)
    return rc;
  for (size_t i = 0; i < n; i++)
    p->order[i] = (uint32_t)i;
  struct sorting s = {cmp, ctx, p->order, p->order_tmp, n};
  while (!merge_pass(&s)) {
    uint32_t *t = s.from;
    s.from = s.to;
    s.to = t;
  }
  p->order = s.from;
  p->order_tmp = s.to;
  return MLT_OK;
}

enum mlt_rc mlt_batch_reorder(const struct mlt_batch *b, void *pointer, size_t n, size_t cap,
                              size_t size, struct mlt_err *err) {
  char *from;
  memcpy(&from, pointer, sizeof from);
  char *to = mlt_reallocarray(NULL, cap, size);
  if (!to)
    return mlt_err_nomem(err);
  for (size_t i = 0; i < n; i++)
    memcpy(to + i * size, from + b->priv->order[i] * size, size);
  mlt_free(from);
  memcpy(pointer, &to, sizeof to);
  return MLT_OK;
}
