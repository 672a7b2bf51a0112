/* Which lines may follow which: complete runs come in one piece, models before what belongs to
   them, and in a complete file runs before models. */
#include "source/jsonl.h"

#include <string.h>

static bool is_of_run(const struct mlt_jsonl_line *l) {
  switch (l->type) {
  case MLT_LINE_METRIC:
  case MLT_LINE_METRICS:
  case MLT_LINE_POINTS:
  case MLT_LINE_PARAM:
  case MLT_LINE_TAG:
  case MLT_LINE_MODEL_INPUT:
  case MLT_LINE_MODEL_OUTPUT:
  case MLT_LINE_ARTIFACT:
  case MLT_LINE_END:
    return true;
  case MLT_LINE_DATASET:
    return l->v[MLT_AT_DATASET_run_id].has;
  default:
    return false;
  }
}

bool mlt_jsonl_in_run(const struct mlt_jsonl *s) {
  return s->giver.open == MLT_OPEN_RUN && is_of_run(&s->now) &&
         mlt_str_eq(s->now.v[0].text, mlt_buf_str(&s->run));
}

static enum mlt_rc out_of_order(struct mlt_jsonl *s, const char *why) {
  return mlt_blame(&s->wrong, "out-of-order", "%s", why);
}

/* The run's line has been given: what its end says cannot change it. */
static enum mlt_rc check_end(struct mlt_jsonl *s, const char **field) {
  const struct mlt_line_value *status = &s->now.v[MLT_AT_END_status];
  const struct mlt_line_value *time = &s->now.v[MLT_AT_END_end_time];
  *field = status->has ? "status" : "end_time";
  if (status->has && status->integer != s->status)
    return mlt_blame(&s->wrong, "bad-value", "the line of this complete run says %s",
                     mlt_run_status_name(s->status));
  *field = "end_time";
  if (time->has && !(s->end_time.has && s->end_time.v == time->integer))
    return mlt_blame(&s->wrong, "bad-value",
                     "the line of this complete run says another end_time, or none");
  return MLT_OK;
}

static enum mlt_rc check_run(struct mlt_jsonl *s, const char **field) {
  const struct mlt_line_value *complete = &s->now.v[MLT_AT_RUN_complete];
  *field = "complete";
  if (s->complete && complete->has && !complete->integer)
    return out_of_order(s, "the header says that every run is complete");
  *field = NULL;
  if (s->complete && s->stage > MLT_STAGE_RUNS)
    return out_of_order(s, "in a complete file all runs come before models");
  return MLT_OK;
}

static enum mlt_rc check_run_lines(struct mlt_jsonl *s, const char **field) {
  *field = is_of_run(&s->now) ? "run_id" : NULL;
  if (mlt_jsonl_in_run(s))
    return s->now.type == MLT_LINE_END ? check_end(s, field) : MLT_OK;
  if (s->giver.open == MLT_OPEN_RUN)
    return mlt_blame(&s->wrong, "out-of-order",
                     "it stands among the lines of the complete run %.*s, which has not ended",
                     MLT_STR_ARG(mlt_buf_str(&s->run)));
  if (s->complete && is_of_run(&s->now))
    return out_of_order(s, "the header says that every run is complete: its lines follow the "
                           "run's, up to its end");
  return MLT_OK;
}

static enum mlt_rc check_model(struct mlt_jsonl *s, enum mlt_line_type of, const char *why) {
  if (s->model_of != of || !mlt_str_eq(s->now.v[0].text, mlt_buf_str(&s->model)))
    return out_of_order(s, why);
  if (mlt_jsonl_window_bytes(&s->window) >= MLT_WINDOW_BYTES_MAX)
    return mlt_blame(&s->wrong, "too-long",
                     "its model has more lines than are held; a file whose header says complete "
                     "may have any number");
  return MLT_OK;
}

static enum mlt_rc check_stage(struct mlt_jsonl *s, unsigned stage) {
  if (s->complete && s->stage > stage)
    return out_of_order(s, "in a complete file logged models come before registered ones");
  s->stage = stage;
  return MLT_OK;
}

static enum mlt_rc begin_model(struct mlt_jsonl *s, unsigned stage) {
  struct mlt_str name = s->now.v[0].text;
  enum mlt_rc rc = check_stage(s, stage);
  if (rc != MLT_OK)
    return rc;
  s->model_of = s->now.type;
  mlt_buf_clear(&s->model);
  return mlt_buf_add(&s->model, name.p, name.len);
}

static enum mlt_rc begin_run(struct mlt_jsonl *s) {
  const struct mlt_line_value *v = s->now.v;
  struct mlt_str id = v[MLT_AT_RUN_run_id].text;
  s->status = v[MLT_AT_RUN_status].has ? (enum mlt_run_status)v[MLT_AT_RUN_status].integer
                                       : MLT_RUN_RUNNING;
  s->end_time = (struct mlt_opt_i64){v[MLT_AT_RUN_end_time].integer, v[MLT_AT_RUN_end_time].has};
  mlt_buf_clear(&s->run);
  return mlt_buf_add(&s->run, id.p, id.len);
}

enum mlt_rc mlt_jsonl_follows(struct mlt_jsonl *s, const char **field) {
  *field = NULL;
  enum mlt_rc rc = s->now.type == MLT_LINE_RUN ? check_run(s, field) : check_run_lines(s, field);
  if (rc != MLT_OK)
    return rc;
  switch (s->now.type) {
  case MLT_LINE_HEADER:
    return s->first ? MLT_OK : out_of_order(s, "the header is the first line or none");
  case MLT_LINE_MODEL_METRIC:
    return check_model(s, MLT_LINE_LOGGED_MODEL, "it does not follow its logged_model");
  case MLT_LINE_MODEL_VERSION:
    return check_model(s, MLT_LINE_REGISTERED_MODEL, "it does not follow its registered_model");
  case MLT_LINE_LOGGED_MODEL:
    return begin_model(s, MLT_STAGE_MODELS);
  case MLT_LINE_REGISTERED_MODEL:
    return begin_model(s, MLT_STAGE_REGISTRY);
  case MLT_LINE_RUN:
    s->model_of = MLT_LINE_COUNT;
    return begin_run(s);
  default:
    s->model_of = MLT_LINE_COUNT;
    return MLT_OK;
  }
}
