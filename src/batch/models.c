/* Logged models with their metrics, and the model registry. */
#include <inttypes.h>
#include <stdio.h>

#include "batch/private.h"

#define FIELD(type, member, column, too_long, need, rule)                                          \
  { offsetof(struct type, member), #member, MLT_C_##column, too_long, need, rule }
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const struct mlt_field logged_model_fields[] = {
    FIELD(mlt_logged_model, model_id, LOGGED_MODELS_model_id, MLT_LONG_REJECT, MLT_NONEMPTY, NULL),
    FIELD(mlt_logged_model, experiment, COUNT, MLT_LONG_REJECT, MLT_NONEMPTY, NULL),
    FIELD(mlt_logged_model, name, LOGGED_MODELS_name, MLT_LONG_CUT, MLT_PRESENT,
          mlt_rule_logged_model_name),
    FIELD(mlt_logged_model, artifact_location, LOGGED_MODELS_artifact_location, MLT_LONG_REJECT,
          MLT_PRESENT, NULL),
    FIELD(mlt_logged_model, model_type, LOGGED_MODELS_model_type, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_logged_model, source_run_id, LOGGED_MODELS_source_run_id, MLT_LONG_REJECT,
          MLT_OPTIONAL, NULL),
    FIELD(mlt_logged_model, status_message, LOGGED_MODELS_status_message, MLT_LONG_CUT,
          MLT_OPTIONAL, NULL),
};

static const struct mlt_field lm_metric_fields[] = {
    FIELD(mlt_logged_model_metric, key, LOGGED_MODEL_METRICS_metric_name, MLT_LONG_REJECT,
          MLT_PRESENT, mlt_rule_key),
    FIELD(mlt_logged_model_metric, run_id, LOGGED_MODEL_METRICS_run_id, MLT_LONG_REJECT,
          MLT_NONEMPTY, NULL),
    FIELD(mlt_logged_model_metric, dataset_name, LOGGED_MODEL_METRICS_dataset_name, MLT_LONG_REJECT,
          MLT_OPTIONAL, NULL),
    FIELD(mlt_logged_model_metric, dataset_digest, LOGGED_MODEL_METRICS_dataset_digest,
          MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
};

static const struct mlt_field registered_model_fields[] = {
    FIELD(mlt_registered_model, name, REGISTERED_MODELS_name, MLT_LONG_REJECT, MLT_NONEMPTY,
          mlt_rule_model_name),
    FIELD(mlt_registered_model, description, REGISTERED_MODELS_description, MLT_LONG_CUT,
          MLT_OPTIONAL, NULL),
};

static const struct mlt_field version_fields[] = {
    FIELD(mlt_model_version, description, MODEL_VERSIONS_description, MLT_LONG_CUT, MLT_OPTIONAL,
          NULL),
    FIELD(mlt_model_version, user_id, MODEL_VERSIONS_user_id, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_model_version, current_stage, MODEL_VERSIONS_current_stage, MLT_LONG_REJECT,
          MLT_OPTIONAL, NULL),
    FIELD(mlt_model_version, source, MODEL_VERSIONS_source, MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
    FIELD(mlt_model_version, storage_location, MODEL_VERSIONS_storage_location, MLT_LONG_REJECT,
          MLT_OPTIONAL, NULL),
    FIELD(mlt_model_version, run_id, MODEL_VERSIONS_run_id, MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
    FIELD(mlt_model_version, run_link, MODEL_VERSIONS_run_link, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_model_version, status, MODEL_VERSIONS_status, MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
    FIELD(mlt_model_version, status_message, MODEL_VERSIONS_status_message, MLT_LONG_CUT,
          MLT_OPTIONAL, NULL),
};

static const struct mlt_field alias_fields[] = {
    FIELD(mlt_alias, alias, REGISTERED_MODEL_ALIASES_alias, MLT_LONG_REJECT, MLT_NONEMPTY,
          mlt_rule_alias),
};

/* Rejects what is there already under this identity. */
static enum mlt_rc only_once(struct mlt_adding *a, char kind, const struct mlt_str *identity,
                             size_t n, const char *code, const char *what) {
  size_t index = 0;
  bool first;
  enum mlt_rc rc = mlt_batch_once(a, kind, identity, n, &index, &first);
  if (rc != MLT_OK || first)
    return rc;
  return mlt_adding_reject(a, code, NULL, "the source holds this %s twice; the first was taken",
                           what);
}

enum mlt_rc mlt_batch_add_logged_model(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_logged_model m = a->rec->logged_model;
  a->id = m.model_id;
  enum mlt_rc rc = mlt_adding_check(a, &m, logged_model_fields, LENGTH(logged_model_fields));
  if (rc == MLT_OK)
    rc = mlt_adding_experiment(a, m.experiment);
  if (rc == MLT_OK)
    rc = only_once(a, 'L', &m.model_id, 1, "logged-model-duplicate", "logged model");
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &m, logged_model_fields, LENGTH(logged_model_fields));
  if (rc == MLT_OK)
    rc = mlt_batch_keep_path(b, &m.files, a->err);
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->logged_models))
    return mlt_err_nomem(a->err);
  b->logged_models.v[b->logged_models.n++] = (struct mlt_batch_logged_model){.m = m};
  return MLT_OK;
}

enum mlt_rc mlt_batch_add_lm_metric(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_logged_model_metric m = a->rec->lm_metric;
  a->id = b->logged_models.v[b->logged_models.n - 1].m.model_id;
  a->field = m.key;
  enum mlt_rc rc = mlt_adding_check(a, &m, lm_metric_fields, LENGTH(lm_metric_fields));
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &m, lm_metric_fields, LENGTH(lm_metric_fields));
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->lm_metrics))
    return mlt_err_nomem(a->err);
  bool is_nan; /* the table has no place for it */
  m.value = mlt_metric_map(m.value, &is_nan);
  b->lm_metrics.v[b->lm_metrics.n++] =
      (struct mlt_batch_lm_metric){(uint32_t)(b->logged_models.n - 1), m};
  return MLT_OK;
}

enum mlt_rc mlt_batch_add_registered_model(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_registered_model m = a->rec->registered_model;
  a->id = m.name;
  b->priv->version = MLT_FATE_NONE;
  enum mlt_rc rc =
      mlt_adding_check(a, &m, registered_model_fields, LENGTH(registered_model_fields));
  if (rc == MLT_OK)
    rc = only_once(a, 'M', &m.name, 1, "registered-model-duplicate", "registered model");
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &m, registered_model_fields, LENGTH(registered_model_fields));
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->registered_models))
    return mlt_err_nomem(a->err);
  b->registered_models.v[b->registered_models.n++] = (struct mlt_batch_registered_model){
      .m = m, .versions = {b->versions.n, 0}, .aliases = {b->aliases.n, 0}};
  return MLT_OK;
}

enum mlt_rc mlt_batch_add_version(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_batch_registered_model *model = &b->registered_models.v[b->registered_models.n - 1];
  struct mlt_model_version v = a->rec->version;
  char number[16];
  (void)snprintf(number, sizeof number, "%" PRId32, v.version);
  a->id = model->m.name;
  a->field = mlt_str_c(number);
  b->priv->version = MLT_FATE_REJECTED;
  const struct mlt_str identity[] = {model->m.name, mlt_str_c(number)};
  enum mlt_rc rc = mlt_adding_check(a, &v, version_fields, LENGTH(version_fields));
  if (rc == MLT_OK)
    rc = only_once(a, 'V', identity, LENGTH(identity), "version-duplicate", "version");
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &v, version_fields, LENGTH(version_fields));
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->versions))
    return mlt_err_nomem(a->err);
  b->versions.v[b->versions.n++] =
      (struct mlt_batch_version){.owner = (uint32_t)(b->registered_models.n - 1), .v = v};
  model->versions.n++;
  b->priv->version = MLT_FATE_TAKEN;
  return MLT_OK;
}

enum mlt_rc mlt_batch_add_alias(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_batch_registered_model *model = &b->registered_models.v[b->registered_models.n - 1];
  struct mlt_alias alias = a->rec->alias;
  a->id = model->m.name;
  a->field = alias.alias;
  enum mlt_rc rc = mlt_adding_check(a, &alias, alias_fields, LENGTH(alias_fields));
  const struct mlt_str identity[] = {model->m.name, alias.alias};
  if (rc == MLT_OK)
    rc = only_once(a, 'A', identity, LENGTH(identity), "alias-duplicate", "alias");
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &alias, alias_fields, LENGTH(alias_fields));
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->aliases))
    return mlt_err_nomem(a->err);
  b->aliases.v[b->aliases.n++] =
      (struct mlt_batch_alias){(uint32_t)(b->registered_models.n - 1), alias};
  model->aliases.n++;
  return MLT_OK;
}

/* The primary key of logged_model_metrics; the value is not in it. */
static int by_identity(const void *ctx, uint32_t a, uint32_t b) {
  const struct mlt_batch_lm_metric *x = (const struct mlt_batch_lm_metric *)ctx + a;
  const struct mlt_batch_lm_metric *y = (const struct mlt_batch_lm_metric *)ctx + b;
  if (x->owner != y->owner)
    return x->owner < y->owner ? -1 : 1;
  int key = mlt_str_cmp(x->m.key, y->m.key);
  if (key)
    return key;
  if (x->m.timestamp != y->m.timestamp)
    return x->m.timestamp < y->m.timestamp ? -1 : 1;
  if (x->m.step != y->m.step)
    return x->m.step < y->m.step ? -1 : 1;
  return mlt_str_cmp(x->m.run_id, y->m.run_id);
}

static enum mlt_rc merge_metric(struct mlt_batch *b, const struct mlt_batch_lm_metric *kept,
                                const struct mlt_batch_lm_metric *again, struct mlt_err *err) {
  if (!(kept->m.value < again->m.value || kept->m.value > again->m.value)) {
    b->counts[MLT_T_LOGGED_MODEL_METRICS].merged++;
    return MLT_OK;
  }
  return mlt_batch_drop(b, MLT_T_LOGGED_MODEL_METRICS, b->logged_models.v[again->owner].m.model_id,
                        (struct mlt_place){.field = again->m.key}, err,
                        "the metric comes twice at timestamp %" PRId64 ", step %" PRId64
                        " with different values: %.17g was kept, %.17g was not",
                        again->m.timestamp, again->m.step, kept->m.value, again->m.value);
}

enum mlt_rc mlt_batch_seal_lm_metrics(struct mlt_batch *b, struct mlt_err *err) {
  bool sorted;
  struct mlt_batch_lm_metric *v = b->lm_metrics.v;
  enum mlt_rc rc = mlt_batch_order(b, b->lm_metrics.n, by_identity, v, &sorted, err);
  if (rc == MLT_OK && !sorted)
    rc = mlt_batch_reorder(b, &b->lm_metrics.v, b->lm_metrics.n, b->lm_metrics.cap, sizeof *v, err);
  v = b->lm_metrics.v;
  size_t kept = 0;
  for (size_t i = 0; i < b->lm_metrics.n && rc == MLT_OK; i++) {
    if (kept && by_identity(v, (uint32_t)(kept - 1), (uint32_t)i) == 0) {
      rc = merge_metric(b, &v[kept - 1], &v[i], err);
      continue;
    }
    struct mlt_range *range = &b->logged_models.v[v[i].owner].metrics;
    if (range->n++ == 0)
      range->first = kept;
    v[kept++] = v[i];
  }
  b->lm_metrics.n = kept;
  return rc;
}
