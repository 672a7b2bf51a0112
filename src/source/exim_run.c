/* What is in a run.json: mlflow.info, .params, .tags, .metrics with every point, .inputs. The
   survey has seen that the document is whole. */
#include "source/exim.h"

#include <string.h>

#include "model/rules.h"

static enum mlt_rc reject_run(struct mlt_ex *s, struct mlt_record *rec) {
  s->progress.runs_done++;
  mlt_ex_leave(s);
  return mlt_ex_reject(s, rec, MLT_T_RUNS, 1);
}

static void fill_run(struct mlt_ex *s, struct mlt_run *r) {
  const struct mlt_json *o = s->doc;
  const struct mlt_str empty = MLT_STR_LIT("");
  struct mlt_str status = mlt_ex_field_or(s, o, "status", MLT_STR_LIT("RUNNING"));
  struct mlt_str id = mlt_ex_field(s, o, "run_id");
  *r = (struct mlt_run){
      .run_uuid = id.p ? id : mlt_ex_field(s, o, "run_uuid"),
      .experiment = mlt_ex_experiment(s, mlt_ex_field_or(s, o, "experiment_id", empty)),
      .name = mlt_ex_field(s, o, "run_name"),
      /* as MLflow's own store has them since 2.0; the tags say more */
      .source_type = MLT_STR_LIT("UNKNOWN"),
      .source_name = empty,
      .entry_point_name = empty,
      .source_version = empty,
      .user_id = mlt_ex_field(s, o, "user_id"),
      .start_time = mlt_ex_int(s, o, "start_time"),
      .end_time = mlt_ex_int(s, o, "end_time"),
      .deleted = mlt_ex_deleted(s, o),
      .artifact_uri = mlt_ex_field(s, o, "artifact_uri"),
      .files = mlt_ex_artifacts(s),
      .files_all = true,
  };
  if (!mlt_run_status_parse(status, &r->status))
    (void)mlt_blame(&s->fault, "bad-field", "field status is '%.*s', which is no status of a run",
                    MLT_STR_ARG(status));
}

static enum mlt_rc load_info(struct mlt_ex *s, struct mlt_err *err) {
  struct mlt_cut_event ev;
  enum mlt_rc rc = mlt_ex_open(s, err);
  if (rc == MLT_OK)
    rc = mlt_ex_enter(s, err);
  while (rc == MLT_OK && (rc = mlt_ex_section(s, &ev, err)) == MLT_OK) {
    if (mlt_str_is(ev.key, "info") && ev.kind == MLT_CUT_OPEN && !ev.list)
      return mlt_ex_take(s, err);
    if (ev.kind == MLT_CUT_OPEN)
      rc = mlt_ex_skip(s, err);
  }
  return rc == MLT_END ? mlt_blame(&s->fault, "bad-json", "it has no object \"mlflow\".\"info\"")
                       : rc;
}

/* Reads up to mlflow.info, which stands first in what the tool writes, and begins anew behind it:
   then what stands before it is not lost. */
static enum mlt_rc open_run(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  mlt_buf_clear(&s->id);
  enum mlt_rc rc = load_info(s, err);
  if (rc != MLT_OK)
    return mlt_ex_is_fault(rc) ? reject_run(s, rec) : rc;
  mlt_ex_record(s, rec, MLT_REC_RUN);
  fill_run(s, &rec->run);
  if (s->fault.code)
    return reject_run(s, rec);
  s->section = MLT_EX_MEMBERS;
  s->unknown = 0;
  s->step++;
  return mlt_ex_set(&s->id, rec->run.run_uuid, err);
}

static enum mlt_rc end_run(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  s->progress.runs_done++;
  mlt_ex_leave(s);
  mlt_ex_record(s, rec, MLT_REC_RUN_END);
  return MLT_OK;
}

/* The document was whole when it was surveyed, and is no longer; the run has been given. */
static enum mlt_rc lose_body(struct mlt_ex *s, struct mlt_record *rec) {
  static const mlt_ex_step ending[] = {end_run, NULL};
  s->step = ending;
  return mlt_ex_reject(s, rec, MLT_T_METRICS, 1);
}

static enum mlt_rc begin_body(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_ex_open(s, err);
  if (rc == MLT_OK)
    rc = mlt_ex_enter(s, err);
  if (rc == MLT_OK)
    return MLT_END;
  return mlt_ex_is_fault(rc) ? lose_body(s, rec) : rc;
}

/* ---- params and tags ---- */

static enum mlt_rc pairs(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  bool params = s->section == MLT_EX_PARAMS;
  enum mlt_table table = params ? MLT_T_PARAMS : MLT_T_TAGS;
  struct mlt_cut_event ev;
  struct mlt_kv kv;
  enum mlt_rc rc = mlt_ex_next(s, &ev, err);
  if (rc != MLT_OK || ev.kind == MLT_CUT_CLOSE)
    return rc == MLT_OK ? MLT_END : rc;
  if (ev.kind == MLT_CUT_OPEN) {
    s->line = s->cut.line;
    (void)mlt_blame(&s->fault, "bad-field", "the value of %.*s is no text", MLT_STR_ARG(ev.key));
    if ((rc = mlt_ex_skip(s, err)) != MLT_OK)
      return rc;
    return mlt_ex_reject(s, rec, table, 1);
  }
  if ((rc = mlt_ex_key(s, &ev, &kv.key, err)) != MLT_OK ||
      (rc = mlt_ex_text(s, &ev, &kv.value, err)) != MLT_OK)
    return rc;
  mlt_ex_record(s, rec, params ? MLT_REC_PARAM : MLT_REC_TAG);
  rec->kv = (struct mlt_kv){kv.key, kv.value.p ? kv.value : MLT_STR_LIT("")};
  return MLT_OK;
}

/* ---- metrics ---- */

enum { HAS_VALUE = 1, HAS_TIMESTAMP = 2, HAS_STEP = 4, HAS_ALL = 7 };

static bool number(struct mlt_str raw, double *out) {
  bool starts = raw.len && raw.p[0] && strchr("-0123456789NI", raw.p[0]);
  return starts && !memchr(raw.p, '_', raw.len) && mlt_parse_double(raw, out);
}

static bool whole(struct mlt_str raw, int64_t *out) {
  bool starts = raw.len && raw.p[0] && strchr("-0123456789", raw.p[0]);
  return starts && !memchr(raw.p, '_', raw.len) && mlt_parse_i64(raw, out);
}

/* The members of a point from behind its "{" to its "}". *has: which of them are there and good. */
static enum mlt_rc read_point(struct mlt_ex *s, size_t i, unsigned *has, struct mlt_err *err) {
  struct mlt_cut_event ev;
  enum mlt_rc rc;
  *has = 0;
  while ((rc = mlt_ex_next(s, &ev, err)) == MLT_OK && ev.kind != MLT_CUT_CLOSE) {
    if (ev.kind == MLT_CUT_OPEN)
      rc = mlt_ex_skip(s, err);
    else if (mlt_str_is(ev.key, "value") && number(ev.raw, &s->values[i]))
      *has |= HAS_VALUE;
    else if (mlt_str_is(ev.key, "timestamp") && whole(ev.raw, &s->timestamps[i]))
      *has |= HAS_TIMESTAMP;
    else if (mlt_str_is(ev.key, "step") && whole(ev.raw, &s->steps[i]))
      *has |= HAS_STEP;
    if (rc != MLT_OK)
      break;
  }
  return rc;
}

/* An element of the list of a metric: *good says whether it fills the i-th place. MLT_END behind
   the last. */
static enum mlt_rc next_point(struct mlt_ex *s, size_t i, bool *good, struct mlt_err *err) {
  struct mlt_cut_event ev;
  unsigned has = 0;
  enum mlt_rc rc = mlt_ex_next(s, &ev, err);
  if (rc != MLT_OK || ev.kind == MLT_CUT_CLOSE)
    return rc == MLT_OK ? MLT_END : rc;
  uint64_t line = s->cut.line;
  if (ev.kind == MLT_CUT_OPEN)
    rc = ev.list ? mlt_ex_skip(s, err) : read_point(s, i, &has, err);
  *good = has == HAS_ALL;
  if (!*good && s->bad++ == 0)
    s->bad_line = line;
  return rc;
}

static enum mlt_rc give_points(struct mlt_ex *s, struct mlt_record *rec, size_t n) {
  mlt_ex_record(s, rec, MLT_REC_POINTS);
  rec->points = (struct mlt_points){.key = mlt_buf_str(&s->key),
                                    .n = n,
                                    .timestamp = s->timestamps,
                                    .step = s->steps,
                                    .value = s->values};
  return MLT_OK;
}

static enum mlt_rc reject_points(struct mlt_ex *s, struct mlt_record *rec) {
  uint64_t n = s->bad;
  s->bad = 0;
  s->line = s->bad_line;
  (void)mlt_blame(&s->fault, "bad-metric",
                  "a point of %.*s has no number \"value\", or no whole numbers of 64 bits "
                  "\"timestamp\" and \"step\"",
                  MLT_STR_ARG(mlt_buf_str(&s->key)));
  return mlt_ex_reject(s, rec, MLT_T_METRICS, n);
}

/* Points of the metric s->key; then what is wrong with some; then MLT_END. */
static enum mlt_rc points(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  size_t n = 0;
  bool good;
  if (s->ended)
    return s->bad ? reject_points(s, rec) : MLT_END;
  enum mlt_rc rc = MLT_OK;
  while (n < MLT_EX_CHUNK && (rc = next_point(s, n, &good, err)) == MLT_OK)
    n += good;
  s->ended = rc == MLT_END;
  if (rc != MLT_OK && rc != MLT_END)
    return rc;
  return n ? give_points(s, rec, n) : points(s, rec, err);
}

static enum mlt_rc next_metric(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_cut_event ev;
  struct mlt_str key;
  enum mlt_rc rc = mlt_ex_next(s, &ev, err);
  if (rc != MLT_OK || ev.kind == MLT_CUT_CLOSE)
    return rc == MLT_OK ? MLT_END : rc;
  rc = mlt_ex_key(s, &ev, &key, err);
  if (rc == MLT_OK && !ev.escaped)
    rc = mlt_ex_set(&s->key, key, err);
  s->bad = 0;
  s->bad_line = s->cut.line;
  s->ended = false;
  s->section = MLT_EX_POINTS;
  if (rc != MLT_OK || (ev.kind == MLT_CUT_OPEN && ev.list))
    return rc == MLT_OK ? points(s, rec, err) : rc;
  s->bad = 1;
  s->ended = true;
  rc = ev.kind == MLT_CUT_OPEN ? mlt_ex_skip(s, err) : MLT_OK;
  return rc == MLT_OK ? reject_points(s, rec) : rc;
}

/* ---- inputs ---- */

static enum mlt_rc next_input(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_cut_event ev;
  enum mlt_rc rc = mlt_ex_next(s, &ev, err);
  if (rc != MLT_OK || ev.kind == MLT_CUT_CLOSE)
    return rc == MLT_OK ? MLT_END : rc;
  if (ev.kind == MLT_CUT_OPEN)
    rc = mlt_ex_take(s, err);
  else
    (void)mlt_blame(&s->fault, "bad-field", "an input is no object");
  if (rc != MLT_OK && !mlt_ex_is_fault(rc))
    return rc;
  const struct mlt_json *dataset = mlt_json_get(s->fault.code ? NULL : s->doc, "dataset");
  mlt_ex_record(s, rec, MLT_REC_INPUT);
  rec->input.name = mlt_ex_field_or(s, dataset, "name", MLT_STR_LIT(""));
  rec->input.digest = mlt_ex_field_or(s, dataset, "digest", MLT_STR_LIT(""));
  if (s->fault.code)
    return mlt_ex_reject(s, rec, MLT_T_INPUTS, 1);
  s->section = MLT_EX_INPUT_TAGS;
  s->item = 0;
  s->member = NULL;
  return MLT_OK;
}

static enum mlt_rc input_tags(struct mlt_ex *s, struct mlt_record *rec) {
  mlt_ex_record(s, rec, MLT_REC_INPUT_TAG);
  return mlt_ex_pair(s, mlt_json_get(s->doc, "tags"), &rec->kv) ? MLT_OK : MLT_END;
}

/* ---- the whole ---- */

static enum mlt_rc open_section(struct mlt_ex *s, struct mlt_err *err) {
  static const struct {
    const char *name;
    bool list;
    enum mlt_ex_part section;
  } known[] = {{"params", false, MLT_EX_PARAMS},
               {"tags", false, MLT_EX_TAGS},
               {"metrics", false, MLT_EX_METRICS},
               {"inputs", true, MLT_EX_INPUTS}};
  struct mlt_cut_event ev;
  enum mlt_rc rc = mlt_ex_section(s, &ev, err);
  if (rc != MLT_OK)
    return rc;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (mlt_str_is(ev.key, known[i].name) && ev.kind == MLT_CUT_OPEN && ev.list == known[i].list) {
      s->section = known[i].section;
      return MLT_OK;
    }
  s->unknown += !mlt_str_is(ev.key, "info");
  return ev.kind == MLT_CUT_OPEN ? mlt_ex_skip(s, err) : MLT_OK;
}

/* The section at hand, until it is over. */
static enum mlt_rc section(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  switch (s->section) {
  case MLT_EX_PARAMS:
  case MLT_EX_TAGS:
    return pairs(s, rec, err);
  case MLT_EX_METRICS:
    return next_metric(s, rec, err);
  case MLT_EX_POINTS:
    return points(s, rec, err);
  case MLT_EX_INPUTS:
    return next_input(s, rec, err);
  default:
    return input_tags(s, rec);
  }
}

static enum mlt_rc body(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc;
  for (;;) {
    if (s->section == MLT_EX_MEMBERS && (rc = open_section(s, err)) != MLT_OK)
      break;
    if (s->section == MLT_EX_MEMBERS)
      continue;
    if ((rc = section(s, rec, err)) != MLT_END)
      break;
    s->section = s->section == MLT_EX_POINTS       ? MLT_EX_METRICS
                 : s->section == MLT_EX_INPUT_TAGS ? MLT_EX_INPUTS
                                                   : MLT_EX_MEMBERS;
  }
  return mlt_ex_is_fault(rc) ? lose_body(s, rec) : rc;
}

static enum mlt_rc note_unknown(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  uint64_t n = s->unknown;
  s->unknown = 0;
  return n ? mlt_ex_ignored(s, rec, "unknown fields of run.json", n) : MLT_END;
}

const mlt_ex_step mlt_ex_run_steps[] = {open_run, begin_body, body, note_unknown, end_run, NULL};
