/* What is in a logged_model.json, which newer versions of the tool write beside the runs. */
#include "source/exim.h"

#include <string.h>

#include "model/rules.h"

static enum mlt_rc reject_model(struct mlt_ex *s, struct mlt_record *rec) {
  mlt_ex_leave(s);
  return mlt_ex_reject(s, rec, MLT_T_LOGGED_MODELS, 1);
}

static int status(struct mlt_ex *s) {
  static const char *const names[] = {"UNSPECIFIED", "PENDING", "READY", "FAILED"};
  enum { PENDING = 1, COUNT = 4 };
  struct mlt_str word = mlt_ex_field(s, s->doc, "status");
  for (int i = 0; i < COUNT; i++)
    if (mlt_str_is(word, names[i]))
      return i;
  if (word.p)
    (void)mlt_blame(&s->fault, "bad-field", "field status is '%.*s', which is no status of a model",
                    MLT_STR_ARG(word));
  return PENDING;
}

static void fill_model(struct mlt_ex *s, struct mlt_logged_model *m) {
  const struct mlt_json *o = s->doc;
  const struct mlt_str empty = MLT_STR_LIT("");
  struct mlt_str experiment = mlt_ex_field(s, o, "experiment_id");
  struct mlt_opt_i64 created = mlt_ex_int(s, o, "creation_time");
  struct mlt_str message = mlt_ex_field(s, o, "status_message");
  if (!created.has) /* as in MLflow's API */
    created = mlt_ex_int(s, o, "creation_timestamp");
  *m = (struct mlt_logged_model){
      .model_id = mlt_ex_field_or(s, o, "model_id", empty),
      .experiment = mlt_ex_experiment(s, experiment.p ? experiment : empty),
      .name = mlt_ex_field_or(s, o, "name", empty),
      .artifact_location = mlt_ex_field_or(s, o, "artifact_location", empty),
      .creation_time = created.v,
      .last_updated_time = mlt_ex_int(s, o, "last_updated_timestamp").v,
      .status = status(s),
      .model_type = mlt_ex_field(s, o, "model_type"),
      .source_run_id = mlt_ex_field(s, o, "source_run_id"),
      .status_message = message.len ? message : MLT_STR_NULL,
      .files = mlt_ex_artifacts(s),
      .files_all = true,
  };
  if (!m->model_id.len || !experiment.p)
    (void)mlt_blame(&s->fault, "bad-field", "there is no model_id or no experiment_id");
}

/* A model is there with its run and once more in the folder of all models: the first will do. */
static enum mlt_rc open_model(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  mlt_buf_clear(&s->id);
  enum mlt_rc rc = mlt_ex_load(s, NULL, err);
  if (rc != MLT_OK)
    return mlt_ex_is_fault(rc) ? reject_model(s, rec) : rc;
  mlt_ex_record(s, rec, MLT_REC_LOGGED_MODEL);
  fill_model(s, &rec->logged_model);
  if (s->fault.code)
    return reject_model(s, rec);
  int added = mlt_map_put(s->models, rec->logged_model.model_id, 1);
  if (added < 0)
    return mlt_err_nomem(err);
  if (!added) {
    mlt_ex_leave(s);
    return MLT_END;
  }
  s->member = NULL;
  s->item = 0;
  s->step++;
  return mlt_ex_set(&s->id, rec->logged_model.model_id, err);
}

static enum mlt_rc pairs(struct mlt_ex *s, struct mlt_record *rec, const char *name,
                         enum mlt_rec_kind kind) {
  mlt_ex_record(s, rec, kind);
  if (mlt_ex_pair(s, mlt_json_get(s->doc, name), &rec->kv))
    return MLT_OK;
  s->member = NULL;
  s->item = 0;
  return MLT_END;
}

static enum mlt_rc params(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return pairs(s, rec, "params", MLT_REC_LOGGED_MODEL_PARAM);
}

static enum mlt_rc tags(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return pairs(s, rec, "tags", MLT_REC_LOGGED_MODEL_TAG);
}

static enum mlt_rc metrics(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_json *list = mlt_json_get(s->doc, "metrics"), *o = mlt_json_at(list, s->item);
  (void)err;
  if (s->item >= mlt_json_length(list))
    return MLT_END;
  s->item++;
  mlt_ex_record(s, rec, MLT_REC_LOGGED_MODEL_METRIC);
  rec->lm_metric = (struct mlt_logged_model_metric){
      .key = mlt_ex_field_or(s, o, "key", MLT_STR_LIT("")),
      .run_id = mlt_ex_field_or(s, o, "run_id", MLT_STR_LIT("")),
      .dataset_name = mlt_ex_field(s, o, "dataset_name"),
      .dataset_digest = mlt_ex_field(s, o, "dataset_digest"),
      .timestamp = mlt_ex_int(s, o, "timestamp").v,
      .step = mlt_ex_int(s, o, "step").v,
  };
  struct mlt_str value = mlt_ex_field_or(s, o, "value", MLT_STR_LIT("nothing"));
  if (!mlt_parse_double(value, &rec->lm_metric.value))
    (void)mlt_blame(&s->fault, "bad-metric", "field value is '%.*s', which is no number",
                    MLT_STR_ARG(value));
  return s->fault.code ? mlt_ex_reject(s, rec, MLT_T_LOGGED_MODEL_METRICS, 1) : MLT_OK;
}

static enum mlt_rc end_model(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  mlt_ex_leave(s);
  mlt_ex_record(s, rec, MLT_REC_LOGGED_MODEL_END);
  return MLT_OK;
}

const mlt_ex_step mlt_ex_model_steps[] = {open_model, params, tags, metrics, end_model, NULL};
