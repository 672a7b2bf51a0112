/* Points that leave the memory: a run that does not fit becomes sorted extents on disk while it is
   read, and one of them when it ends. */
#include "base/mem.h"
#include "batch/private.h"

enum {
  FAN_IN = 64,     /* extents of a level are merged when there are so many: bounds their number */
  LEAST_SHARE = 8, /* an extent is worth a write from this part of the limit on */
};

static enum mlt_rc write_extent(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_spill *s = &b->priv->spill;
  const struct mlt_batch_points *p = &b->points;
  enum mlt_rc rc = mlt_spill_begin(s, err);
  for (size_t i = b->priv->run_points; i < p->n && rc == MLT_OK; i++) {
    const struct mlt_spill_point point = {p->step[i], p->timestamp[i], p->value[i], p->key[i],
                                          p->is_nan[i]};
    rc = mlt_spill_put(s, &point, err);
  }
  return rc == MLT_OK ? mlt_spill_end(s, err) : rc;
}

/* Does the extent to be written, which starts with the run's first point in memory, go on where the
   last one stops? As in input that comes sorted. */
static bool goes_on(const struct mlt_batch *b) {
  const struct mlt_spill *s = &b->priv->spill;
  if (!s->extents.n)
    return false;
  const struct mlt_batch_points *p = &b->points;
  const struct mlt_extent *e = &s->extents.v[s->extents.n - 1];
  size_t i = b->priv->run_points;
  if (e->first + e->n != s->end)
    return false;
  if (e->last.key != p->key[i])
    return mlt_str_cmp(b->keys.v[e->last.key], b->keys.v[p->key[i]]) < 0;
  const struct mlt_spill_point next = {p->step[i], p->timestamp[i], p->value[i], p->key[i],
                                       p->is_nan[i]};
  return mlt_spill_compare(&e->last, &next) < 0;
}

static int by_bytes(const void *ctx, uint32_t x, uint32_t y) {
  const struct mlt_batch *b = ctx;
  return mlt_str_cmp(b->keys.v[x], b->keys.v[y]);
}

/* One a key of the batch: its place among them. */
static enum mlt_rc rank_keys(struct mlt_batch *b, uint32_t **out, struct mlt_err *err) {
  bool sorted;
  uint32_t *rank = mlt_reallocarray(NULL, b->keys.n, sizeof *rank);
  enum mlt_rc rc =
      rank ? mlt_batch_order(b, b->keys.n, by_bytes, b, &sorted, err) : mlt_err_nomem(err);
  *out = rank;
  for (size_t i = 0; rc == MLT_OK && i < b->keys.n; i++)
    rank[sorted ? i : b->priv->order[i]] = (uint32_t)i;
  return rc;
}

static enum mlt_rc merge(struct mlt_batch *b, size_t from, struct mlt_err *err) {
  struct mlt_spill *s = &b->priv->spill;
  uint64_t before = 0;
  uint32_t *rank = NULL;
  for (size_t i = from; i < s->extents.n; i++)
    before += s->extents.v[i].n;
  enum mlt_rc rc = rank_keys(b, &rank, err);
  if (rc == MLT_OK)
    rc = mlt_spill_merge(s, from, rank, err);
  if (rc == MLT_OK)
    b->counts[MLT_T_METRICS].merged += before - s->extents.v[from].n;
  mlt_free(rank);
  return rc;
}

/* Merges extents of one level while there are many. */
static enum mlt_rc merge_levels(struct mlt_batch *b, struct mlt_err *err) {
  const struct mlt_spill *s = &b->priv->spill;
  for (;;) {
    size_t from = s->extents.n - 1;
    while (from > 0 && s->extents.v[from - 1].level == s->extents.v[from].level)
      from--;
    if (s->extents.n - from < FAN_IN)
      return MLT_OK;
    enum mlt_rc rc = merge(b, from, err);
    if (rc != MLT_OK)
      return rc;
  }
}

/* Writes the run's points, which are in order, and forgets them. */
static enum mlt_rc move_out(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  if (b->points.n == p->run_points)
    return MLT_OK;
  bool join = goes_on(b);
  enum mlt_rc rc = write_extent(b, err);
  if (rc != MLT_OK)
    return rc;
  if (join)
    mlt_spill_join(&p->spill);
  b->points.n = p->run_points;
  p->segments.n = 0;
  for (size_t i = 0; i < p->groups.n; i++)
    p->groups.v[i] = (struct mlt_group){.n = 0};
  return MLT_OK;
}

enum mlt_rc mlt_batch_keep_within(struct mlt_batch *b, struct mlt_err *err) {
  const struct mlt_batch_private *p = b->priv;
  size_t open = (b->points.n - p->run_points) * (MLT_POINT_BYTES + MLT_SORT_BYTES);
  if (!p->max_bytes || open < p->max_bytes / LEAST_SHARE || mlt_batch_bytes(b) <= p->max_bytes)
    return MLT_OK;
  enum mlt_rc rc = mlt_batch_sort_run(b, err);
  if (rc == MLT_OK)
    rc = move_out(b, err);
  return rc == MLT_OK ? merge_levels(b, err) : rc;
}

enum mlt_rc mlt_batch_leave(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  enum mlt_rc rc = move_out(b, err);
  if (rc == MLT_OK && p->spill.extents.n > 1)
    rc = merge(b, 0, err);
  if (rc != MLT_OK)
    return rc;
  const struct mlt_extent *e = &p->spill.extents.v[0];
  struct mlt_batch_run *run = &b->runs.v[b->runs.n - 1];
  run->spilled = true;
  run->points = (struct mlt_range){(size_t)e->first, (size_t)e->n};
  p->spilled += e->n;
  p->spill.extents.n = 0;
  return MLT_OK;
}
