/* Experiments with their tags and datasets; runs with all that belongs to them. */
#include "source/mlflow_db.h"

#include <math.h>
#include <string.h>

#include "model/rules.h"

#define KV(table, owner, kind, key, value)                                                         \
  {                                                                                                \
    MLT_READ_##table, MLT_C_##table##_##owner, mlt_db_kv, NULL, MLT_REC_##kind,                    \
        MLT_C_##table##_##key, MLT_C_##table##_##value                                             \
  }
#define ROWS(table, owner, emit, end)                                                              \
  { MLT_READ_##table, owner, emit, end, MLT_REC_NOTE, MLT_C_COUNT, MLT_C_COUNT }
#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- experiments ---- */

static enum mlt_rc open_experiment(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_db_owner *o = d->owner;
  mlt_db_record(rec, MLT_REC_EXPERIMENT);
  struct mlt_experiment *e = &rec->experiment;
  e->key = o->key;
  e->id = MLT_DB_INT(o, EXPERIMENTS, experiment_id);
  e->name = MLT_DB_TEXT(o, EXPERIMENTS, name);
  e->artifact_location = MLT_DB_TEXT(o, EXPERIMENTS, artifact_location);
  e->creation_time = MLT_DB_INT(o, EXPERIMENTS, creation_time);
  e->last_update_time = MLT_DB_INT(o, EXPERIMENTS, last_update_time);
  if (mlt_db_lifecycle(MLT_DB_AT(o, EXPERIMENTS, lifecycle_stage), &e->deleted))
    return MLT_OK;
  return mlt_db_reject_owner(d, rec, MLT_T_EXPERIMENTS, "bad-lifecycle",
                             "its lifecycle_stage is neither active nor deleted: MLflow would not "
                             "find it");
}

static enum mlt_rc emit_dataset(struct mlt_db *d, const struct mlt_db_child *c,
                                struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_read_row *row = d->cursor[c->read].row;
  mlt_db_record(rec, MLT_REC_DATASET);
  rec->dataset = (struct mlt_dataset){
      .experiment = d->owner->key,
      .name = MLT_DB_TEXT(row, DATASETS, name),
      .digest = MLT_DB_TEXT(row, DATASETS, digest),
      .source_type = MLT_DB_TEXT(row, DATASETS, dataset_source_type),
      .source = MLT_DB_TEXT(row, DATASETS, dataset_source),
      .schema = MLT_DB_TEXT(row, DATASETS, dataset_schema),
      .profile = MLT_DB_TEXT(row, DATASETS, dataset_profile),
  };
  mlt_db_take(d, c->read);
  return MLT_OK;
}

static const struct mlt_db_child of_experiments[] = {
    KV(EXPERIMENT_TAGS, experiment_id, EXPERIMENT_TAG, key, value),
    ROWS(DATASETS, MLT_C_DATASETS_experiment_id, emit_dataset, NULL),
};

const struct mlt_db_phase mlt_db_experiments = {MLT_READ_EXPERIMENTS, open_experiment,
                                                of_experiments, LENGTH(of_experiments), -1};

/* ---- runs ---- */

static void fill_run(struct mlt_db *d, struct mlt_run *r) {
  const struct mlt_db_owner *o = d->owner;
  r->run_uuid = o->key;
  r->experiment = mlt_str_c(d->experiment);
  r->name = MLT_DB_TEXT(o, RUNS, name);
  r->source_type = MLT_DB_TEXT(o, RUNS, source_type);
  r->source_name = MLT_DB_TEXT(o, RUNS, source_name);
  r->entry_point_name = MLT_DB_TEXT(o, RUNS, entry_point_name);
  r->source_version = MLT_DB_TEXT(o, RUNS, source_version);
  r->user_id = MLT_DB_TEXT(o, RUNS, user_id);
  r->start_time = MLT_DB_INT(o, RUNS, start_time);
  r->end_time = MLT_DB_INT(o, RUNS, end_time);
  r->deleted_time = MLT_DB_INT(o, RUNS, deleted_time);
  r->artifact_uri = MLT_DB_TEXT(o, RUNS, artifact_uri);
}

static enum mlt_rc open_run(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_db_owner *o = d->owner;
  if (!mlt_db_in_experiment(d, rec, MLT_T_RUNS, MLT_DB_AT(o, RUNS, experiment_id),
                            "runs of other workspaces"))
    return MLT_OK;
  mlt_db_record(rec, MLT_REC_RUN);
  struct mlt_run *r = &rec->run;
  fill_run(d, r);
  struct mlt_str status = MLT_DB_TEXT(o, RUNS, status);
  if (!mlt_run_status_parse(status, &r->status))
    return mlt_db_reject_owner(d, rec, MLT_T_RUNS, "bad-status",
                               status.p ? "its status '%.*s' is none of MLflow's"
                                        : "it has no status%.*s",
                               MLT_STR_ARG(status));
  if (!mlt_db_lifecycle(MLT_DB_AT(o, RUNS, lifecycle_stage), &r->deleted))
    return mlt_db_reject_owner(d, rec, MLT_T_RUNS, "bad-lifecycle",
                               "its lifecycle_stage is neither active nor deleted: MLflow could "
                               "not read it");
  if (!r->source_type.p)
    mlt_db_changed(d, MLT_T_RUNS, "mapped", MLT_STR_LIT("source_type"),
                   "its source_type is NULL; stored as LOCAL");
  return MLT_OK;
}

/* ---- metrics ---- */

static const char *missing_in_metric(const struct mlt_read_row *row) {
  if (MLT_DB_AT(row, METRICS, key)->kind != MLT_V_TEXT)
    return "key";
  if (MLT_DB_AT(row, METRICS, value)->kind != MLT_V_DOUBLE)
    return "value";
  if (MLT_DB_AT(row, METRICS, timestamp)->kind != MLT_V_INT)
    return "timestamp";
  return MLT_DB_AT(row, METRICS, step)->kind != MLT_V_INT ? "step" : NULL;
}

static bool is_true(const struct mlt_value *v) {
  return v->kind == MLT_V_BOOL && v->b;
}

/* What the batch makes of a point, and MLflow's rule for the latest one. */
static void see_point(struct mlt_db *d, int64_t step, int64_t timestamp, double raw) {
  bool is_nan;
  double value = mlt_metric_map(raw, &is_nan);
  if (d->has_latest && !mlt_metric_later(step, timestamp, value, d->latest_step,
                                         d->latest_timestamp, d->latest_value))
    return;
  d->has_latest = true;
  d->latest_step = step;
  d->latest_timestamp = timestamp;
  d->latest_value = value;
  d->latest_nan = is_nan;
}

/* Adds the row's point as number i. MLflow stores NaN as 0 with is_nan, infinities as the largest
   double, which is given as it is: a real one is stored just so. */
static void add_point(struct mlt_db *d, size_t i, const struct mlt_read_row *row) {
  double value = MLT_DB_AT(row, METRICS, value)->d;
  bool nan = is_true(MLT_DB_AT(row, METRICS, is_nan));
  d->odd += nan ? value < 0 || value > 0 || isnan(value) : !isfinite(value);
  d->steps[i] = MLT_DB_AT(row, METRICS, step)->i;
  d->timestamps[i] = MLT_DB_AT(row, METRICS, timestamp)->i;
  d->values[i] = nan ? (double)NAN : value;
  see_point(d, d->steps[i], d->timestamps[i], d->values[i]);
}

static const struct mlt_db_child latest_metrics;

/* Of equal points the first to arrive is the latest: where a NaN and a 0 share step and time, the
   source's own latest tells which that was. */
static enum mlt_rc order_tie(struct mlt_db *d, size_t n, struct mlt_err *err) {
  const struct mlt_read_row *row;
  if (n < 2 || d->steps[n - 1] != d->steps[n - 2] || d->timestamps[n - 1] != d->timestamps[n - 2] ||
      !isnan(d->values[n - 1]) || isnan(d->values[n - 2]) || d->values[n - 2] != 0)
    return MLT_OK;
  enum mlt_rc rc = mlt_db_peek_own(d, &latest_metrics, &row, err);
  if (rc != MLT_OK)
    return rc == MLT_END ? MLT_OK : rc;
  if (!mlt_str_eq(MLT_DB_TEXT(row, LATEST_METRICS, key), mlt_buf_str(&d->key)) ||
      !is_true(MLT_DB_AT(row, LATEST_METRICS, is_nan)) || d->latest_nan ||
      MLT_DB_INT(row, LATEST_METRICS, step).v != d->steps[n - 1] ||
      MLT_DB_INT(row, LATEST_METRICS, timestamp).v != d->timestamps[n - 1])
    return MLT_OK;
  double zero = d->values[n - 2];
  d->values[n - 2] = d->values[n - 1];
  d->values[n - 1] = zero;
  d->latest_nan = true;
  return MLT_OK;
}

static enum mlt_rc note_key(struct mlt_db *d, struct mlt_record *rec, enum mlt_note_kind kind,
                            enum mlt_table table, const char *code, uint64_t rows,
                            const char *reason) {
  (void)mlt_db_note(d, rec, kind, table, code, rows, "%s", reason);
  rec->note.place.field = mlt_buf_str(&d->key);
  return MLT_OK;
}

static bool same_latest(const struct mlt_db *d, const struct mlt_read_row *row) {
  const struct mlt_value *value = MLT_DB_AT(row, LATEST_METRICS, value);
  struct mlt_opt_i64 step = MLT_DB_INT(row, LATEST_METRICS, step);
  struct mlt_opt_i64 timestamp = MLT_DB_INT(row, LATEST_METRICS, timestamp);
  return value->kind == MLT_V_DOUBLE && !(value->d < d->latest_value) &&
         !(value->d > d->latest_value) && step.has && step.v == d->latest_step && timestamp.has &&
         timestamp.v == d->latest_timestamp &&
         is_true(MLT_DB_AT(row, LATEST_METRICS, is_nan)) == d->latest_nan;
}

static enum mlt_rc lose_latest(struct mlt_db *d, const struct mlt_db_child *c,
                               struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_read_row *row = d->cursor[c->read].row;
  mlt_db_take(d, c->read);
  (void)mlt_db_note(d, rec, MLT_NOTE_REJECT, MLT_T_LATEST_METRICS, "no-points", 1,
                    "the latest value of a metric that has no points in table metrics");
  rec->note.place.field = MLT_DB_TEXT(row, LATEST_METRICS, key);
  return MLT_OK;
}

/* Compares the source's latest point of the key at hand with the one its points give. */
static enum mlt_rc check_latest(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_read_row *row;
  if (d->odd) {
    uint64_t n = d->odd;
    d->odd = 0;
    return note_key(
        d, rec, MLT_NOTE_CHANGED, MLT_T_METRICS, "mapped", n,
        "NaN or infinite values that are not stored as MLflow stores them; they will be");
  }
  enum mlt_rc rc = mlt_db_peek_own(d, &latest_metrics, &row, err);
  if (rc != MLT_OK && rc != MLT_END)
    return rc;
  int order =
      rc == MLT_OK ? mlt_str_cmp(MLT_DB_TEXT(row, LATEST_METRICS, key), mlt_buf_str(&d->key)) : 1;
  if (order < 0)
    return lose_latest(d, &latest_metrics, rec, err);
  d->key_open = false;
  if (order == 0)
    mlt_db_take(d, MLT_READ_LATEST_METRICS);
  if (order == 0 && row->bad == MLT_C_COUNT && same_latest(d, row))
    return MLT_END;
  return note_key(d, rec, MLT_NOTE_CHANGED, MLT_T_LATEST_METRICS, "latest-recomputed", 1,
                  order == 0
                      ? "the source's latest value is not that of the latest point; computed "
                        "anew"
                      : "the source has points but no latest value; computed");
}

static enum mlt_rc open_key(struct mlt_db *d, struct mlt_str key, struct mlt_err *err) {
  mlt_buf_clear(&d->key);
  if (mlt_buf_add(&d->key, key.p, key.len) != MLT_OK)
    return mlt_err_nomem(err);
  d->key_open = true;
  d->has_latest = d->latest_nan = false;
  d->odd = 0;
  return MLT_OK;
}

/* As many rows of the key at hand as a record holds; the one at hand is the first. */
static enum mlt_rc gather(struct mlt_db *d, const struct mlt_db_child *c, size_t *n,
                          struct mlt_err *err) {
  const struct mlt_read_row *row = d->cursor[c->read].row;
  enum mlt_rc rc = MLT_OK;
  for (*n = 0; *n < MLT_DB_CHUNK && rc == MLT_OK; rc = mlt_db_peek_own(d, c, &row, err)) {
    if (row->bad != MLT_C_COUNT || missing_in_metric(row) ||
        !mlt_str_eq(MLT_DB_TEXT(row, METRICS, key), mlt_buf_str(&d->key)))
      return MLT_OK;
    add_point(d, (*n)++, row);
    mlt_db_take(d, c->read);
    rc = order_tie(d, *n, err);
    if (rc != MLT_OK)
      return rc;
  }
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc emit_points(struct mlt_db *d, const struct mlt_db_child *c,
                               struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_read_row *row = d->cursor[c->read].row;
  const char *missing = missing_in_metric(row);
  if (missing) {
    mlt_db_take(d, c->read);
    (void)mlt_db_note(d, rec, MLT_NOTE_REJECT, MLT_T_METRICS, "missing", 1, "a point has no %s",
                      missing);
    rec->note.place.field = MLT_DB_TEXT(row, METRICS, key);
    return MLT_OK;
  }
  struct mlt_str key = MLT_DB_TEXT(row, METRICS, key);
  enum mlt_rc rc = MLT_END;
  if (d->key_open && !mlt_str_eq(key, mlt_buf_str(&d->key)))
    rc = check_latest(d, rec, err);
  if (rc != MLT_END)
    return rc;
  rc = d->key_open ? MLT_OK : open_key(d, key, err);
  mlt_db_record(rec, MLT_REC_POINTS);
  if (rc == MLT_OK)
    rc = gather(d, c, &rec->points.n, err);
  rec->points.key = mlt_buf_str(&d->key);
  rec->points.timestamp = d->timestamps;
  rec->points.step = d->steps;
  rec->points.value = d->values;
  return rc;
}

static enum mlt_rc end_points(struct mlt_db *d, const struct mlt_db_child *c,
                              struct mlt_record *rec, struct mlt_err *err) {
  (void)c;
  return d->key_open ? check_latest(d, rec, err) : MLT_END;
}

/* ---- inputs and outputs ---- */

/* In the order of the inputs: by what is at the other end, then by id. */
static int by_input(const struct mlt_db *d, const struct mlt_read_row *row) {
  int order = mlt_str_cmp(row->extra[1], mlt_buf_str(&d->inner_end));
  return order ? order
               : mlt_str_cmp(MLT_DB_TEXT(row, INPUT_TAGS, input_uuid), mlt_buf_str(&d->inner_id));
}

static const struct mlt_db_child input_tags;

/* Why an edge of no kind we know, or without its dataset, is not given; NULL if it is. */
static const char *edge_fault(const struct mlt_read_row *row) {
  if (!mlt_str_is(MLT_DB_TEXT(row, INPUTS, source_type), "DATASET"))
    return "it is of a kind that mltrack does not know";
  return row->extra[2].p ? NULL : "its dataset does not exist";
}

static enum mlt_rc give_edge(struct mlt_db *d, const struct mlt_read_row *row,
                             struct mlt_record *rec) {
  struct mlt_str source = MLT_DB_TEXT(row, INPUTS, source_type);
  struct mlt_str destination = MLT_DB_TEXT(row, INPUTS, destination_type);
  bool input = mlt_str_is(source, "RUN_INPUT") && mlt_str_is(destination, "MODEL_INPUT");
  bool output = mlt_str_is(source, "RUN_OUTPUT") && mlt_str_is(destination, "MODEL_OUTPUT");
  if (input || output) {
    mlt_db_record(rec, input ? MLT_REC_MODEL_INPUT : MLT_REC_OUTPUT);
    rec->edge.model_id = MLT_DB_TEXT(row, INPUTS, destination_id);
    rec->edge.step = MLT_DB_INT(row, INPUTS, step).v;
    return MLT_OK;
  }
  const char *fault = edge_fault(row);
  if (!fault) {
    mlt_db_record(rec, MLT_REC_INPUT);
    rec->input = (struct mlt_input){
        .experiment = row->extra[4], .name = row->extra[2], .digest = row->extra[3]};
    return MLT_OK;
  }
  d->inner_skip = true;
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, MLT_T_INPUTS, "bad-input", 1, "input %.*s: %s",
                     MLT_STR_ARG(MLT_DB_TEXT(row, INPUTS, input_uuid)), fault);
}

static enum mlt_rc emit_edge(struct mlt_db *d, const struct mlt_db_child *c, struct mlt_record *rec,
                             struct mlt_err *err) {
  enum mlt_rc rc = d->inner_open ? mlt_db_inner(d, &input_tags, by_input, rec, err) : MLT_END;
  if (rc != MLT_END)
    return rc;
  const struct mlt_read_row *row = d->cursor[c->read].row;
  struct mlt_str id = MLT_DB_TEXT(row, INPUTS, input_uuid);
  mlt_buf_clear(&d->inner_id);
  mlt_buf_clear(&d->inner_end);
  if (mlt_buf_add(&d->inner_id, id.p ? id.p : "", id.len) != MLT_OK ||
      mlt_buf_add(&d->inner_end, row->extra[1].p ? row->extra[1].p : "", row->extra[1].len) !=
          MLT_OK)
    return mlt_err_nomem(err);
  d->inner_open = true;
  d->inner_skip = false;
  mlt_db_take(d, c->read);
  return give_edge(d, row, rec);
}

static enum mlt_rc end_edges(struct mlt_db *d, const struct mlt_db_child *c, struct mlt_record *rec,
                             struct mlt_err *err) {
  (void)c;
  return d->inner_open ? mlt_db_inner(d, &input_tags, by_input, rec, err) : MLT_END;
}

/* What the edges have left. */
static enum mlt_rc lose_tag(struct mlt_db *d, const struct mlt_db_child *c, struct mlt_record *rec,
                            struct mlt_err *err) {
  (void)err;
  mlt_db_take(d, c->read);
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, MLT_T_INPUT_TAGS, "no-owner", 1,
                     "the input it belongs to does not exist");
}

static const struct mlt_db_child latest_metrics =
    ROWS(LATEST_METRICS, MLT_C_LATEST_METRICS_run_uuid, lose_latest, NULL);
static const struct mlt_db_child input_tags = {
    MLT_READ_INPUT_TAGS,   MLT_C_COUNT,           lose_tag, NULL, MLT_REC_INPUT_TAG,
    MLT_C_INPUT_TAGS_name, MLT_C_INPUT_TAGS_value};

static const struct mlt_db_child of_runs[] = {
    KV(PARAMS, run_uuid, PARAM, key, value),
    KV(TAGS, run_uuid, TAG, key, value),
    ROWS(METRICS, MLT_C_METRICS_run_uuid, emit_points, end_points),
    ROWS(LATEST_METRICS, MLT_C_LATEST_METRICS_run_uuid, lose_latest, NULL),
    ROWS(INPUTS, MLT_C_COUNT, emit_edge, end_edges),
    ROWS(INPUT_TAGS, MLT_C_COUNT, lose_tag, NULL),
};

const struct mlt_db_phase mlt_db_runs = {MLT_READ_RUNS, open_run, of_runs, LENGTH(of_runs),
                                         MLT_REC_RUN_END};
