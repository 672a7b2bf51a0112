/* The open run's points into order: groups are moved into place, those that need it are sorted,
   repeated points are dropped. Input that arrives sorted is only looked at, not moved. */
#include <string.h>

#include "base/mem.h"
#include "batch/private.h"

static int by_key(const void *ctx, uint32_t x, uint32_t y) {
  const struct mlt_batch *b = ctx;
  const uint32_t *key = b->latest.key + b->priv->run_latest;
  return x == y ? 0 : mlt_str_cmp(b->keys.v[key[x]], b->keys.v[key[y]]);
}

static enum mlt_rc order_groups(struct mlt_batch *b, bool *sorted, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  enum mlt_rc rc = mlt_batch_order(b, p->groups.n, by_key, b, sorted, err);
  if (rc != MLT_OK)
    return rc;
  for (p->by_key.n = 0; p->by_key.n < p->groups.n; p->by_key.n++) {
    if (!MLT_VEC_ROOM(p->by_key))
      return mlt_err_nomem(err);
    p->by_key.v[p->by_key.n] = *sorted ? (uint32_t)p->by_key.n : p->order[p->by_key.n];
  }
  return MLT_OK;
}

static bool spare_room(struct mlt_batch_private *p, size_t points) {
  if (points * sizeof(int64_t) <= p->spare_cap)
    return true;
  mlt_free(p->spare); /* nothing in it is to be kept */
  p->spare = mlt_reallocarray(NULL, points, sizeof(int64_t));
  p->spare_cap = p->spare ? points * sizeof(int64_t) : 0;
  return p->spare;
}

static bool segments_in_order(const struct mlt_batch_private *p) {
  for (size_t i = 1; i < p->segments.n; i++)
    if (p->segments.v[i].group < p->segments.v[i - 1].group)
      return false;
  return true;
}

/* Gives each group its place, in the order of the keys. */
static void place_groups(struct mlt_batch_private *p) {
  size_t at = p->run_points;
  for (size_t i = 0; i < p->groups.n; i++) {
    struct mlt_group *g = &p->groups.v[p->by_key.v[i]];
    g->place = at;
    at += g->n;
  }
}

/* Gathers each group's segments, in the order of arrival, at the place of the group. */
static enum mlt_rc gather(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  if (!spare_room(p, b->points.n - p->run_points))
    return mlt_err_nomem(err);
  for (size_t i = 0; i < p->segments.n; i++) {
    struct mlt_segment *s = &p->segments.v[i];
    size_t end = i + 1 < p->segments.n ? s[1].first : b->points.n;
    s->to = p->groups.v[s->group].place;
    p->groups.v[s->group].place += end - s->first;
  }
  place_groups(p);
  mlt_points_scatter(&b->points, p->run_points, p->segments.v, p->segments.n, p->spare);
  return MLT_OK;
}

struct slice {
  const struct mlt_batch_points *points;
  size_t first;
};

static int by_point(const void *ctx, uint32_t a, uint32_t b) {
  const struct slice *s = ctx;
  return mlt_points_compare(s->points, s->first + a, s->first + b);
}

static enum mlt_rc sort_group(struct mlt_batch *b, size_t first, size_t n, struct mlt_err *err) {
  struct slice slice = {&b->points, first};
  bool sorted;
  enum mlt_rc rc = mlt_batch_order(b, n, by_point, &slice, &sorted, err);
  if (rc != MLT_OK || sorted)
    return rc;
  if (!spare_room(b->priv, n))
    return mlt_err_nomem(err);
  mlt_points_permute(&b->points, first, b->priv->order, n, b->priv->spare);
  return MLT_OK;
}

/* Moves the group's distinct points to `to`, which is not behind `first`; returns how many. Of
 * equal points the first to arrive stays. */
static size_t keep_distinct(struct mlt_batch_points *p, size_t to, size_t first, size_t n) {
  size_t kept = 0;
  for (size_t i = first; i < first + n; i++) {
    if (kept && mlt_points_compare(p, to + kept - 1, i) == 0)
      continue;
    if (to + kept != i)
      mlt_points_move(p, to + kept, i, 1);
    kept++;
  }
  return kept;
}

/* Appends the group's distinct points to those before points.n. */
static enum mlt_rc finish_group(struct mlt_batch *b, const struct mlt_group *g,
                                struct mlt_err *err) {
  struct mlt_batch_points *p = &b->points;
  if (!g->unsorted) {
    if (g->place != p->n)
      mlt_points_move(p, p->n, g->place, g->n);
    p->n += g->n;
    return MLT_OK;
  }
  enum mlt_rc rc = sort_group(b, g->place, g->n, err);
  if (rc != MLT_OK)
    return rc;
  size_t kept = keep_distinct(p, p->n, g->place, g->n);
  b->counts[MLT_T_METRICS].merged += g->n - kept;
  p->n += kept;
  return MLT_OK;
}

enum mlt_rc mlt_batch_sort_run(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  bool sorted;
  enum mlt_rc rc = order_groups(b, &sorted, err);
  if (rc != MLT_OK)
    return rc;
  place_groups(p);
  if (!(sorted && segments_in_order(p)))
    rc = gather(b, err);
  b->points.n = p->run_points; /* grows again, group by group */
  for (size_t i = 0; i < p->groups.n && rc == MLT_OK; i++)
    rc = finish_group(b, &p->groups.v[p->by_key.v[i]], err);
  return rc;
}

enum mlt_rc mlt_batch_sort_latest(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  if (p->by_key.n == 0)
    return MLT_OK;
  if (!spare_room(p, p->by_key.n))
    return mlt_err_nomem(err);
  mlt_points_permute(&b->latest, p->run_latest, p->by_key.v, p->by_key.n, p->spare);
  return MLT_OK;
}
