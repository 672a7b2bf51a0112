/* Experiments, their datasets, runs and what a run reads and makes. A run that MLflow's readers
   could not stand (no user, no start time) is filled in, never stored as it is: one such row hides
   every run of its experiment. */
#include "batch/private.h"

#define FIELD(type, member, column, too_long, need, rule)                                          \
  { offsetof(struct type, member), #member, column, too_long, need, rule }
#define NO_COLUMN MLT_C_COUNT

static const struct mlt_field experiment_fields[] = {
    FIELD(mlt_experiment, key, NO_COLUMN, MLT_LONG_REJECT, MLT_NONEMPTY, NULL),
    FIELD(mlt_experiment, name, MLT_C_EXPERIMENTS_name, MLT_LONG_REJECT, MLT_PRESENT,
          mlt_rule_experiment_name),
    FIELD(mlt_experiment, artifact_location, MLT_C_EXPERIMENTS_artifact_location, MLT_LONG_REJECT,
          MLT_OPTIONAL, NULL),
};

static const struct mlt_field dataset_fields[] = {
    FIELD(mlt_dataset, experiment, NO_COLUMN, MLT_LONG_REJECT, MLT_NONEMPTY, NULL),
    FIELD(mlt_dataset, name, MLT_C_DATASETS_name, MLT_LONG_REJECT, MLT_PRESENT, NULL),
    FIELD(mlt_dataset, digest, MLT_C_DATASETS_digest, MLT_LONG_REJECT, MLT_PRESENT, NULL),
    FIELD(mlt_dataset, source_type, MLT_C_DATASETS_dataset_source_type, MLT_LONG_REJECT,
          MLT_PRESENT, NULL),
    FIELD(mlt_dataset, source, MLT_C_DATASETS_dataset_source, MLT_LONG_REJECT, MLT_PRESENT, NULL),
    FIELD(mlt_dataset, schema, MLT_C_DATASETS_dataset_schema, MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
    FIELD(mlt_dataset, profile, MLT_C_DATASETS_dataset_profile, MLT_LONG_REJECT, MLT_OPTIONAL,
          NULL),
};

/* The first two are all that a run has of which only more comes. */
enum { FIELDS_OF_MORE = 2 };
static const struct mlt_field run_fields[] = {
    FIELD(mlt_run, run_uuid, MLT_C_RUNS_run_uuid, MLT_LONG_REJECT, MLT_NONEMPTY, mlt_rule_run_id),
    FIELD(mlt_run, name, MLT_C_RUNS_name, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_run, experiment, NO_COLUMN, MLT_LONG_REJECT, MLT_NONEMPTY, NULL),
    FIELD(mlt_run, source_type, MLT_C_RUNS_source_type, MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
    FIELD(mlt_run, source_name, MLT_C_RUNS_source_name, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_run, entry_point_name, MLT_C_RUNS_entry_point_name, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_run, source_version, MLT_C_RUNS_source_version, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_run, user_id, MLT_C_RUNS_user_id, MLT_LONG_CUT, MLT_OPTIONAL, NULL),
    FIELD(mlt_run, artifact_uri, MLT_C_RUNS_artifact_uri, MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
};

static const struct mlt_field input_fields[] = {
    FIELD(mlt_input, experiment, NO_COLUMN, MLT_LONG_REJECT, MLT_OPTIONAL, NULL),
    FIELD(mlt_input, name, MLT_C_DATASETS_name, MLT_LONG_REJECT, MLT_PRESENT, NULL),
    FIELD(mlt_input, digest, MLT_C_DATASETS_digest, MLT_LONG_REJECT, MLT_PRESENT, NULL),
};

static const struct mlt_field edge_fields[] = {
    FIELD(mlt_model_edge, model_id, MLT_C_INPUTS_destination_id, MLT_LONG_REJECT, MLT_NONEMPTY,
          NULL),
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Remembers the key, or rejects the experiment when it came before; *again: that was in an earlier
   window, as it may. */
static enum mlt_rc remember_experiment(struct mlt_adding *a, struct mlt_str key, bool rejected,
                                       bool *again) {
  struct mlt_batch_shared *shared = a->b->priv->shared;
  uint64_t before, now = shared->window << 1;
  int added = mlt_map_intern(shared->experiments, key, now | rejected, &before);
  if (added < 0)
    return mlt_err_nomem(a->err);
  if (added || rejected)
    return MLT_OK;
  enum mlt_rc rc = mlt_adding_experiment(a, key);
  if (rc != MLT_OK)
    return rc;
  *again = before != now;
  if (*again)
    return mlt_map_put(shared->experiments, key, now) < 0 ? mlt_err_nomem(a->err) : MLT_OK;
  return mlt_adding_reject(a, "experiment-duplicate", "key",
                           "the source holds two experiments '%.*s'; the first was taken",
                           MLT_STR_ARG(key));
}

enum mlt_rc mlt_batch_add_experiment(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_experiment e = a->rec->experiment;
  bool again = false;
  a->id = e.name;
  b->priv->experiment = MLT_FATE_REJECTED;
  enum mlt_rc rc = mlt_adding_check(a, &e, experiment_fields, LENGTH(experiment_fields));
  if (rc == MLT_REJECTED && e.key.p)
    return remember_experiment(a, e.key, true, &again) == MLT_OK ? MLT_REJECTED : MLT_NOMEM;
  if (rc == MLT_OK)
    rc = remember_experiment(a, e.key, false, &again);
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &e, experiment_fields, LENGTH(experiment_fields));
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->experiments))
    return mlt_err_nomem(a->err);
  b->experiments.v[b->experiments.n++] = (struct mlt_batch_experiment){e, again};
  b->priv->experiment = MLT_FATE_TAKEN;
  return MLT_OK;
}

enum mlt_rc mlt_adding_experiment(struct mlt_adding *a, struct mlt_str key) {
  uint64_t rejected;
  if (!mlt_map_get(a->b->priv->shared->experiments, key, &rejected) ||
      !(rejected & MLT_EXPERIMENT_REJECTED))
    return MLT_OK;
  return mlt_adding_reject(a, "experiment-rejected", "experiment",
                           "its experiment '%.*s' was rejected", MLT_STR_ARG(key));
}

enum mlt_rc mlt_batch_add_dataset(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_dataset d = a->rec->dataset;
  a->id = d.name;
  enum mlt_rc rc = mlt_adding_check(a, &d, dataset_fields, LENGTH(dataset_fields));
  if (rc == MLT_OK)
    rc = mlt_adding_experiment(a, d.experiment);
  const struct mlt_str identity[] = {d.experiment, d.name, d.digest};
  size_t index = b->datasets.n;
  bool first;
  if (rc == MLT_OK)
    rc = mlt_batch_once(a, 'D', identity, LENGTH(identity), &index, &first);
  if (rc != MLT_OK)
    return rc;
  if (!first) {
    b->counts[MLT_T_DATASETS].merged++;
    return MLT_OK;
  }
  rc = mlt_adding_keep(a, &d, dataset_fields, LENGTH(dataset_fields));
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->datasets))
    return mlt_err_nomem(a->err);
  b->datasets.v[b->datasets.n++] = d;
  return MLT_OK;
}

/* MLflow's CHECK constraint on runs.source_type; anything else becomes LOCAL, as its own migration
 * has it. */
static enum mlt_rc fix_source_type(struct mlt_adding *a, struct mlt_run *r) {
  static const char *const known[] = {"NOTEBOOK", "JOB", "LOCAL", "UNKNOWN", "PROJECT"};
  for (size_t i = 0; i < LENGTH(known); i++)
    if (mlt_str_is(r->source_type, known[i]))
      return MLT_OK;
  struct mlt_str was = r->source_type;
  r->source_type = MLT_STR_LIT("LOCAL");
  if (!was.p)
    return MLT_OK;
  return mlt_adding_note(a, "mapped", "source_type", true,
                         "its source_type '%.*s' is unknown to MLflow; stored as LOCAL",
                         MLT_STR_ARG(was));
}

static enum mlt_rc fill_run(struct mlt_adding *a, struct mlt_run *r) {
  enum mlt_rc rc = fix_source_type(a, r);
  if (rc == MLT_OK && !r->user_id.p) {
    r->user_id = MLT_STR_LIT("");
    rc = mlt_adding_note(a, "filled", "user_id", true, "it has no user_id; stored as empty");
  }
  if (rc == MLT_OK && !r->start_time.has) {
    r->start_time = (struct mlt_opt_i64){r->end_time.has ? r->end_time.v : 0, true};
    rc = mlt_adding_note(a, "filled", "start_time", true, "it has no start_time; stored as %s",
                         r->end_time.has ? "its end_time" : "0");
  }
  return rc;
}

static size_t fields_of(const struct mlt_run *r) {
  return r->part == MLT_RUN_MORE ? FIELDS_OF_MORE : LENGTH(run_fields);
}

static enum mlt_rc check_run(struct mlt_adding *a, const struct mlt_run *r) {
  enum mlt_rc rc = mlt_adding_check(a, r, run_fields, fields_of(r));
  bool no_status = r->part == MLT_RUN_MORE && !r->status;
  if (rc == MLT_OK && !no_status && !mlt_run_status_name(r->status))
    rc = mlt_adding_reject(a, "bad-status", "status", "its status %d is none of MLflow's",
                           (int)r->status);
  if (rc == MLT_OK && r->part != MLT_RUN_MORE)
    rc = mlt_adding_experiment(a, r->experiment);
  size_t index = a->b->runs.n;
  bool first = true;
  if (rc == MLT_OK)
    rc = mlt_batch_once(a, 'R', &r->run_uuid, 1, &index, &first);
  if (rc == MLT_OK && !first)
    rc = mlt_adding_reject(a, "run-duplicate", "run_uuid",
                           "the source holds this run twice; the first was taken");
  return rc;
}

/* Of a run that is added to: where it stands, so that the target's verdict can tell. */
static enum mlt_rc mark_added_to(struct mlt_adding *a, struct mlt_batch_run *run) {
  const struct mlt_place *place = &a->rec->place;
  struct mlt_batch *b = a->b;
  b->adds = true;
  run->place_line = place->line;
  if (run->r.part == MLT_RUN_MORE) /* counted at its end, if it has a row */
    b->counts[MLT_T_RUNS].read--;
  return mlt_arena_str(b->arena, place->path, &run->place_path) == 0 ? MLT_OK
                                                                     : mlt_err_nomem(a->err);
}

enum mlt_rc mlt_batch_add_run(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_run r = a->rec->run;
  a->id = r.run_uuid;
  b->priv->edge = MLT_FATE_NONE;
  mlt_batch_begin_run(b);
  if (r.part == MLT_RUN_MORE) /* nothing else of it is looked at */
    r = (struct mlt_run){.part = r.part,
                         .run_uuid = r.run_uuid,
                         .name = r.name,
                         .status = r.status,
                         .end_time = r.end_time};
  enum mlt_rc rc = check_run(a, &r);
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &r, run_fields, fields_of(&r));
  if (rc == MLT_OK && r.part != MLT_RUN_MORE)
    rc = fill_run(a, &r);
  if (rc == MLT_OK)
    rc = mlt_batch_keep_path(b, &r.files, a->err);
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(b->runs))
    return mlt_err_nomem(a->err);
  struct mlt_batch_run *run = &b->runs.v[b->runs.n++];
  *run = (struct mlt_batch_run){.r = r, .edges = {b->edges.n, 0}};
  return r.part == MLT_RUN_WHOLE ? MLT_OK : mark_added_to(a, run);
}

static const struct mlt_str run_name_tag = {"mlflow.runName", sizeof "mlflow.runName" - 1};

/* store/tracking/sqlalchemy_store.py: set_tag() of a run's name is update_run_info(), which leaves
   everything as it is when the name is empty. */
static enum mlt_rc take_name(struct mlt_adding *a, struct mlt_run *r) {
  struct mlt_str name = a->rec->kv.value;
  if (!name.len) {
    a->b->counts[MLT_T_TAGS].merged++;
    return mlt_adding_note(a, "no-name", NULL, false,
                           "its empty name changes nothing, as it does for MLflow");
  }
  enum mlt_rc rc = mlt_batch_add_kv(a, MLT_KV_TAGS);
  if (rc != MLT_OK)
    return rc;
  struct mlt_run named = {.run_uuid = r->run_uuid, .name = name};
  struct mlt_adding of_run = *a;
  of_run.table = MLT_T_RUNS;
  rc = mlt_adding_keep(&of_run, &named, run_fields + 1, 1);
  r->name = named.name;
  a->b->priv->named = true;
  return rc;
}

enum mlt_rc mlt_batch_add_tag(struct mlt_adding *a) {
  struct mlt_run *r = &a->b->runs.v[a->b->runs.n - 1].r;
  bool names = r->part != MLT_RUN_WHOLE && mlt_str_eq(a->rec->kv.key, run_name_tag);
  a->id = r->run_uuid;
  return names ? take_name(a, r) : mlt_batch_add_kv(a, MLT_KV_TAGS);
}

enum mlt_rc mlt_batch_name_run(struct mlt_batch *b, struct mlt_err *err) {
  uint32_t run = (uint32_t)(b->runs.n - 1);
  const struct mlt_run *r = &b->runs.v[run].r;
  if (r->part == MLT_RUN_MORE && mlt_batch_run_has_row(r))
    b->counts[MLT_T_RUNS].read++;
  if (r->part == MLT_RUN_WHOLE || !r->name.len || b->priv->named)
    return MLT_OK;
  b->counts[MLT_T_TAGS].read++;
  return mlt_batch_put_kv(b, MLT_KV_TAGS, (struct mlt_batch_kv){run, 0, run_name_tag, r->name},
                          err);
}

/* Adds the edge unless the run has it; the tags of an edge that comes again are not looked at. */
static enum mlt_rc add_edge(struct mlt_adding *a, struct mlt_batch_edge e) {
  struct mlt_batch *b = a->b;
  struct mlt_batch_run *run = &b->runs.v[b->runs.n - 1];
  struct mlt_str kind = {&"dmo"[e.kind], 1};
  struct mlt_str name = e.kind == MLT_EDGE_DATASET ? e.name : e.model_id;
  const struct mlt_str identity[] = {run->r.run_uuid, kind, name, e.digest, e.experiment};
  size_t index = b->edges.n;
  bool first;
  enum mlt_rc rc = mlt_batch_once(a, 'E', identity, LENGTH(identity), &index, &first);
  if (rc != MLT_OK)
    return rc;
  if (!first && b->edges.v[index].step != e.step)
    return mlt_adding_reject(a, "conflicting-value", "step",
                             "its model '%.*s' comes twice with different steps; the first was "
                             "kept",
                             MLT_STR_ARG(e.model_id));
  b->priv->edge = first ? MLT_FATE_TAKEN : MLT_FATE_MERGED;
  if (!first) {
    b->counts[MLT_T_INPUTS].merged++;
    b->counts[MLT_T_DATASETS].merged += e.made != NULL;
    return MLT_OK;
  }
  if (!MLT_VEC_ROOM(b->edges))
    return mlt_err_nomem(a->err);
  e.run = (uint32_t)(b->runs.n - 1);
  b->edges.v[b->edges.n++] = e;
  run->edges.n++;
  return MLT_OK;
}

/* The dataset that comes with its input, checked as one by itself; it stays with the edge, as its
   experiment may be the target's to know. */
static enum mlt_rc keep_made(struct mlt_adding *a, const struct mlt_dataset *made,
                             struct mlt_dataset **kept) {
  struct mlt_adding of_dataset = *a;
  of_dataset.table = MLT_T_DATASETS;
  of_dataset.id = made->name;
  const struct mlt_field *fields = dataset_fields + 1; /* all but the experiment */
  enum mlt_rc rc = mlt_adding_check(&of_dataset, made, fields, LENGTH(dataset_fields) - 1);
  if (rc != MLT_OK)
    return rc;
  *kept = mlt_arena_alloc(a->b->arena, sizeof **kept);
  if (!*kept)
    return mlt_err_nomem(a->err);
  **kept = *made;
  return mlt_adding_keep(&of_dataset, *kept, fields, LENGTH(dataset_fields) - 1);
}

enum mlt_rc mlt_batch_add_input(struct mlt_adding *a) {
  struct mlt_input in = a->rec->input;
  struct mlt_dataset *made = NULL;
  a->id = a->b->runs.v[a->b->runs.n - 1].r.run_uuid;
  a->b->priv->edge = MLT_FATE_REJECTED;
  if (!in.experiment.p)
    in.experiment = a->b->runs.v[a->b->runs.n - 1].r.experiment;
  enum mlt_rc rc = mlt_adding_check(a, &in, input_fields, LENGTH(input_fields));
  if (rc == MLT_OK)
    rc = mlt_adding_experiment(a, in.experiment);
  if (rc == MLT_OK && in.made) {
    rc = keep_made(a, in.made, &made);
    if (rc == MLT_REJECTED) /* and the input with it */
      a->b->counts[MLT_T_INPUTS].rejected++;
  } else if (rc == MLT_REJECTED && in.made) {
    a->b->counts[MLT_T_DATASETS].rejected++;
  }
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &in, input_fields, LENGTH(input_fields));
  if (rc != MLT_OK)
    return rc;
  return add_edge(a, (struct mlt_batch_edge){.kind = MLT_EDGE_DATASET,
                                             .experiment = in.experiment,
                                             .name = in.name,
                                             .digest = in.digest,
                                             .made = made});
}

enum mlt_rc mlt_batch_add_model_edge(struct mlt_adding *a) {
  struct mlt_model_edge e = a->rec->edge;
  a->id = a->b->runs.v[a->b->runs.n - 1].r.run_uuid;
  a->b->priv->edge = MLT_FATE_REJECTED;
  enum mlt_rc rc = mlt_adding_check(a, &e, edge_fields, LENGTH(edge_fields));
  if (rc == MLT_OK)
    rc = mlt_adding_keep(a, &e, edge_fields, LENGTH(edge_fields));
  if (rc != MLT_OK)
    return rc;
  struct mlt_batch_edge edge = {
      .kind = MLT_EDGE_MODEL_INPUT, .model_id = e.model_id, .step = e.step};
  if (a->rec->kind == MLT_REC_OUTPUT)
    edge.kind = MLT_EDGE_OUTPUT;
  return add_edge(a, edge);
}
