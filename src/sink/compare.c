/* Is what the target holds of a run the same as the source's? Every row of params, tags, metrics
   and latest_metrics is streamed from the target and looked up in the sealed batch (sorted, so by
   bisection; spilled points: spilled.c); counts must agree too. */
#include "sink/spilled.h"
#include "sink/values.h"
#include "sink/writer.h"

#include <inttypes.h>
#include <stdio.h>

/* What of one run has been seen in one table of the target. */
struct seen {
  uint64_t rows;
  bool reported;
  struct mlt_spilled_diff *spilled; /* metrics of a spilled run */
};

struct compare {
  struct mlt_write *a;
  struct seen *seen; /* one a run of the batch */
  enum mlt_table table;
};

static struct mlt_range range_of(const struct mlt_batch_run *r, enum mlt_table t) {
  switch (t) {
  case MLT_T_PARAMS:
    return r->params;
  case MLT_T_TAGS:
    return r->tags;
  case MLT_T_METRICS:
    return r->points;
  default:
    return r->latest;
  }
}

/* The batch's key/value row of this owner range with that key; NULL if there is none. */
static const struct mlt_batch_kv *find_kv(const struct mlt_batch_kv *v, struct mlt_range range,
                                          struct mlt_str key) {
  size_t lo = range.first, hi = range.first + range.n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    int c = mlt_str_cmp(v[mid].key, key);
    if (c == 0)
      return &v[mid];
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

struct point {
  struct mlt_str key;
  int64_t step, timestamp;
  double value;
  bool is_nan;
};

#define THREE_WAY(x, y) (((x) > (y)) - ((x) < (y)))

/* Order of a sealed batch: key bytes, step, timestamp, value, is_nan. */
static int compare_point(const struct mlt_batch *b, const struct mlt_batch_points *p, size_t i,
                         const struct point *q) {
  int c = mlt_str_cmp(b->keys.v[p->key[i]], q->key);
  if (c == 0)
    c = THREE_WAY(p->step[i], q->step);
  if (c == 0)
    c = THREE_WAY(p->timestamp[i], q->timestamp);
  if (c == 0)
    c = THREE_WAY(p->value[i], q->value);
  return c ? c : THREE_WAY(p->is_nan[i], q->is_nan);
}

static bool has_point(const struct mlt_batch *b, const struct mlt_batch_points *p,
                      struct mlt_range range, const struct point *q) {
  size_t lo = range.first, hi = range.first + range.n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    int c = compare_point(b, p, mid, q);
    if (c == 0)
      return true;
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return false;
}

static enum mlt_rc conflict(struct compare *c, uint64_t run, const char *what) {
  if (c->seen[run].reported)
    return MLT_OK;
  c->seen[run].reported = true;
  c->a->run_fate[run] = MLT_FATE_CONFLICT;
  const struct mlt_batch_run *r = &c->a->b->runs.v[run];
  return mlt_write_note(c->a, MLT_NOTE_CONFLICT, MLT_T_RUNS, "run-conflict",
                        mlt_run_rows(c->a->b, r), r->r.run_uuid,
                        "the target holds this run with other data: %s", what);
}

static enum mlt_rc kv_row(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct compare *c = ctx;
  uint64_t run;
  if (!mlt_map_get(c->a->run_index, row[2].s, &run))
    return MLT_OK;
  const struct mlt_batch_run *r = &c->a->b->runs.v[run];
  bool params = c->table == MLT_T_PARAMS;
  const struct mlt_batch_kv *mine =
      find_kv(params ? c->a->b->params.v : c->a->b->tags.v, range_of(r, c->table), row[0].s);
  c->seen[run].rows++;
  if (mine && mlt_str_eq(mine->value, row[1].s))
    return MLT_OK;
  char what[1024], theirs[256], ours[256] = "absent";
  if (mine)
    (void)mlt_value_show(&(struct mlt_value){.kind = MLT_V_TEXT, .s = mine->value}, ours,
                         sizeof ours);
  (void)snprintf(what, sizeof what, "%s '%.*s' is %s there, %s in the source",
                 params ? "param" : "tag", MLT_STR_ARG(row[0].s),
                 mlt_value_show(&row[1], theirs, sizeof theirs), ours);
  return conflict(c, run, what);
}

static enum mlt_rc spilled_row(struct compare *c, uint64_t run, const struct point *q) {
  struct mlt_batch_point p = {0, q->step, q->timestamp, q->value, q->is_nan};
  if (mlt_spilled_diff_row(c->seen[run].spilled, q->key, &p))
    return MLT_OK;
  char what[1024];
  (void)snprintf(what, sizeof what, "metric '%.*s' is there, absent in the source",
                 MLT_STR_ARG(q->key));
  return conflict(c, run, what);
}

static enum mlt_rc point_row(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct compare *c = ctx;
  bool latest = c->table == MLT_T_LATEST_METRICS;
  struct mlt_str run_id = latest ? row[5].s : row[3].s;
  struct point q = latest ? (struct point){row[0].s, row[3].i, row[2].i, row[1].d, row[4].b}
                          : (struct point){row[0].s, row[4].i, row[2].i, row[1].d, row[5].b};
  uint64_t run;
  if (!mlt_map_get(c->a->run_index, run_id, &run))
    return MLT_OK;
  const struct mlt_batch_run *r = &c->a->b->runs.v[run];
  c->seen[run].rows++;
  if (c->seen[run].spilled)
    return spilled_row(c, run, &q);
  if (has_point(c->a->b, latest ? &c->a->b->latest : &c->a->b->points, range_of(r, c->table), &q))
    return MLT_OK;
  char what[1024];
  (void)snprintf(what, sizeof what,
                 "%s '%.*s' has a value at step %" PRId64 " there that the source has not",
                 latest ? "latest metric" : "metric", MLT_STR_ARG(q.key), q.step);
  return conflict(c, run, what);
}

/* Nothing seen yet of the runs still PRESENT, whose ids go to `ids`. */
static enum mlt_rc start_table(struct compare *c, enum mlt_table table, struct mlt_str *ids,
                               size_t *n) {
  const struct mlt_batch *b = c->a->b;
  *n = 0;
  c->table = table;
  for (size_t i = 0; i < b->runs.n; i++) {
    c->seen[i] = (struct seen){0};
    if (c->a->run_fate[i] != MLT_FATE_PRESENT)
      continue;
    ids[(*n)++] = b->runs.v[i].r.run_uuid;
    if (table != MLT_T_METRICS || !b->runs.v[i].spilled)
      continue;
    c->seen[i].spilled = mlt_spilled_diff_new(c->a, i);
    if (!c->seen[i].spilled)
      return mlt_err_nomem(c->a->err);
  }
  return MLT_OK;
}

/* The rows of a run that every row of the target was found in: are there more? */
static enum mlt_rc end_run(struct compare *c, size_t i) {
  size_t mine = range_of(&c->a->b->runs.v[i], c->table).n;
  char what[1024] = "";
  if (c->seen[i].spilled) {
    enum mlt_rc rc = mlt_spilled_diff_end(c->seen[i].spilled, what, sizeof what, c->a->err);
    if (rc != MLT_OK)
      return rc;
  } else if (c->seen[i].rows != mine) {
    (void)snprintf(what, sizeof what, "%" PRIu64 " rows of %s there, %zu in the source",
                   c->seen[i].rows, mlt_table_name(c->table), mine);
  }
  return what[0] ? conflict(c, i, what) : MLT_OK;
}

/* Compares one table of the runs still PRESENT. */
static enum mlt_rc compare_table(struct compare *c, enum mlt_table table, enum mlt_column by,
                                 mlt_row_fn fn) {
  struct mlt_write *a = c->a;
  size_t n;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, a->b->runs.n * sizeof *ids);
  if (!ids)
    return mlt_err_nomem(a->err);
  enum mlt_rc rc = start_table(c, table, ids, &n);
  struct mlt_where where = {.by = by, .keys = ids, .n_keys = n};
  if (rc == MLT_OK && n)
    rc = mlt_write_select(a, table, &where, fn, c);
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_PRESENT)
      rc = end_run(c, i);
  return rc;
}

enum mlt_rc mlt_write_compare_runs(struct mlt_write *a) {
  struct compare c = {.a = a,
                      .seen = mlt_arena_zalloc(a->out->arena, a->b->runs.n * sizeof *c.seen)};
  if (!c.seen)
    return mlt_err_nomem(a->err);
  enum mlt_rc rc = compare_table(&c, MLT_T_PARAMS, MLT_C_PARAMS_run_uuid, kv_row);
  if (rc == MLT_OK)
    rc = compare_table(&c, MLT_T_TAGS, MLT_C_TAGS_run_uuid, kv_row);
  if (rc == MLT_OK)
    rc = compare_table(&c, MLT_T_METRICS, MLT_C_METRICS_run_uuid, point_row);
  if (rc == MLT_OK)
    rc = compare_table(&c, MLT_T_LATEST_METRICS, MLT_C_LATEST_METRICS_run_uuid, point_row);
  return rc;
}
