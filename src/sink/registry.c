/* The model registry: row by row. What is new goes in, what is the same counts as present, what
   differs is a conflict of that row alone; a registered model that is there takes new versions,
   tags and aliases. */
#include "sink/prove.h"
#include "sink/values.h"

#include <inttypes.h>
#include <stdio.h>

struct registry {
  struct mlt_write *a;
  struct mlt_map *index; /* "<name>\n<version or 0>\n<key>" -> index in the array being compared */
  uint8_t *model, *version, *rm_tag, *version_tag, *alias; /* fates */
};

static struct mlt_str row_key(char *out, struct mlt_str name, int64_t version, struct mlt_str key) {
  int n = snprintf(out, MLT_KEY_MAX, "%.*s\n%" PRId64 "\n%.*s", MLT_STR_ARG(name), version,
                   MLT_STR_ARG(key));
  return (struct mlt_str){out, (size_t)n < MLT_KEY_MAX ? (size_t)n : MLT_KEY_MAX - 1};
}

static struct mlt_str model_name(const struct registry *g, uint32_t model) {
  return g->a->b->registered_models.v[model].m.name;
}

static bool remember(struct registry *g, struct mlt_str name, int64_t version, struct mlt_str key,
                     size_t i) {
  char buf[MLT_KEY_MAX];
  return mlt_map_put(g->index, row_key(buf, name, version, key), i) >= 0;
}

static bool recall(const struct registry *g, struct mlt_str name, int64_t version,
                   struct mlt_str key, uint64_t *i) {
  char buf[MLT_KEY_MAX];
  return mlt_map_get(g->index, row_key(buf, name, version, key), i);
}

static enum mlt_rc conflict(struct registry *g, enum mlt_table t, const char *code,
                            struct mlt_str name, const char *what) {
  return mlt_write_note(g->a, MLT_NOTE_CONFLICT, t, code, 1, name, "%s", what);
}

/* ---- comparing: one callback a table ---- */

/* A row of a model of the source, which has not the row. */
static enum mlt_rc beyond(struct registry *g, enum mlt_table t, struct mlt_str name,
                          struct mlt_str field, int64_t version) {
  if (!mlt_prove_beyond(g->a))
    return MLT_OK;
  if (!version)
    return mlt_prove_tell(g->a, "row-beyond", t, name, field, "the source has none of that name");
  return mlt_prove_tell(g->a, "row-beyond", t, name, field,
                        "version %" PRId64 " of the source has not that", version);
}

static enum mlt_rc found_model(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct registry *g = ctx;
  uint64_t i;
  if (!recall(g, row[0].s, 0, MLT_STR_NULL, &i))
    return MLT_OK;
  const struct mlt_registered_model *m = &g->a->b->registered_models.v[i].m;
  struct mlt_value mine = mlt_v_text(m->description);
  g->model[i] = MLT_FATE_PRESENT;
  if (!m->description.p || m->description.len == 0 || mlt_value_eq(&mine, &row[3]))
    return MLT_OK;
  g->model[i] = MLT_FATE_CONFLICT;
  return conflict(
      g, MLT_T_REGISTERED_MODELS, "registered-model-conflict", m->name,
      "the registered model has another description in the target; its versions are imported all the same");
}

static void version_values(const struct registry *g, const struct mlt_batch_version *v,
                           struct mlt_value *out) {
  const struct mlt_model_version *m = &v->v;
  *out++ = mlt_v_text(model_name(g, v->owner));
  *out++ = mlt_v_int(m->version);
  *out++ = mlt_v_opt(m->creation_time);
  *out++ = mlt_v_opt(m->last_updated_time);
  *out++ = mlt_v_text(m->description);
  *out++ = mlt_v_text(m->user_id);
  *out++ = mlt_v_text(m->current_stage);
  *out++ = mlt_v_text(m->source);
  *out++ = mlt_write_has(g->a, MLT_F_STORAGE_LOCATION) ? mlt_v_text(m->storage_location)
                                                       : mlt_v_text(MLT_STR_NULL);
  *out++ = mlt_v_text(m->run_id);
  *out++ = mlt_v_text(m->run_link);
  *out++ = mlt_v_text(m->status);
  *out = mlt_v_text(m->status_message);
}

enum { STORAGE = MLT_C_MODEL_VERSIONS_storage_location - MLT_C_MODEL_VERSIONS_name };
#define AT_STORAGE(row) (&(row)[STORAGE])
static const uint32_t STORAGE_BIT = 1u << STORAGE;

static enum mlt_rc found_version(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct registry *g = ctx;
  uint64_t i;
  if (!recall(g, row[0].s, row[1].i, MLT_STR_NULL, &i))
    return mlt_prove_beyond(g->a)
               ? mlt_prove_tell(g->a, "row-beyond", MLT_T_MODEL_VERSIONS, row[0].s, MLT_STR_NULL,
                                "the source has no version %" PRId64, row[1].i)
               : MLT_OK;
  struct mlt_value ours[MLT_MAX_COLUMNS];
  version_values(g, &g->a->b->versions.v[i], ours);
  bool placed = g->a->w->prove && mlt_prove_is_placed(g->a, AT_STORAGE(row));
  int c = mlt_row_difference(MLT_T_MODEL_VERSIONS, ours, row, placed ? STORAGE_BIT : 0);
  if (placed && !mlt_value_eq(AT_STORAGE(ours), AT_STORAGE(row)) &&
      mlt_prove_tell_value(g->a, "place-differs", MLT_T_MODEL_VERSIONS, row[0].s,
                           MLT_STR_LIT("storage_location"), AT_STORAGE(row),
                           AT_STORAGE(ours)) != MLT_OK)
    return MLT_NOMEM;
  g->version[i] = c < 0 ? MLT_FATE_PRESENT : MLT_FATE_CONFLICT;
  if (c < 0)
    return MLT_OK;
  char theirs[256], mine[256];
  return mlt_write_note(g->a, MLT_NOTE_CONFLICT, MLT_T_MODEL_VERSIONS, "model-version-conflict",
                        1 + g->a->b->versions.v[i].tags.n, row[0].s,
                        "version %" PRId64 ": %s is %s in the target, %s in the source", row[1].i,
                        mlt_column_info(MLT_C_MODEL_VERSIONS_name + (enum mlt_column)c)->name,
                        mlt_value_show(&row[c], theirs, sizeof theirs),
                        mlt_value_show(&ours[c], mine, sizeof mine));
}

static enum mlt_rc judge_tag(struct registry *g, enum mlt_table t, uint8_t *fate,
                             const struct mlt_batch_kv *mine, const struct mlt_value *value,
                             struct mlt_str name) {
  *fate = mlt_str_eq(mine->value, value->s) ? MLT_FATE_PRESENT : MLT_FATE_CONFLICT;
  if (*fate == MLT_FATE_PRESENT)
    return MLT_OK;
  char what[512], theirs[256];
  (void)snprintf(what, sizeof what, "tag '%.*s' is %s in the target", MLT_STR_ARG(mine->key),
                 mlt_value_show(value, theirs, sizeof theirs));
  return conflict(g, t, "tag-conflict", name, what);
}

static enum mlt_rc found_rm_tag(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct registry *g = ctx;
  uint64_t i;
  if (!recall(g, row[2].s, 0, row[0].s, &i))
    return beyond(g, MLT_T_REGISTERED_MODEL_TAGS, row[2].s, row[0].s, 0);
  return judge_tag(g, MLT_T_REGISTERED_MODEL_TAGS, &g->rm_tag[i], &g->a->b->rm_tags.v[i], &row[1],
                   row[2].s);
}

/* Those of a version beyond the source go without saying. */
static bool has_version(const struct registry *g, struct mlt_str name, int64_t version) {
  const struct mlt_batch *b = g->a->b;
  for (size_t i = 0; i < b->versions.n; i++)
    if (b->versions.v[i].v.version == version &&
        mlt_str_eq(model_name(g, b->versions.v[i].owner), name))
      return true;
  return false;
}

static enum mlt_rc found_version_tag(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct registry *g = ctx;
  uint64_t i;
  if (!recall(g, row[2].s, row[3].i, row[0].s, &i))
    return mlt_prove_beyond(g->a) && has_version(g, row[2].s, row[3].i)
               ? beyond(g, MLT_T_MODEL_VERSION_TAGS, row[2].s, row[0].s, row[3].i)
               : MLT_OK;
  if (g->version_tag[i] == MLT_FATE_REJECTED)
    return MLT_OK;
  return judge_tag(g, MLT_T_MODEL_VERSION_TAGS, &g->version_tag[i], &g->a->b->version_tags.v[i],
                   &row[1], row[2].s);
}

static enum mlt_rc found_alias(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct registry *g = ctx;
  uint64_t i;
  if (!recall(g, row[0].s, 0, row[1].s, &i))
    return beyond(g, MLT_T_REGISTERED_MODEL_ALIASES, row[0].s, row[1].s, 0);
  const struct mlt_batch_alias *mine = &g->a->b->aliases.v[i];
  g->alias[i] = row[2].i == mine->a.version ? MLT_FATE_PRESENT : MLT_FATE_CONFLICT;
  if (g->alias[i] == MLT_FATE_PRESENT)
    return MLT_OK;
  char what[512];
  (void)snprintf(what, sizeof what,
                 "alias '%.*s' points to version %" PRId64 " in the target, to %d in the source",
                 MLT_STR_ARG(mine->a.alias), row[2].i, (int)mine->a.version);
  return conflict(g, MLT_T_REGISTERED_MODEL_ALIASES, "alias-conflict", row[0].s, what);
}

/* Looks one table up by the names of the batch's models; `index` was filled for it. */
static enum mlt_rc compare(struct registry *g, enum mlt_table t, enum mlt_column by,
                           mlt_row_fn fn) {
  const struct mlt_batch *b = g->a->b;
  struct mlt_str *names = mlt_arena_alloc(g->a->out->arena, b->registered_models.n * sizeof *names);
  if (!names)
    return mlt_err_nomem(g->a->err);
  for (size_t i = 0; i < b->registered_models.n; i++)
    names[i] = b->registered_models.v[i].m.name;
  struct mlt_where where = {.by = by, .keys = names, .n_keys = b->registered_models.n};
  bool look = mlt_map_count(g->index) || (b->registered_models.n && mlt_prove_beyond(g->a));
  enum mlt_rc rc = look ? mlt_write_select(g->a, t, &where, fn, g) : MLT_OK;
  mlt_map_clear(g->index);
  return rc;
}

static enum mlt_rc compare_models(struct registry *g) {
  const struct mlt_batch *b = g->a->b;
  for (size_t i = 0; i < b->registered_models.n; i++)
    if (!remember(g, b->registered_models.v[i].m.name, 0, MLT_STR_NULL, i))
      return mlt_err_nomem(g->a->err);
  enum mlt_rc rc = compare(g, MLT_T_REGISTERED_MODELS, MLT_C_REGISTERED_MODELS_name, found_model);
  for (size_t i = 0; rc == MLT_OK && i < b->rm_tags.n; i++)
    if (!remember(g, model_name(g, b->rm_tags.v[i].owner), 0, b->rm_tags.v[i].key, i))
      rc = mlt_err_nomem(g->a->err);
  return rc == MLT_OK ? compare(g, MLT_T_REGISTERED_MODEL_TAGS, MLT_C_REGISTERED_MODEL_TAGS_name,
                                found_rm_tag)
                      : rc;
}

static enum mlt_rc compare_versions(struct registry *g) {
  const struct mlt_batch *b = g->a->b;
  for (size_t i = 0; i < b->versions.n; i++)
    if (!remember(g, model_name(g, b->versions.v[i].owner), b->versions.v[i].v.version,
                  MLT_STR_NULL, i))
      return mlt_err_nomem(g->a->err);
  enum mlt_rc rc = compare(g, MLT_T_MODEL_VERSIONS, MLT_C_MODEL_VERSIONS_name, found_version);
  for (size_t i = 0; rc == MLT_OK && i < b->version_tags.n; i++) {
    const struct mlt_batch_kv *t = &b->version_tags.v[i];
    const struct mlt_batch_version *v = &b->versions.v[t->owner];
    if (g->version[t->owner] == MLT_FATE_CONFLICT)
      g->version_tag[i] = MLT_FATE_REJECTED;
    if (!remember(g, model_name(g, v->owner), v->v.version, t->key, i))
      rc = mlt_err_nomem(g->a->err);
  }
  return rc == MLT_OK ? compare(g, MLT_T_MODEL_VERSION_TAGS, MLT_C_MODEL_VERSION_TAGS_name,
                                found_version_tag)
                      : rc;
}

static enum mlt_rc compare_aliases(struct registry *g) {
  const struct mlt_batch *b = g->a->b;
  if (!mlt_write_has(g->a, MLT_F_ALIASES))
    return MLT_OK;
  for (size_t i = 0; i < b->aliases.n; i++)
    if (!remember(g, model_name(g, b->aliases.v[i].owner), 0, b->aliases.v[i].a.alias, i))
      return mlt_err_nomem(g->a->err);
  return compare(g, MLT_T_REGISTERED_MODEL_ALIASES, MLT_C_REGISTERED_MODEL_ALIASES_name,
                 found_alias);
}

/* ---- inserting ---- */

struct chosen {
  const struct registry *g;
  const uint32_t *index;
};

static enum mlt_rc model_row(const void *ctx, size_t i, struct mlt_value *out,
                             struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_registered_model *m = &c->g->a->b->registered_models.v[c->index[i]].m;
  out[0] = mlt_v_text(m->name);
  out[1] = mlt_v_opt(m->creation_time);
  out[2] = mlt_v_opt(m->last_updated_time);
  out[3] = mlt_v_text(m->description);
  return MLT_OK;
}

static enum mlt_rc rm_tag_row(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch_kv *t = &c->g->a->b->rm_tags.v[c->index[i]];
  out[0] = mlt_v_text(t->key);
  out[1] = mlt_v_text(t->value);
  out[2] = mlt_v_text(model_name(c->g, t->owner));
  return MLT_OK;
}

static enum mlt_rc version_row(const void *ctx, size_t i, struct mlt_value *out,
                               struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  version_values(c->g, &c->g->a->b->versions.v[c->index[i]], out);
  return MLT_OK;
}

static enum mlt_rc version_tag_row(const void *ctx, size_t i, struct mlt_value *out,
                                   struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch_kv *t = &c->g->a->b->version_tags.v[c->index[i]];
  const struct mlt_batch_version *v = &c->g->a->b->versions.v[t->owner];
  out[0] = mlt_v_text(t->key);
  out[1] = mlt_v_text(t->value);
  out[2] = mlt_v_text(model_name(c->g, v->owner));
  out[3] = mlt_v_int(v->v.version);
  return MLT_OK;
}

static enum mlt_rc alias_row(const void *ctx, size_t i, struct mlt_value *out,
                             struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch_alias *al = &c->g->a->b->aliases.v[c->index[i]];
  out[0] = mlt_v_text(model_name(c->g, al->owner));
  out[1] = mlt_v_text(al->a.alias);
  out[2] = mlt_v_int(al->a.version);
  return MLT_OK;
}

/* Tells rows that the target lacks: n of them, as `get` gives them. */
static enum mlt_rc prove_missing(struct registry *g, enum mlt_table t, size_t n, mlt_row_get_fn get,
                                 const struct chosen *ctx) {
  bool tags = t == MLT_T_REGISTERED_MODEL_TAGS || t == MLT_T_MODEL_VERSION_TAGS;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < n; i++) {
    struct mlt_value row[MLT_MAX_COLUMNS];
    char shown[256];
    rc = get(ctx, i, row, g->a->err);
    if (rc == MLT_OK)
      rc = mlt_prove_tell(
          g->a, "row-missing", t, row[tags ? 2 : 0].s, tags ? row[0].s : MLT_STR_NULL,
          "the database has no such row%s%s", tags || t == MLT_T_REGISTERED_MODELS ? "" : ": ",
          tags || t == MLT_T_REGISTERED_MODELS ? "" : mlt_value_show(&row[1], shown, sizeof shown));
  }
  return rc;
}

/* Counts n rows by their fates and inserts the new ones. */
static enum mlt_rc insert(struct registry *g, enum mlt_table t, const uint8_t *fate, size_t total,
                          mlt_row_get_fn get) {
  uint32_t *index = mlt_arena_alloc(g->a->out->arena, (total + 1) * sizeof *index);
  size_t n = 0;
  if (!index)
    return mlt_err_nomem(g->a->err);
  for (size_t i = 0; i < total; i++) {
    mlt_write_count(g->a, t, fate[i], 1);
    if (fate[i] == MLT_FATE_NEW)
      index[n++] = (uint32_t)i;
  }
  struct chosen ctx = {g, index};
  return g->a->w->prove ? prove_missing(g, t, n, get, &ctx)
                        : mlt_write_insert(g->a, &(struct mlt_rows){t, n, get, &ctx});
}

static enum mlt_rc insert_all(struct registry *g) {
  const struct mlt_batch *b = g->a->b;
  enum mlt_rc rc = insert(g, MLT_T_REGISTERED_MODELS, g->model, b->registered_models.n, model_row);
  if (rc == MLT_OK)
    rc = insert(g, MLT_T_REGISTERED_MODEL_TAGS, g->rm_tag, b->rm_tags.n, rm_tag_row);
  if (rc == MLT_OK)
    rc = insert(g, MLT_T_MODEL_VERSIONS, g->version, b->versions.n, version_row);
  if (rc == MLT_OK)
    rc = insert(g, MLT_T_MODEL_VERSION_TAGS, g->version_tag, b->version_tags.n, version_tag_row);
  if (rc != MLT_OK || mlt_write_has(g->a, MLT_F_ALIASES))
    return rc == MLT_OK
               ? insert(g, MLT_T_REGISTERED_MODEL_ALIASES, g->alias, b->aliases.n, alias_row)
               : rc;
  return mlt_write_no_table(g->a, MLT_T_REGISTERED_MODEL_ALIASES, b->aliases.n);
}

enum mlt_rc mlt_write_registry(struct mlt_write *a) {
  const struct mlt_batch *b = a->b;
  if (b->registered_models.n == 0)
    return MLT_OK;
  struct mlt_arena *arena = a->out->arena;
  struct registry g = {.a = a,
                       .index = mlt_map_new(),
                       .model = mlt_arena_zalloc(arena, b->registered_models.n + 1),
                       .version = mlt_arena_zalloc(arena, b->versions.n + 1),
                       .rm_tag = mlt_arena_zalloc(arena, b->rm_tags.n + 1),
                       .version_tag = mlt_arena_zalloc(arena, b->version_tags.n + 1),
                       .alias = mlt_arena_zalloc(arena, b->aliases.n + 1)};
  enum mlt_rc rc = MLT_OK;
  if (!g.index || !g.model || !g.version || !g.rm_tag || !g.version_tag || !g.alias)
    rc = mlt_err_nomem(a->err);
  if (rc == MLT_OK)
    rc = compare_models(&g);
  if (rc == MLT_OK)
    rc = compare_versions(&g);
  if (rc == MLT_OK)
    rc = compare_aliases(&g);
  if (rc == MLT_OK)
    rc = insert_all(&g);
  mlt_map_free(g.index);
  return rc;
}
