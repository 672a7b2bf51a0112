/* Logged models: <experiment>/models/<id>/ with meta.yaml, params/, tags/, metrics/. Read in a
   second round over the experiments, because their metrics refer to runs of any of them. */
#include "source/filestore.h"

static enum mlt_rc reject_model(struct mlt_fs *s, struct mlt_record *rec) {
  mlt_fs_skip(&s->items);
  return mlt_fs_reject(s, rec, MLT_T_LOGGED_MODELS, 1);
}

/* A word or a number; what MLflow's importer does not know it takes for PENDING. */
static int status(struct mlt_fs *s) {
  static const char *const names[] = {"UNSPECIFIED", "PENDING", "READY", "FAILED"};
  enum { PENDING = 1, COUNT = 4 };
  const struct mlt_meta_value *v = mlt_meta_get(s->meta, "status");
  if (v && v->kind == MLT_YAML_TEXT)
    for (int i = 0; i < COUNT; i++)
      if (mlt_str_is(v->text, names[i]))
        return i;
  if (!v || v->kind == MLT_YAML_TEXT || v->kind == MLT_YAML_NULL)
    return PENDING;
  struct mlt_opt_i64 i = mlt_fs_int(s, s->meta, "status");
  if (i.v >= 0 && i.v < COUNT)
    return (int)i.v;
  (void)mlt_blame(&s->fault, "bad-field", "field status is %.*s, which is no status of a model",
                  MLT_STR_ARG(v->text));
  return PENDING;
}

static void fill_model(struct mlt_fs *s, struct mlt_logged_model *out) {
  const struct mlt_meta *m = s->meta;
  const struct mlt_str empty = MLT_STR_LIT("");
  const struct mlt_fs_dir *exps = s->experiments.over, *models = s->items.over;
  *out = (struct mlt_logged_model){
      .model_id = mlt_fs_text_or(s, m, "model_id", mlt_names_str(&models->names, models->at)),
      .experiment = mlt_names_str(&exps->names, exps->at),
      .name = mlt_fs_text_or(s, m, "name", empty),
      .artifact_location = mlt_fs_text_or(s, m, "artifact_location", empty),
      .creation_time = mlt_fs_int(s, m, "creation_timestamp").v,
      .last_updated_time = mlt_fs_int(s, m, "last_updated_timestamp").v,
      .status = status(s),
      .deleted = mlt_fs_deleted(s, m, false),
      .model_type = mlt_fs_text(s, m, "model_type", MLT_STR_NULL),
      .source_run_id = mlt_fs_text(s, m, "source_run_id", MLT_STR_NULL),
      .status_message = mlt_fs_text(s, m, "status_message", MLT_STR_NULL),
  };
}

static enum mlt_rc open_model(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_fs_dir *models = s->items.over;
  enum mlt_rc rc = mlt_fs_set_id(s, mlt_names_str(&models->names, models->at), err);
  if (rc == MLT_OK)
    rc = mlt_fs_open_item(s, &s->items, s->meta, err);
  if (rc != MLT_OK)
    return mlt_fs_is_fault(rc) ? reject_model(s, rec) : rc;
  mlt_fs_record(s, rec, MLT_REC_LOGGED_MODEL);
  fill_model(s, &rec->logged_model);
  if (s->fault.code)
    return reject_model(s, rec);
  s->items.step++;
  if (mlt_fs_artifacts(s, &s->items.dir, &rec->logged_model.files, err) != MLT_OK)
    return MLT_NOMEM;
  return mlt_fs_set_id(s, rec->logged_model.model_id, err);
}

static enum mlt_rc params(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->items.dir, "params", MLT_T_LOGGED_MODEL_PARAMS,
                               MLT_REC_LOGGED_MODEL_PARAM, rec, err);
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static enum mlt_rc tags(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->items.dir, "tags", MLT_T_LOGGED_MODEL_TAGS,
                               MLT_REC_LOGGED_MODEL_TAG, rec, err);
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static enum mlt_rc metrics(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_model_metrics(s, &s->items.dir, rec, err);
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static enum mlt_rc end_model(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  s->items.step++;
  mlt_fs_at(s, &s->items.dir);
  mlt_fs_record(s, rec, MLT_REC_LOGGED_MODEL_END);
  return MLT_OK;
}

/* Of a rejected experiment: the folders are counted. */
static enum mlt_rc lost_models(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_fs_dir *d = &s->scratch;
  enum mlt_rc rc = mlt_fs_enter(s, d, &s->experiments.dir, "models", err);
  if (rc == MLT_OK)
    rc = mlt_fs_list(s, d, err);
  uint64_t n = rc == MLT_OK ? mlt_fs_count(d, NULL) : 0;
  mlt_fs_leave(d);
  if (rc != MLT_OK && !mlt_fs_is_fault(rc))
    return rc;
  mlt_fs_skip(&s->experiments);
  if (!n)
    return MLT_END;
  mlt_fs_at(s, d);
  s->fault.code = NULL;
  (void)mlt_blame(&s->fault, "no-experiment", "the experiment of these models was rejected");
  return mlt_fs_reject(s, rec, MLT_T_LOGGED_MODELS, n);
}

/* Whether the experiment itself can be opened was said in the first round. */
static enum mlt_rc open_experiment(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_fs_dir *over = s->experiments.over;
  enum mlt_rc rc = mlt_fs_set_id(s, mlt_names_str(&over->names, over->at), err);
  if (rc == MLT_OK)
    rc = mlt_fs_enter(s, &s->experiments.dir, over, mlt_names_at(&over->names, over->at), err);
  if (mlt_fs_is_fault(rc)) {
    mlt_fs_skip(&s->experiments);
    return MLT_END;
  }
  if (rc != MLT_OK)
    return rc;
  return over->names.v[over->at].marked ? lost_models(s, rec, err) : MLT_END;
}

static enum mlt_rc models(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_fs_step steps[] = {open_model, params, tags, metrics, end_model, NULL};
  return mlt_fs_each_in(s, &s->experiments.dir, "models", steps, MLT_T_LOGGED_MODELS, rec, err);
}

/* By now every reader has counted its own. */
static enum mlt_rc note_strays(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_fs_dir *over = s->experiments.over;
  uint32_t n = over->names.v[over->at].strays;
  if (!n)
    return MLT_END;
  s->experiments.step++;
  mlt_fs_at(s, &s->experiments.dir);
  return mlt_fs_ignored(s, rec, "stray folders", n);
}

const mlt_fs_step mlt_fs_models_steps[] = {open_experiment, note_strays, models, NULL};
