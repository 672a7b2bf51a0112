/* What must be known before the first run: experiments, from experiment.json; what the experiments
   of other runs are called, from model.json; and from each run.json its experiment and its
   datasets. */
#include "source/exim.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/rules.h"

static struct mlt_str folder(const struct mlt_ex *s) {
  return mlt_tree_folder(&s->tree, s->at);
}

/* ---- experiment.json ---- */

static enum mlt_rc reject_experiment(struct mlt_ex *s, struct mlt_record *rec,
                                     struct mlt_err *err) {
  mlt_ex_leave(s);
  if (mlt_map_put(s->lost, folder(s), 1) < 0)
    return mlt_err_nomem(err);
  return mlt_ex_reject(s, rec, MLT_T_EXPERIMENTS, 1);
}

static void fill_experiment(struct mlt_ex *s, struct mlt_experiment *e) {
  const struct mlt_json *o = s->doc;
  *e = (struct mlt_experiment){
      .key = mlt_ex_field_or(s, o, "experiment_id", MLT_STR_LIT("")),
      .name = mlt_ex_field_or(s, o, "name", MLT_STR_LIT("")),
      .id = mlt_ex_int(s, o, "experiment_id"),
      .artifact_location = mlt_ex_field(s, o, "artifact_location"),
      .deleted = mlt_ex_deleted(s, o),
      .creation_time = mlt_ex_int(s, o, "creation_time"),
      .last_update_time = mlt_ex_int(s, o, "last_update_time"),
  };
  uint64_t known;
  if (!e->id.has)
    (void)mlt_blame(&s->fault, "bad-field", "there is no experiment_id");
  else if (!e->name.len)
    (void)mlt_blame(&s->fault, "bad-field", "there is no name");
  else if (mlt_map_get(s->experiments, e->key, &known))
    (void)mlt_blame(&s->fault, "experiment-duplicate",
                    "another experiment of this export has the number %.*s, too: exports of "
                    "different servers must be imported one by one",
                    MLT_STR_ARG(e->key));
}

static enum mlt_rc open_experiment(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_ex_set(&s->id, folder(s), err);
  if (rc == MLT_OK)
    rc = mlt_ex_load(s, "experiment", err);
  if (rc != MLT_OK)
    return mlt_ex_is_fault(rc) ? reject_experiment(s, rec, err) : rc;
  mlt_ex_record(s, rec, MLT_REC_EXPERIMENT);
  fill_experiment(s, &rec->experiment);
  if (s->fault.code)
    return reject_experiment(s, rec, err);
  s->step++;
  s->member = NULL;
  s->item = 0;
  if (mlt_map_put(s->experiments, rec->experiment.key, MLT_EX_HERE) < 0)
    return mlt_err_nomem(err);
  return mlt_ex_set(&s->id, rec->experiment.name, err);
}

static enum mlt_rc experiment_tags(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  mlt_ex_record(s, rec, MLT_REC_EXPERIMENT_TAG);
  rec->owner = mlt_ex_field(s, s->doc, "experiment_id");
  return mlt_ex_pair(s, mlt_json_get(s->doc, "tags"), &rec->kv) ? MLT_OK : MLT_END;
}

/* Runs that the export says it holds. */
static enum mlt_rc reopen(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_cut_event ev;
  (void)rec;
  enum mlt_rc rc = mlt_ex_open(s, err);
  if (rc == MLT_OK)
    rc = mlt_ex_enter(s, err);
  while (rc == MLT_OK && (rc = mlt_ex_section(s, &ev, err)) == MLT_OK) {
    if (mlt_str_is(ev.key, "runs") && ev.kind == MLT_CUT_OPEN && ev.list)
      return MLT_END;
    if (ev.kind == MLT_CUT_OPEN)
      rc = mlt_ex_skip(s, err);
  }
  mlt_ex_leave(s);
  return rc == MLT_DATA ? MLT_END : rc;
}

static bool is_there(const struct mlt_ex *s, struct mlt_str id) {
  char name[128];
  struct stat st;
  if (id.len > sizeof name - sizeof "/run.json" || memchr(id.p, '/', id.len))
    return false;
  memcpy(name, id.p, id.len);
  memcpy(name + id.len, "/run.json", sizeof "/run.json");
  int fd = mlt_tree_open_beside(&s->tree, s->at, name, &st);
  if (fd >= 0)
    (void)close(fd);
  return fd >= 0;
}

static enum mlt_rc listed_runs(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_cut_event ev;
  struct mlt_str id;
  enum mlt_rc rc;
  while ((rc = mlt_ex_next(s, &ev, err)) == MLT_OK && ev.kind == MLT_CUT_VALUE) {
    if ((rc = mlt_ex_text(s, &ev, &id, err)) != MLT_OK)
      break;
    if (!id.p || is_there(s, id))
      continue;
    if ((rc = mlt_ex_set(&s->id, id, err)) != MLT_OK)
      return rc;
    (void)mlt_blame(&s->fault, "missing", "the export lists run %.*s, but has no run.json of it",
                    MLT_STR_ARG(id));
    return mlt_ex_reject(s, rec, MLT_T_RUNS, 1);
  }
  return rc == MLT_OK || rc == MLT_DATA ? MLT_END : rc;
}

const mlt_ex_step mlt_ex_experiment_steps[] = {open_experiment, experiment_tags, reopen,
                                               listed_runs, NULL};

/* ---- model.json, for names ---- */

static enum mlt_rc learn(struct mlt_ex *s, const struct mlt_json *version, struct mlt_err *err) {
  struct mlt_str run = mlt_json_text(mlt_json_get(version, "run_id"));
  struct mlt_str name = mlt_json_text(mlt_json_get(version, "_experiment_name")), copy;
  size_t n = s->experiment_names.n;
  if (!run.len || !name.len)
    return MLT_OK;
  if (!n || !mlt_str_eq(s->experiment_names.v[n - 1], name)) {
    if (!MLT_VEC_ROOM(s->experiment_names) || mlt_arena_str(s->arena, name, &copy) != 0)
      return mlt_err_nomem(err);
    s->experiment_names.v[s->experiment_names.n++] = copy;
  }
  return mlt_map_put(s->names, run, s->experiment_names.n - 1) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

/* What is wrong with the file is said when its model is imported. */
static enum mlt_rc learn_names(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)rec;
  enum mlt_rc rc = mlt_ex_load(s, "registered_model", err);
  const struct mlt_json *versions = mlt_json_get(rc == MLT_OK ? s->doc : NULL, "versions");
  for (size_t i = 0; rc == MLT_OK && i < mlt_json_length(versions); i++)
    rc = learn(s, mlt_json_at(versions, i), err);
  return rc == MLT_OK || mlt_ex_is_fault(rc) ? MLT_END : rc;
}

const mlt_ex_step mlt_ex_name_steps[] = {learn_names, NULL};

/* ---- run.json: its experiment and datasets ---- */

static enum mlt_rc reject_run(struct mlt_ex *s, struct mlt_record *rec) {
  s->tree.files.v[s->at].mark = true;
  s->progress.runs_done++;
  mlt_ex_leave(s);
  return mlt_ex_reject(s, rec, MLT_T_RUNS, 1);
}

/* Was the experiment.json in the folder above rejected? */
static bool is_lost(const struct mlt_ex *s) {
  struct mlt_str above = folder(s);
  uint64_t v;
  while (above.len && above.p[above.len - 1] != '/')
    above.len--;
  if (above.len)
    above.len--;
  return folder(s).len && mlt_map_get(s->lost, above, &v);
}

static enum mlt_rc note_info(struct mlt_ex *s, struct mlt_err *err) {
  struct mlt_str id = mlt_ex_field(s, s->doc, "run_id");
  struct mlt_str experiment = mlt_ex_field(s, s->doc, "experiment_id");
  uint64_t was;
  if (!id.p)
    id = mlt_ex_field(s, s->doc, "run_uuid");
  if (!id.p || !experiment.p)
    return mlt_blame(&s->fault, "bad-field", "mlflow.info has no run_id or no experiment_id");
  enum mlt_rc rc = mlt_ex_set(&s->id, id, err);
  if (rc == MLT_OK)
    rc = mlt_ex_set(&s->run_experiment, experiment, err);
  if (rc == MLT_OK)
    rc = mlt_ex_set(&s->run_uri, mlt_ex_field_or(s, s->doc, "artifact_uri", MLT_STR_LIT("")), err);
  if (rc != MLT_OK)
    return rc;
  s->has_id = true;
  if (is_lost(s))
    return mlt_blame(&s->fault, "no-experiment", "the experiment of this run was rejected");
  if (mlt_map_get(s->runs, id, &was))
    return mlt_blame(&s->fault, "run-duplicate", "%s holds this run, too",
                     mlt_tree_path(&s->tree, (size_t)was));
  return mlt_map_put(s->runs, id, s->at) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

/* A run exported with several models is there several times: the first will do. */
static enum mlt_rc pass_over(struct mlt_ex *s) {
  s->tree.files.v[s->at].mark = true;
  s->progress.runs_done++;
  s->fault.code = NULL;
  mlt_ex_leave(s);
  return MLT_END;
}

static enum mlt_rc survey_fault(struct mlt_ex *s, struct mlt_record *rec, enum mlt_rc rc) {
  if (!mlt_ex_is_fault(rc))
    return rc;
  return strcmp(s->fault.code, "run-duplicate") == 0 ? pass_over(s) : reject_run(s, rec);
}

static enum mlt_rc begin_survey(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  s->has_id = false;
  mlt_buf_clear(&s->id);
  s->section = MLT_EX_MEMBERS;
  enum mlt_rc rc = mlt_ex_open(s, err);
  if (rc == MLT_OK)
    rc = mlt_ex_enter(s, err);
  if (rc != MLT_OK)
    return survey_fault(s, rec, rc);
  return MLT_END;
}

/* "file:///x/1/RUN/artifacts" is RUN's in an experiment whose location is "file:///x/1". */
static struct mlt_str location(const struct mlt_ex *s) {
  static const char tail[] = "/artifacts";
  struct mlt_str uri = mlt_buf_str(&s->run_uri), id = mlt_buf_str(&s->id);
  size_t n = id.len + sizeof tail - 1;
  if (uri.len <= n + 1 || memcmp(uri.p + uri.len - sizeof tail + 1, tail, sizeof tail - 1) != 0)
    return MLT_STR_NULL;
  size_t at = uri.len - n;
  return memcmp(uri.p + at, id.p, id.len) == 0 && uri.p[at - 1] == '/'
             ? (struct mlt_str){uri.p, at - 1}
             : MLT_STR_NULL;
}

/* An experiment that the export does not hold: its name is given, or known from a model, or made of
   its number, as MLflow's own importer does for one without name. */
static enum mlt_rc name_experiment(struct mlt_ex *s, struct mlt_str *out, struct mlt_err *err) {
  uint64_t i;
  if (mlt_map_get(s->names, mlt_buf_str(&s->id), &i)) {
    *out = s->experiment_names.v[i];
    return MLT_OK;
  }
  mlt_buf_clear(&s->text);
  if (mlt_buf_printf(&s->text, "experiment_%.*s", MLT_STR_ARG(mlt_buf_str(&s->run_experiment))) !=
      MLT_OK)
    return mlt_err_nomem(err);
  *out = mlt_buf_str(&s->text);
  return MLT_OK;
}

static enum mlt_rc make_experiment(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_experiment *e = &rec->experiment;
  mlt_ex_record(s, rec, MLT_REC_EXPERIMENT);
  e->key = mlt_ex_experiment(s, mlt_buf_str(&s->run_experiment));
  if (mlt_map_put(s->experiments, e->key, MLT_EX_HERE) < 0)
    return mlt_err_nomem(err);
  if (s->given) {
    e->name = mlt_str_c(s->given);
    return MLT_OK;
  }
  e->id.has = mlt_parse_i64(e->key, &e->id.v);
  e->artifact_location = location(s);
  return name_experiment(s, &e->name, err);
}

/* Is the experiment of the thing at hand still to be given? */
static bool is_unknown(struct mlt_ex *s) {
  uint64_t known;
  struct mlt_str key = mlt_ex_experiment(s, mlt_buf_str(&s->run_experiment));
  return !mlt_map_get(s->experiments, key, &known);
}

/* MLT_END: the dataset in s->doc has been given before. */
static enum mlt_rc give_dataset(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_str none = MLT_STR_LIT("");
  const struct mlt_json *o = mlt_json_get(s->doc, "dataset");
  struct mlt_dataset d = {
      .experiment = mlt_ex_experiment(s, mlt_buf_str(&s->run_experiment)),
      .name = mlt_ex_field_or(s, o, "name", none),
      .digest = mlt_ex_field_or(s, o, "digest", none),
      .source_type = mlt_ex_field_or(s, o, "source_type", none),
      .source = mlt_ex_field_or(s, o, "source", none),
      .schema = mlt_ex_field(s, o, "schema"),
      .profile = mlt_ex_field(s, o, "profile"),
  };
  if (s->fault.code)
    return mlt_ex_reject(s, rec, MLT_T_DATASETS, 1);
  const struct mlt_str parts[] = {d.experiment, d.name, d.digest};
  mlt_buf_clear(&s->key);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (mlt_buf_add(&s->key, parts[i].p, parts[i].len) != MLT_OK ||
        mlt_buf_add(&s->key, "", 1) != MLT_OK)
      return mlt_err_nomem(err);
  int added = mlt_map_put(s->datasets, mlt_buf_str(&s->key), 1);
  if (added < 0)
    return mlt_err_nomem(err);
  mlt_ex_record(s, rec, MLT_REC_DATASET);
  rec->dataset = d;
  return added ? MLT_OK : MLT_END;
}

/* The datasets of a run, each as it is reached. Right after EXPERIMENT s->doc is one that waits. */
static enum mlt_rc survey_inputs(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_cut_event ev;
  for (;;) {
    if (s->section != MLT_EX_INPUT_TAGS) {
      enum mlt_rc rc = mlt_ex_next(s, &ev, err);
      if (rc == MLT_OK && ev.kind == MLT_CUT_CLOSE) {
        s->section = MLT_EX_MEMBERS;
        return MLT_END;
      }
      if (rc == MLT_OK && ev.kind == MLT_CUT_OPEN)
        rc = mlt_ex_take(s, err);
      if (rc != MLT_OK)
        return rc;
    }
    bool waits = is_unknown(s);
    s->section = waits ? MLT_EX_INPUT_TAGS : MLT_EX_INPUTS;
    enum mlt_rc rc = waits ? make_experiment(s, rec, err) : give_dataset(s, rec, err);
    if (rc != MLT_END)
      return rc;
  }
}

static enum mlt_rc survey_members(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_cut_event ev;
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK) {
    if (s->section != MLT_EX_MEMBERS) {
      rc = survey_inputs(s, rec, err);
      if (rc != MLT_END)
        return survey_fault(s, rec, rc);
    }
    rc = mlt_ex_section(s, &ev, err);
    if (rc != MLT_OK || ev.kind != MLT_CUT_OPEN)
      continue;
    if (mlt_str_is(ev.key, "info") && !ev.list) {
      rc = mlt_ex_take(s, err);
      if (rc == MLT_OK)
        rc = note_info(s, err);
    } else if (mlt_str_is(ev.key, "inputs") && ev.list && s->has_id) {
      s->section = MLT_EX_INPUTS;
    } else {
      rc = mlt_ex_skip(s, err);
    }
  }
  return survey_fault(s, rec, rc);
}

static enum mlt_rc end_survey(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  if (!s->has_id) {
    (void)mlt_blame(&s->fault, "bad-json", "it has no object \"mlflow\".\"info\"");
    return reject_run(s, rec);
  }
  mlt_ex_leave(s);
  return is_unknown(s) ? make_experiment(s, rec, err) : MLT_END;
}

const mlt_ex_step mlt_ex_survey_steps[] = {begin_survey, survey_members, end_survey, NULL};

/* ---- logged_model.json: its experiment ---- */

static enum mlt_rc survey_model(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_ex_load(s, NULL, err);
  if (rc != MLT_OK) /* said when the model is imported */
    return mlt_ex_is_fault(rc) ? MLT_END : rc;
  struct mlt_str run = mlt_json_text(mlt_json_get(s->doc, "source_run_id"));
  struct mlt_str experiment = mlt_json_text(mlt_json_get(s->doc, "experiment_id"));
  mlt_ex_leave(s);
  mlt_buf_clear(&s->run_uri);
  rc = mlt_ex_set(&s->id, run.p ? run : MLT_STR_LIT(""), err);
  if (rc == MLT_OK)
    rc = mlt_ex_set(&s->run_experiment, experiment.p ? experiment : MLT_STR_LIT(""), err);
  if (rc != MLT_OK)
    return rc;
  return experiment.p && is_unknown(s) ? make_experiment(s, rec, err) : MLT_END;
}

const mlt_ex_step mlt_ex_model_survey_steps[] = {survey_model, NULL};
