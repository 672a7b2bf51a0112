/* Logged models (MLflow 3.0 on): new ones are inserted whole, those there already are compared
 * whole. */
#include "sink/prove.h"
#include "sink/values.h"

#include <inttypes.h>
#include <stdio.h>

struct models {
  struct mlt_write *a;
  struct mlt_map *index; /* model_id -> index in the batch */
  struct mlt_map *runs;  /* run ids that metrics refer to; 1 = in the target */
  uint8_t *metric_lost;  /* one a metric: its run is not in the target */
  size_t *seen;          /* rows of the table being compared, one a model */
  enum mlt_table table;
};

static void model_values(const struct mlt_write *a, const struct mlt_logged_model *m,
                         struct mlt_value *out) {
  *out++ = mlt_v_text(m->model_id);
  *out++ = mlt_v_int(mlt_write_experiment(a, m->experiment)->pub.id);
  *out++ = mlt_v_text(m->name);
  *out++ = mlt_v_text(m->artifact_location);
  *out++ = mlt_v_int(m->creation_time);
  *out++ = mlt_v_int(m->last_updated_time);
  *out++ = mlt_v_int(m->status);
  *out++ = mlt_v_text(mlt_lifecycle(m->deleted));
  *out++ = mlt_v_text(m->model_type);
  *out++ = mlt_v_text(m->source_run_id);
  *out = mlt_v_text(m->status_message);
}

static uint64_t model_rows(const struct mlt_batch_logged_model *m) {
  return 1 + m->params.n + m->tags.n + m->metrics.n;
}

static enum mlt_rc conflict(struct models *s, size_t i, const char *what) {
  if (s->a->model_fate[i] == MLT_FATE_CONFLICT)
    return MLT_OK;
  s->a->model_fate[i] = MLT_FATE_CONFLICT;
  const struct mlt_batch_logged_model *m = &s->a->b->logged_models.v[i];
  return mlt_write_note(s->a, MLT_NOTE_CONFLICT, MLT_T_LOGGED_MODELS, "logged-model-conflict",
                        model_rows(m), m->m.model_id,
                        "the target holds this logged model with other data: %s", what);
}

#define AT_LOCATION(row)                                                                           \
  (&(row)[MLT_C_LOGGED_MODELS_artifact_location - MLT_C_LOGGED_MODELS_model_id])

static enum mlt_rc found_model(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct models *s = ctx;
  uint64_t i;
  if (!mlt_map_get(s->index, row[0].s, &i))
    return MLT_OK;
  struct mlt_value ours[MLT_MAX_COLUMNS];
  model_values(s->a, &s->a->b->logged_models.v[i].m, ours);
  static const uint32_t place =
      1u << (MLT_C_LOGGED_MODELS_artifact_location - MLT_C_LOGGED_MODELS_model_id);
  bool placed = s->a->w->prove && mlt_prove_is_placed(s->a, AT_LOCATION(row));
  int c = mlt_row_difference(MLT_T_LOGGED_MODELS, ours, row, placed ? place : 0);
  s->a->model_fate[i] = MLT_FATE_PRESENT;
  if (placed && !mlt_value_eq(AT_LOCATION(ours), AT_LOCATION(row)) &&
      mlt_prove_tell_value(s->a, "place-differs", MLT_T_LOGGED_MODELS, row[0].s,
                           MLT_STR_LIT("artifact_location"), AT_LOCATION(row),
                           AT_LOCATION(ours)) != MLT_OK)
    return MLT_NOMEM;
  if (c < 0)
    return MLT_OK;
  char what[640], theirs[256], mine[256];
  (void)snprintf(what, sizeof what, "logged_models.%s is %s there, %s in the source",
                 mlt_column_info(MLT_C_LOGGED_MODELS_model_id + (enum mlt_column)c)->name,
                 mlt_value_show(&row[c], theirs, sizeof theirs),
                 mlt_value_show(&ours[c], mine, sizeof mine));
  return conflict(s, i, what);
}

static enum mlt_rc found_run(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct models *s = ctx;
  return mlt_map_put(s->runs, row[0].s, 1) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

/* Fills fate from what cannot go in, and finds models that are there. */
static enum mlt_rc classify(struct models *s) {
  struct mlt_write *a = s->a;
  size_t n = 0;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, a->b->logged_models.n * sizeof *ids);
  if (!ids)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->logged_models.n; i++) {
    const struct mlt_batch_logged_model *m = &a->b->logged_models.v[i];
    const struct mlt_known_experiment *e = mlt_write_experiment(a, m->m.experiment);
    uint64_t first;
    enum mlt_rc rc = MLT_OK;
    if (!e || e->rejected) {
      a->model_fate[i] = MLT_FATE_REJECTED;
      rc = mlt_write_note(a, MLT_NOTE_REJECT, MLT_T_LOGGED_MODELS, "experiment-rejected",
                          model_rows(m), m->m.model_id, "its experiment was not imported");
    } else if (mlt_map_intern(s->index, m->m.model_id, i, &first) == 0) {
      rc = conflict(s, i, "the source holds this model id twice");
    } else {
      ids[n++] = m->m.model_id;
    }
    if (rc != MLT_OK)
      return rc;
  }
  struct mlt_where where = {.by = MLT_C_LOGGED_MODELS_model_id, .keys = ids, .n_keys = n};
  return n ? mlt_write_select(a, MLT_T_LOGGED_MODELS, &where, found_model, s) : MLT_OK;
}

/* In a dry run: a run that this batch or an earlier one would have written. */
static bool would_be_there(const struct mlt_write *a, struct mlt_str run_id) {
  uint64_t i;
  if (!a->w->dry_runs)
    return false;
  return mlt_map_get(a->w->dry_runs, run_id, &i) ||
         (mlt_map_get(a->run_index, run_id, &i) && a->run_fate[i] == MLT_FATE_NEW);
}

/* Which metrics refer to a run that the target does not have (its foreign key would refuse them).
 */
static enum mlt_rc find_lost_metrics(struct models *s) {
  struct mlt_write *a = s->a;
  size_t n = a->b->lm_metrics.n, pos = 0, n_ids = 0;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, (n + 1) * sizeof *ids);
  s->metric_lost = mlt_arena_zalloc(a->out->arena, n + 1);
  if (!ids || !s->metric_lost)
    return mlt_err_nomem(a->err);
  uint64_t there;
  for (size_t i = 0; i < n; i++) {
    struct mlt_str id = a->b->lm_metrics.v[i].m.run_id;
    if (mlt_map_intern(s->runs, id, would_be_there(a, id), &there) < 0)
      return mlt_err_nomem(a->err);
  }
  while (mlt_map_next(s->runs, &pos, &ids[n_ids], &there))
    n_ids++;
  struct mlt_where where = {.by = MLT_C_RUNS_run_uuid, .keys = ids, .n_keys = n_ids};
  enum mlt_rc rc = n_ids ? mlt_write_select(a, MLT_T_RUNS, &where, found_run, s) : MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < n; i++)
    s->metric_lost[i] = mlt_map_get(s->runs, a->b->lm_metrics.v[i].m.run_id, &there) && !there;
  return rc;
}

/* ---- comparing models that are there ---- */

static enum mlt_rc compare_kv(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct models *s = ctx;
  uint64_t i;
  if (!mlt_map_get(s->index, row[0].s, &i))
    return MLT_OK;
  bool params = s->table == MLT_T_LOGGED_MODEL_PARAMS;
  const struct mlt_batch_logged_model *m = &s->a->b->logged_models.v[i];
  struct mlt_range r = params ? m->params : m->tags;
  const struct mlt_batch_kv *v = params ? s->a->b->lm_params.v : s->a->b->lm_tags.v;
  s->seen[i]++;
  for (size_t k = r.first; k < r.first + r.n; k++)
    if (mlt_str_eq(v[k].key, row[2].s) && mlt_str_eq(v[k].value, row[3].s))
      return MLT_OK;
  char what[512];
  (void)snprintf(what, sizeof what, "%s '%.*s' differs", params ? "param" : "tag",
                 MLT_STR_ARG(row[2].s));
  return conflict(s, i, what);
}

static enum mlt_rc compare_metric(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct models *s = ctx;
  uint64_t i;
  if (!mlt_map_get(s->index, row[0].s, &i))
    return MLT_OK;
  struct mlt_range r = s->a->b->logged_models.v[i].metrics;
  s->seen[i]++;
  for (size_t k = r.first; k < r.first + r.n; k++) {
    const struct mlt_logged_model_metric *m = &s->a->b->lm_metrics.v[k].m;
    struct mlt_value value = mlt_v_double(m->value);
    if (!s->metric_lost[k] && mlt_str_eq(m->key, row[1].s) && m->timestamp == row[2].i &&
        m->step == row[3].i && mlt_value_eq(&value, &row[4]) && mlt_str_eq(m->run_id, row[6].s) &&
        mlt_str_eq(m->dataset_name, row[8].s) && mlt_str_eq(m->dataset_digest, row[9].s))
      return MLT_OK;
  }
  char what[512];
  (void)snprintf(what, sizeof what,
                 "metric '%.*s' has a value at step %" PRId64 " there that the source has not",
                 MLT_STR_ARG(row[1].s), row[3].i);
  return conflict(s, i, what);
}

static size_t expected_rows(const struct models *s, size_t i) {
  const struct mlt_batch_logged_model *m = &s->a->b->logged_models.v[i];
  if (s->table == MLT_T_LOGGED_MODEL_PARAMS)
    return m->params.n;
  if (s->table == MLT_T_LOGGED_MODEL_TAGS)
    return m->tags.n;
  size_t n = 0;
  for (size_t k = 0; k < m->metrics.n; k++)
    n += !s->metric_lost[m->metrics.first + k];
  return n;
}

static enum mlt_rc compare_table(struct models *s, enum mlt_table table, enum mlt_column by,
                                 mlt_row_fn fn) {
  struct mlt_write *a = s->a;
  size_t n = 0, total = a->b->logged_models.n;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, total * sizeof *ids);
  s->seen = mlt_arena_zalloc(a->out->arena, total * sizeof *s->seen);
  if (!ids || !s->seen)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < total; i++)
    if (a->model_fate[i] == MLT_FATE_PRESENT)
      ids[n++] = a->b->logged_models.v[i].m.model_id;
  s->table = table;
  struct mlt_where where = {.by = by, .keys = ids, .n_keys = n};
  enum mlt_rc rc = n ? mlt_write_select(a, table, &where, fn, s) : MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < total; i++)
    if (a->model_fate[i] == MLT_FATE_PRESENT && s->seen[i] != expected_rows(s, i)) {
      char what[128];
      (void)snprintf(what, sizeof what, "%zu rows of %s there, %zu in the source", s->seen[i],
                     mlt_table_name(table), expected_rows(s, i));
      rc = conflict(s, i, what);
    }
  return rc;
}

static enum mlt_rc compare_present(struct models *s) {
  enum mlt_rc rc =
      compare_table(s, MLT_T_LOGGED_MODEL_PARAMS, MLT_C_LOGGED_MODEL_PARAMS_model_id, compare_kv);
  if (rc == MLT_OK)
    rc = compare_table(s, MLT_T_LOGGED_MODEL_TAGS, MLT_C_LOGGED_MODEL_TAGS_model_id, compare_kv);
  if (rc == MLT_OK)
    rc = compare_table(s, MLT_T_LOGGED_MODEL_METRICS, MLT_C_LOGGED_MODEL_METRICS_model_id,
                       compare_metric);
  return rc;
}

/* ---- inserting ---- */

struct chosen {
  const struct mlt_write *a;
  const uint32_t *index;
  const struct mlt_batch_kv *kv;
};

static enum mlt_rc model_row(const void *ctx, size_t i, struct mlt_value *out,
                             struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  model_values(c->a, &c->a->b->logged_models.v[c->index[i]].m, out);
  return MLT_OK;
}

static void owner_values(const struct chosen *c, uint32_t owner, struct mlt_value *out) {
  const struct mlt_logged_model *m = &c->a->b->logged_models.v[owner].m;
  out[0] = mlt_v_text(m->model_id);
  out[1] = mlt_v_int(mlt_write_experiment(c->a, m->experiment)->pub.id);
}

static enum mlt_rc kv_row(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch_kv *kv = &c->kv[c->index[i]];
  owner_values(c, kv->owner, out);
  out[2] = mlt_v_text(kv->key);
  out[3] = mlt_v_text(kv->value);
  return MLT_OK;
}

static enum mlt_rc metric_row(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch_lm_metric *row = &c->a->b->lm_metrics.v[c->index[i]];
  struct mlt_value owner[2];
  owner_values(c, row->owner, owner);
  *out++ = owner[0];
  *out++ = mlt_v_text(row->m.key);
  *out++ = mlt_v_int(row->m.timestamp);
  *out++ = mlt_v_int(row->m.step);
  *out++ = mlt_v_double(row->m.value);
  *out++ = owner[1];
  *out++ = mlt_v_text(row->m.run_id);
  *out++ = mlt_v_text(MLT_STR_NULL); /* dataset_uuid: migrate-filestore leaves it NULL as well */
  *out++ = mlt_v_text(row->m.dataset_name);
  *out = mlt_v_text(row->m.dataset_digest);
  return MLT_OK;
}

static enum mlt_rc insert_kv(struct models *s, enum mlt_table table, const struct mlt_batch_kv *kv,
                             size_t total) {
  struct mlt_write *a = s->a;
  uint32_t *index = mlt_arena_alloc(a->out->arena, (total + 1) * sizeof *index);
  size_t n = 0;
  if (!index)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < total; i++) {
    mlt_write_count(a, table, a->model_fate[kv[i].owner], 1);
    if (a->model_fate[kv[i].owner] == MLT_FATE_NEW)
      index[n++] = (uint32_t)i;
  }
  struct chosen ctx = {a, index, kv};
  return mlt_write_insert(a, &(struct mlt_rows){table, n, kv_row, &ctx});
}

static enum mlt_rc insert_models(struct models *s) {
  struct mlt_write *a = s->a;
  uint32_t *index = mlt_arena_alloc(a->out->arena, (a->b->logged_models.n + 1) * sizeof *index);
  size_t n = 0;
  if (!index)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->logged_models.n; i++) {
    mlt_write_count(a, MLT_T_LOGGED_MODELS, a->model_fate[i], 1);
    if (a->model_fate[i] == MLT_FATE_NEW)
      index[n++] = (uint32_t)i;
  }
  for (size_t i = 0; a->w->prove && i < n; i++) {
    enum mlt_rc rc = mlt_prove_tell(a, "row-missing", MLT_T_LOGGED_MODELS,
                                    a->b->logged_models.v[index[i]].m.model_id, MLT_STR_NULL,
                                    "the database has no such logged model");
    if (rc != MLT_OK)
      return rc;
  }
  struct chosen ctx = {a, index, NULL};
  return mlt_write_insert(a, &(struct mlt_rows){MLT_T_LOGGED_MODELS, n, model_row, &ctx});
}

static enum mlt_rc insert_metrics(struct models *s) {
  struct mlt_write *a = s->a;
  uint32_t *index = mlt_arena_alloc(a->out->arena, (a->b->lm_metrics.n + 1) * sizeof *index);
  size_t n = 0;
  if (!index)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->lm_metrics.n; i++) {
    const struct mlt_batch_lm_metric *row = &a->b->lm_metrics.v[i];
    enum mlt_fate fate = a->model_fate[row->owner];
    bool lost = s->metric_lost[i] && (fate == MLT_FATE_NEW || fate == MLT_FATE_PRESENT);
    mlt_write_count(a, MLT_T_LOGGED_MODEL_METRICS, lost ? MLT_FATE_REJECTED : fate, 1);
    enum mlt_rc rc = MLT_OK;
    if (lost)
      rc = mlt_write_note(a, MLT_NOTE_REJECT, MLT_T_LOGGED_MODEL_METRICS, "no-such-run", 1,
                          a->b->logged_models.v[row->owner].m.model_id,
                          "metric '%.*s' belongs to run %.*s, which is not in the target",
                          MLT_STR_ARG(row->m.key), MLT_STR_ARG(row->m.run_id));
    else if (fate == MLT_FATE_NEW)
      index[n++] = (uint32_t)i;
    if (rc != MLT_OK)
      return rc;
  }
  struct chosen ctx = {a, index, NULL};
  return mlt_write_insert(a, &(struct mlt_rows){MLT_T_LOGGED_MODEL_METRICS, n, metric_row, &ctx});
}

static enum mlt_rc no_tables(struct mlt_write *a) {
  enum mlt_rc rc = mlt_write_no_table(a, MLT_T_LOGGED_MODELS, a->b->logged_models.n);
  if (rc == MLT_OK)
    rc = mlt_write_no_table(a, MLT_T_LOGGED_MODEL_PARAMS, a->b->lm_params.n);
  if (rc == MLT_OK)
    rc = mlt_write_no_table(a, MLT_T_LOGGED_MODEL_TAGS, a->b->lm_tags.n);
  if (rc == MLT_OK)
    rc = mlt_write_no_table(a, MLT_T_LOGGED_MODEL_METRICS, a->b->lm_metrics.n);
  return rc;
}

enum mlt_rc mlt_write_logged_models(struct mlt_write *a) {
  if (a->b->logged_models.n == 0)
    return MLT_OK;
  if (!mlt_write_has(a, MLT_F_LOGGED_MODELS))
    return no_tables(a);
  struct models s = {.a = a, .index = mlt_map_new(), .runs = mlt_map_new()};
  enum mlt_rc rc = s.index && s.runs ? classify(&s) : mlt_err_nomem(a->err);
  if (rc == MLT_OK)
    rc = find_lost_metrics(&s);
  if (rc == MLT_OK)
    rc = compare_present(&s);
  if (rc == MLT_OK)
    rc = insert_models(&s);
  if (rc == MLT_OK)
    rc = insert_kv(&s, MLT_T_LOGGED_MODEL_PARAMS, a->b->lm_params.v, a->b->lm_params.n);
  if (rc == MLT_OK)
    rc = insert_kv(&s, MLT_T_LOGGED_MODEL_TAGS, a->b->lm_tags.v, a->b->lm_tags.n);
  if (rc == MLT_OK)
    rc = insert_metrics(&s);
  mlt_map_free(s.index);
  mlt_map_free(s.runs);
  return rc;
}
