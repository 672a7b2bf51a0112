#include "pipeline/choice.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"

/* What was left out. */
enum other {
  OTHER_EXPERIMENTS,
  OTHER_RUNS,
  OTHER_LOGGED_MODELS,
  OTHER_VERSIONS,
  EVALUATION_DATASETS, /* which may belong to several experiments */
  OTHER_ROWS,          /* of what is wanted, about what is not */
  OTHERS
};

/* Found by the first reading; afterwards only the counts change. */
struct choice {
  const char *experiment, *run; /* NULL: any */
  struct mlt_map *wanted;       /* who: a letter of enum who, and the name */
  atomic_uint_least64_t left_out[OTHERS];
};

enum who { EXPERIMENT = 'E', RUN = 'R', LOGGED_MODEL = 'L', REGISTERED_MODEL = 'M', VERSION = 'V' };

struct mlt_source {
  struct mlt_source_ops ops;              /* what the reader sees */
  const struct mlt_source_ops *inner_ops; /* what is chosen from */
  struct mlt_source *inner;
  struct choice *choice;
  bool is_twin;              /* the choice is another's */
  struct mlt_buf key, model; /* being looked up; the registered model at hand */
  bool tags_left_out;        /* those of the input or version at hand */
  unsigned told;             /* of the counts */
};

/* ---- who is wanted ---- */

static enum mlt_rc make_key(struct mlt_source *s, enum who who, struct mlt_str name,
                            int32_t version, struct mlt_err *err) {
  mlt_buf_clear(&s->key);
  enum mlt_rc rc = mlt_buf_printf(&s->key, "%c%" PRId32 " ", (char)who, version);
  if (rc == MLT_OK && name.len)
    rc = mlt_buf_add(&s->key, name.p, name.len);
  return rc == MLT_OK ? MLT_OK : mlt_err_nomem(err);
}

static enum mlt_rc want(struct mlt_source *s, enum who who, struct mlt_str name, int32_t version,
                        struct mlt_err *err) {
  enum mlt_rc rc = make_key(s, who, name, version, err);
  if (rc != MLT_OK)
    return rc;
  return mlt_map_put(s->choice->wanted, mlt_buf_str(&s->key), 1) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

/* *is: also where there is no name. */
static enum mlt_rc look_up(struct mlt_source *s, enum who who, struct mlt_str name, int32_t version,
                           bool *is, struct mlt_err *err) {
  uint64_t unused;
  enum mlt_rc rc = make_key(s, who, name, version, err);
  *is = rc == MLT_OK && mlt_map_get(s->choice->wanted, mlt_buf_str(&s->key), &unused);
  return rc;
}

static enum mlt_rc remember_model(struct mlt_source *s, struct mlt_str name, struct mlt_err *err) {
  mlt_buf_clear(&s->model);
  return mlt_buf_add(&s->model, name.p, name.len) == MLT_OK ? MLT_OK : mlt_err_nomem(err);
}

/* ---- the first reading ---- */

static enum mlt_rc survey_run(struct mlt_source *s, const struct mlt_run *r, bool *is,
                              struct mlt_err *err) {
  const struct choice *c = s->choice;
  *is = !c->run || mlt_str_is(r->run_uuid, c->run);
  enum mlt_rc rc = MLT_OK;
  if (*is && c->experiment)
    rc = look_up(s, EXPERIMENT, r->experiment, 0, is, err);
  if (rc == MLT_OK && *is)
    rc = want(s, RUN, r->run_uuid, 0, err);
  return rc == MLT_OK && *is ? want(s, EXPERIMENT, r->experiment, 0, err) : rc;
}

static enum mlt_rc survey_logged_model(struct mlt_source *s, const struct mlt_logged_model *m,
                                       bool *is, struct mlt_err *err) {
  const char *run = s->choice->run;
  enum mlt_rc rc = look_up(s, EXPERIMENT, m->experiment, 0, is, err);
  *is = *is && (!run || mlt_str_is(m->source_run_id, run));
  return rc == MLT_OK && *is ? want(s, LOGGED_MODEL, m->model_id, 0, err) : rc;
}

static enum mlt_rc survey_version(struct mlt_source *s, const struct mlt_model_version *v, bool *is,
                                  struct mlt_err *err) {
  struct mlt_str model = mlt_buf_str(&s->model);
  enum mlt_rc rc = look_up(s, RUN, v->run_id, 0, is, err);
  if (rc == MLT_OK && *is)
    rc = want(s, REGISTERED_MODEL, model, 0, err);
  return rc == MLT_OK && *is ? want(s, VERSION, model, v->version, err) : rc;
}

static enum mlt_rc survey_record(struct mlt_source *s, const struct mlt_record *rec,
                                 struct mlt_err *err) {
  const struct choice *c = s->choice;
  enum mlt_rc rc = MLT_OK;
  bool is = true;
  switch (rec->kind) {
  case MLT_REC_EXPERIMENT:
    if (c->experiment && mlt_str_is(rec->experiment.name, c->experiment))
      rc = want(s, EXPERIMENT, rec->experiment.key, 0, err);
    break;
  case MLT_REC_RUN:
    rc = survey_run(s, &rec->run, &is, err);
    s->choice->left_out[OTHER_RUNS] += !is;
    break;
  case MLT_REC_LOGGED_MODEL:
    rc = survey_logged_model(s, &rec->logged_model, &is, err);
    s->choice->left_out[OTHER_LOGGED_MODELS] += !is;
    break;
  case MLT_REC_REGISTERED_MODEL:
    rc = remember_model(s, rec->registered_model.name, err);
    break;
  case MLT_REC_MODEL_VERSION:
    rc = survey_version(s, &rec->version, &is, err);
    s->choice->left_out[OTHER_VERSIONS] += !is;
    break;
  default:
    break;
  }
  return rc;
}

/* What they hold is not asked for. A source with twins says MLT_AGAIN once. */
static enum mlt_rc survey(struct mlt_source *s, const volatile sig_atomic_t *cancelled,
                          struct mlt_err *err) {
  struct mlt_record rec;
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK) {
    rc = s->inner_ops->next(s->inner, &rec, err);
    if (cancelled && *cancelled)
      return MLT_CANCELLED;
    if (rc == MLT_AGAIN) {
      rc = MLT_OK;
      continue;
    }
    if (rc == MLT_OK)
      rc = survey_record(s, &rec, err);
    if (rc == MLT_OK && (rec.kind == MLT_REC_RUN || rec.kind == MLT_REC_LOGGED_MODEL))
      s->inner_ops->skip(s->inner, rec.kind);
  }
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc check_found(const struct choice *c, const char *shown, struct mlt_err *err) {
  size_t pos = 0;
  struct mlt_str key;
  uint64_t unused;
  bool experiment = false, run = !c->run;
  while (mlt_map_next(c->wanted, &pos, &key, &unused)) {
    experiment = experiment || key.p[0] == EXPERIMENT;
    run = run || key.p[0] == RUN;
  }
  if (experiment && run)
    return MLT_OK;
  if (c->experiment && !experiment)
    return mlt_err_set(err, MLT_NOINPUT, "no experiment of %s is called '%s'", shown,
                       c->experiment);
  return mlt_err_set(err, MLT_NOINPUT, "no run of %s%s%s%s has the id '%s'",
                     c->experiment ? "experiment '" : "", c->experiment ? c->experiment : shown,
                     c->experiment ? "' of " : "", c->experiment ? shown : "", c->run);
}

/* ---- the second reading ---- */

/* What is copied knows its experiment, or is of none; links join what may have been left out. */
static enum mlt_rc choose_copied(struct mlt_source *s, const struct mlt_copied_row *row, bool *is,
                                 struct mlt_err *err) {
  *is = false;
  if (s->choice->run || !row->experiment.p || row->table == MLT_T_ENTITY_ASSOCIATIONS)
    return MLT_OK;
  return look_up(s, EXPERIMENT, row->experiment, 0, is, err);
}

static enum mlt_rc choose_input(struct mlt_source *s, const struct mlt_record *rec, bool *is,
                                struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  *is = true;
  if (rec->kind != MLT_REC_INPUT)
    rc = look_up(s, LOGGED_MODEL, rec->edge.model_id, 0, is, err);
  else if (rec->input.experiment.p)
    rc = look_up(s, EXPERIMENT, rec->input.experiment, 0, is, err);
  s->tags_left_out = !*is;
  return rc;
}

static enum mlt_rc choose_version(struct mlt_source *s, int32_t version, bool *is,
                                  struct mlt_err *err) {
  return look_up(s, VERSION, mlt_buf_str(&s->model), version, is, err);
}

/* Is the record wanted? What belongs to a run or model that is not does not come. */
static enum mlt_rc choose(struct mlt_source *s, const struct mlt_record *rec, bool *is,
                          struct mlt_err *err) {
  enum mlt_rc rc;
  switch (rec->kind) {
  case MLT_REC_EXPERIMENT:
    return look_up(s, EXPERIMENT, rec->experiment.key, 0, is, err);
  case MLT_REC_EXPERIMENT_TAG:
    return look_up(s, EXPERIMENT, rec->owner, 0, is, err);
  case MLT_REC_DATASET:
    return look_up(s, EXPERIMENT, rec->dataset.experiment, 0, is, err);
  case MLT_REC_RUN:
    return look_up(s, RUN, rec->run.run_uuid, 0, is, err);
  case MLT_REC_INPUT:
  case MLT_REC_MODEL_INPUT:
  case MLT_REC_OUTPUT:
    return choose_input(s, rec, is, err);
  case MLT_REC_LOGGED_MODEL:
    return look_up(s, LOGGED_MODEL, rec->logged_model.model_id, 0, is, err);
  case MLT_REC_LOGGED_MODEL_METRIC:
    return look_up(s, RUN, rec->lm_metric.run_id, 0, is, err);
  case MLT_REC_REGISTERED_MODEL:
    rc = remember_model(s, rec->registered_model.name, err);
    return rc == MLT_OK ? look_up(s, REGISTERED_MODEL, rec->registered_model.name, 0, is, err) : rc;
  case MLT_REC_ALIAS:
    return choose_version(s, rec->alias.version, is, err);
  case MLT_REC_MODEL_VERSION:
    rc = choose_version(s, rec->version.version, is, err);
    s->tags_left_out = !*is;
    return rc;
  case MLT_REC_INPUT_TAG:
  case MLT_REC_MODEL_VERSION_TAG:
    *is = !s->tags_left_out;
    return MLT_OK;
  case MLT_REC_COPIED:
    return choose_copied(s, &rec->copied, is, err);
  default:
    *is = true;
    return MLT_OK;
  }
}

static bool is_counted_here(enum mlt_rec_kind kind) {
  return (kind >= MLT_REC_INPUT && kind <= MLT_REC_OUTPUT) || kind == MLT_REC_ALIAS ||
         kind == MLT_REC_LOGGED_MODEL_METRIC || kind == MLT_REC_COPIED;
}

static void leave_out(struct mlt_source *s, const struct mlt_record *rec) {
  enum mlt_rec_kind kind = rec->kind;
  if (kind == MLT_REC_RUN || kind == MLT_REC_LOGGED_MODEL || kind == MLT_REC_REGISTERED_MODEL)
    s->inner_ops->skip(s->inner, kind);
  else if (kind == MLT_REC_EXPERIMENT)
    s->choice->left_out[OTHER_EXPERIMENTS]++;
  else if (kind == MLT_REC_COPIED && rec->copied.table == MLT_T_EVALUATION_DATASETS)
    s->choice->left_out[EVALUATION_DATASETS]++;
  else if (is_counted_here(kind))
    s->choice->left_out[OTHER_ROWS]++;
}

static enum mlt_rc tell_left_out(struct mlt_source *s, struct mlt_record *rec) {
  static const char *const what[OTHERS] = {"other experiments",   "other runs",
                                           "other logged models", "other model versions",
                                           "evaluation datasets", "rows about others"};
  static const enum mlt_table tables[OTHERS] = {MLT_T_EXPERIMENTS,         MLT_T_RUNS,
                                                MLT_T_LOGGED_MODELS,       MLT_T_MODEL_VERSIONS,
                                                MLT_T_EVALUATION_DATASETS, MLT_T_INPUTS};
  while (!s->is_twin && s->told < OTHERS) {
    unsigned i = s->told++;
    if (!s->choice->left_out[i])
      continue;
    *rec = (struct mlt_record){.kind = MLT_REC_NOTE};
    rec->note = (struct mlt_note){.kind = MLT_NOTE_IGNORED,
                                  .table = tables[i],
                                  .code = "filtered",
                                  .what = what[i],
                                  .rows = s->choice->left_out[i],
                                  .reason = MLT_STR_LIT("left out by --experiment or --run")};
    return MLT_OK;
  }
  return MLT_END;
}

static enum mlt_rc choice_next(struct mlt_source *s, struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    bool is = true;
    enum mlt_rc rc = s->inner_ops->next(s->inner, rec, err);
    if (rc == MLT_END)
      return tell_left_out(s, rec);
    if (rc == MLT_OK)
      rc = choose(s, rec, &is, err);
    if (rc != MLT_OK || is)
      return rc;
    leave_out(s, rec);
  }
}

/* ---- the rest of a source ---- */

static void choice_progress(const struct mlt_source *s, struct mlt_source_progress *out) {
  s->inner_ops->progress(s->inner, out);
}

static void choice_copies(struct mlt_source *s, const struct mlt_shape *target) {
  s->inner_ops->copies(s->inner, target);
}

static void choice_close(struct mlt_source *s) {
  if (!s)
    return;
  s->inner_ops->close(s->inner);
  mlt_buf_free(&s->key);
  mlt_buf_free(&s->model);
  if (!s->is_twin && s->choice)
    mlt_map_free(s->choice->wanted);
  if (!s->is_twin)
    mlt_free(s->choice);
  mlt_free(s);
}

static enum mlt_rc choice_twin(struct mlt_source *s, struct mlt_source **out, struct mlt_err *err) {
  struct mlt_source *t = mlt_calloc(1, sizeof *t);
  if (!t)
    return mlt_err_nomem(err);
  *t = (struct mlt_source){
      .ops = s->ops, .inner_ops = s->inner_ops, .choice = s->choice, .is_twin = true};
  mlt_buf_init(&t->key, SIZE_MAX);
  mlt_buf_init(&t->model, SIZE_MAX);
  enum mlt_rc rc = s->inner_ops->twin(s->inner, &t->inner, err);
  if (rc == MLT_OK)
    *out = t;
  else
    choice_close(t);
  return rc;
}

/* Over a source that is taken over, also in failure. */
static enum mlt_rc wrap(struct mlt_source **out, struct mlt_source *inner,
                        const struct mlt_source_ops *ops, const struct mlt_source_opts *opts,
                        struct mlt_err *err) {
  struct mlt_source *s = mlt_calloc(1, sizeof *s);
  if (!s) {
    ops->close(inner);
    return mlt_err_nomem(err);
  }
  s->ops = (struct mlt_source_ops){.name = ops->name,
                                   .description = ops->description,
                                   .holds = ops->holds,
                                   .tells_all = ops->tells_all,
                                   .next = choice_next,
                                   .twin = ops->twin ? choice_twin : NULL,
                                   .progress = choice_progress,
                                   .copies = ops->copies ? choice_copies : NULL,
                                   .close = choice_close};
  s->inner_ops = ops;
  s->inner = inner;
  mlt_buf_init(&s->key, SIZE_MAX);
  mlt_buf_init(&s->model, SIZE_MAX);
  *out = s;
  s->choice = mlt_calloc(1, sizeof *s->choice);
  if (!s->choice || !(s->choice->wanted = mlt_map_new()))
    return mlt_err_nomem(err);
  s->choice->experiment = opts->experiment;
  s->choice->run = opts->run;
  return MLT_OK;
}

enum mlt_rc mlt_choose(struct mlt_source **source, const struct mlt_source_ops **ops,
                       const struct mlt_source_opts *opts, const char *shown,
                       const volatile sig_atomic_t *cancelled, struct mlt_err *err) {
  struct mlt_source *s = NULL, *inner = *source;
  if (!(*ops)->skip || (!opts->experiment && !opts->run))
    return MLT_OK;
  *source = NULL;
  enum mlt_rc rc = wrap(&s, inner, *ops, opts, err);
  if (!s)
    return rc;
  *source = s;
  *ops = &s->ops;
  if (rc == MLT_OK)
    rc = survey(s, cancelled, err);
  if (rc == MLT_OK)
    rc = check_found(s->choice, shown, err);
  if (rc != MLT_OK)
    return rc;
  s->inner_ops->close(s->inner);
  s->inner = NULL;
  return s->inner_ops->open(&s->inner, opts, err);
}
