/* Logged models, and the model registry. */
#include "source/mlflow_db.h"

#include <math.h>

#define KV(table, owner, kind, key, value)                                                         \
  {                                                                                                \
    MLT_READ_##table, MLT_C_##table##_##owner, mlt_db_kv, NULL, MLT_REC_##kind,                    \
        MLT_C_##table##_##key, MLT_C_##table##_##value                                             \
  }
#define ROWS(table, owner, emit, end)                                                              \
  { MLT_READ_##table, MLT_C_##table##_##owner, emit, end, MLT_REC_NOTE, MLT_C_COUNT, MLT_C_COUNT }
#define LENGTH(array) (sizeof(array) / sizeof *(array))

enum { LOGGED_MODEL_STATUSES = 4 /* UNSPECIFIED, PENDING, READY, FAILED */ };

/* ---- logged models ---- */

static void fill_logged_model(struct mlt_db *d, struct mlt_logged_model *m) {
  const struct mlt_db_owner *o = d->owner;
  m->model_id = o->key;
  m->experiment = mlt_str_c(d->experiment);
  m->name = MLT_DB_TEXT(o, LOGGED_MODELS, name);
  m->artifact_location = MLT_DB_TEXT(o, LOGGED_MODELS, artifact_location);
  m->creation_time = MLT_DB_INT(o, LOGGED_MODELS, creation_timestamp_ms).v;
  m->last_updated_time = MLT_DB_INT(o, LOGGED_MODELS, last_updated_timestamp_ms).v;
  m->model_type = MLT_DB_TEXT(o, LOGGED_MODELS, model_type);
  m->source_run_id = MLT_DB_TEXT(o, LOGGED_MODELS, source_run_id);
  m->status_message = MLT_DB_TEXT(o, LOGGED_MODELS, status_message);
}

static enum mlt_rc open_logged_model(struct mlt_db *d, struct mlt_record *rec,
                                     struct mlt_err *err) {
  (void)err;
  const struct mlt_db_owner *o = d->owner;
  if (!mlt_db_in_experiment(d, rec, MLT_T_LOGGED_MODELS, MLT_DB_AT(o, LOGGED_MODELS, experiment_id),
                            "logged models of other workspaces"))
    return MLT_OK;
  mlt_db_record(rec, MLT_REC_LOGGED_MODEL);
  struct mlt_logged_model *m = &rec->logged_model;
  fill_logged_model(d, m);
  struct mlt_opt_i64 status = MLT_DB_INT(o, LOGGED_MODELS, status);
  if (!status.has || status.v < 0 || status.v >= LOGGED_MODEL_STATUSES)
    return mlt_db_reject_owner(d, rec, MLT_T_LOGGED_MODELS, "bad-status",
                               "its status is none of MLflow's");
  m->status = (int)status.v;
  if (!MLT_DB_INT(o, LOGGED_MODELS, creation_timestamp_ms).has ||
      !MLT_DB_INT(o, LOGGED_MODELS, last_updated_timestamp_ms).has)
    return mlt_db_reject_owner(d, rec, MLT_T_LOGGED_MODELS, "missing",
                               "it has no creation or update time");
  if (!mlt_db_lifecycle(MLT_DB_AT(o, LOGGED_MODELS, lifecycle_stage), &m->deleted))
    return mlt_db_reject_owner(d, rec, MLT_T_LOGGED_MODELS, "bad-lifecycle",
                               "its lifecycle_stage is neither active nor deleted: MLflow would "
                               "not find it");
  return MLT_OK;
}

static enum mlt_rc emit_metric(struct mlt_db *d, const struct mlt_db_child *c,
                               struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_read_row *row = d->cursor[c->read].row;
  const struct mlt_value *value = MLT_DB_AT(row, LOGGED_MODEL_METRICS, metric_value);
  mlt_db_record(rec, MLT_REC_LOGGED_MODEL_METRIC);
  rec->lm_metric = (struct mlt_logged_model_metric){
      .key = MLT_DB_TEXT(row, LOGGED_MODEL_METRICS, metric_name),
      .run_id = MLT_DB_TEXT(row, LOGGED_MODEL_METRICS, run_id),
      .dataset_name = MLT_DB_TEXT(row, LOGGED_MODEL_METRICS, dataset_name),
      .dataset_digest = MLT_DB_TEXT(row, LOGGED_MODEL_METRICS, dataset_digest),
      .timestamp = MLT_DB_INT(row, LOGGED_MODEL_METRICS, metric_timestamp_ms).v,
      .step = MLT_DB_INT(row, LOGGED_MODEL_METRICS, metric_step).v,
      .value = value->kind == MLT_V_DOUBLE ? value->d : (double)NAN,
  };
  mlt_db_take(d, c->read);
  if (value->kind != MLT_V_DOUBLE || !isfinite(value->d))
    mlt_db_changed(d, MLT_T_LOGGED_MODEL_METRICS, "mapped", rec->lm_metric.key,
                   "its value is NULL, NaN or infinite; stored as MLflow stores such values, which "
                   "is 0 or the largest double");
  else if (MLT_DB_TEXT(row, LOGGED_MODEL_METRICS, dataset_uuid).p)
    mlt_db_changed(d, MLT_T_LOGGED_MODEL_METRICS, "dataset-unlinked", rec->lm_metric.key,
                   "its dataset_uuid is not kept; the dataset's name and digest are");
  else if (MLT_DB_INT(row, LOGGED_MODEL_METRICS, experiment_id).v !=
           MLT_DB_INT(d->owner, LOGGED_MODELS, experiment_id).v) /* MLflow 3.1 wrote 0 */
    mlt_db_changed(d, MLT_T_LOGGED_MODEL_METRICS, "experiment-mended", rec->lm_metric.key,
                   "its experiment_id is not the logged model's; stored as that");
  return MLT_OK;
}

static const struct mlt_db_child of_logged_models[] = {
    KV(LOGGED_MODEL_PARAMS, model_id, LOGGED_MODEL_PARAM, param_key, param_value),
    KV(LOGGED_MODEL_TAGS, model_id, LOGGED_MODEL_TAG, tag_key, tag_value),
    ROWS(LOGGED_MODEL_METRICS, model_id, emit_metric, NULL),
};

const struct mlt_db_phase mlt_db_logged_models = {MLT_READ_LOGGED_MODELS, open_logged_model,
                                                  of_logged_models, LENGTH(of_logged_models),
                                                  MLT_REC_LOGGED_MODEL_END};

/* ---- registry ---- */

static enum mlt_rc open_registered_model(struct mlt_db *d, struct mlt_record *rec,
                                         struct mlt_err *err) {
  (void)err;
  const struct mlt_db_owner *o = d->owner;
  mlt_db_record(rec, MLT_REC_REGISTERED_MODEL);
  rec->registered_model = (struct mlt_registered_model){
      .name = o->key,
      .description = MLT_DB_TEXT(o, REGISTERED_MODELS, description),
      .creation_time = MLT_DB_INT(o, REGISTERED_MODELS, creation_time),
      .last_updated_time = MLT_DB_INT(o, REGISTERED_MODELS, last_updated_time),
  };
  return MLT_OK;
}

static bool as_version(const struct mlt_value *v, int32_t *out) {
  *out = v->kind == MLT_V_INT && v->i > 0 && v->i <= INT32_MAX ? (int32_t)v->i : 0;
  return *out > 0;
}

static void fill_version(const struct mlt_read_row *row, struct mlt_model_version *v) {
  v->creation_time = MLT_DB_INT(row, MODEL_VERSIONS, creation_time);
  v->last_updated_time = MLT_DB_INT(row, MODEL_VERSIONS, last_updated_time);
  v->description = MLT_DB_TEXT(row, MODEL_VERSIONS, description);
  v->user_id = MLT_DB_TEXT(row, MODEL_VERSIONS, user_id);
  v->current_stage = MLT_DB_TEXT(row, MODEL_VERSIONS, current_stage);
  v->source = MLT_DB_TEXT(row, MODEL_VERSIONS, source);
  v->storage_location = MLT_DB_TEXT(row, MODEL_VERSIONS, storage_location);
  v->run_id = MLT_DB_TEXT(row, MODEL_VERSIONS, run_id);
  v->run_link = MLT_DB_TEXT(row, MODEL_VERSIONS, run_link);
  v->status = MLT_DB_TEXT(row, MODEL_VERSIONS, status);
  v->status_message = MLT_DB_TEXT(row, MODEL_VERSIONS, status_message);
}

static int by_version(const struct mlt_db *d, const struct mlt_read_row *row) {
  int64_t of = MLT_DB_INT(row, MODEL_VERSION_TAGS, version).v;
  return of < d->inner_number ? -1 : of > d->inner_number;
}

/* Tags that no version took. */
static enum mlt_rc lose_tag(struct mlt_db *d, const struct mlt_db_child *c, struct mlt_record *rec,
                            struct mlt_err *err) {
  (void)err;
  mlt_db_take(d, c->read);
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, MLT_T_MODEL_VERSION_TAGS, "no-owner", 1,
                     "the version it belongs to does not exist");
}

static const struct mlt_db_child version_tags = {MLT_READ_MODEL_VERSION_TAGS,
                                                 MLT_C_MODEL_VERSION_TAGS_name,
                                                 lose_tag,
                                                 NULL,
                                                 MLT_REC_MODEL_VERSION_TAG,
                                                 MLT_C_MODEL_VERSION_TAGS_key,
                                                 MLT_C_MODEL_VERSION_TAGS_value};

static enum mlt_rc emit_version(struct mlt_db *d, const struct mlt_db_child *c,
                                struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = d->inner_open ? mlt_db_inner(d, &version_tags, by_version, rec, err) : MLT_END;
  if (rc != MLT_END)
    return rc;
  const struct mlt_read_row *row = d->cursor[c->read].row;
  const struct mlt_value *number = MLT_DB_AT(row, MODEL_VERSIONS, version);
  mlt_db_take(d, c->read);
  mlt_db_record(rec, MLT_REC_MODEL_VERSION);
  d->inner_open = true;
  d->inner_number = number->kind == MLT_V_INT ? number->i : 0;
  d->inner_skip = !as_version(number, &rec->version.version);
  if (d->inner_skip)
    return mlt_db_note(d, rec, MLT_NOTE_REJECT, MLT_T_MODEL_VERSIONS, "bad-version", 1,
                       "its version is not a positive 32-bit number");
  fill_version(row, &rec->version);
  return MLT_OK;
}

static enum mlt_rc end_versions(struct mlt_db *d, const struct mlt_db_child *c,
                                struct mlt_record *rec, struct mlt_err *err) {
  (void)c;
  return d->inner_open ? mlt_db_inner(d, &version_tags, by_version, rec, err) : MLT_END;
}

static enum mlt_rc emit_alias(struct mlt_db *d, const struct mlt_db_child *c,
                              struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_read_row *row = d->cursor[c->read].row;
  mlt_db_take(d, c->read);
  mlt_db_record(rec, MLT_REC_ALIAS);
  rec->alias.alias = MLT_DB_TEXT(row, REGISTERED_MODEL_ALIASES, alias);
  if (as_version(MLT_DB_AT(row, REGISTERED_MODEL_ALIASES, version), &rec->alias.version))
    return MLT_OK;
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, MLT_T_REGISTERED_MODEL_ALIASES, "bad-version", 1,
                     "its version is not a positive 32-bit number");
}

static const struct mlt_db_child of_registered_models[] = {
    KV(REGISTERED_MODEL_TAGS, name, REGISTERED_MODEL_TAG, key, value),
    ROWS(REGISTERED_MODEL_ALIASES, name, emit_alias, NULL),
    ROWS(MODEL_VERSIONS, name, emit_version, end_versions),
    ROWS(MODEL_VERSION_TAGS, name, lose_tag, NULL),
};

const struct mlt_db_phase mlt_db_registered_models = {
    MLT_READ_REGISTERED_MODELS, open_registered_model, of_registered_models,
    LENGTH(of_registered_models), MLT_REC_REGISTERED_MODEL_END};
