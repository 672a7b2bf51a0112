/* Metric points. While adding, each (run, key) is a group: it keeps the latest point so far, in the
   order of arrival, and whether its points came in ascending order; b->latest row i belongs to
   group i. Sealing moves groups into place, sorts those that need it and drops repeated points;
   input that arrives sorted is only looked at, not moved. */
#include <string.h>

#include "base/mem.h"
#include "batch/private.h"

#define NO_GROUP UINT32_MAX

enum { COLUMNS = 6, FIRST_ROOM = 1024 };

bool mlt_points_room(struct mlt_batch_points *p, size_t need) {
  size_t cap = p->cap ? p->cap : FIRST_ROOM;
  while (cap < need)
    cap *= 2;
  if (cap == p->cap)
    return true;
  if (cap > UINT32_MAX) /* points are sorted by 32-bit indices */
    return false;
  const struct {
    void *address;
    size_t size;
  } columns[COLUMNS] = {
      {&p->run, sizeof *p->run},     {&p->key, sizeof *p->key},
      {&p->step, sizeof *p->step},   {&p->timestamp, sizeof *p->timestamp},
      {&p->value, sizeof *p->value}, {&p->is_nan, sizeof *p->is_nan},
  };
  for (size_t i = 0; i < COLUMNS; i++) {
    void *v; /* a pointer of some type: copied as bytes, as the aliasing rules want it */
    memcpy(&v, columns[i].address, sizeof v);
    v = mlt_reallocarray(v, cap, columns[i].size);
    if (!v)
      return false;
    memcpy(columns[i].address, &v, sizeof v);
  }
  p->cap = cap;
  return true;
}

void mlt_points_free(struct mlt_batch_points *p) {
  mlt_free(p->run);
  mlt_free(p->key);
  mlt_free(p->step);
  mlt_free(p->timestamp);
  mlt_free(p->value);
  mlt_free(p->is_nan);
}

static const struct mlt_field key_field = {offsetof(struct mlt_points, key),
                                           "key",
                                           MLT_C_METRICS_key,
                                           MLT_LONG_REJECT,
                                           MLT_PRESENT,
                                           mlt_rule_key};

static int compare_points(const struct mlt_batch_points *p, size_t a, size_t b) {
  if (p->step[a] != p->step[b])
    return p->step[a] < p->step[b] ? -1 : 1;
  if (p->timestamp[a] != p->timestamp[b])
    return p->timestamp[a] < p->timestamp[b] ? -1 : 1;
  if (p->value[a] < p->value[b] || p->value[a] > p->value[b])
    return p->value[a] < p->value[b] ? -1 : 1;
  return p->is_nan[a] - p->is_nan[b];
}

static void copy_points(struct mlt_batch_points *to, size_t at, const struct mlt_batch_points *from,
                        size_t first, size_t n) {
  memmove(to->run + at, from->run + first, n * sizeof *to->run);
  memmove(to->key + at, from->key + first, n * sizeof *to->key);
  memmove(to->step + at, from->step + first, n * sizeof *to->step);
  memmove(to->timestamp + at, from->timestamp + first, n * sizeof *to->timestamp);
  memmove(to->value + at, from->value + first, n * sizeof *to->value);
  memmove(to->is_nan + at, from->is_nan + first, n * sizeof *to->is_nan);
}

/* to[at + i] = from[order[i]] */
static void permute_points(struct mlt_batch_points *to, size_t at,
                           const struct mlt_batch_points *from, const uint32_t *order, size_t n) {
#define PERMUTE(column)                                                                            \
  for (size_t i = 0; i < n; i++)                                                                   \
  to->column[at + i] = from->column[order[i]]
  PERMUTE(run);
  PERMUTE(key);
  PERMUTE(step);
  PERMUTE(timestamp);
  PERMUTE(value);
  PERMUTE(is_nan);
#undef PERMUTE
}

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
  if (!MLT_VEC_ROOM(b->keys) || !MLT_VEC_ROOM(p->key_group) ||
      mlt_arena_str(b->arena, points->key, &b->keys.v[b->keys.n]) != 0 ||
      mlt_map_put(p->keys, points->key, b->keys.n) < 0)
    return mlt_err_nomem(a->err);
  *index = (uint32_t)b->keys.n++;
  p->key_group.v[p->key_group.n++] = NO_GROUP;
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
  size_t i = b->latest.n++;
  b->latest.run[i] = (uint32_t)(b->runs.n - 1);
  b->latest.key[i] = key;
  b->latest.step[i] = first->step[0];
  b->latest.timestamp[i] = first->timestamp[0];
  b->latest.value[i] = mlt_metric_map(first->value[0], &is_nan);
  b->latest.is_nan[i] = is_nan;
  p->key_group.v[key] = (uint32_t)p->groups.n;
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
    if (group->n && compare_points(p, group->last, i) >= 0)
      group->unsorted = true;
    group->last = i;
    group->n++;
    update_latest(&b->latest, at, p, i);
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
  uint32_t group = p->key_group.v[key];
  if (group == NO_GROUP || group < p->run_groups) {
    rc = new_group(a, key);
    if (rc != MLT_OK)
      return rc;
    group = p->key_group.v[key];
  }
  if (p->segments.n == 0 || p->segments.v[p->segments.n - 1].group != group)
    p->segments.v[p->segments.n++] = (struct mlt_segment){b->points.n, group};
  append(b, from, key, group);
  return MLT_OK;
}

static int by_run_and_key(const void *ctx, uint32_t x, uint32_t y) {
  const struct mlt_batch *b = ctx;
  if (b->latest.run[x] != b->latest.run[y])
    return b->latest.run[x] < b->latest.run[y] ? -1 : 1;
  if (b->latest.key[x] == b->latest.key[y])
    return 0;
  return mlt_str_cmp(b->keys.v[b->latest.key[x]], b->keys.v[b->latest.key[y]]);
}

static bool swap_in_spare(struct mlt_batch_points *p, struct mlt_batch_points *spare) {
  if (!mlt_points_room(spare, p->n))
    return false;
  struct mlt_batch_points t = *p;
  size_t n = p->n;
  *p = *spare;
  p->n = n;
  *spare = t;
  return true;
}

/* Gathers each group's segments, in the order of arrival, at the place of the group. */
static enum mlt_rc gather(struct mlt_batch *b, const uint32_t *order, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  size_t *place = mlt_arena_alloc(b->arena, p->groups.n * sizeof *place);
  if (!place || !swap_in_spare(&b->points, &p->spare))
    return mlt_err_nomem(err);
  size_t at = 0;
  for (size_t i = 0; i < p->groups.n; i++) {
    size_t g = order ? order[i] : i;
    place[g] = at;
    at += p->groups.v[g].n;
  }
  for (size_t i = 0; i < p->segments.n; i++) {
    const struct mlt_segment *s = &p->segments.v[i];
    size_t end = i + 1 < p->segments.n ? p->segments.v[i + 1].first : b->points.n;
    copy_points(&b->points, place[s->group], &p->spare, s->first, end - s->first);
    place[s->group] += end - s->first;
  }
  return MLT_OK;
}

/* Puts latest rows and groups into the order of the points. */
static enum mlt_rc reorder_groups(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  if (!swap_in_spare(&b->latest, &p->spare))
    return mlt_err_nomem(err);
  permute_points(&b->latest, 0, &p->spare, p->order, b->latest.n);
  return mlt_batch_reorder(b, &p->groups.v, p->groups.n, p->groups.cap, sizeof *p->groups.v, err);
}

static bool segments_in_order(const struct mlt_batch_private *p) {
  for (size_t i = 1; i < p->segments.n; i++)
    if (p->segments.v[i].group < p->segments.v[i - 1].group)
      return false;
  return true;
}

static enum mlt_rc order_groups(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  bool sorted;
  enum mlt_rc rc = mlt_batch_order(b, p->groups.n, by_run_and_key, b, &sorted, err);
  if (rc == MLT_OK && !(sorted && segments_in_order(p)))
    rc = gather(b, sorted ? NULL : p->order, err);
  if (rc == MLT_OK && !sorted)
    rc = reorder_groups(b, err);
  return rc;
}

struct slice {
  const struct mlt_batch_points *points;
  size_t first;
};

static int by_point(const void *ctx, uint32_t a, uint32_t b) {
  const struct slice *s = ctx;
  return compare_points(s->points, s->first + a, s->first + b);
}

static enum mlt_rc sort_group(struct mlt_batch *b, size_t first, size_t n, struct mlt_err *err) {
  struct slice slice = {&b->points, first};
  bool sorted;
  enum mlt_rc rc = mlt_batch_order(b, n, by_point, &slice, &sorted, err);
  if (rc != MLT_OK || sorted)
    return rc;
  struct mlt_batch_points *spare = &b->priv->spare;
  if (!mlt_points_room(spare, n))
    return mlt_err_nomem(err);
  copy_points(spare, 0, &b->points, first, n);
  permute_points(&b->points, first, spare, b->priv->order, n);
  return MLT_OK;
}

/* Moves the group's distinct points to `to`, which is not behind `first`; returns how many. Of
 * equal points the first to arrive stays. */
static size_t keep_distinct(struct mlt_batch_points *p, size_t to, size_t first, size_t n) {
  size_t kept = 0;
  for (size_t i = first; i < first + n; i++) {
    if (kept && compare_points(p, to + kept - 1, i) == 0)
      continue;
    if (to + kept != i)
      copy_points(p, to + kept, p, i, 1);
    kept++;
  }
  return kept;
}

static enum mlt_rc seal_group(struct mlt_batch *b, const struct mlt_group *g, size_t first,
                              struct mlt_err *err) {
  struct mlt_batch_points *p = &b->points;
  if (!g->unsorted) {
    if (first != p->n)
      copy_points(p, p->n, p, first, g->n);
    p->n += g->n;
    return MLT_OK;
  }
  enum mlt_rc rc = sort_group(b, first, g->n, err);
  if (rc != MLT_OK)
    return rc;
  size_t kept = keep_distinct(p, p->n, first, g->n);
  b->counts[MLT_T_METRICS].merged += g->n - kept;
  p->n += kept;
  return MLT_OK;
}

/* Adds n rows at `first` to a run's range. */
static void extend(struct mlt_range *range, size_t first, size_t n) {
  if (range->n == 0)
    range->first = first;
  range->n += n;
}

enum mlt_rc mlt_batch_seal_points(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  enum mlt_rc rc = order_groups(b, err);
  size_t first = 0;
  b->points.n = 0; /* grows again, group by group */
  for (size_t i = 0; i < p->groups.n && rc == MLT_OK; i++) {
    struct mlt_batch_run *run = &b->runs.v[b->latest.run[i]];
    size_t before = b->points.n;
    rc = seal_group(b, &p->groups.v[i], first, err);
    first += p->groups.v[i].n;
    extend(&run->points, before, b->points.n - before);
    extend(&run->latest, i, 1);
  }
  b->counts[MLT_T_LATEST_METRICS].read += b->latest.n;
  return rc;
}
