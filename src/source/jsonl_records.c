/* What a line of JSON means: the records it becomes, one after another. */
#include "source/jsonl.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/rules.h"

enum { TEXT_BYTES = 2 * PATH_MAX };

enum mlt_rc mlt_jsonl_giver_init(struct mlt_jsonl_giver *g, struct mlt_err *err) {
  g->experiments = mlt_map_new();
  mlt_buf_init(&g->text, TEXT_BYTES);
  return g->experiments ? MLT_OK : mlt_err_nomem(err);
}

void mlt_jsonl_giver_free(struct mlt_jsonl_giver *g) {
  mlt_map_free(g->experiments);
  mlt_buf_free(&g->text);
}

/* ---- what is asked of a line beyond its form ---- */

static enum mlt_rc check_run_ids(const struct mlt_jsonl_line *l, struct mlt_fault *fault) {
  static const int at[MLT_LINE_COUNT] = {
      [MLT_LINE_RUN] = MLT_AT_RUN_run_id,
      [MLT_LINE_MODEL_METRIC] = MLT_AT_MODEL_METRIC_run_id,
      [MLT_LINE_MODEL_VERSION] = MLT_AT_MODEL_VERSION_run_id,
  };
  bool none = l->type == MLT_LINE_HEADER || l->type == MLT_LINE_EXPERIMENT ||
              l->type == MLT_LINE_LOGGED_MODEL || l->type == MLT_LINE_REGISTERED_MODEL;
  const struct mlt_line_value *id = none ? NULL : &l->v[at[l->type]];
  const char *why = id && id->text.len ? mlt_rule_run_id(id->text, MLT_RULES_3_17) : NULL;
  if (id && id->has && !id->text.len && l->type != MLT_LINE_MODEL_VERSION)
    why = "it is empty";
  return why ? mlt_blame(fault, "bad-run-id", "the run_id cannot be one: %s", why) : MLT_OK;
}

static enum mlt_rc check_experiment(const struct mlt_jsonl_line *l, struct mlt_fault *fault,
                                    const char **field) {
  int64_t id;
  const struct mlt_line_value *v = &l->v[MLT_AT_EXPERIMENT_experiment_id];
  *field = "experiment_id";
  return !v->has || mlt_parse_i64(v->text, &id)
             ? MLT_OK
             : mlt_blame(fault, "bad-value",
                         "experiment_id must be an integer of 64 bits, in "
                         "quotes");
}

static bool version_of(struct mlt_str text, int32_t *out) {
  int64_t n;
  if (!mlt_parse_i64(text, &n) || n < 1 || n > INT32_MAX)
    return false;
  *out = (int32_t)n;
  return true;
}

static enum mlt_rc check_aliases(const struct mlt_jsonl_line *l, struct mlt_fault *fault,
                                 const char **field) {
  const struct mlt_line_value *v = &l->v[MLT_AT_REGISTERED_MODEL_aliases];
  int32_t version;
  *field = "aliases";
  for (size_t i = 0; i < v->n; i++)
    if (!v->texts[i].value.p || !version_of(v->texts[i].value, &version))
      return mlt_blame(fault, "bad-value",
                       "the alias '%.*s' must stand for a version, such as "
                       "\"3\"",
                       MLT_STR_ARG(v->texts[i].key));
  return MLT_OK;
}

/* Files are read with the rights of whoever imports: a line may not lead anywhere. */
static enum mlt_rc check_artifact(const struct mlt_jsonl_line *l, struct mlt_fault *fault,
                                  const char **field) {
  static const int at[] = {MLT_AT_ARTIFACT_path, MLT_AT_ARTIFACT_file};
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    struct mlt_str s = l->v[at[i]].text;
    *field = mlt_line_fields(MLT_LINE_ARTIFACT)[at[i]].name;
    if (!s.len || s.p[0] == '/' || !mlt_rule_path_unique(s))
      return mlt_blame(fault, "bad-path",
                       "%s must be a relative path without '..', '.' and empty "
                       "parts",
                       *field);
  }
  return MLT_OK;
}

enum mlt_rc mlt_jsonl_check(const struct mlt_jsonl_line *l, struct mlt_fault *fault,
                            const char **field) {
  *field = "run_id";
  enum mlt_rc rc = check_run_ids(l, fault);
  if (rc == MLT_OK && l->type == MLT_LINE_EXPERIMENT)
    rc = check_experiment(l, fault, field);
  if (rc == MLT_OK && l->type == MLT_LINE_REGISTERED_MODEL)
    rc = check_aliases(l, fault, field);
  if (rc == MLT_OK && l->type == MLT_LINE_ARTIFACT)
    rc = check_artifact(l, fault, field);
  return rc;
}

/* ---- experiments ---- */

struct mlt_str mlt_jsonl_experiment(const struct mlt_jsonl_giver *g,
                                    const struct mlt_jsonl_line *l) {
  switch (l->type) {
  case MLT_LINE_EXPERIMENT:
    return l->v[MLT_AT_EXPERIMENT_name].text;
  case MLT_LINE_RUN:
    return l->v[MLT_AT_RUN_experiment].has ? l->v[MLT_AT_RUN_experiment].text : g->experiment;
  case MLT_LINE_DATASET:
    return l->v[MLT_AT_DATASET_run_id].has ? MLT_STR_NULL : l->v[MLT_AT_DATASET_experiment].text;
  case MLT_LINE_LOGGED_MODEL:
    return l->v[MLT_AT_LOGGED_MODEL_experiment].text;
  default:
    return MLT_STR_NULL;
  }
}

void mlt_jsonl_begin(const struct mlt_jsonl_giver *g, struct mlt_record *rec,
                     enum mlt_rec_kind kind, uint64_t number) {
  *rec = (struct mlt_record){.kind = kind, .place = {.path = mlt_str_c(g->place), .line = number}};
}

static enum mlt_rc experiment_record(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l,
                                     struct mlt_experiment e, struct mlt_record *rec,
                                     struct mlt_err *err) {
  struct mlt_opt_i64 now = {mlt_clock_wall_ms(), true};
  mlt_jsonl_begin(g, rec, MLT_REC_EXPERIMENT, l->number);
  e.key = e.name = mlt_jsonl_experiment(g, l);
  e.placed = !e.artifact_location.p;
  if (!e.creation_time.has && !l->exact) /* as MLflow's create_experiment */
    e.creation_time = now;
  if (!e.last_update_time.has && !l->exact)
    e.last_update_time = e.creation_time;
  rec->experiment = e;
  return mlt_map_put(g->experiments, e.name, 1) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

enum mlt_rc mlt_jsonl_give_experiment(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l,
                                      struct mlt_record *rec, struct mlt_err *err) {
  uint64_t at;
  struct mlt_str name = mlt_jsonl_experiment(g, l);
  if (!name.p || mlt_map_get(g->experiments, name, &at))
    return MLT_END;
  struct mlt_jsonl_line named = *l;
  named.exact = false;
  return experiment_record(g, &named, (struct mlt_experiment){0}, rec, err);
}

/* ---- records of a line, by type: false beyond the last ---- */

static struct mlt_opt_i64 opt(const struct mlt_line_value *v) {
  return (struct mlt_opt_i64){v->integer, v->has};
}

/* The next of an object of strings, whose first has the number *at. */
static bool give_texts(const struct mlt_line_value *v, size_t *at, enum mlt_rec_kind kind,
                       struct mlt_record *rec) {
  if (*at >= v->n) {
    *at -= v->n;
    return false;
  }
  rec->kind = kind;
  rec->kv = v->texts[*at];
  return true;
}

static bool has_text(const struct mlt_line_value *v, const char *key) {
  for (size_t i = 0; i < v->n; i++)
    if (mlt_str_is(v->texts[i].key, key))
      return true;
  return false;
}

static enum mlt_rc give_experiment(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l,
                                   size_t at, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_line_value *v = l->v;
  struct mlt_experiment e = {
      .artifact_location = v[MLT_AT_EXPERIMENT_artifact_location].text,
      .deleted = v[MLT_AT_EXPERIMENT_lifecycle_stage].integer,
      .creation_time = opt(&v[MLT_AT_EXPERIMENT_creation_time]),
      .last_update_time = opt(&v[MLT_AT_EXPERIMENT_last_update_time]),
  };
  if (v[MLT_AT_EXPERIMENT_experiment_id].has)
    e.id.has = mlt_parse_i64(v[MLT_AT_EXPERIMENT_experiment_id].text, &e.id.v);
  if (at == 0)
    return experiment_record(g, l, e, rec, err);
  at--;
  rec->owner = v[MLT_AT_EXPERIMENT_name].text;
  return give_texts(&v[MLT_AT_EXPERIMENT_tags], &at, MLT_REC_EXPERIMENT_TAG, rec) ? MLT_OK
                                                                                  : MLT_END;
}

static struct mlt_str text_or(const struct mlt_line_value *v, const char *otherwise) {
  return v->has || !otherwise ? v->text : mlt_str_c(otherwise);
}

/* What create_run of MLflow's store gives a run that does not say: nothing for one that is whole.
 */
static void run_record(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l,
                       struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  const char *empty = l->whole ? NULL : "";
  rec->kind = MLT_REC_RUN;
  rec->run = (struct mlt_run){
      .part = l->whole ? MLT_RUN_WHOLE : MLT_RUN_BEGUN,
      .run_uuid = v[MLT_AT_RUN_run_id].text,
      .experiment = mlt_jsonl_experiment(g, l),
      .name = v[MLT_AT_RUN_name].text,
      .source_type = text_or(&v[MLT_AT_RUN_source_type], l->whole ? NULL : "UNKNOWN"),
      .source_name = text_or(&v[MLT_AT_RUN_source_name], empty),
      .entry_point_name = text_or(&v[MLT_AT_RUN_entry_point_name], empty),
      .source_version = text_or(&v[MLT_AT_RUN_source_version], empty),
      .user_id = v[MLT_AT_RUN_user].text,
      .status = v[MLT_AT_RUN_status].has ? (enum mlt_run_status)v[MLT_AT_RUN_status].integer
                                         : MLT_RUN_RUNNING,
      .start_time = opt(&v[MLT_AT_RUN_start_time]),
      .end_time = opt(&v[MLT_AT_RUN_end_time]),
      .deleted_time = opt(&v[MLT_AT_RUN_deleted_time]),
      .deleted = v[MLT_AT_RUN_lifecycle_stage].integer,
      .artifact_uri = v[MLT_AT_RUN_artifact_uri].text,
  };
  g->open = MLT_OPEN_RUN;
}

static enum mlt_rc give_run(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l, size_t at,
                            struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  static const char parent[] = "mlflow.parentRunId";
  if (at == 0) {
    run_record(g, l, rec);
    return MLT_OK;
  }
  at--;
  if (give_texts(&v[MLT_AT_RUN_params], &at, MLT_REC_PARAM, rec) ||
      give_texts(&v[MLT_AT_RUN_tags], &at, MLT_REC_TAG, rec))
    return MLT_OK;
  if (at > 0 || !v[MLT_AT_RUN_parent_run_id].has || has_text(&v[MLT_AT_RUN_tags], parent))
    return MLT_END;
  rec->kind = MLT_REC_TAG;
  rec->kv = (struct mlt_kv){mlt_str_c(parent), v[MLT_AT_RUN_parent_run_id].text};
  return MLT_OK;
}

bool mlt_jsonl_points(const struct mlt_jsonl_line *l, size_t at, struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  rec->kind = MLT_REC_POINTS;
  if (l->type == MLT_LINE_METRIC) {
    rec->points =
        (struct mlt_points){v[MLT_AT_METRIC_key].text, 1, &v[MLT_AT_METRIC_timestamp].integer,
                            &v[MLT_AT_METRIC_step].integer, &v[MLT_AT_METRIC_value].number};
    return at == 0;
  }
  if (l->type == MLT_LINE_POINTS) {
    rec->points = (struct mlt_points){
        v[MLT_AT_POINTS_key].text, v[MLT_AT_POINTS_value].n, v[MLT_AT_POINTS_timestamp].integers,
        v[MLT_AT_POINTS_step].integers, v[MLT_AT_POINTS_value].numbers};
    return at == 0 && rec->points.n > 0;
  }
  if (at >= v[MLT_AT_METRICS_values].n)
    return false;
  rec->points = (struct mlt_points){
      v[MLT_AT_METRICS_values].keys[at], 1, &v[MLT_AT_METRICS_timestamp].integer,
      &v[MLT_AT_METRICS_step].integer, &v[MLT_AT_METRICS_values].numbers[at]};
  return true;
}

static bool give_kv(const struct mlt_jsonl_line *l, size_t at, struct mlt_record *rec) {
  bool param = l->type == MLT_LINE_PARAM;
  rec->kind = param ? MLT_REC_PARAM : MLT_REC_TAG;
  rec->kv = param ? (struct mlt_kv){l->v[MLT_AT_PARAM_key].text, l->v[MLT_AT_PARAM_value].text}
                  : (struct mlt_kv){l->v[MLT_AT_TAG_key].text, l->v[MLT_AT_TAG_value].text};
  return at == 0;
}

static void input_record(struct mlt_jsonl_giver *g, const struct mlt_line_value *v,
                         struct mlt_record *rec) {
  rec->kind = MLT_REC_INPUT;
  rec->input = (struct mlt_input){
      .name = v[MLT_AT_DATASET_name].text,
      .digest = v[MLT_AT_DATASET_digest].text,
      .experiment = v[MLT_AT_DATASET_experiment].text,
      .made = v[MLT_AT_DATASET_source].has ? &g->dataset : NULL,
  };
}

static bool give_dataset(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l, size_t at,
                         struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  g->dataset = (struct mlt_dataset){
      .experiment = v[MLT_AT_DATASET_experiment].text,
      .name = v[MLT_AT_DATASET_name].text,
      .digest = v[MLT_AT_DATASET_digest].text,
      .source_type = v[MLT_AT_DATASET_source_type].text,
      .source = v[MLT_AT_DATASET_source].text,
      .schema = v[MLT_AT_DATASET_schema].text,
      .profile = v[MLT_AT_DATASET_profile].text,
  };
  if (at == 0 && v[MLT_AT_DATASET_run_id].has) {
    input_record(g, v, rec);
    return true;
  }
  if (at == 0) {
    rec->kind = MLT_REC_DATASET;
    rec->dataset = g->dataset;
    return true;
  }
  at--;
  if (v[MLT_AT_DATASET_context].has && at-- == 0) {
    rec->kind = MLT_REC_INPUT_TAG;
    rec->kv = (struct mlt_kv){MLT_STR_LIT("mlflow.data.context"), v[MLT_AT_DATASET_context].text};
    return true;
  }
  return give_texts(&v[MLT_AT_DATASET_tags], &at, MLT_REC_INPUT_TAG, rec);
}

static bool give_edge(const struct mlt_jsonl_line *l, size_t at, struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  bool input = l->type == MLT_LINE_MODEL_INPUT;
  if (at > 0) {
    at--;
    return input && give_texts(&v[MLT_AT_MODEL_INPUT_tags], &at, MLT_REC_INPUT_TAG, rec);
  }
  rec->kind = input ? MLT_REC_MODEL_INPUT : MLT_REC_OUTPUT;
  rec->edge = input ? (struct mlt_model_edge){v[MLT_AT_MODEL_INPUT_model_id].text, 0}
                    : (struct mlt_model_edge){v[MLT_AT_MODEL_OUTPUT_model_id].text,
                                              v[MLT_AT_MODEL_OUTPUT_step].integer};
  return true;
}

static enum mlt_rc give_artifact(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l,
                                 size_t at, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_str file = l->v[MLT_AT_ARTIFACT_file].text;
  if (at > 0)
    return MLT_END;
  mlt_buf_clear(&g->text);
  if (mlt_buf_printf(&g->text, "%s/", strcmp(g->folder, "/") == 0 ? "" : g->folder) != MLT_OK)
    return mlt_err_nomem(err);
  /* what is too long for a path is no file's: whoever opens it says so */
  size_t room = TEXT_BYTES - 1 - g->text.len;
  if (mlt_buf_add(&g->text, file.p, file.len < room ? file.len : room) != MLT_OK ||
      !mlt_buf_cstr(&g->text))
    return mlt_err_nomem(err);
  rec->kind = MLT_REC_ARTIFACT;
  rec->artifact = (struct mlt_artifact){l->v[MLT_AT_ARTIFACT_path].text, mlt_buf_str(&g->text)};
  return MLT_OK;
}

static bool give_logged_model(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l, size_t at,
                              struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  if (at > 0) {
    at--;
    return give_texts(&v[MLT_AT_LOGGED_MODEL_params], &at, MLT_REC_LOGGED_MODEL_PARAM, rec) ||
           give_texts(&v[MLT_AT_LOGGED_MODEL_tags], &at, MLT_REC_LOGGED_MODEL_TAG, rec);
  }
  g->open = MLT_OPEN_MODEL;
  rec->kind = MLT_REC_LOGGED_MODEL;
  rec->logged_model = (struct mlt_logged_model){
      .model_id = v[MLT_AT_LOGGED_MODEL_model_id].text,
      .experiment = v[MLT_AT_LOGGED_MODEL_experiment].text,
      .name = v[MLT_AT_LOGGED_MODEL_name].text,
      .artifact_location = v[MLT_AT_LOGGED_MODEL_artifact_location].text,
      .creation_time = v[MLT_AT_LOGGED_MODEL_creation_time].integer,
      .last_updated_time = v[MLT_AT_LOGGED_MODEL_last_updated_time].integer,
      .status = (int)v[MLT_AT_LOGGED_MODEL_status].integer,
      .deleted = v[MLT_AT_LOGGED_MODEL_lifecycle_stage].integer,
      .model_type = v[MLT_AT_LOGGED_MODEL_model_type].text,
      .source_run_id = v[MLT_AT_LOGGED_MODEL_source_run_id].text,
      .status_message = v[MLT_AT_LOGGED_MODEL_status_message].text,
  };
  return true;
}

static bool give_model_metric(const struct mlt_jsonl_line *l, size_t at, struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  rec->kind = MLT_REC_LOGGED_MODEL_METRIC;
  rec->lm_metric = (struct mlt_logged_model_metric){
      .key = v[MLT_AT_MODEL_METRIC_key].text,
      .run_id = v[MLT_AT_MODEL_METRIC_run_id].text,
      .dataset_name = v[MLT_AT_MODEL_METRIC_dataset_name].text,
      .dataset_digest = v[MLT_AT_MODEL_METRIC_dataset_digest].text,
      .timestamp = v[MLT_AT_MODEL_METRIC_timestamp].integer,
      .step = v[MLT_AT_MODEL_METRIC_step].integer,
      .value = v[MLT_AT_MODEL_METRIC_value].number,
  };
  return at == 0;
}

static bool give_registered_model(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l,
                                  size_t at, struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v, *aliases = &v[MLT_AT_REGISTERED_MODEL_aliases];
  if (at == 0) {
    g->open = MLT_OPEN_REGISTERED;
    rec->kind = MLT_REC_REGISTERED_MODEL;
    rec->registered_model = (struct mlt_registered_model){
        .name = v[MLT_AT_REGISTERED_MODEL_name].text,
        .description = v[MLT_AT_REGISTERED_MODEL_description].text,
        .creation_time = opt(&v[MLT_AT_REGISTERED_MODEL_creation_time]),
        .last_updated_time = opt(&v[MLT_AT_REGISTERED_MODEL_last_updated_time]),
    };
    return true;
  }
  at--;
  if (give_texts(&v[MLT_AT_REGISTERED_MODEL_tags], &at, MLT_REC_REGISTERED_MODEL_TAG, rec))
    return true;
  if (at >= aliases->n)
    return false;
  rec->kind = MLT_REC_ALIAS;
  rec->alias.alias = aliases->texts[at].key;
  return version_of(aliases->texts[at].value, &rec->alias.version); /* which has been checked */
}

static bool give_version(const struct mlt_jsonl_line *l, size_t at, struct mlt_record *rec) {
  const struct mlt_line_value *v = l->v;
  if (at > 0) {
    at--;
    return give_texts(&v[MLT_AT_MODEL_VERSION_tags], &at, MLT_REC_MODEL_VERSION_TAG, rec);
  }
  rec->kind = MLT_REC_MODEL_VERSION;
  rec->version = (struct mlt_model_version){
      .version = (int32_t)v[MLT_AT_MODEL_VERSION_version].integer,
      .creation_time = opt(&v[MLT_AT_MODEL_VERSION_creation_time]),
      .last_updated_time = opt(&v[MLT_AT_MODEL_VERSION_last_updated_time]),
      .description = v[MLT_AT_MODEL_VERSION_description].text,
      .user_id = v[MLT_AT_MODEL_VERSION_user_id].text,
      .current_stage = v[MLT_AT_MODEL_VERSION_current_stage].text,
      .source = v[MLT_AT_MODEL_VERSION_source].text,
      .storage_location = v[MLT_AT_MODEL_VERSION_storage_location].text,
      .run_id = v[MLT_AT_MODEL_VERSION_run_id].text,
      .run_link = v[MLT_AT_MODEL_VERSION_run_link].text,
      .status = v[MLT_AT_MODEL_VERSION_status].text,
      .status_message = v[MLT_AT_MODEL_VERSION_status_message].text,
  };
  return true;
}

enum mlt_rc mlt_jsonl_end_run(struct mlt_jsonl_giver *g, struct mlt_record *rec, uint64_t number) {
  mlt_jsonl_begin(g, rec, MLT_REC_RUN_END, number);
  g->open = MLT_OPEN_NOTHING;
  g->runs++;
  return MLT_OK;
}

static enum mlt_rc record(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l, size_t at,
                          struct mlt_record *rec, struct mlt_err *err) {
  bool given = false;
  switch (l->type) {
  case MLT_LINE_EXPERIMENT:
    return give_experiment(g, l, at, rec, err);
  case MLT_LINE_RUN:
    return give_run(g, l, at, rec);
  case MLT_LINE_ARTIFACT:
    return give_artifact(g, l, at, rec, err);
  case MLT_LINE_END:
    return at == 0 ? mlt_jsonl_end_run(g, rec, l->number) : MLT_END;
  case MLT_LINE_METRIC:
  case MLT_LINE_METRICS:
  case MLT_LINE_POINTS:
    given = mlt_jsonl_points(l, at, rec);
    break;
  case MLT_LINE_PARAM:
  case MLT_LINE_TAG:
    given = give_kv(l, at, rec);
    break;
  case MLT_LINE_DATASET:
    given = give_dataset(g, l, at, rec);
    break;
  case MLT_LINE_MODEL_INPUT:
  case MLT_LINE_MODEL_OUTPUT:
    given = give_edge(l, at, rec);
    break;
  case MLT_LINE_LOGGED_MODEL:
    given = give_logged_model(g, l, at, rec);
    break;
  case MLT_LINE_MODEL_METRIC:
    given = give_model_metric(l, at, rec);
    break;
  case MLT_LINE_REGISTERED_MODEL:
    given = give_registered_model(g, l, at, rec);
    break;
  case MLT_LINE_MODEL_VERSION:
    given = give_version(l, at, rec);
    break;
  case MLT_LINE_HEADER:
  case MLT_LINE_COUNT:
    break;
  }
  return given ? MLT_OK : MLT_END;
}

/* ---- giving ---- */

void mlt_jsonl_serve(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l) {
  g->line = l;
  g->at = 0;
}

/* Do lines of this type belong to what is open? */
static bool belongs(const struct mlt_jsonl_giver *g) {
  switch (g->open) {
  case MLT_OPEN_RUN:
    return g->line && g->line->type != MLT_LINE_RUN;
  case MLT_OPEN_MODEL:
    return g->line && g->line->type == MLT_LINE_MODEL_METRIC;
  case MLT_OPEN_REGISTERED:
    return g->line && g->line->type == MLT_LINE_MODEL_VERSION;
  default:
    return true;
  }
}

static enum mlt_rc close_open(struct mlt_jsonl_giver *g, struct mlt_record *rec) {
  uint64_t number = g->line ? g->line->number : 0;
  if (g->open == MLT_OPEN_RUN)
    return mlt_jsonl_end_run(g, rec, number);
  mlt_jsonl_begin(
      g, rec, g->open == MLT_OPEN_MODEL ? MLT_REC_LOGGED_MODEL_END : MLT_REC_REGISTERED_MODEL_END,
      number);
  g->open = MLT_OPEN_NOTHING;
  return MLT_OK;
}

enum mlt_rc mlt_jsonl_give(struct mlt_jsonl_giver *g, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_jsonl_line *l = g->line;
  if (g->at == 0 && !belongs(g))
    return close_open(g, rec);
  if (!l)
    return MLT_END;
  if (g->at == 0 && l->type != MLT_LINE_EXPERIMENT) {
    enum mlt_rc rc = mlt_jsonl_give_experiment(g, l, rec, err);
    if (rc != MLT_END)
      return rc;
  }
  mlt_jsonl_begin(g, rec, MLT_REC_NOTE, l->number);
  return record(g, l, g->at++, rec, err);
}
