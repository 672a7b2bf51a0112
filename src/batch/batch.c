/* A batch's life: made, filled through one table of record kinds, sealed, reset. What a record
   kind means is in runs.c, models.c, kv.c and points.c; here is only the order of records and what
   goes with a rejected owner. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "batch/private.h"

static struct mlt_batch_shared *shared_new(void) {
  struct mlt_batch_shared *s = mlt_calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->references = 1;
  s->experiments = mlt_map_new();
  if (s->experiments)
    return s;
  mlt_free(s);
  return NULL;
}

static void shared_release(struct mlt_batch_shared *s) {
  if (!s || --s->references > 0)
    return;
  mlt_map_free(s->experiments);
  mlt_free(s);
}

static void scratch_free(struct mlt_batch_private *p) {
  mlt_free(p->order);
  mlt_free(p->order_tmp);
  mlt_free(p->spare);
  p->order = p->order_tmp = NULL;
  p->spare = NULL;
  p->order_cap = p->spare_cap = 0;
}

static void private_free(struct mlt_batch_private *p) {
  if (!p)
    return;
  mlt_map_free(p->keys);
  mlt_map_free(p->once);
  shared_release(p->shared);
  mlt_buf_free(&p->scratch);
  mlt_free(p->groups.v);
  mlt_free(p->segments.v);
  mlt_free(p->key_latest.v);
  mlt_free(p->by_key.v);
  scratch_free(p);
  mlt_spill_free(&p->spill);
  mlt_arena_free(p->noted);
  mlt_free(p);
}

/* Takes a reference to `shared` over. */
static struct mlt_batch_private *private_new(const struct mlt_limits *limits, size_t max_bytes,
                                             struct mlt_batch_shared *shared) {
  struct mlt_batch_private *p = shared ? mlt_calloc(1, sizeof *p) : NULL;
  if (!p) {
    shared_release(shared);
    return NULL;
  }
  p->shared = shared;
  p->limits = *limits;
  p->max_bytes = max_bytes;
  mlt_spill_init(&p->spill);
  p->keys = mlt_map_new();
  p->once = mlt_map_new();
  p->noted = mlt_arena_new();
  mlt_buf_init(&p->scratch, SIZE_MAX);
  if (!p->keys || !p->once || !p->noted) {
    private_free(p);
    return NULL;
  }
  return p;
}

static struct mlt_batch *make(const struct mlt_limits *limits, size_t max_bytes,
                              struct mlt_batch_shared *shared) {
  struct mlt_batch_private *priv = private_new(limits, max_bytes, shared);
  struct mlt_batch *b = priv ? mlt_calloc(1, sizeof *b) : NULL;
  if (!b) {
    private_free(priv);
    return NULL;
  }
  b->priv = priv;
  b->arena = mlt_arena_new();
  if (!b->arena) {
    mlt_batch_free(b);
    return NULL;
  }
  return b;
}

struct mlt_batch *mlt_batch_new(const struct mlt_limits *limits, size_t max_bytes) {
  return make(limits, max_bytes, shared_new());
}

struct mlt_batch *mlt_batch_like(const struct mlt_batch *b) {
  b->priv->shared->references++;
  return make(&b->priv->limits, b->priv->max_bytes, b->priv->shared);
}

/* Every vector of the batch. */
#define FOR_EACH_VECTOR(DO)                                                                        \
  DO(experiments)                                                                                  \
  DO(experiment_tags)                                                                              \
  DO(datasets)                                                                                     \
  DO(runs)                                                                                         \
  DO(params)                                                                                       \
  DO(tags)                                                                                         \
  DO(edges)                                                                                        \
  DO(edge_tags)                                                                                    \
  DO(artifacts)                                                                                    \
  DO(logged_models)                                                                                \
  DO(lm_params)                                                                                    \
  DO(lm_tags)                                                                                      \
  DO(lm_metrics)                                                                                   \
  DO(registered_models)                                                                            \
  DO(rm_tags)                                                                                      \
  DO(versions)                                                                                     \
  DO(version_tags)                                                                                 \
  DO(aliases)                                                                                      \
  DO(copied)

void mlt_batch_free(struct mlt_batch *b) {
  if (!b)
    return;
#define FREE(vec) mlt_free(b->vec.v);
  FOR_EACH_VECTOR(FREE)
#undef FREE
  mlt_free(b->keys.v);
  mlt_free(b->notes.v);
  mlt_points_free(&b->points);
  mlt_points_free(&b->latest);
  mlt_arena_free(b->arena);
  private_free(b->priv);
  mlt_free(b);
}

void mlt_batch_reset(struct mlt_batch *b) {
#define EMPTY(vec) b->vec.n = 0;
  FOR_EACH_VECTOR(EMPTY)
#undef EMPTY
  b->keys.n = 0;
  mlt_batch_forget_notes(b);
  mlt_points_free(&b->points);
  mlt_points_free(&b->latest);
  memset(b->counts, 0, sizeof b->counts);
  mlt_arena_reset(b->arena);
  b->sealed = b->adds = false;
  struct mlt_batch_private *p = b->priv;
  mlt_map_clear(p->keys);
  mlt_map_clear(p->once);
  scratch_free(p);
  mlt_spill_reset(&p->spill);
  p->spilled = 0;
  p->key_latest.n = 0;
  mlt_batch_begin_run(b);
  p->open = MLT_OPEN_NONE;
  p->skip = false;
  p->skipped_rows = 0;
  p->experiment = p->version = p->edge = MLT_FATE_NONE;
}

bool mlt_batch_whole(const struct mlt_batch *b) {
  return b->priv->open == MLT_OPEN_NONE && b->priv->experiment == MLT_FATE_NONE;
}

uint64_t mlt_batch_rows(const struct mlt_batch *b) {
  uint64_t n = b->points.n + b->latest.n + b->priv->spilled;
#define ADD(vec) n += b->vec.n;
  FOR_EACH_VECTOR(ADD)
#undef ADD
  return n;
}

size_t mlt_batch_bytes(const struct mlt_batch *b) {
  const struct mlt_batch_private *p = b->priv;
  size_t open = b->points.n - p->run_points;
  size_t scratch = p->order_cap * 2 * sizeof *p->order + p->spare_cap;
  size_t n = mlt_arena_bytes(b->arena) + mlt_arena_bytes(p->noted) +
             (b->points.n + b->latest.n) * MLT_POINT_BYTES + b->points.n * sizeof(uint32_t) +
             b->notes.n * sizeof *b->notes.v +
             p->groups.n * (sizeof *p->groups.v + sizeof *p->by_key.v) +
             p->segments.n * sizeof *p->segments.v;
  n += scratch > open * MLT_SORT_BYTES ? scratch : open * MLT_SORT_BYTES;
#define ADD(vec) n += b->vec.n * sizeof *b->vec.v;
  FOR_EACH_VECTOR(ADD)
#undef ADD
  return n + mlt_map_bytes(p->keys) + mlt_map_bytes(p->once);
}

enum mlt_rc mlt_batch_once(struct mlt_adding *a, char kind, const struct mlt_str *parts, size_t n,
                           size_t *index, bool *first) {
  struct mlt_buf *key = &a->b->priv->scratch;
  mlt_buf_clear(key);
  enum mlt_rc rc = mlt_buf_add(key, &kind, 1);
  for (size_t i = 0; i < n && rc == MLT_OK; i++) {
    rc = mlt_buf_add(key, "", 1); /* texts hold no NUL */
    if (rc == MLT_OK && parts[i].len)
      rc = mlt_buf_add(key, parts[i].p, parts[i].len);
  }
  uint64_t found = 0;
  int added =
      rc == MLT_OK ? mlt_map_intern(a->b->priv->once, mlt_buf_str(key), *index, &found) : -1;
  if (added < 0)
    return mlt_err_nomem(a->err);
  *first = added == 1;
  *index = (size_t)found;
  return MLT_OK;
}

/* A record that belongs to a row which was not taken. */
static enum mlt_rc leave_out(struct mlt_adding *a, enum mlt_fate owner) {
  struct mlt_counts *c = &a->b->counts[a->table];
  if (owner == MLT_FATE_NONE)
    return mlt_err_set(a->err, MLT_INTERNAL, "record kind %d without the record it belongs to",
                       (int)a->rec->kind);
  if (owner == MLT_FATE_MERGED)
    c->merged += a->rows;
  else
    c->rejected += a->rows;
  return MLT_OK;
}

static enum mlt_rc add_experiment_tag(struct mlt_adding *a) {
  const struct mlt_batch *b = a->b;
  enum mlt_fate fate = b->priv->experiment;
  if (fate != MLT_FATE_TAKEN)
    return leave_out(a, fate);
  if (!mlt_str_eq(b->experiments.v[b->experiments.n - 1].e.key, a->rec->owner))
    return leave_out(a, MLT_FATE_NONE);
  return mlt_batch_add_kv(a, MLT_KV_EXPERIMENT_TAGS);
}

static enum mlt_rc add_input_tag(struct mlt_adding *a) {
  enum mlt_fate fate = a->b->priv->edge;
  return fate == MLT_FATE_TAKEN ? mlt_batch_add_kv(a, MLT_KV_EDGE_TAGS) : leave_out(a, fate);
}

static enum mlt_rc add_version_tag(struct mlt_adding *a) {
  enum mlt_fate fate = a->b->priv->version;
  return fate == MLT_FATE_TAKEN ? mlt_batch_add_kv(a, MLT_KV_VERSION_TAGS) : leave_out(a, fate);
}

#define ADD_KV(name, id)                                                                           \
  static enum mlt_rc name(struct mlt_adding *a) {                                                  \
    return mlt_batch_add_kv(a, id);                                                                \
  }
ADD_KV(add_param, MLT_KV_PARAMS)
ADD_KV(add_lm_param, MLT_KV_LM_PARAMS)
ADD_KV(add_lm_tag, MLT_KV_LM_TAGS)
ADD_KV(add_rm_tag, MLT_KV_RM_TAGS)

/* What a record kind needs to be open, opens, and does. */
static const struct {
  enum mlt_open within, opens;
  enum mlt_table table;
  enum mlt_rc (*add)(struct mlt_adding *a);
} kinds[] = {
#define KIND(kind, within, opens, table, add)                                                      \
  [MLT_REC_##kind] = {MLT_OPEN_##within, MLT_OPEN_##opens, MLT_T_##table, add}
    KIND(EXPERIMENT, NONE, NONE, EXPERIMENTS, mlt_batch_add_experiment),
    KIND(EXPERIMENT_TAG, NONE, NONE, EXPERIMENT_TAGS, add_experiment_tag),
    KIND(DATASET, NONE, NONE, DATASETS, mlt_batch_add_dataset),
    KIND(RUN, NONE, RUN, RUNS, mlt_batch_add_run),
    KIND(PARAM, RUN, NONE, PARAMS, add_param),
    KIND(TAG, RUN, NONE, TAGS, mlt_batch_add_tag),
    KIND(POINTS, RUN, NONE, METRICS, mlt_batch_add_points),
    KIND(INPUT, RUN, NONE, INPUTS, mlt_batch_add_input),
    KIND(INPUT_TAG, RUN, NONE, INPUT_TAGS, add_input_tag),
    KIND(MODEL_INPUT, RUN, NONE, INPUTS, mlt_batch_add_model_edge),
    KIND(OUTPUT, RUN, NONE, INPUTS, mlt_batch_add_model_edge),
    KIND(LOGGED_MODEL, NONE, LOGGED_MODEL, LOGGED_MODELS, mlt_batch_add_logged_model),
    KIND(LOGGED_MODEL_PARAM, LOGGED_MODEL, NONE, LOGGED_MODEL_PARAMS, add_lm_param),
    KIND(LOGGED_MODEL_TAG, LOGGED_MODEL, NONE, LOGGED_MODEL_TAGS, add_lm_tag),
    KIND(LOGGED_MODEL_METRIC, LOGGED_MODEL, NONE, LOGGED_MODEL_METRICS, mlt_batch_add_lm_metric),
    KIND(REGISTERED_MODEL, NONE, REGISTERED_MODEL, REGISTERED_MODELS,
         mlt_batch_add_registered_model),
    KIND(REGISTERED_MODEL_TAG, REGISTERED_MODEL, NONE, REGISTERED_MODEL_TAGS, add_rm_tag),
    KIND(MODEL_VERSION, REGISTERED_MODEL, NONE, MODEL_VERSIONS, mlt_batch_add_version),
    KIND(MODEL_VERSION_TAG, REGISTERED_MODEL, NONE, MODEL_VERSION_TAGS, add_version_tag),
    KIND(ALIAS, REGISTERED_MODEL, NONE, REGISTERED_MODEL_ALIASES, mlt_batch_add_alias),
    KIND(COPIED, NONE, NONE, COUNT, mlt_batch_add_copied), /* the record says which table */
    KIND(ARTIFACT, RUN, RUN, RUNS, NULL),                  /* no row of a table */
    /* These end what is open, and add nothing. */
    KIND(WINDOW_END, NONE, NONE, RUNS, NULL),
    KIND(RUN_END, RUN, NONE, RUNS, NULL),
    KIND(LOGGED_MODEL_END, LOGGED_MODEL, NONE, LOGGED_MODELS, NULL),
    KIND(REGISTERED_MODEL_END, REGISTERED_MODEL, NONE, REGISTERED_MODELS, NULL),
#undef KIND
};

/* The source's own note. Its code and `what` are static words, by contract. */
static enum mlt_rc add_source_note(struct mlt_batch *b, const struct mlt_note *note,
                                   struct mlt_err *err) {
  struct mlt_counts *c = &b->counts[note->table];
  if (note->kind == MLT_NOTE_REJECT || note->kind == MLT_NOTE_CONFLICT) {
    c->read += note->rows;
    c->rejected += note->rows;
  } else if (note->kind == MLT_NOTE_CHANGED) {
    c->changed += note->rows;
  }
  return mlt_batch_note(b, *note, err);
}

static enum mlt_rc end_open(struct mlt_batch *b, struct mlt_err *err) {
  struct mlt_batch_private *p = b->priv;
  uint64_t rows = p->skipped_rows;
  bool run = p->open == MLT_OPEN_RUN && !p->skip;
  enum mlt_rc rc = run ? mlt_batch_name_run(b, err) : MLT_OK;
  if (run && rc == MLT_OK)
    rc = mlt_batch_end_run(b, err);
  p->open = MLT_OPEN_NONE;
  p->skip = false;
  p->skipped_rows = 0;
  if (rc != MLT_OK || rows == 0)
    return rc;
  return mlt_batch_note_more(b, p->skip_note, err,
                             "; %" PRIu64 " rows that belong to it went with it", rows);
}

/* A record may bring the row of another table with it. */
static bool makes_dataset(const struct mlt_record *rec) {
  return rec->kind == MLT_REC_INPUT && rec->input.made;
}

static enum mlt_rc add_row(struct mlt_adding *a) {
  struct mlt_batch_private *p = a->b->priv;
  a->b->counts[a->table].read += a->rows;
  a->b->counts[MLT_T_DATASETS].read += makes_dataset(a->rec);
  if (p->skip) {
    p->skipped_rows += a->rows + makes_dataset(a->rec);
    a->b->counts[MLT_T_DATASETS].rejected += makes_dataset(a->rec);
    return leave_out(a, MLT_FATE_REJECTED);
  }
  enum mlt_rc rc = kinds[a->rec->kind].add(a);
  if (kinds[a->rec->kind].opens != MLT_OPEN_NONE) {
    p->open = kinds[a->rec->kind].opens;
    p->skip = rc == MLT_REJECTED;
    p->skip_note = a->b->notes.n - 1;
  }
  return rc == MLT_REJECTED ? MLT_OK : rc;
}

enum mlt_rc mlt_batch_add(struct mlt_batch *b, const struct mlt_record *rec, struct mlt_err *err) {
  if (b->sealed)
    return mlt_err_set(err, MLT_INTERNAL, "record added to a sealed batch");
  if (rec->kind == MLT_REC_NOTE)
    return add_source_note(b, &rec->note, err);
  if (kinds[rec->kind].within != b->priv->open)
    return mlt_err_set(err, MLT_INTERNAL, "record kind %d out of order", (int)rec->kind);
  if (rec->kind != MLT_REC_EXPERIMENT_TAG)
    b->priv->experiment = MLT_FATE_NONE;
  if (rec->kind == MLT_REC_ARTIFACT)
    return mlt_batch_add_artifact(b, rec, err);
  if (rec->kind == MLT_REC_WINDOW_END) {
    b->priv->shared->window++;
    return MLT_OK;
  }
  if (!kinds[rec->kind].add)
    return end_open(b, err);
  struct mlt_adding a = {.b = b,
                         .rec = rec,
                         .err = err,
                         .table = rec->kind == MLT_REC_COPIED ? rec->copied.table
                                                              : kinds[rec->kind].table,
                         .rows = rec->kind == MLT_REC_POINTS ? rec->points.n : 1};
  return add_row(&a);
}

enum mlt_rc mlt_batch_seal(struct mlt_batch *b, struct mlt_err *err) {
  if (b->sealed || b->priv->open != MLT_OPEN_NONE)
    return mlt_err_set(err, MLT_INTERNAL, "batch sealed twice, or in the middle of a run");
  enum mlt_rc rc = MLT_OK;
  for (unsigned id = 0; id < MLT_KV_COUNT && rc == MLT_OK; id++)
    rc = mlt_batch_seal_kv(b, (enum mlt_kv_id)id, err);
  if (rc == MLT_OK)
    rc = mlt_batch_seal_lm_metrics(b, err);
  b->sealed = rc == MLT_OK;
  return rc;
}
