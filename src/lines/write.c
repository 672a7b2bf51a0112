/* Records as lines. A record that has no line of its own goes into the one before it, which is held
   open until another comes; points of one key are held until there are enough for a line. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/vec.h"
#include "lines/out.h"

enum { POINTS_OF_LINE = 4096, MAPS = 2 };

/* What is remembered of what is at hand: a run's id and the key of its experiment, a model's id or
   name; the key of the points that are held, and their columns. */
enum { RUN, RUN_EXPERIMENT, MODEL, KEY, STEP, TIMESTAMP, VALUE, BUFS };

/* An object of the line that is held. */
struct held {
  int at; /* its field */
  MLT_VEC(struct mlt_kv) v;
  struct mlt_map *index; /* key to its place in v */
};

struct known_experiment {
  struct mlt_str name;
  bool placed;
};

struct mlt_lines_writer {
  struct mlt_line_out o;
  bool complete, begun;

  bool holds; /* a line, for what goes into: */
  struct held map[MAPS];
  size_t n_maps, held_bytes;
  struct mlt_arena *held;

  struct mlt_buf buf[BUFS];
  struct mlt_run end; /* of the run at hand: how it ends */
  size_t n_points;

  MLT_VEC(struct known_experiment) experiments;
  struct mlt_map *by_key, *names;
  struct mlt_arena *arena;
};

struct mlt_lines_writer *mlt_lines_writer_new(mlt_lines_out out, void *ctx, bool complete) {
  struct mlt_lines_writer *w = mlt_calloc(1, sizeof *w);
  if (!w)
    return NULL;
  mlt_out_init(&w->o, out, ctx);
  for (size_t i = 0; i < BUFS; i++)
    mlt_buf_init(&w->buf[i], MLT_LINE_MAX);
  w->complete = complete;
  w->arena = mlt_arena_new();
  w->held = mlt_arena_new();
  w->by_key = mlt_map_new();
  w->names = mlt_map_new();
  bool ok = w->arena && w->held && w->by_key && w->names;
  for (size_t i = 0; i < MAPS; i++)
    ok = (w->map[i].index = mlt_map_new()) && ok;
  if (ok)
    return w;
  mlt_lines_writer_free(w);
  return NULL;
}

void mlt_lines_writer_free(struct mlt_lines_writer *w) {
  if (!w)
    return;
  mlt_out_free(&w->o);
  for (size_t i = 0; i < BUFS; i++)
    mlt_buf_free(&w->buf[i]);
  for (size_t i = 0; i < MAPS; i++) {
    mlt_free(w->map[i].v.v);
    mlt_map_free(w->map[i].index);
  }
  mlt_free(w->experiments.v);
  mlt_map_free(w->by_key);
  mlt_map_free(w->names);
  mlt_arena_free(w->held);
  mlt_arena_free(w->arena);
  mlt_free(w);
}

/* A record being written. */
struct writing {
  struct mlt_lines_writer *w;
  const struct mlt_record *rec;
  struct mlt_line_fault *fault;
  struct mlt_err *err;
};

#define TEXT(type, name, s) mlt_out_put_text(o, MLT_AT_##type##_##name, s)
#define TIME(type, name, n) mlt_out_put_opt_int(o, MLT_AT_##type##_##name, n)
#define INT(type, name, n) mlt_out_put_int(o, MLT_AT_##type##_##name, n)

static struct mlt_line_out *begin(struct writing *a, enum mlt_line_type type) {
  mlt_out_begin(&a->w->o, type, a->fault, a->err);
  return &a->w->o;
}

static void put_stage(struct mlt_line_out *o, int at, bool deleted) {
  mlt_out_put_word(o, at, deleted ? "deleted" : "active");
}

static struct mlt_str at_hand(const struct writing *a, int what) {
  return mlt_buf_str(&a->w->buf[what]);
}

static enum mlt_rc remember(struct writing *a, int what, struct mlt_str s) {
  struct mlt_buf *to = &a->w->buf[what];
  mlt_buf_clear(to);
  return mlt_buf_add(to, s.p ? s.p : "", s.len) == MLT_OK ? MLT_OK : mlt_err_nomem(a->err);
}

/* ---- the line that is held ---- */

/* Holds the line at hand for one or two objects, in the order of their fields; second -1: none. */
static enum mlt_rc hold(struct writing *a, int first, int second) {
  struct mlt_lines_writer *w = a->w;
  enum mlt_rc rc = mlt_out_hold(&w->o);
  if (rc != MLT_OK)
    return rc;
  w->holds = true;
  w->map[0].at = first;
  w->map[1].at = second;
  w->n_maps = second < 0 ? 1 : 2;
  return MLT_OK;
}

static int by_key(const void *a, const void *b) {
  return mlt_str_cmp(((const struct mlt_kv *)a)->key, ((const struct mlt_kv *)b)->key);
}

static enum mlt_rc end_held(struct writing *a) {
  struct mlt_lines_writer *w = a->w;
  if (!w->holds)
    return MLT_OK;
  w->holds = false;
  for (size_t i = 0; i < w->n_maps; i++) {
    struct held *m = &w->map[i];
    if (m->v.n == 0)
      continue;
    qsort(m->v.v, m->v.n, sizeof *m->v.v, by_key);
    mlt_out_put_texts(&w->o, m->at, m->v.v, m->v.n);
    m->v.n = 0;
    mlt_map_clear(m->index);
  }
  mlt_arena_reset(w->held);
  w->held_bytes = 0;
  return mlt_out_end(&w->o);
}

static enum mlt_rc refuse(struct writing *a, const char *code, const char *field,
                          const char *reason) {
  struct mlt_line_out *o = &a->w->o;
  enum mlt_rc before = o->failed; /* of the line that is held: it stays */
  o->fault = a->fault;
  mlt_out_refuse(o, code, field, "%s", reason);
  o->failed = before;
  return MLT_REJECTED;
}

/* A key that comes again: the last value holds, unless it must not differ. */
static enum mlt_rc hold_again(struct writing *a, struct mlt_kv *was, struct mlt_kv now,
                              bool last_holds) {
  if (mlt_str_eq(was->value, now.value))
    return MLT_OK;
  if (!last_holds)
    return refuse(a, "duplicate", "key",
                  "it comes twice with different values; the first was kept");
  return mlt_arena_str(a->w->held, now.value, &was->value) == 0 ? MLT_OK : mlt_err_nomem(a->err);
}

static enum mlt_rc hold_new(struct writing *a, struct held *m, struct mlt_kv kv) {
  struct mlt_kv own;
  if (!MLT_VEC_ROOM(m->v) || mlt_arena_str(a->w->held, kv.key, &own.key) != 0 ||
      mlt_arena_str(a->w->held, kv.value, &own.value) != 0 ||
      mlt_map_put(m->index, own.key, m->v.n) < 0)
    return mlt_err_nomem(a->err);
  m->v.v[m->v.n++] = own;
  return MLT_OK;
}

static enum mlt_rc hold_pair(struct writing *a, enum mlt_line_type type, int at, struct mlt_kv kv,
                             bool last_holds) {
  struct mlt_lines_writer *w = a->w;
  struct held *m = w->map[0].at == at ? &w->map[0] : &w->map[1];
  uint64_t before;
  if (!w->holds || w->o.type != type || m->at != at)
    return mlt_err_set(a->err, MLT_INTERNAL, "record kind %d out of order", (int)a->rec->kind);
  if (!kv.key.p)
    return refuse(a, "missing", "key", "it has no key");
  const char *bad = mlt_out_bad_text(kv.key);
  if (bad)
    return refuse(a, bad, "key", "its key is no text");
  bad = mlt_out_bad_text(kv.value);
  if (bad)
    return refuse(a, bad, "value", "its value is no text");
  size_t more = mlt_out_quoted(kv.key) + mlt_out_quoted(kv.value) + 2;
  if (!mlt_out_fits(&w->o, w->held_bytes + more))
    return refuse(a, "too-long", "value", "the line would become too long");
  w->held_bytes += more;
  if (mlt_map_get(m->index, kv.key, &before))
    return hold_again(a, &m->v.v[before], kv, last_holds);
  return hold_new(a, m, kv);
}

/* ---- experiments and datasets ---- */

static const struct known_experiment *find_experiment(struct writing *a, struct mlt_str key) {
  uint64_t i;
  if (mlt_map_get(a->w->by_key, key, &i))
    return &a->w->experiments.v[i];
  (void)refuse(a, "experiment-rejected", "experiment",
               "its experiment was rejected, or never given");
  return NULL;
}

/* A name, or a key, stands for one experiment; windows may give it again. */
static bool is_taken(const struct mlt_lines_writer *w, const struct mlt_experiment *e) {
  uint64_t by_key, by_name;
  bool key = mlt_map_get(w->by_key, e->key, &by_key),
       name = mlt_map_get(w->names, e->name, &by_name);
  return key || name ? w->complete || !key || !name || by_key != by_name : false;
}

static enum mlt_rc know_experiment(struct writing *a, const struct mlt_experiment *e) {
  struct mlt_lines_writer *w = a->w;
  struct known_experiment known = {.placed = e->placed};
  if (mlt_map_get(w->by_key, e->key, &(uint64_t){0}))
    return MLT_OK;
  if (!MLT_VEC_ROOM(w->experiments) || mlt_arena_str(w->arena, e->name, &known.name) != 0 ||
      mlt_map_put(w->by_key, e->key, w->experiments.n) < 0 ||
      mlt_map_put(w->names, e->name, w->experiments.n) < 0)
    return mlt_err_nomem(a->err);
  w->experiments.v[w->experiments.n++] = known;
  return MLT_OK;
}

static enum mlt_rc write_experiment(struct writing *a) {
  const struct mlt_experiment *e = &a->rec->experiment;
  if (is_taken(a->w, e))
    return refuse(a, "experiment-duplicate", "name",
                  "the source holds two experiments of this number or name; the first was taken");
  struct mlt_line_out *o = begin(a, MLT_LINE_EXPERIMENT);
  char id[MLT_INT_TEXT];
  TEXT(EXPERIMENT, name, e->name);
  if (e->id.has)
    mlt_out_put_text(o, MLT_AT_EXPERIMENT_experiment_id,
                     (struct mlt_str){id, mlt_text_int(id, e->id.v)});
  if (!e->placed)
    TEXT(EXPERIMENT, artifact_location, e->artifact_location);
  put_stage(o, MLT_AT_EXPERIMENT_lifecycle_stage, e->deleted);
  TIME(EXPERIMENT, creation_time, e->creation_time);
  TIME(EXPERIMENT, last_update_time, e->last_update_time);
  enum mlt_rc rc = hold(a, MLT_AT_EXPERIMENT_tags, -1);
  return rc == MLT_OK ? know_experiment(a, e) : rc;
}

static enum mlt_rc write_experiment_tag(struct writing *a) {
  return hold_pair(a, MLT_LINE_EXPERIMENT, MLT_AT_EXPERIMENT_tags, a->rec->kv, true);
}

static void put_dataset(struct mlt_line_out *o, const struct mlt_dataset *d) {
  TEXT(DATASET, source_type, d->source_type);
  TEXT(DATASET, source, d->source);
  TEXT(DATASET, schema, d->schema);
  TEXT(DATASET, profile, d->profile);
}

static enum mlt_rc write_dataset(struct writing *a) {
  const struct mlt_dataset *d = &a->rec->dataset;
  const struct known_experiment *e = find_experiment(a, d->experiment);
  if (!e)
    return MLT_REJECTED;
  struct mlt_line_out *o = begin(a, MLT_LINE_DATASET);
  TEXT(DATASET, experiment, e->name);
  TEXT(DATASET, name, d->name);
  TEXT(DATASET, digest, d->digest);
  put_dataset(o, d);
  return mlt_out_end(o);
}

/* ---- runs ---- */

static void put_run(struct mlt_line_out *o, const struct mlt_run *r,
                    const struct known_experiment *e, bool complete) {
  TEXT(RUN, run_id, r->run_uuid);
  TEXT(RUN, experiment, e->name);
  TEXT(RUN, name, r->name);
  TEXT(RUN, user, r->user_id);
  mlt_out_put_word(o, MLT_AT_RUN_status, mlt_run_status_name(r->status));
  TIME(RUN, start_time, r->start_time);
  TIME(RUN, end_time, r->end_time);
  put_stage(o, MLT_AT_RUN_lifecycle_stage, r->deleted);
  TIME(RUN, deleted_time, r->deleted_time);
  if (!e->placed)
    TEXT(RUN, artifact_uri, r->artifact_uri);
  TEXT(RUN, source_type, r->source_type);
  TEXT(RUN, source_name, r->source_name);
  TEXT(RUN, entry_point_name, r->entry_point_name);
  TEXT(RUN, source_version, r->source_version);
  if (complete)
    mlt_out_put_true(o, MLT_AT_RUN_complete);
}

static enum mlt_rc write_run(struct writing *a) {
  const struct mlt_run *r = &a->rec->run;
  a->w->end = (struct mlt_run){.part = r->part, .status = r->status, .end_time = r->end_time};
  enum mlt_rc rc = remember(a, RUN, r->run_uuid);
  if (rc == MLT_OK)
    rc = remember(a, RUN_EXPERIMENT, r->experiment);
  if (rc != MLT_OK || r->part == MLT_RUN_MORE)
    return rc;
  const struct known_experiment *e = find_experiment(a, r->experiment);
  if (!e)
    return MLT_REJECTED;
  if (!mlt_run_status_name(r->status))
    return refuse(a, "bad-status", "status", "its status is none of MLflow's");
  struct mlt_line_out *o = begin(a, MLT_LINE_RUN);
  put_run(o, r, e, r->part == MLT_RUN_WHOLE && !a->w->complete);
  return mlt_out_end(o);
}

/* What MORE brings of the run itself; its name comes as a tag, too. */
static enum mlt_rc end_run(struct writing *a) {
  const struct mlt_run *r = &a->w->end;
  if (r->part == MLT_RUN_BEGUN || (r->part == MLT_RUN_MORE && !r->status))
    return MLT_OK;
  struct mlt_line_out *o = begin(a, MLT_LINE_END);
  TEXT(END, run_id, at_hand(a, RUN));
  if (r->part == MLT_RUN_MORE) {
    mlt_out_put_word(o, MLT_AT_END_status, mlt_run_status_name(r->status));
    TIME(END, end_time, r->end_time);
  }
  return mlt_out_end(o);
}

static enum mlt_rc write_param(struct writing *a) {
  struct mlt_line_out *o = begin(a, MLT_LINE_PARAM);
  TEXT(PARAM, run_id, at_hand(a, RUN));
  TEXT(PARAM, key, a->rec->kv.key);
  TEXT(PARAM, value, a->rec->kv.value);
  return mlt_out_end(o);
}

static enum mlt_rc write_tag(struct writing *a) {
  struct mlt_line_out *o = begin(a, MLT_LINE_TAG);
  TEXT(TAG, run_id, at_hand(a, RUN));
  TEXT(TAG, key, a->rec->kv.key);
  TEXT(TAG, value, a->rec->kv.value);
  return mlt_out_end(o);
}

static enum mlt_rc write_input(struct writing *a) {
  const struct mlt_input *in = &a->rec->input;
  bool elsewhere = in->experiment.p && !mlt_str_eq(in->experiment, at_hand(a, RUN_EXPERIMENT));
  const struct known_experiment *e = elsewhere ? find_experiment(a, in->experiment) : NULL;
  if (elsewhere && !e)
    return MLT_REJECTED;
  struct mlt_line_out *o = begin(a, MLT_LINE_DATASET);
  TEXT(DATASET, run_id, at_hand(a, RUN));
  if (e)
    TEXT(DATASET, experiment, e->name);
  TEXT(DATASET, name, in->name);
  TEXT(DATASET, digest, in->digest);
  if (in->made)
    put_dataset(o, in->made);
  return hold(a, MLT_AT_DATASET_tags, -1);
}

static enum mlt_rc write_model_input(struct writing *a) {
  struct mlt_line_out *o = begin(a, MLT_LINE_MODEL_INPUT);
  TEXT(MODEL_INPUT, run_id, at_hand(a, RUN));
  TEXT(MODEL_INPUT, model_id, a->rec->edge.model_id);
  return hold(a, MLT_AT_MODEL_INPUT_tags, -1);
}

static enum mlt_rc write_input_tag(struct writing *a) {
  bool model = a->w->o.type == MLT_LINE_MODEL_INPUT;
  if (a->w->o.type == MLT_LINE_MODEL_OUTPUT)
    return refuse(a, "not-kept", "key", "what a run has made has no tags in MLflow");
  return hold_pair(a, model ? MLT_LINE_MODEL_INPUT : MLT_LINE_DATASET,
                   model ? MLT_AT_MODEL_INPUT_tags : MLT_AT_DATASET_tags, a->rec->kv, true);
}

static enum mlt_rc write_output(struct writing *a) {
  struct mlt_line_out *o = begin(a, MLT_LINE_MODEL_OUTPUT);
  TEXT(MODEL_OUTPUT, run_id, at_hand(a, RUN));
  TEXT(MODEL_OUTPUT, model_id, a->rec->edge.model_id);
  INT(MODEL_OUTPUT, step, a->rec->edge.step);
  return mlt_out_end(o);
}

static enum mlt_rc write_artifact(struct writing *a) {
  struct mlt_line_out *o = begin(a, MLT_LINE_ARTIFACT);
  TEXT(ARTIFACT, run_id, at_hand(a, RUN));
  TEXT(ARTIFACT, path, a->rec->artifact.path);
  TEXT(ARTIFACT, file, a->rec->artifact.file);
  return mlt_out_end(o);
}

/* ---- points ---- */

static enum mlt_rc end_points(struct writing *a) {
  struct mlt_lines_writer *w = a->w;
  if (w->n_points == 0)
    return MLT_OK;
  struct mlt_line_out *o = begin(a, MLT_LINE_POINTS);
  TEXT(POINTS, run_id, at_hand(a, RUN));
  TEXT(POINTS, key, at_hand(a, KEY));
  mlt_out_put_list(o, MLT_AT_POINTS_step, at_hand(a, STEP));
  mlt_out_put_list(o, MLT_AT_POINTS_timestamp, at_hand(a, TIMESTAMP));
  mlt_out_put_list(o, MLT_AT_POINTS_value, at_hand(a, VALUE));
  w->n_points = 0;
  for (int i = STEP; i <= VALUE; i++)
    mlt_buf_clear(&w->buf[i]);
  return mlt_out_end(o);
}

static enum mlt_rc add_point(struct mlt_lines_writer *w, int64_t step, int64_t timestamp,
                             double value) {
  const char *comma = w->n_points++ ? "," : "";
  enum mlt_rc rc = MLT_OK;
  for (int i = STEP; i <= VALUE && rc == MLT_OK; i++)
    rc = mlt_buf_adds(&w->buf[i], comma);
  if (rc == MLT_OK)
    rc = mlt_out_add_int(&w->buf[STEP], step);
  if (rc == MLT_OK)
    rc = mlt_out_add_int(&w->buf[TIMESTAMP], timestamp);
  return rc == MLT_OK ? mlt_out_add_number(&w->buf[VALUE], value) : rc;
}

static enum mlt_rc begin_points(struct writing *a, struct mlt_str key) {
  const char *bad = mlt_out_bad_text(key);
  if (!key.p)
    return refuse(a, "missing", "key", "it has no key");
  if (bad)
    return refuse(a, bad, "key", "its key is no text");
  if (mlt_out_quoted(key) > MLT_LINE_MAX / 2)
    return refuse(a, "too-long", "key", "the line would become too long");
  return remember(a, KEY, key);
}

static enum mlt_rc write_points(struct writing *a) {
  const struct mlt_points *p = &a->rec->points;
  enum mlt_rc rc = MLT_OK;
  if (a->w->n_points && !mlt_str_eq(p->key, at_hand(a, KEY)))
    rc = end_points(a);
  if (rc == MLT_OK && a->w->n_points == 0)
    rc = begin_points(a, p->key);
  for (size_t i = 0; i < p->n && rc == MLT_OK; i++) {
    if (add_point(a->w, p->step[i], p->timestamp[i], p->value[i]) != MLT_OK)
      return mlt_err_nomem(a->err);
    if (a->w->n_points == POINTS_OF_LINE)
      rc = end_points(a);
  }
  return rc;
}

/* ---- logged models ---- */

static enum mlt_rc write_logged_model(struct writing *a) {
  const struct mlt_logged_model *m = &a->rec->logged_model;
  const struct known_experiment *e = find_experiment(a, m->experiment);
  if (!e)
    return MLT_REJECTED;
  if (!mlt_model_status_name(m->status))
    return refuse(a, "bad-status", "status", "its status is none of MLflow's");
  struct mlt_line_out *o = begin(a, MLT_LINE_LOGGED_MODEL);
  TEXT(LOGGED_MODEL, model_id, m->model_id);
  TEXT(LOGGED_MODEL, experiment, e->name);
  TEXT(LOGGED_MODEL, name, m->name);
  TEXT(LOGGED_MODEL, artifact_location, m->artifact_location);
  INT(LOGGED_MODEL, creation_time, m->creation_time);
  INT(LOGGED_MODEL, last_updated_time, m->last_updated_time);
  mlt_out_put_word(o, MLT_AT_LOGGED_MODEL_status, mlt_model_status_name(m->status));
  put_stage(o, MLT_AT_LOGGED_MODEL_lifecycle_stage, m->deleted);
  TEXT(LOGGED_MODEL, model_type, m->model_type);
  TEXT(LOGGED_MODEL, source_run_id, m->source_run_id);
  TEXT(LOGGED_MODEL, status_message, m->status_message);
  enum mlt_rc rc = hold(a, MLT_AT_LOGGED_MODEL_params, MLT_AT_LOGGED_MODEL_tags);
  return rc == MLT_OK ? remember(a, MODEL, m->model_id) : rc;
}

static enum mlt_rc write_logged_model_param(struct writing *a) {
  return hold_pair(a, MLT_LINE_LOGGED_MODEL, MLT_AT_LOGGED_MODEL_params, a->rec->kv, false);
}

static enum mlt_rc write_logged_model_tag(struct writing *a) {
  return hold_pair(a, MLT_LINE_LOGGED_MODEL, MLT_AT_LOGGED_MODEL_tags, a->rec->kv, true);
}

static enum mlt_rc write_logged_model_metric(struct writing *a) {
  const struct mlt_logged_model_metric *m = &a->rec->lm_metric;
  struct mlt_line_out *o = begin(a, MLT_LINE_MODEL_METRIC);
  TEXT(MODEL_METRIC, model_id, at_hand(a, MODEL));
  TEXT(MODEL_METRIC, run_id, m->run_id);
  TEXT(MODEL_METRIC, key, m->key);
  mlt_out_put_number(o, MLT_AT_MODEL_METRIC_value, m->value);
  INT(MODEL_METRIC, step, m->step);
  INT(MODEL_METRIC, timestamp, m->timestamp);
  TEXT(MODEL_METRIC, dataset_name, m->dataset_name);
  TEXT(MODEL_METRIC, dataset_digest, m->dataset_digest);
  return mlt_out_end(o);
}

/* ---- registry ---- */

static enum mlt_rc write_registered_model(struct writing *a) {
  const struct mlt_registered_model *m = &a->rec->registered_model;
  struct mlt_line_out *o = begin(a, MLT_LINE_REGISTERED_MODEL);
  TEXT(REGISTERED_MODEL, name, m->name);
  TEXT(REGISTERED_MODEL, description, m->description);
  TIME(REGISTERED_MODEL, creation_time, m->creation_time);
  TIME(REGISTERED_MODEL, last_updated_time, m->last_updated_time);
  enum mlt_rc rc = hold(a, MLT_AT_REGISTERED_MODEL_tags, MLT_AT_REGISTERED_MODEL_aliases);
  return rc == MLT_OK ? remember(a, MODEL, m->name) : rc;
}

static enum mlt_rc write_registered_model_tag(struct writing *a) {
  return hold_pair(a, MLT_LINE_REGISTERED_MODEL, MLT_AT_REGISTERED_MODEL_tags, a->rec->kv, true);
}

static enum mlt_rc write_alias(struct writing *a) {
  char version[MLT_INT_TEXT];
  struct mlt_str text = {version, mlt_text_int(version, a->rec->alias.version)};
  return hold_pair(a, MLT_LINE_REGISTERED_MODEL, MLT_AT_REGISTERED_MODEL_aliases,
                   (struct mlt_kv){a->rec->alias.alias, text}, false);
}

static enum mlt_rc write_version(struct writing *a) {
  const struct mlt_model_version *v = &a->rec->version;
  struct mlt_line_out *o = begin(a, MLT_LINE_MODEL_VERSION);
  TEXT(MODEL_VERSION, name, at_hand(a, MODEL));
  INT(MODEL_VERSION, version, v->version);
  TIME(MODEL_VERSION, creation_time, v->creation_time);
  TIME(MODEL_VERSION, last_updated_time, v->last_updated_time);
  TEXT(MODEL_VERSION, description, v->description);
  TEXT(MODEL_VERSION, user_id, v->user_id);
  TEXT(MODEL_VERSION, current_stage, v->current_stage);
  TEXT(MODEL_VERSION, source, v->source);
  TEXT(MODEL_VERSION, storage_location, v->storage_location);
  TEXT(MODEL_VERSION, run_id, v->run_id);
  TEXT(MODEL_VERSION, run_link, v->run_link);
  TEXT(MODEL_VERSION, status, v->status);
  TEXT(MODEL_VERSION, status_message, v->status_message);
  return hold(a, MLT_AT_MODEL_VERSION_tags, -1);
}

static enum mlt_rc write_version_tag(struct writing *a) {
  return hold_pair(a, MLT_LINE_MODEL_VERSION, MLT_AT_MODEL_VERSION_tags, a->rec->kv, true);
}

/* ---- all of them ---- */

static const struct {
  enum mlt_rc (*write)(struct writing *a); /* NULL: nothing is written */
  bool into;                               /* goes into the line that is held */
} kinds[] = {
    [MLT_REC_EXPERIMENT] = {write_experiment, false},
    [MLT_REC_EXPERIMENT_TAG] = {write_experiment_tag, true},
    [MLT_REC_DATASET] = {write_dataset, false},
    [MLT_REC_RUN] = {write_run, false},
    [MLT_REC_PARAM] = {write_param, false},
    [MLT_REC_TAG] = {write_tag, false},
    [MLT_REC_POINTS] = {write_points, false},
    [MLT_REC_INPUT] = {write_input, false},
    [MLT_REC_INPUT_TAG] = {write_input_tag, true},
    [MLT_REC_MODEL_INPUT] = {write_model_input, false},
    [MLT_REC_OUTPUT] = {write_output, false},
    [MLT_REC_ARTIFACT] = {write_artifact, false},
    [MLT_REC_RUN_END] = {end_run, false},
    [MLT_REC_LOGGED_MODEL] = {write_logged_model, false},
    [MLT_REC_LOGGED_MODEL_PARAM] = {write_logged_model_param, true},
    [MLT_REC_LOGGED_MODEL_TAG] = {write_logged_model_tag, true},
    [MLT_REC_LOGGED_MODEL_METRIC] = {write_logged_model_metric, false},
    [MLT_REC_LOGGED_MODEL_END] = {NULL, false},
    [MLT_REC_REGISTERED_MODEL] = {write_registered_model, false},
    [MLT_REC_REGISTERED_MODEL_TAG] = {write_registered_model_tag, true},
    [MLT_REC_MODEL_VERSION] = {write_version, false},
    [MLT_REC_MODEL_VERSION_TAG] = {write_version_tag, true},
    [MLT_REC_ALIAS] = {write_alias, true},
    [MLT_REC_REGISTERED_MODEL_END] = {NULL, false},
    [MLT_REC_COPIED] = {NULL, false}, /* lines have no word for it */
    [MLT_REC_WINDOW_END] = {NULL, false},
};

static enum mlt_rc write_header(struct writing *a) {
  struct mlt_line_out *o = begin(a, MLT_LINE_HEADER);
  INT(HEADER, version, MLT_LINE_VERSION);
  if (a->w->complete)
    mlt_out_put_true(o, MLT_AT_HEADER_complete);
  a->w->begun = true;
  return mlt_out_end(o);
}

static enum mlt_rc prepare(struct writing *a, bool into, bool points) {
  enum mlt_rc rc = a->w->begun ? MLT_OK : write_header(a);
  if (rc == MLT_OK && !points)
    rc = end_points(a);
  return rc == MLT_OK && !into ? end_held(a) : rc;
}

enum mlt_rc mlt_lines_write(struct mlt_lines_writer *w, const struct mlt_record *rec,
                            struct mlt_line_fault *fault, struct mlt_err *err) {
  struct writing a = {w, rec, fault, err};
  if (rec->kind == MLT_REC_NOTE)
    return MLT_OK;
  enum mlt_rc rc = prepare(&a, kinds[rec->kind].into, rec->kind == MLT_REC_POINTS);
  return rc == MLT_OK && kinds[rec->kind].write ? kinds[rec->kind].write(&a) : rc;
}

enum mlt_rc mlt_lines_finish(struct mlt_lines_writer *w, struct mlt_err *err) {
  struct mlt_line_fault fault;
  struct writing a = {w, NULL, &fault, err};
  enum mlt_rc rc = prepare(&a, false, false);
  return rc == MLT_OK ? mlt_out_flush(&w->o, err) : rc;
}
