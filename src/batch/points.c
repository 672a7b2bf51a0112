/* Metric points. While adding, each key of the open run is a group: it keeps the latest point so
   far, in the order of arrival, and whether its points came in ascending order. At the end of the
   run its points are put in order (sort.c), or merged with those that have left the memory
   (leave.c). */
#include <string.h>

#include "base/mem.h"
#include "batch/private.h"

#define NO_ROW UINT32_MAX

static const struct mlt_field key_field = {offsetof(struct mlt_points, key),
                                           "key",
                                           MLT_C_METRICS_key,
                                           MLT_LONG_REJECT,
                                           MLT_PRESENT,
                                           mlt_rule_key};

/* Index of the key in b->keys; a key not seen before is checked and copied. */
static enum mlt_rc intern_key(struct mlt_adding *a, uint32_t *index) {
  struct mlt_batch *b = a->b;
  struct mlt_batch_private *p = b->priv;
  const struct mlt_points *points = &a->rec->points;
  uint64_t found;
  if (points->key.p && mlt_map_get(p->keys, points->key, &found)) {
    *index = (uint32_t)found;
    return MLT_OK;
  }
  enum mlt_rc rc = mlt_adding_check(a, points, &key_field, 1);
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->keys) || !MLT_VEC_ROOM(p->key_latest) ||
      mlt_arena_str(b->arena, points->key, &b->keys.v[b->keys.n]) != 0 ||
      mlt_map_put(p->keys, points->key, b->keys.n) < 0)
    return mlt_err_nomem(a->err);
  *index = (uint32_t)b->keys.n++;
  p->key_latest.v[p->key_latest.n++] = NO_ROW;
  return MLT_OK;
}

/* A group of the current run; its row of latest starts as the first point. */
static enum mlt_rc new_group(struct mlt_adding *a, uint32_t key) {
  struct mlt_batch *b = a->b;
  struct mlt_batch_private *p = b->priv;
  if (!MLT_VEC_ROOM(p->groups) || !mlt_points_room(&b->latest, b->latest.n + 1))
    return mlt_err_nomem(a->err);
  const struct mlt_points *first = &a->rec->points;
  bool is_nan;
  size_t i = b->latest.n++; /* of group i - run_latest */
  b->latest.run[i] = (uint32_t)(b->runs.n - 1);
  b->latest.key[i] = key;
  b->latest.step[i] = first->step[0];
  b->latest.timestamp[i] = first->timestamp[0];
  b->latest.value[i] = mlt_metric_map(first->value[0], &is_nan);
  b->latest.is_nan[i] = is_nan;
  p->key_latest.v[key] = (uint32_t)i;
  p->groups.v[p->groups.n++] = (struct mlt_group){.n = 0};
  return mlt_adding_rule(a, &key_field, b->keys.v[key]);
}

static void update_latest(struct mlt_batch_points *latest, size_t row,
                          const struct mlt_batch_points *p, size_t i) {
  if (!mlt_metric_later(p->step[i], p->timestamp[i], p->value[i], latest->step[row],
                        latest->timestamp[row], latest->value[row]))
    return;
  latest->step[row] = p->step[i];
  latest->timestamp[row] = p->timestamp[i];
  latest->value[row] = p->value[i];
  latest->is_nan[row] = p->is_nan[i];
}

static void append(struct mlt_batch *b, const struct mlt_points *from, uint32_t key, uint32_t at) {
  struct mlt_batch_points *p = &b->points;
  struct mlt_group *group = &b->priv->groups.v[at];
  uint32_t run = (uint32_t)(b->runs.n - 1);
  memcpy(p->step + p->n, from->step, from->n * sizeof *p->step);
  memcpy(p->timestamp + p->n, from->timestamp, from->n * sizeof *p->timestamp);
  for (size_t k = 0; k < from->n; k++) {
    size_t i = p->n + k;
    bool is_nan;
    p->run[i] = run;
    p->key[i] = key;
    p->value[i] = mlt_metric_map(from->value[k], &is_nan);
    p->is_nan[i] = is_nan;
    if (group->n && mlt_points_compare(p, group->last, i) >= 0)
      group->unsorted = true;
    group->last = i;
    group->n++;
    update_latest(&b->latest, b->priv->run_latest + at, p, i);
  }
  p->n += from->n;
}

enum mlt_rc mlt_batch_add_points(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_batch_private *p = b->priv;
  const struct mlt_points *from = &a->rec->points;
  a->id = b->runs.v[b->runs.n - 1].r.run_uuid;
  a->field = from->key;
  if (from->n == 0)
    return MLT_OK;
  uint32_t key = 0;
  enum mlt_rc rc = intern_key(a, &key);
  if (rc != MLT_OK)
    return rc;
  if (!mlt_points_room(&b->points, b->points.n + from->n) || !MLT_VEC_ROOM(p->segments))
    return mlt_err_nomem(a->err);
  if (p->key_latest.v[key] == NO_ROW || p->key_latest.v[key] < p->run_latest) {
    rc = new_group(a, key);
    if (rc != MLT_OK)
      return rc;
  }
  uint32_t group = p->key_latest.v[key] - (uint32_t)p->run_latest;
  if (p->segments.n == 0 || p->segments.v[p->segments.n - 1].group != group)
    p->segments.v[p->segments.n++] = (struct mlt_segment){.first = b->points.n, .group = group};
  append(b, from, key, group);
  return mlt_batch_keep_within(b, a->err);
}

void mlt_batch_begin_run(struct mlt_batch *b) {
  struct mlt_batch_private *p = b->priv;
  p->run_points = b->points.n;
  p->run_latest = b->latest.n;
  p->groups.n = p->segments.n = 0;
  p->named = false;
}

enum mlt_rc mlt_batch_end_run(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  struct mlt_batch_run *run = &b->runs.v[b->runs.n - 1];
  run->latest = (struct mlt_range){p->run_latest, p->groups.n};
  b->counts[MLT_T_LATEST_METRICS].read += p->groups.n;
  enum mlt_rc rc = mlt_batch_sort_run(b, err);
  run->points = (struct mlt_range){p->run_points, b->points.n - p->run_points};
  if (rc == MLT_OK)
    rc = mlt_batch_sort_latest(b, err);
  if (rc == MLT_OK && p->spill.extents.n)
    rc = mlt_batch_leave(b, err);
  mlt_batch_begin_run(b);
  return rc;
}
