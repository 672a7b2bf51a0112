/* The inputs rows that the target holds for runs of the batch: compared with the source's for runs
   that are there, found again for new runs (`mlflow gc` deletes a run but leaves its inputs
   behind). */
#include "sink/prove.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct held_dataset {
  int64_t experiment;
  struct mlt_str name, digest;
};

struct held {
  uint32_t run;
  int kind;             /* as mlt_batch_edge.kind */
  struct mlt_str other; /* dataset_uuid or model_id */
  struct mlt_str input_uuid;
  const struct held_dataset *dataset; /* once looked up */
  int64_t step;
  size_t edge;      /* the batch's edge that equals it, or SIZE_MAX */
  size_t tags_seen; /* rows of input_tags equal to the source's */
  bool other_tag;   /* a row of input_tags that the source has not */
};

struct edge_compare {
  struct mlt_write *a;
  MLT_VEC(struct held) held;
  struct mlt_map *by_other; /* dataset_uuid -> 1: to be looked up */
  struct mlt_map *names;    /* dataset_uuid -> index in ds */
  MLT_VEC(struct held_dataset) ds;
  struct mlt_map *by_input; /* input_uuid -> index in held */
};

static int kind_of(const struct mlt_value *row) {
  if (mlt_str_is(row[1].s, "DATASET") && mlt_str_is(row[3].s, "RUN"))
    return MLT_EDGE_DATASET;
  if (mlt_str_is(row[1].s, "RUN_INPUT") && mlt_str_is(row[3].s, "MODEL_INPUT"))
    return MLT_EDGE_MODEL_INPUT;
  if (mlt_str_is(row[1].s, "RUN_OUTPUT") && mlt_str_is(row[3].s, "MODEL_OUTPUT"))
    return MLT_EDGE_OUTPUT;
  return -1;
}

static enum mlt_rc hold(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct edge_compare *c = ctx;
  int kind = kind_of(row);
  uint64_t run;
  if (kind < 0 ||
      !mlt_map_get(c->a->run_index, kind == MLT_EDGE_DATASET ? row[4].s : row[2].s, &run))
    return MLT_OK;
  if (!MLT_VEC_ROOM(c->held))
    return mlt_err_nomem(err);
  struct held *h = &c->held.v[c->held.n];
  *h = (struct held){.run = (uint32_t)run,
                     .kind = kind,
                     .edge = SIZE_MAX,
                     .step = row[5].kind == MLT_V_INT ? row[5].i : 0};
  struct mlt_arena *arena = c->a->out->arena;
  if (mlt_arena_str(arena, kind == MLT_EDGE_DATASET ? row[2].s : row[4].s, &h->other) != 0 ||
      mlt_arena_str(arena, row[0].s, &h->input_uuid) != 0 ||
      mlt_map_put(c->by_input, row[0].s, c->held.n) < 0 ||
      (kind == MLT_EDGE_DATASET && mlt_map_put(c->by_other, h->other, 1) < 0))
    return mlt_err_nomem(err);
  c->held.n++;
  return MLT_OK;
}

static enum mlt_rc name_dataset(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct edge_compare *c = ctx;
  if (!MLT_VEC_ROOM(c->ds))
    return mlt_err_nomem(err);
  struct held_dataset *d = &c->ds.v[c->ds.n];
  d->experiment = row[1].i;
  if (mlt_arena_str(c->a->out->arena, row[2].s, &d->name) != 0 ||
      mlt_arena_str(c->a->out->arena, row[3].s, &d->digest) != 0 ||
      mlt_map_put(c->names, row[0].s, c->ds.n) < 0)
    return mlt_err_nomem(err);
  c->ds.n++;
  return MLT_OK;
}

/* Keys of a map as an array in the attempt's arena. */
static struct mlt_str *keys_of(struct edge_compare *c, const struct mlt_map *m, size_t *n) {
  struct mlt_str *keys = mlt_arena_alloc(c->a->out->arena, (mlt_map_count(m) + 1) * sizeof *keys);
  size_t pos = 0;
  uint64_t value;
  *n = 0;
  while (keys && mlt_map_next(m, &pos, &keys[*n], &value))
    ++*n;
  return keys;
}

static bool same_dataset(const struct mlt_write *a, const struct held_dataset *d,
                         const struct mlt_batch_edge *e) {
  struct mlt_home home;
  return d && mlt_write_edge_home(a, e, &home) && home.id == d->experiment &&
         mlt_str_eq(d->name, e->name) && mlt_str_eq(d->digest, e->digest);
}

static bool same_edge(const struct mlt_write *a, const struct held *h,
                      const struct mlt_batch_edge *e) {
  if (h->kind != (int)e->kind)
    return false;
  if (e->kind == MLT_EDGE_DATASET)
    return same_dataset(a, h->dataset, e);
  return mlt_str_eq(h->other, e->model_id); /* as in the primary key: the step is not in it */
}

static void match(struct edge_compare *c, struct held *h) {
  uint64_t at;
  if (h->kind == MLT_EDGE_DATASET && mlt_map_get(c->names, h->other, &at))
    h->dataset = &c->ds.v[at];
  struct mlt_range r = c->a->b->runs.v[h->run].edges;
  for (size_t i = r.first; i < r.first + r.n; i++)
    if (same_edge(c->a, h, &c->a->b->edges.v[i]))
      h->edge = i;
}

static enum mlt_rc see_tag(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct edge_compare *c = ctx;
  uint64_t at;
  if (!mlt_map_get(c->by_input, row[0].s, &at) || c->held.v[at].edge == SIZE_MAX)
    return MLT_OK;
  struct held *h = &c->held.v[at];
  struct mlt_range r = c->a->b->edges.v[h->edge].tags;
  bool same = false;
  for (size_t i = r.first; i < r.first + r.n; i++) {
    const struct mlt_batch_kv *t = &c->a->b->edge_tags.v[i];
    same = same || (mlt_str_eq(t->key, row[1].s) && mlt_str_eq(t->value, row[2].s));
  }
  h->tags_seen += same;
  h->other_tag = h->other_tag || !same;
  return MLT_OK;
}

static enum mlt_rc conflict(struct edge_compare *c, size_t run, const char *what) {
  return c->a->run_fate[run] == MLT_FATE_PRESENT ? mlt_write_run_conflict(c->a, run, what) : MLT_OK;
}

static size_t expected_edges(const struct mlt_write *a, const struct mlt_batch_run *r) {
  size_t n = 0;
  for (size_t i = 0; i < r->edges.n; i++)
    n += mlt_write_has_edge(a, &a->b->edges.v[r->edges.first + i]);
  return n;
}

/* An input or output that is there and differs: one of a run that is merged stays as it is. */
static enum mlt_rc differs(struct edge_compare *c, const struct held *h, enum mlt_table table,
                           const char *what) {
  char text[128];
  if (c->a->run_fate[h->run] != MLT_FATE_MERGE) {
    (void)snprintf(text, sizeof text, "the %s differ", what);
    return conflict(c, h->run, text);
  }
  return mlt_write_note(c->a, MLT_NOTE_CHANGED, table, "kept", 1,
                        c->a->b->runs.v[h->run].r.run_uuid,
                        "the target keeps the %s where the source has others", what);
}

/* ---- a proof ---- */

static struct mlt_str edge_name(const struct mlt_batch_edge *e) {
  return e->kind == MLT_EDGE_DATASET ? e->name : e->model_id;
}

/* `what`: that one of the two has no such input or output. A dataset is told by its digest, too. */
static enum mlt_rc tell_edge(struct mlt_write *a, const char *code, struct mlt_str run,
                             struct mlt_str name, const struct mlt_str *digest, const char *what) {
  return mlt_prove_tell(a, code, MLT_T_INPUTS, run, name, "%s%s%.*s", what,
                        digest ? " of digest " : "", digest ? (int)digest->len : 0,
                        digest ? digest->p : "");
}

static enum mlt_rc prove_held(struct edge_compare *c, const struct held *h) {
  struct mlt_write *a = c->a;
  struct mlt_str run = a->b->runs.v[h->run].r.run_uuid;
  if (h->edge == SIZE_MAX) {
    if (mlt_prove_one_way(a, h->run))
      return MLT_OK;
    struct mlt_str name = h->dataset ? h->dataset->name : h->other;
    struct mlt_str digest = h->dataset ? h->dataset->digest : MLT_STR_LIT("unknown");
    return tell_edge(a, "row-extra", run, name, h->kind == MLT_EDGE_DATASET ? &digest : NULL,
                     "the source has no such input or output");
  }
  const struct mlt_batch_edge *e = &a->b->edges.v[h->edge];
  a->edge_fate[h->edge] = MLT_FATE_PRESENT;
  enum mlt_rc rc = MLT_OK;
  if (h->kind != MLT_EDGE_DATASET && h->step != e->step)
    rc = mlt_prove_tell(a, "row-differs", MLT_T_INPUTS, run, edge_name(e),
                        "its step is %" PRId64 ", %" PRId64 " in the source", h->step, e->step);
  if (rc == MLT_OK && (h->other_tag || h->tags_seen != e->tags.n))
    rc = mlt_prove_tell(a, "row-differs", MLT_T_INPUT_TAGS, run, edge_name(e),
                        "tags of the input differ: %zu of the source's %zu are there%s",
                        h->tags_seen, e->tags.n, h->other_tag ? ", and others" : "");
  return rc;
}

/* Of a run that is there, what the source has and the target has not, too. */
static enum mlt_rc prove_edges(struct edge_compare *c) {
  struct mlt_write *a = c->a;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < c->held.n; i++)
    rc = prove_held(c, &c->held.v[i]);
  for (size_t i = 0; rc == MLT_OK && i < a->b->edges.n; i++) {
    const struct mlt_batch_edge *e = &a->b->edges.v[i];
    if (a->run_fate[e->run] == MLT_FATE_PRESENT && a->edge_fate[i] == MLT_FATE_NEW &&
        mlt_write_has_edge(a, e))
      rc = tell_edge(a, "row-missing", a->b->runs.v[e->run].r.run_uuid, edge_name(e),
                     e->kind == MLT_EDGE_DATASET ? &e->digest : NULL,
                     "the database has no such input or output");
  }
  return rc;
}

/* Verdicts: for PRESENT runs what is there must have its twin; for all a twin means that the row is
 * there already. */
static enum mlt_rc judge(struct edge_compare *c) {
  struct mlt_write *a = c->a;
  size_t *rows = mlt_arena_zalloc(a->out->arena, (a->b->runs.n + 1) * sizeof *rows);
  if (!rows)
    return mlt_err_nomem(a->err);
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < c->held.n; i++) {
    const struct held *h = &c->held.v[i];
    rows[h->run]++;
    if (h->edge == SIZE_MAX) {
      rc = conflict(c, h->run, "it has an input or output that the source has not");
      continue;
    }
    a->edge_fate[h->edge] = MLT_FATE_PRESENT;
    const struct mlt_batch_edge *e = &a->b->edges.v[h->edge];
    if (h->kind != MLT_EDGE_DATASET && h->step != e->step)
      rc = differs(c, h, MLT_T_INPUTS, "steps of an input or output");
    if (rc == MLT_OK && (h->other_tag || h->tags_seen != e->tags.n))
      rc = differs(c, h, MLT_T_INPUT_TAGS, "tags of an input");
  }
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++)
    if (rows[i] != expected_edges(a, &a->b->runs.v[i])) {
      a->there[i].grown = true;
      if (a->w->load == MLT_LOAD_AUTO)
        continue;
      char what[128];
      (void)snprintf(what, sizeof what, "%zu rows of inputs there, %zu in the source", rows[i],
                     expected_edges(a, &a->b->runs.v[i]));
      rc = conflict(c, i, what);
    }
  return rc;
}

static enum mlt_rc fetch(struct edge_compare *c) {
  struct mlt_write *a = c->a;
  size_t n = 0;
  struct mlt_str *runs = mlt_arena_alloc(a->out->arena, (a->b->runs.n + 1) * sizeof *runs);
  if (!runs)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_PRESENT ||
        (a->run_fate[i] <= MLT_FATE_MERGE && a->b->runs.v[i].edges.n))
      runs[n++] = a->b->runs.v[i].r.run_uuid;
  if (n == 0)
    return MLT_OK;
  struct mlt_where to = {.by = MLT_C_INPUTS_destination_id,
                         .keys = runs,
                         .n_keys = n,
                         .has_eq = true,
                         .eq = MLT_C_INPUTS_destination_type,
                         .eq_value = MLT_STR_LIT("RUN")};
  struct mlt_where in = {.by = MLT_C_INPUTS_source_id,
                         .keys = runs,
                         .n_keys = n,
                         .has_eq = true,
                         .eq = MLT_C_INPUTS_source_type,
                         .eq_value = MLT_STR_LIT("RUN_INPUT")};
  struct mlt_where out = in;
  out.eq_value = MLT_STR_LIT("RUN_OUTPUT");
  enum mlt_rc rc = mlt_write_select(a, MLT_T_INPUTS, &to, hold, c);
  if (rc == MLT_OK)
    rc = mlt_write_select(a, MLT_T_INPUTS, &in, hold, c);
  return rc == MLT_OK ? mlt_write_select(a, MLT_T_INPUTS, &out, hold, c) : rc;
}

static enum mlt_rc resolve(struct edge_compare *c) {
  size_t n;
  struct mlt_str *keys = keys_of(c, c->by_other, &n);
  if (!keys)
    return mlt_err_nomem(c->a->err);
  struct mlt_where by_uuid = {.by = MLT_C_DATASETS_dataset_uuid, .keys = keys, .n_keys = n};
  enum mlt_rc rc = n ? mlt_write_select(c->a, MLT_T_DATASETS, &by_uuid, name_dataset, c) : MLT_OK;
  if (rc != MLT_OK)
    return rc;
  for (size_t i = 0; i < c->held.n; i++)
    match(c, &c->held.v[i]);
  keys = keys_of(c, c->by_input, &n);
  if (!keys)
    return mlt_err_nomem(c->a->err);
  struct mlt_where by_input = {.by = MLT_C_INPUT_TAGS_input_uuid, .keys = keys, .n_keys = n};
  return n ? mlt_write_select(c->a, MLT_T_INPUT_TAGS, &by_input, see_tag, c) : MLT_OK;
}

enum mlt_rc mlt_write_compare_edges(struct mlt_write *a) {
  if (!mlt_write_has(a, MLT_F_DATASETS))
    return MLT_OK;
  struct edge_compare c = {
      .a = a, .by_other = mlt_map_new(), .names = mlt_map_new(), .by_input = mlt_map_new()};
  enum mlt_rc rc = c.by_other && c.names && c.by_input ? fetch(&c) : mlt_err_nomem(a->err);
  if (rc == MLT_OK)
    rc = resolve(&c);
  if (rc == MLT_OK)
    rc = a->w->prove ? prove_edges(&c) : judge(&c);
  mlt_map_free(c.by_other);
  mlt_map_free(c.names);
  mlt_map_free(c.by_input);
  mlt_free(c.held.v);
  mlt_free(c.ds.v);
  return rc;
}
