/* What the target holds of a run, set against the source's rows: is it the same, an earlier state
   of it, something else? Where sums do not say that params, tags, metrics or latest_metrics are the
   same (same.c), every row is streamed from the target and looked up in the sealed batch (sorted,
   so by bisection; spilled points: spilled.c); counts must agree too. */
#include "base/bisect.h"
#include "model/rules.h"
#include "sink/spilled.h"
#include "sink/values.h"
#include "sink/writer.h"

#include <inttypes.h>
#include <stdio.h>

struct compare {
  struct mlt_write *a;
  enum mlt_table table;
  struct mlt_spilled_diff **spilled; /* one a run: metrics of a spilled run, else NULL */
};

static struct mlt_tally *tally_of(const struct compare *c, uint64_t run) {
  return &c->a->there[run].tally[c->table - MLT_T_PARAMS];
}

struct kv_sought {
  const struct mlt_batch_kv *v;
  struct mlt_str key;
};

static int kv_order(const void *ctx, size_t i) {
  const struct kv_sought *k = ctx;
  return mlt_str_cmp(k->v[i].key, k->key);
}

/* The batch's key/value row of this owner range with that key; NULL if there is none. */
static const struct mlt_batch_kv *find_kv(const struct mlt_batch_kv *v, struct mlt_range range,
                                          struct mlt_str key) {
  size_t i = mlt_bisect(range.first, range.n, kv_order, &(struct kv_sought){v, key});
  return i == SIZE_MAX ? NULL : &v[i];
}

struct point {
  struct mlt_str key;
  int64_t step, timestamp;
  double value;
  bool is_nan;
};

struct point_sought {
  const struct mlt_batch *b;
  const struct mlt_batch_points *p;
  const struct point *q;
};

/* In the order of a sealed batch. */
static int point_order(const void *ctx, size_t i) {
  const struct point_sought *s = ctx;
  const struct mlt_batch_points *p = s->p;
  const struct point *q = s->q;
  int c = mlt_str_cmp(s->b->keys.v[p->key[i]], q->key);
  return c ? c
           : mlt_metric_order(
                 (struct mlt_metric_point){p->step[i], p->timestamp[i], p->value[i], p->is_nan[i]},
                 (struct mlt_metric_point){q->step, q->timestamp, q->value, q->is_nan});
}

static bool has_point(const struct mlt_batch *b, const struct mlt_batch_points *p,
                      struct mlt_range range, const struct point *q) {
  return mlt_bisect(range.first, range.n, point_order, &(struct point_sought){b, p, q}) != SIZE_MAX;
}

/* A param or tag of another value, in a run that is merged. */
static enum mlt_rc kv_differs(struct compare *c, uint64_t run, const struct mlt_batch_kv *mine,
                              const struct mlt_value *row) {
  char theirs[256], ours[256];
  if (c->table == MLT_T_TAGS) {
    tally_of(c, run)->replaced++;
    return MLT_OK;
  }
  tally_of(c, run)->refused++;
  struct mlt_value value = {.kind = MLT_V_TEXT, .s = mine->value};
  enum mlt_rc rc = mlt_write_note(
      c->a, MLT_NOTE_CONFLICT, MLT_T_PARAMS, "param-conflict", 1, row[2].s,
      "param '%.*s' is %s there, %s in the source", MLT_STR_ARG(row[0].s),
      mlt_value_show(&row[1], theirs, sizeof theirs), mlt_value_show(&value, ours, sizeof ours));
  return rc == MLT_OK ? mlt_write_note_place(c->a, run, mine->line, mine->key) : rc;
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
      find_kv(params ? c->a->b->params.v : c->a->b->tags.v, mlt_run_range(r, c->table), row[0].s);
  tally_of(c, run)->rows++;
  if (mine && mlt_str_eq(mine->value, row[1].s)) {
    tally_of(c, run)->present++;
    return MLT_OK;
  }
  if (c->a->run_fate[run] == MLT_FATE_MERGE)
    return mine ? kv_differs(c, run, mine, row) : MLT_OK;
  char what[1024], theirs[256], ours[256] = "absent";
  if (mine)
    (void)mlt_value_show(&(struct mlt_value){.kind = MLT_V_TEXT, .s = mine->value}, ours,
                         sizeof ours);
  (void)snprintf(what, sizeof what, "%s '%.*s' is %s there, %s in the source",
                 params ? "param" : "tag", MLT_STR_ARG(row[0].s),
                 mlt_value_show(&row[1], theirs, sizeof theirs), ours);
  return mlt_write_run_conflict(c->a, run, what);
}

/* A latest metric that is not the source's: one that a merge replaces, keeps, or, where the source
   has not the key, does not concern. */
static void latest_differs(struct compare *c, uint64_t run, const struct point *q) {
  const struct mlt_batch *b = c->a->b;
  struct mlt_range range = b->runs.v[run].latest;
  for (size_t i = range.first; i < range.first + range.n; i++) {
    if (!mlt_str_eq(b->keys.v[b->latest.key[i]], q->key))
      continue;
    if (mlt_metric_later(b->latest.step[i], b->latest.timestamp[i], b->latest.value[i], q->step,
                         q->timestamp, q->value))
      tally_of(c, run)->replaced++;
    else
      tally_of(c, run)->present++;
  }
}

static enum mlt_rc spilled_row(struct compare *c, uint64_t run, const struct point *q) {
  struct mlt_batch_point p = {0, q->step, q->timestamp, q->value, q->is_nan};
  bool found = mlt_spilled_diff_row(c->spilled[run], q->key, &p);
  tally_of(c, run)->present += found; /* its key is; of a dry run's merge more is not known */
  if (found || c->a->run_fate[run] == MLT_FATE_MERGE)
    return MLT_OK;
  char what[1024];
  (void)snprintf(what, sizeof what, "metric '%.*s' is there, absent in the source",
                 MLT_STR_ARG(q->key));
  return mlt_write_run_conflict(c->a, run, what);
}

/* May the latest metric be that of an earlier state of the run? */
static bool is_earlier(const struct compare *c, const struct mlt_batch_run *r,
                       const struct point *q) {
  return c->a->w->load == MLT_LOAD_AUTO && !r->spilled &&
         has_point(c->a->b, &c->a->b->points, r->points, q);
}

static enum mlt_rc point_row(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct compare *c = ctx;
  bool latest = c->table == MLT_T_LATEST_METRICS;
  struct mlt_str run_id = latest ? row[5].s : row[3].s;
  struct point q = latest ? (struct point){row[0].s, row[3].i, row[2].i, row[1].d, row[4].b}
                          : (struct point){row[0].s, row[4].i, row[2].i, row[1].d, row[5].b};
  uint64_t run;
  const struct mlt_batch *b = c->a->b;
  if (!mlt_map_get(c->a->run_index, run_id, &run))
    return MLT_OK;
  const struct mlt_batch_run *r = &b->runs.v[run];
  bool merged = c->a->run_fate[run] == MLT_FATE_MERGE;
  tally_of(c, run)->rows++;
  if (!latest && c->spilled[run])
    return spilled_row(c, run, &q);
  if (has_point(b, latest ? &b->latest : &b->points, mlt_run_range(r, c->table), &q)) {
    tally_of(c, run)->present++;
    return MLT_OK;
  }
  if (latest && (merged || is_earlier(c, r, &q)))
    latest_differs(c, run, &q);
  if (merged || (latest && is_earlier(c, r, &q)))
    return MLT_OK;
  char what[1024];
  (void)snprintf(what, sizeof what,
                 "%s '%.*s' has a value at step %" PRId64 " there that the source has not",
                 latest ? "latest metric" : "metric", MLT_STR_ARG(q.key), q.step);
  return mlt_write_run_conflict(c->a, run, what);
}

/* Every row of the target was found: has the source more, as of a run that went on? Of spilled
   points only equal or not is known. */
static enum mlt_rc judge(struct compare *c, size_t run) {
  struct mlt_write *a = c->a;
  const struct mlt_tally *y = tally_of(c, run);
  size_t mine = mlt_run_range(&a->b->runs.v[run], c->table).n;
  char what[1024] = "";
  if (a->run_fate[run] != MLT_FATE_PRESENT || a->there[run].known)
    return MLT_OK;
  if (c->table == MLT_T_METRICS && c->spilled[run]) {
    enum mlt_rc rc = mlt_spilled_diff_end(c->spilled[run], what, sizeof what, a->err);
    return rc == MLT_OK && what[0] ? mlt_write_run_conflict(a, run, what) : rc;
  }
  if (y->rows == mine && !y->replaced)
    return MLT_OK;
  /* What a load of empty tables finds in them it has put there itself. */
  bool twice = c->table == MLT_T_METRICS && y->rows && mlt_sink_load(a->w).whole;
  if (a->w->load == MLT_LOAD_AUTO && !twice) {
    a->there[run].grown = true;
    return MLT_OK;
  }
  (void)snprintf(what, sizeof what, "%" PRIu64 " rows of %s there, %zu in the source", y->rows,
                 mlt_table_name(c->table), mine);
  return mlt_write_run_conflict(a, run, what);
}

static bool is_compared(const struct mlt_write *a, size_t run) {
  return (a->run_fate[run] == MLT_FATE_PRESENT && !a->there[run].known) ||
         (a->run_fate[run] == MLT_FATE_MERGE && a->w->dry_run);
}

/* Streams one table of the runs in `ids`. */
static enum mlt_rc stream(struct compare *c, const struct mlt_str *ids, size_t n) {
  bool points = c->table == MLT_T_METRICS || c->table == MLT_T_LATEST_METRICS;
  struct mlt_where where = {.by = mlt_table_run_column(c->table), .keys = ids, .n_keys = n};
  return n ? mlt_write_select(c->a, c->table, &where, points ? point_row : kv_row, c) : MLT_OK;
}

/* Of the runs that are compared, those whose rows of the table are the same are done with; the ids
   of the others go to `ids`. */
static enum mlt_rc start_table(struct compare *c, struct mlt_str *ids, size_t *n) {
  struct mlt_write *a = c->a;
  const struct mlt_batch *b = a->b;
  bool *same = mlt_arena_zalloc(a->out->arena, b->runs.n * sizeof *same);
  *n = 0;
  if (!same)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < b->runs.n; i++)
    if (is_compared(a, i))
      ids[(*n)++] = b->runs.v[i].r.run_uuid;
  enum mlt_rc rc = mlt_write_same_rows(a, c->table, ids, *n, same);
  *n = 0;
  for (size_t i = 0; rc == MLT_OK && i < b->runs.n; i++) {
    if (!is_compared(a, i))
      continue;
    if (same[i]) {
      tally_of(c, i)->rows = tally_of(c, i)->present = mlt_run_range(&b->runs.v[i], c->table).n;
      continue;
    }
    ids[(*n)++] = b->runs.v[i].r.run_uuid;
    if (c->table == MLT_T_METRICS && b->runs.v[i].spilled &&
        !(c->spilled[i] = mlt_spilled_diff_new(a, i)))
      rc = mlt_err_nomem(a->err);
  }
  return rc;
}

enum mlt_rc mlt_write_compare_runs(struct mlt_write *a) {
  struct compare c = {.a = a};
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, a->b->runs.n * sizeof *ids);
  c.spilled = mlt_arena_zalloc(a->out->arena, a->b->runs.n * sizeof(struct mlt_spilled_diff *));
  enum mlt_rc rc = ids && c.spilled ? MLT_OK : mlt_err_nomem(a->err);
  for (unsigned t = 0; rc == MLT_OK && t < MLT_TALLIES; t++) {
    size_t n;
    c.table = MLT_T_PARAMS + t;
    rc = start_table(&c, ids, &n);
    if (rc == MLT_OK)
      rc = stream(&c, ids, n);
    for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++)
      rc = judge(&c, i);
  }
  return rc;
}

enum mlt_rc mlt_write_compare_params(struct mlt_write *a, uint64_t *refused) {
  struct compare c = {.a = a, .table = MLT_T_PARAMS};
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, a->b->runs.n * sizeof *ids);
  size_t n = 0;
  if (!ids)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_MERGE) {
      *tally_of(&c, i) = (struct mlt_tally){0};
      ids[n++] = a->b->runs.v[i].r.run_uuid;
    }
  enum mlt_rc rc = stream(&c, ids, n);
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_MERGE)
      *refused += tally_of(&c, i)->refused;
  return rc;
}
