/* What is in a model.json: a registered model as MLflow's REST API gives it, with its versions. */
#include "source/exim.h"

static const struct mlt_json *versions_of(const struct mlt_ex *s) {
  return mlt_json_get(s->doc, "versions");
}

static enum mlt_rc open_model(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_ex_set(&s->id, mlt_tree_folder(&s->tree, s->at), err);
  if (rc == MLT_OK)
    rc = mlt_ex_load(s, "registered_model", err);
  if (rc != MLT_OK && !mlt_ex_is_fault(rc))
    return rc;
  mlt_ex_record(s, rec, MLT_REC_REGISTERED_MODEL);
  const struct mlt_json *o = s->fault.code ? NULL : s->doc;
  rec->registered_model = (struct mlt_registered_model){
      .name = mlt_ex_field_or(s, o, "name", MLT_STR_LIT("")),
      /* the REST API stores "" where there is none, and gives nothing then */
      .description = mlt_ex_field_or(s, o, "description", MLT_STR_LIT("")),
      .creation_time = mlt_ex_int(s, o, "creation_timestamp"),
      .last_updated_time = mlt_ex_int(s, o, "last_updated_timestamp"),
  };
  if (s->fault.code) {
    mlt_ex_leave(s);
    return mlt_ex_reject(s, rec, MLT_T_REGISTERED_MODELS, 1);
  }
  s->member = NULL;
  s->item = s->sub = 0;
  s->step++;
  return mlt_ex_set(&s->id, rec->registered_model.name, err);
}

static enum mlt_rc tags(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  mlt_ex_record(s, rec, MLT_REC_REGISTERED_MODEL_TAG);
  if (mlt_ex_pair(s, mlt_json_get(s->doc, "tags"), &rec->kv))
    return MLT_OK;
  s->in_version = false;
  s->item = 0;
  return MLT_END;
}

/* As create_model_version of MLflow's store has it (store/model_registry/sqlalchemy_store.py) where
   nothing need be looked up; without it MLflow falls back to the source. */
static struct mlt_str storage_location(struct mlt_str source) {
  return mlt_str_starts(source, "models:") ? MLT_STR_NULL : source;
}

static void fill_version(struct mlt_ex *s, const struct mlt_json *o, struct mlt_model_version *v) {
  *v = (struct mlt_model_version){
      .version = mlt_ex_version(s, o),
      .creation_time = mlt_ex_int(s, o, "creation_timestamp"),
      .last_updated_time = mlt_ex_int(s, o, "last_updated_timestamp"),
      .description = mlt_ex_field(s, o, "description"),
      .current_stage = mlt_ex_field_or(s, o, "current_stage", MLT_STR_LIT("None")),
      .source = mlt_ex_field(s, o, "source"),
      .run_id = mlt_ex_field(s, o, "run_id"),
      .run_link = mlt_ex_field(s, o, "run_link"),
      .status = mlt_ex_field_or(s, o, "status", MLT_STR_LIT("READY")),
      .status_message = mlt_ex_field(s, o, "status_message"),
  };
  v->storage_location = storage_location(v->source);
  struct mlt_str user = mlt_ex_field(s, o, "user_id");
  if (user.len) /* MLflow's store never sets it, and its REST API gives "" then */
    v->user_id = user;
}

/* s->sub is the version at hand while its tags go out, and the next one else. */
static enum mlt_rc versions(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_json *o = mlt_json_at(versions_of(s), s->sub);
  (void)err;
  if (s->in_version) {
    mlt_ex_record(s, rec, MLT_REC_MODEL_VERSION_TAG);
    if (mlt_ex_pair(s, mlt_json_get(o, "tags"), &rec->kv))
      return MLT_OK;
    s->in_version = false;
    o = mlt_json_at(versions_of(s), ++s->sub);
  }
  if (s->sub >= mlt_json_length(versions_of(s)))
    return MLT_END;
  mlt_ex_record(s, rec, MLT_REC_MODEL_VERSION);
  fill_version(s, o, &rec->version);
  if (s->fault.code) {
    s->sub++;
    return mlt_ex_reject(s, rec, MLT_T_MODEL_VERSIONS, 1);
  }
  s->in_version = true;
  s->member = NULL;
  s->item = 0;
  return MLT_OK;
}

static enum mlt_rc aliases(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_json *list = mlt_json_get(s->doc, "aliases"), *o = mlt_json_at(list, s->item);
  (void)err;
  if (s->item >= mlt_json_length(list))
    return MLT_END;
  s->item++;
  mlt_ex_record(s, rec, MLT_REC_ALIAS);
  rec->alias =
      (struct mlt_alias){mlt_ex_field_or(s, o, "alias", MLT_STR_LIT("")), mlt_ex_version(s, o)};
  return s->fault.code ? mlt_ex_reject(s, rec, MLT_T_REGISTERED_MODEL_ALIASES, 1) : MLT_OK;
}

static enum mlt_rc end_model(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  mlt_ex_leave(s);
  mlt_ex_record(s, rec, MLT_REC_REGISTERED_MODEL_END);
  return MLT_OK;
}

const mlt_ex_step mlt_ex_registered_steps[] = {open_model, tags,      aliases,
                                               versions,   end_model, NULL};
