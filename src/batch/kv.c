/* The key/value tables: params, and tags of everything. One table says where each keeps its rows,
   whose they are and what a key that comes twice means. */
#include "batch/private.h"

struct kv_table {
  enum mlt_table table;
  size_t rows; /* offset of the struct mlt_batch_kvs */
  struct mlt_field fields[2];
  bool last_wins; /* a key that comes again: the later value holds (tags), or must be the same */
  struct mlt_str (*owner_id)(const struct mlt_batch *b, uint32_t owner);
  struct mlt_range *(*range)(struct mlt_batch *b, uint32_t owner); /* NULL: owners keep none */
};

/* Lines beyond that are not told. */
static uint32_t line_of(const struct mlt_place *place) {
  return place->line <= UINT32_MAX ? (uint32_t)place->line : 0;
}

#define OWNER(name, array, id)                                                                     \
  static struct mlt_str name##_id(const struct mlt_batch *b, uint32_t owner) {                     \
    return b->array.v[owner].id;                                                                   \
  }
#define RANGE(name, array, member)                                                                 \
  static struct mlt_range *name(struct mlt_batch *b, uint32_t owner) {                             \
    return &b->array.v[owner].member;                                                              \
  }

OWNER(experiment, experiments, e.name)
OWNER(run, runs, r.run_uuid)
OWNER(logged_model, logged_models, m.model_id)
OWNER(registered_model, registered_models, m.name)
RANGE(run_params, runs, params)
RANGE(run_tags, runs, tags)
RANGE(edge_tags, edges, tags)
RANGE(lm_params, logged_models, params)
RANGE(lm_tags, logged_models, tags)
RANGE(rm_tags, registered_models, tags)
RANGE(version_tags, versions, tags)

static struct mlt_str edge_id(const struct mlt_batch *b, uint32_t owner) {
  return run_id(b, b->edges.v[owner].run);
}

static struct mlt_str version_id(const struct mlt_batch *b, uint32_t owner) {
  return registered_model_id(b, b->versions.v[owner].owner);
}

#define KEY(col, keep_rule)                                                                        \
  { offsetof(struct mlt_kv, key), "key", MLT_C_##col, MLT_LONG_REJECT, MLT_PRESENT, keep_rule }
#define VALUE(col, need)                                                                           \
  { offsetof(struct mlt_kv, value), "value", MLT_C_##col, MLT_LONG_VALUE, need, NULL }

static const struct kv_table tables[MLT_KV_COUNT] = {
    [MLT_KV_EXPERIMENT_TAGS] = {MLT_T_EXPERIMENT_TAGS,
                                offsetof(struct mlt_batch, experiment_tags),
                                {KEY(EXPERIMENT_TAGS_key, mlt_rule_key),
                                 VALUE(EXPERIMENT_TAGS_value, MLT_OPTIONAL)},
                                true,
                                experiment_id,
                                NULL},
    [MLT_KV_PARAMS] = {MLT_T_PARAMS,
                       offsetof(struct mlt_batch, params),
                       {KEY(PARAMS_key, mlt_rule_key), VALUE(PARAMS_value, MLT_PRESENT)},
                       false,
                       run_id,
                       run_params},
    [MLT_KV_TAGS] = {MLT_T_TAGS,
                     offsetof(struct mlt_batch, tags),
                     {KEY(TAGS_key, mlt_rule_key), VALUE(TAGS_value, MLT_OPTIONAL)},
                     true,
                     run_id,
                     run_tags},
    [MLT_KV_EDGE_TAGS] = {MLT_T_INPUT_TAGS,
                          offsetof(struct mlt_batch, edge_tags),
                          {KEY(INPUT_TAGS_name, NULL), VALUE(INPUT_TAGS_value, MLT_PRESENT)},
                          true,
                          edge_id,
                          edge_tags},
    [MLT_KV_LM_PARAMS] = {MLT_T_LOGGED_MODEL_PARAMS,
                          offsetof(struct mlt_batch, lm_params),
                          {KEY(LOGGED_MODEL_PARAMS_param_key, NULL),
                           VALUE(LOGGED_MODEL_PARAMS_param_value, MLT_PRESENT)},
                          false,
                          logged_model_id,
                          lm_params},
    [MLT_KV_LM_TAGS] = {MLT_T_LOGGED_MODEL_TAGS,
                        offsetof(struct mlt_batch, lm_tags),
                        {KEY(LOGGED_MODEL_TAGS_tag_key, NULL),
                         VALUE(LOGGED_MODEL_TAGS_tag_value, MLT_PRESENT)},
                        true,
                        logged_model_id,
                        lm_tags},
    [MLT_KV_RM_TAGS] = {MLT_T_REGISTERED_MODEL_TAGS,
                        offsetof(struct mlt_batch, rm_tags),
                        {KEY(REGISTERED_MODEL_TAGS_key, mlt_rule_key),
                         VALUE(REGISTERED_MODEL_TAGS_value, MLT_OPTIONAL)},
                        true,
                        registered_model_id,
                        rm_tags},
    [MLT_KV_VERSION_TAGS] = {MLT_T_MODEL_VERSION_TAGS,
                             offsetof(struct mlt_batch, version_tags),
                             {KEY(MODEL_VERSION_TAGS_key, mlt_rule_key),
                              VALUE(MODEL_VERSION_TAGS_value, MLT_OPTIONAL)},
                             true,
                             version_id,
                             version_tags},
};

static struct mlt_batch_kvs *rows_of(struct mlt_batch *b, const struct kv_table *t) {
  return (struct mlt_batch_kvs *)(void *)((char *)b + t->rows);
}

static size_t last_owner(const struct mlt_batch *b, enum mlt_kv_id id) {
  switch (id) {
  case MLT_KV_EXPERIMENT_TAGS:
    return b->experiments.n - 1;
  case MLT_KV_PARAMS:
  case MLT_KV_TAGS:
    return b->runs.n - 1;
  case MLT_KV_EDGE_TAGS:
    return b->edges.n - 1;
  case MLT_KV_LM_PARAMS:
  case MLT_KV_LM_TAGS:
    return b->logged_models.n - 1;
  case MLT_KV_RM_TAGS:
    return b->registered_models.n - 1;
  default:
    return b->versions.n - 1;
  }
}

enum mlt_rc mlt_batch_add_kv(struct mlt_adding *a, enum mlt_kv_id id) {
  const struct kv_table *t = &tables[id];
  uint32_t owner = (uint32_t)last_owner(a->b, id);
  a->id = t->owner_id(a->b, owner);
  struct mlt_kv kv = a->rec->kv;
  a->field = kv.key;
  enum mlt_rc rc = mlt_adding_check(a, &kv, t->fields, 2);
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &kv, t->fields, 2);
  if (rc != MLT_OK)
    return rc;
  return mlt_batch_put_kv(
      a->b, id, (struct mlt_batch_kv){owner, line_of(&a->rec->place), kv.key, kv.value}, a->err);
}

enum mlt_rc mlt_batch_put_kv(struct mlt_batch *b, enum mlt_kv_id id, struct mlt_batch_kv kv,
                             struct mlt_err *err) {
  struct mlt_batch_kvs *rows = rows_of(b, &tables[id]);
  if (!MLT_VEC_ROOM(*rows))
    return mlt_err_nomem(err);
  rows->v[rows->n++] = kv;
  return MLT_OK;
}

static int by_owner_and_key(const void *ctx, uint32_t a, uint32_t b) {
  const struct mlt_batch_kv *x = (const struct mlt_batch_kv *)ctx + a;
  const struct mlt_batch_kv *y = (const struct mlt_batch_kv *)ctx + b;
  if (x->owner != y->owner)
    return x->owner < y->owner ? -1 : 1;
  return mlt_str_cmp(x->key, y->key);
}

/* The first 40 characters of a value, for a sentence. */
static struct mlt_str shown(struct mlt_str s) {
  s.len = mlt_utf8_prefix(s, 40);
  return s;
}

/* Where a row stands, as far as its batch knows. */
static struct mlt_place place_of(const struct mlt_batch *b, const struct kv_table *t,
                                 const struct mlt_batch_kv *kv) {
  struct mlt_place place = {.field = kv->key};
  if (t->table == MLT_T_PARAMS && b->runs.v[kv->owner].place_path.p) {
    place.path = b->runs.v[kv->owner].place_path;
    place.line = kv->line;
  }
  return place;
}

/* A row whose key stands in `kept` already. */
static enum mlt_rc merge_row(struct mlt_batch *b, const struct kv_table *t,
                             struct mlt_batch_kv *kept, const struct mlt_batch_kv *again,
                             struct mlt_err *err) {
  bool same = mlt_str_eq(kept->value, again->value);
  if (same || t->last_wins) {
    kept->value = again->value;
    b->counts[t->table].merged++;
    return MLT_OK;
  }
  struct mlt_str key = shown(again->key), first = shown(kept->value), later = shown(again->value);
  return mlt_batch_drop(b, t->table, t->owner_id(b, again->owner), place_of(b, t, again), err,
                        "'%.*s' comes twice with different values: '%.*s' was kept, '%.*s' was not",
                        MLT_STR_ARG(key), MLT_STR_ARG(first), MLT_STR_ARG(later));
}

static void set_ranges(struct mlt_batch *b, const struct kv_table *t,
                       const struct mlt_batch_kvs *rows) {
  for (size_t i = 0; i < rows->n;) {
    struct mlt_range range = {i, 0};
    uint32_t owner = rows->v[i].owner;
    while (i < rows->n && rows->v[i].owner == owner)
      i++;
    range.n = i - range.first;
    *t->range(b, owner) = range;
  }
}

enum mlt_rc mlt_batch_seal_kv(struct mlt_batch *b, enum mlt_kv_id id, struct mlt_err *err) {
  const struct kv_table *t = &tables[id];
  struct mlt_batch_kvs *rows = rows_of(b, t);
  bool sorted;
  enum mlt_rc rc = mlt_batch_order(b, rows->n, by_owner_and_key, rows->v, &sorted, err);
  if (rc == MLT_OK && !sorted)
    rc = mlt_batch_reorder(b, &rows->v, rows->n, rows->cap, sizeof *rows->v, err);
  if (rc != MLT_OK)
    return rc;
  size_t kept = 0;
  for (size_t i = 0; i < rows->n && rc == MLT_OK; i++) {
    if (kept && by_owner_and_key(rows->v, (uint32_t)(kept - 1), (uint32_t)i) == 0)
      rc = merge_row(b, t, &rows->v[kept - 1], &rows->v[i], err);
    else
      rows->v[kept++] = rows->v[i];
  }
  rows->n = kept;
  if (t->range)
    set_ranges(b, t, rows);
  return rc;
}
