/* Datasets, inputs and input tags that runs lack. A dataset is one row per (experiment, name,
   digest), reused when the target has it (MLflow: store/tracking/sqlalchemy_store.py, log_inputs).
 */
#include "sink/prove.h"
#include "sink/values.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/random.h"

enum { DATASET_KEY_MAX = 16384 };

static bool same_home(const struct mlt_home *a, const struct mlt_home *b) {
  return a->id == b->id && (a->id >= 0 || mlt_str_eq(a->key, b->key));
}

static struct mlt_str dataset_key(char *out, const struct mlt_home *home, struct mlt_str name,
                                  struct mlt_str digest) {
  struct mlt_str key = home->id < 0 ? home->key : MLT_STR_LIT("");
  int n = snprintf(out, DATASET_KEY_MAX, "%" PRId64 "%.*s\n%.*s\n%.*s", home->id, MLT_STR_ARG(key),
                   MLT_STR_ARG(name), MLT_STR_ARG(digest));
  return (struct mlt_str){out, (size_t)n < DATASET_KEY_MAX ? (size_t)n : DATASET_KEY_MAX - 1};
}

/* Finds or adds the reference; *added tells which. */
static enum mlt_rc refer(struct mlt_write *a, const struct mlt_home *home, struct mlt_str name,
                         struct mlt_str digest, struct mlt_dataset_ref **out) {
  char buf[DATASET_KEY_MAX];
  uint64_t at;
  int added =
      mlt_map_intern(a->dataset_index, dataset_key(buf, home, name, digest), a->datasets.n, &at);
  if (added < 0)
    return mlt_err_nomem(a->err);
  if (added) {
    if (!MLT_VEC_ROOM(a->datasets))
      return mlt_err_nomem(a->err);
    a->datasets.v[a->datasets.n++] =
        (struct mlt_dataset_ref){.home = *home, .name = name, .digest = digest};
  }
  *out = &a->datasets.v[at];
  return MLT_OK;
}

bool mlt_write_edge_home(const struct mlt_write *a, const struct mlt_batch_edge *e,
                         struct mlt_home *out) {
  if (e->experiment.p)
    return mlt_write_home(a, e->experiment, out);
  *out = a->there[e->run].home;
  return true;
}

static enum mlt_rc gather_dataset(struct mlt_write *a, const struct mlt_dataset *d) {
  struct mlt_dataset_ref *ref;
  struct mlt_home home;
  if (!mlt_write_home(a, d->experiment, &home)) {
    mlt_write_count(a, MLT_T_DATASETS, MLT_FATE_REJECTED, 1);
    return mlt_write_note(a, MLT_NOTE_REJECT, MLT_T_DATASETS, "experiment-rejected", 1, d->name,
                          "its experiment was not imported");
  }
  enum mlt_rc rc = refer(a, &home, d->name, d->digest, &ref);
  if (rc == MLT_OK)
    ref->row = d;
  return rc;
}

/* The dataset of an edge that goes in, and how it is made if that comes with it. What two runs make
   is one: only here is it known that they are of one experiment. */
static enum mlt_rc gather_edge(struct mlt_write *a, size_t i) {
  const struct mlt_batch_edge *e = &a->b->edges.v[i];
  enum mlt_fate run = a->run_fate[e->run], fate = a->edge_fate[i];
  struct mlt_dataset_ref *ref;
  struct mlt_home home;
  if (run == MLT_FATE_CONFLICT || run == MLT_FATE_REJECTED)
    fate = run;
  if (fate == MLT_FATE_NEW && e->kind == MLT_EDGE_DATASET && mlt_write_edge_home(a, e, &home)) {
    enum mlt_rc rc = refer(a, &home, e->name, e->digest, &ref);
    if (rc != MLT_OK || !e->made)
      return rc;
    mlt_write_counts(a, MLT_T_DATASETS)->merged += ref->row != NULL;
    ref->row = ref->row ? ref->row : e->made;
  } else if (e->made) {
    mlt_write_count(a, MLT_T_DATASETS, fate, 1);
  }
  return MLT_OK;
}

static enum mlt_rc gather(struct mlt_write *a) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < a->b->datasets.n; i++)
    rc = gather_dataset(a, &a->b->datasets.v[i]);
  for (size_t i = 0; rc == MLT_OK && i < a->b->edges.n; i++)
    rc = gather_edge(a, i);
  return rc;
}

/* Datasets that come with their inputs. */
static size_t made_by_edges(const struct mlt_batch *b) {
  size_t n = 0;
  for (size_t i = 0; i < b->edges.n; i++)
    n += b->edges.v[i].made != NULL;
  return n;
}

/* Values of a row but its uuid. */
static void dataset_values(const struct mlt_dataset_ref *ref, struct mlt_value *out) {
  out[1] = mlt_v_int(ref->home.id);
  out[2] = mlt_v_text(ref->name);
  out[3] = mlt_v_text(ref->digest);
  out[4] = mlt_v_text(ref->row->source_type);
  out[5] = mlt_v_text(ref->row->source);
  out[6] = mlt_v_text(ref->row->schema);
  out[7] = mlt_v_text(ref->row->profile);
}

/* Of one that comes with an input only name and digest are the source's word: the first of its kind
   made the row. */
static enum mlt_rc prove_dataset(struct mlt_write *a, const struct mlt_dataset_ref *ref,
                                 const struct mlt_value *row) {
  struct mlt_value ours[MLT_MAX_COLUMNS];
  if (!ref->row || !ref->row->experiment.p)
    return MLT_OK;
  dataset_values(ref, ours);
  int c = mlt_row_difference(MLT_T_DATASETS, ours, row, 1);
  return c < 0 ? MLT_OK
               : mlt_prove_tell_value(
                     a, "row-differs", MLT_T_DATASETS, ref->name,
                     mlt_str_c(
                         mlt_column_info(MLT_C_DATASETS_dataset_uuid + (enum mlt_column)c)->name),
                     &row[c], &ours[c]);
}

struct find {
  struct mlt_write *a;
  struct mlt_home home;
};

static enum mlt_rc found(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct find *f = ctx;
  char buf[DATASET_KEY_MAX];
  uint64_t at;
  if (!mlt_map_get(f->a->dataset_index, dataset_key(buf, &f->home, row[2].s, row[3].s), &at))
    return MLT_OK;
  struct mlt_dataset_ref *ref = &f->a->datasets.v[at];
  ref->present = true;
  if (mlt_arena_str(f->a->out->arena, row[0].s, &ref->uuid) != 0)
    return mlt_err_nomem(err);
  return f->a->w->prove ? prove_dataset(f->a, ref, row) : MLT_OK;
}

/* Looks the references of one experiment up; they are among those from `first` on. */
static enum mlt_rc look_up(struct mlt_write *a, size_t first, uint8_t *done) {
  struct find f = {a, a->datasets.v[first].home};
  struct mlt_str *names = mlt_arena_alloc(a->out->arena, (a->datasets.n - first) * sizeof *names);
  if (!names)
    return mlt_err_nomem(a->err);
  size_t n = 0;
  for (size_t i = first; i < a->datasets.n; i++)
    if (same_home(&a->datasets.v[i].home, &f.home)) {
      names[n++] = a->datasets.v[i].name;
      done[i] = 1;
    }
  if (f.home.id < 0)
    return MLT_OK; /* a dry run that would create the experiment */
  char text[32];
  (void)snprintf(text, sizeof text, "%" PRId64, f.home.id);
  struct mlt_where where = {.by = MLT_C_DATASETS_name,
                            .keys = names,
                            .n_keys = n,
                            .has_eq = true,
                            .eq = MLT_C_DATASETS_experiment_id,
                            .eq_value = mlt_str_c(text)};
  return mlt_write_select(a, MLT_T_DATASETS, &where, found, &f);
}

static enum mlt_rc new_uuid(struct mlt_write *a, struct mlt_str *out) {
  char hex[33];
  enum mlt_rc rc = mlt_random_uuid(hex, a->err);
  if (rc == MLT_OK && mlt_arena_str(a->out->arena, (struct mlt_str){hex, 32}, out) != 0)
    rc = mlt_err_nomem(a->err);
  return rc;
}

struct chosen {
  const struct mlt_write *a;
  const uint32_t *index;
};

static enum mlt_rc dataset_row(const void *ctx, size_t i, struct mlt_value *out,
                               struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_dataset_ref *ref = &c->a->datasets.v[c->index[i]];
  out[0] = mlt_v_text(ref->uuid);
  dataset_values(ref, out);
  return MLT_OK;
}

static enum mlt_rc insert_new(struct mlt_write *a) {
  uint32_t *index = mlt_arena_alloc(a->out->arena, (a->datasets.n + 1) * sizeof *index);
  size_t n = 0;
  if (!index)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->datasets.n; i++) {
    struct mlt_dataset_ref *ref = &a->datasets.v[i];
    if (!ref->row)
      continue;
    mlt_write_count(a, MLT_T_DATASETS, ref->present ? MLT_FATE_PRESENT : MLT_FATE_NEW, 1);
    if (ref->present)
      continue;
    enum mlt_rc rc = a->w->prove
                         ? mlt_prove_tell(a, "row-missing", MLT_T_DATASETS, ref->name, MLT_STR_NULL,
                                          "the database has no such dataset of digest %.*s",
                                          MLT_STR_ARG(ref->digest))
                         : new_uuid(a, &ref->uuid);
    if (rc != MLT_OK)
      return rc;
    index[n++] = (uint32_t)i;
  }
  struct chosen ctx = {a, index};
  return mlt_write_insert(a, &(struct mlt_rows){MLT_T_DATASETS, n, dataset_row, &ctx});
}

enum mlt_rc mlt_write_datasets(struct mlt_write *a) {
  if (!mlt_write_has(a, MLT_F_DATASETS))
    return mlt_write_no_table(a, MLT_T_DATASETS, a->b->datasets.n + made_by_edges(a->b));
  enum mlt_rc rc = gather(a);
  uint8_t *done = mlt_arena_zalloc(a->out->arena, a->datasets.n + 1);
  if (rc == MLT_OK && !done)
    rc = mlt_err_nomem(a->err);
  for (size_t i = 0; rc == MLT_OK && i < a->datasets.n; i++)
    if (!done[i])
      rc = look_up(a, i, done);
  return rc == MLT_OK ? insert_new(a) : rc;
}

/* ---- inputs ---- */

static struct mlt_str edge_dataset(const struct mlt_write *a, const struct mlt_batch_edge *e) {
  char buf[DATASET_KEY_MAX];
  uint64_t at;
  struct mlt_home home;
  return mlt_write_edge_home(a, e, &home) &&
                 mlt_map_get(a->dataset_index, dataset_key(buf, &home, e->name, e->digest), &at)
             ? a->datasets.v[at].uuid
             : MLT_STR_NULL;
}

static enum mlt_rc edge_row(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch_edge *e = &c->a->b->edges.v[c->index[i]];
  struct mlt_str run = c->a->b->runs.v[e->run].r.run_uuid;
  out[0] = mlt_v_text(c->a->edge_uuid[c->index[i]]);
  switch (e->kind) {
  case MLT_EDGE_DATASET:
    out[1] = mlt_v_c("DATASET");
    out[2] = mlt_v_text(edge_dataset(c->a, e));
    out[3] = mlt_v_c("RUN");
    out[4] = mlt_v_text(run);
    break;
  case MLT_EDGE_MODEL_INPUT:
    out[1] = mlt_v_c("RUN_INPUT");
    out[2] = mlt_v_text(run);
    out[3] = mlt_v_c("MODEL_INPUT");
    out[4] = mlt_v_text(e->model_id);
    break;
  case MLT_EDGE_OUTPUT:
    out[1] = mlt_v_c("RUN_OUTPUT");
    out[2] = mlt_v_text(run);
    out[3] = mlt_v_c("MODEL_OUTPUT");
    out[4] = mlt_v_text(e->model_id);
    break;
  }
  out[5] = mlt_v_int(e->step);
  return MLT_OK;
}

static enum mlt_rc edge_tag_row(const void *ctx, size_t i, struct mlt_value *out,
                                struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch_kv *t = &c->a->b->edge_tags.v[c->index[i]];
  out[0] = mlt_v_text(c->a->edge_uuid[t->owner]);
  out[1] = mlt_v_text(t->key);
  out[2] = mlt_v_text(t->value);
  return MLT_OK;
}

bool mlt_write_has_edge(const struct mlt_write *a, const struct mlt_batch_edge *e) {
  return e->kind == MLT_EDGE_DATASET || mlt_write_has(a, MLT_F_LOGGED_MODELS);
}

/* What becomes of one edge that the target does not hold. */
static enum mlt_rc settle(struct mlt_write *a, size_t i, size_t *no_models) {
  const struct mlt_batch_edge *e = &a->b->edges.v[i];
  if (!mlt_write_has_edge(a, e)) {
    a->edge_fate[i] = MLT_FATE_REJECTED;
    ++*no_models;
    return MLT_OK;
  }
  if (e->kind != MLT_EDGE_DATASET)
    return new_uuid(a, &a->edge_uuid[i]);
  if (edge_dataset(a, e).p ||
      a->w->dry_run) /* a dry run has not written the datasets of earlier batches */
    return new_uuid(a, &a->edge_uuid[i]);
  a->edge_fate[i] = MLT_FATE_REJECTED;
  return mlt_write_note(a, MLT_NOTE_REJECT, MLT_T_INPUTS, "no-such-dataset", 1 + e->tags.n,
                        a->b->runs.v[e->run].r.run_uuid,
                        "its dataset '%.*s' (digest %.*s) is not in the source",
                        MLT_STR_ARG(e->name), MLT_STR_ARG(e->digest));
}

static enum mlt_rc settle_all(struct mlt_write *a, uint32_t *edges, size_t *n_edges, uint32_t *tags,
                              size_t *n_tags) {
  size_t no_models = 0;
  *n_edges = *n_tags = 0;
  for (size_t i = 0; i < a->b->edges.n; i++) {
    const struct mlt_batch_edge *e = &a->b->edges.v[i];
    uint8_t run = a->run_fate[e->run];
    if (run != MLT_FATE_NEW && run != MLT_FATE_MERGE &&
        (run != MLT_FATE_PRESENT || mlt_write_has_edge(a, e)))
      a->edge_fate[i] = (uint8_t)run;
    enum mlt_rc rc = a->edge_fate[i] == MLT_FATE_NEW ? settle(a, i, &no_models) : MLT_OK;
    if (rc != MLT_OK)
      return rc;
    mlt_write_count(a, MLT_T_INPUTS, a->edge_fate[i], 1);
    mlt_write_count(a, MLT_T_INPUT_TAGS, a->edge_fate[i], e->tags.n);
    if (a->edge_fate[i] != MLT_FATE_NEW)
      continue;
    edges[(*n_edges)++] = (uint32_t)i;
    for (size_t k = 0; k < e->tags.n; k++)
      tags[(*n_tags)++] = (uint32_t)(e->tags.first + k);
  }
  if (!no_models)
    return MLT_OK;
  return mlt_write_note(
      a, MLT_NOTE_REJECT, MLT_T_INPUTS, "no-such-table", no_models, MLT_STR_NULL,
      "the target's schema has no logged models (MLflow %s brings them), so runs cannot refer to them",
      mlt_feature_release(MLT_F_LOGGED_MODELS));
}

enum mlt_rc mlt_write_edges(struct mlt_write *a) {
  size_t n_edges, n_tags;
  if (!mlt_write_has(a, MLT_F_DATASETS)) {
    enum mlt_rc rc = mlt_write_no_table(a, MLT_T_INPUTS, a->b->edges.n);
    return rc == MLT_OK ? mlt_write_no_table(a, MLT_T_INPUT_TAGS, a->b->edge_tags.n) : rc;
  }
  uint32_t *edges = mlt_arena_alloc(a->out->arena, (a->b->edges.n + 1) * sizeof *edges);
  uint32_t *tags = mlt_arena_alloc(a->out->arena, (a->b->edge_tags.n + 1) * sizeof *tags);
  if (!edges || !tags)
    return mlt_err_nomem(a->err);
  enum mlt_rc rc = settle_all(a, edges, &n_edges, tags, &n_tags);
  struct chosen e = {a, edges}, t = {a, tags};
  if (rc == MLT_OK)
    rc = mlt_write_insert(a, &(struct mlt_rows){MLT_T_INPUTS, n_edges, edge_row, &e});
  if (rc == MLT_OK)
    rc = mlt_write_insert(a, &(struct mlt_rows){MLT_T_INPUT_TAGS, n_tags, edge_tag_row, &t});
  return rc;
}
