/* Events of the run at hand: what the first look learns from them, and the points they give. */
#include "source/tensorboard.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "source/beneath.h"

/* ---- reading ---- */

static void close_file(struct mlt_tb *s) {
  if (s->fd >= 0)
    (void)close(s->fd);
  s->fd = -1;
}

void mlt_tb_rewind(struct mlt_tb *s) {
  close_file(s);
  s->at = s->first;
  s->event = 0;
  s->in_event = s->version_2 = false;
  s->last_step = -1;
  mlt_tfrecord_reset(&s->record);
}

static void next_file(struct mlt_tb *s) {
  close_file(s);
  s->at++;
  mlt_tfrecord_reset(&s->record);
}

static enum mlt_rc fault(struct mlt_tb *s, const char *fmt, ...) MLT_PRINTF(2, 3);
static enum mlt_rc fault(struct mlt_tb *s, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(s->reason, sizeof s->reason, fmt, ap);
  va_end(ap);
  return MLT_DATA;
}

static enum mlt_rc open_file(struct mlt_tb *s) {
  const struct mlt_tree_file *f = &s->tree.files.v[s->at];
  struct stat st;
  const char *path = mlt_tree_path(&s->tree, s->at), *code;
  s->flat.path = mlt_str_c(path);
  int fd = f->errnum ? -f->errnum : mlt_tree_open_file(&s->tree, path, &st);
  if (fd < 0) {
    next_file(s);
    return fault(s, "it cannot be read: %s", mlt_beneath_reason(-fd, &code));
  }
  s->fd = fd;
  return MLT_OK;
}

static enum mlt_rc feed(struct mlt_tb *s, struct mlt_err *err) {
  char *p = mlt_tfrecord_room(&s->record);
  if (!p)
    return mlt_err_nomem(err);
  ssize_t n = mlt_file_read(s->fd, p, MLT_TFRECORD_CHUNK);
  if (n < 0)
    return mlt_err_errno(err, (int)-n, "cannot read '%.*s'", MLT_STR_ARG(s->flat.path));
  s->progress.bytes_done += (uint64_t)n;
  if (n)
    mlt_tfrecord_fed(&s->record, (size_t)n);
  else
    mlt_tfrecord_eof(&s->record);
  return MLT_OK;
}

/* The next record of the file; MLT_END also at the end of the file. */
static enum mlt_rc next_record(struct mlt_tb *s, struct mlt_str *data, bool *cut,
                               struct mlt_err *err) {
  const char *why;
  enum mlt_rc rc;
  while ((rc = mlt_tfrecord_next(&s->record, data, &s->record_at, &why)) == MLT_AGAIN)
    if ((rc = feed(s, err)) != MLT_OK)
      return rc;
  *cut = rc == MLT_TOOBIG;
  if (rc == MLT_DATA) { /* as TensorBoard: the rest of the file is given up */
    next_file(s);
    return fault(s,
                 "the record at byte %" PRIu64 " is damaged (%s); the rest of the file is not read",
                 s->record_at, why);
  }
  return rc == MLT_TOOBIG ? MLT_OK : rc;
}

static enum mlt_rc take_record(struct mlt_tb *s, struct mlt_str data, bool cut) {
  const char *why = "";
  s->event++;
  if (mlt_tf_event(data, cut, &s->e, &why) != MLT_OK)
    return fault(s, "the record at byte %" PRIu64 " is no event: %s", s->record_at, why);
  if (cut && s->e.summary.p) {
    s->e.summary = MLT_STR_NULL;
    return fault(s, "the summaries at byte %" PRIu64 " are longer than %d bytes", s->record_at,
                 MLT_TFRECORD_MAX);
  }
  double ms = round(s->e.wall_time * 1000);
  if (!(ms >= 0 && ms < 0x1p63))
    return fault(s, "the event at byte %" PRIu64 " has no time, or one before 1970", s->record_at);
  s->time = (int64_t)ms;
  s->values = mlt_pb_of(s->e.summary.p ? s->e.summary : MLT_STR_LIT(""));
  s->in_event = true;
  return MLT_OK;
}

enum mlt_rc mlt_tb_event(struct mlt_tb *s, struct mlt_err *err) {
  while (s->at < s->end) {
    struct mlt_str data;
    bool cut;
    enum mlt_rc rc = s->fd < 0 ? open_file(s) : MLT_OK;
    if (rc == MLT_OK)
      rc = next_record(s, &data, &cut, err);
    if (rc == MLT_OK)
      return take_record(s, data, cut);
    if (rc != MLT_END)
      return rc;
    next_file(s);
  }
  return MLT_END;
}

/* ---- values ---- */

static enum mlt_tb_kind plugin_kind(struct mlt_str name) {
  static const struct {
    const char *name;
    enum mlt_tb_kind kind;
  } known[] = {{"scalars", MLT_TB_SCALAR},       {"hparams", MLT_TB_HPARAMS},
               {"images", MLT_TB_IMAGE},         {"audio", MLT_TB_AUDIO},
               {"histograms", MLT_TB_HISTOGRAM}, {"text", MLT_TB_TEXT},
               {"graphs", MLT_TB_GRAPH}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (mlt_str_is(name, known[i].name))
      return known[i].kind;
  return MLT_TB_OTHER;
}

enum mlt_tb_kind mlt_tb_kind_of(const struct mlt_tb *s, const struct mlt_tf_value *v, size_t tag) {
  static const enum mlt_tb_kind kinds[] = {
      [MLT_TF_NOTHING] = MLT_TB_OTHER,       [MLT_TF_SIMPLE] = MLT_TB_SCALAR,
      [MLT_TF_TENSOR] = MLT_TB_OTHER,        [MLT_TF_IMAGE] = MLT_TB_IMAGE,
      [MLT_TF_HISTOGRAM] = MLT_TB_HISTOGRAM, [MLT_TF_AUDIO] = MLT_TB_AUDIO,
  };
  enum mlt_tb_kind plugin = s->tags.v[tag].plugin;
  if (plugin == MLT_TB_HPARAMS && v->has_metadata)
    return MLT_TB_HPARAMS;
  return v->kind == MLT_TF_TENSOR && plugin != MLT_TB_UNKNOWN ? plugin : kinds[v->kind];
}

static enum mlt_rc find_tag(struct mlt_tb *s, const struct mlt_tf_value *v, size_t *tag,
                            struct mlt_err *err) {
  uint64_t found;
  if (!mlt_map_get(s->tag_index, v->tag, &found)) {
    if (s->tags.n == MLT_TB_TAGS)
      return fault(s, "the run has more than %d tags", MLT_TB_TAGS);
    if (!MLT_VEC_ROOM(s->tags) || mlt_map_put(s->tag_index, v->tag, s->tags.n) < 0)
      return mlt_err_nomem(err);
    found = s->tags.n++;
    s->tags.v[found] = (struct mlt_tb_tag){MLT_TB_UNKNOWN, SIZE_MAX};
  }
  *tag = (size_t)found;
  if (v->has_metadata && s->tags.v[found].plugin == MLT_TB_UNKNOWN)
    s->tags.v[found].plugin = plugin_kind(v->plugin);
  return MLT_OK;
}

enum mlt_rc mlt_tb_value(struct mlt_tb *s, struct mlt_tf_value *v, size_t *tag,
                         struct mlt_err *err) {
  const char *why = "";
  enum mlt_rc rc = mlt_tf_value(&s->values, v, &why);
  if (rc == MLT_OK)
    rc = find_tag(s, v, tag, err);
  else if (rc == MLT_DATA)
    rc = fault(s, "a summary in the record at byte %" PRIu64 " cannot be read: %s", s->record_at,
               why);
  if (rc != MLT_OK)
    s->in_event = false;
  return rc;
}

/* ---- the first look ---- */

/* Numbers are doubles there, whatever they were: whole ones are written as such. */
static enum mlt_rc add_param(struct mlt_tb *s, const struct mlt_tf_param *p) {
  char text[MLT_DOUBLE_TEXT];
  switch (p->kind) {
  case MLT_TF_PARAM_TEXT:
    return mlt_params_add(&s->params, p->key, p->text);
  case MLT_TF_PARAM_BOOL:
    return mlt_params_add(&s->params, p->key, mlt_str_c(p->number != 0 ? "True" : "False"));
  case MLT_TF_PARAM_NUMBER:
    if (fabs(p->number) < 1e15 && p->number == trunc(p->number))
      (void)snprintf(text, sizeof text, "%.0f", p->number);
    else
      mlt_text_double(text, p->number);
    return mlt_params_add(&s->params, p->key, mlt_str_c(text));
  default:
    return mlt_params_add(&s->params, p->key, MLT_STR_LIT("None"));
  }
}

static enum mlt_rc take_session(struct mlt_tb *s, struct mlt_str content, struct mlt_err *err) {
  bool failed;
  const char *why = "";
  struct mlt_str session = mlt_tf_session(content, &failed);
  struct mlt_tf_param p;
  s->flat.failed |= failed;
  if (!session.p || s->params.list.n) /* the first counts, as in TensorBoard */
    return MLT_OK;
  struct mlt_pb pb = mlt_pb_of(session);
  enum mlt_rc rc;
  while ((rc = mlt_tf_param(&pb, &p, &why)) == MLT_OK)
    if ((rc = add_param(s, &p)) != MLT_OK)
      break;
  if (rc == MLT_DATA || rc == MLT_TOOBIG)
    return fault(s, "its hyperparameters cannot be read: %s", rc == MLT_DATA ? why : "too many");
  return rc == MLT_NOMEM ? mlt_err_nomem(err) : MLT_OK;
}

static enum mlt_rc add_restart(struct mlt_tb *s, uint32_t tag, struct mlt_err *err) {
  enum mlt_rc rc = mlt_tf_restarts_add(&s->restarts, s->event, tag, s->e.step);
  if (rc != MLT_TOOBIG || s->too_many_restarts)
    return rc == MLT_NOMEM ? mlt_err_nomem(err) : MLT_OK;
  s->too_many_restarts = true;
  return fault(s, "the run restarts more than %d times; what later ones make void stays",
               MLT_TF_RESTARTS);
}

/* "brain.Event:2" */
static bool is_version_2(struct mlt_str text) {
  static const char prefix[] = "brain.Event:";
  return mlt_str_starts(text, prefix) && text.len > sizeof prefix - 1 &&
         text.p[sizeof prefix - 1] >= '2';
}

/* *backwards: a summary of an old file whose step is below the one before it. */
static enum mlt_rc learn_event(struct mlt_tb *s, bool *backwards, struct mlt_err *err) {
  s->flat.start_time = s->timed && s->flat.start_time < s->time ? s->flat.start_time : s->time;
  s->flat.end_time = s->timed && s->flat.end_time > s->time ? s->flat.end_time : s->time;
  s->timed = true;
  s->counts[MLT_TB_GRAPH] += s->e.graph;
  if (s->e.file_version.p)
    s->version_2 = is_version_2(s->e.file_version);
  *backwards = !s->version_2 && s->e.summary.p && s->e.step < s->last_step;
  if (!s->version_2 && !*backwards)
    s->last_step = s->e.step;
  return s->version_2 && s->e.start ? add_restart(s, MLT_TF_ALL_TAGS, err) : MLT_OK;
}

static enum mlt_rc learn_value(struct mlt_tb *s, const struct mlt_tf_value *v, size_t tag,
                               struct mlt_err *err) {
  enum mlt_tb_kind kind = mlt_tb_kind_of(s, v, tag);
  if (kind == MLT_TB_HPARAMS)
    return take_session(s, v->content, err);
  if (kind != MLT_TB_SCALAR)
    s->counts[kind]++;
  return MLT_OK;
}

static enum mlt_rc learn_values(struct mlt_tb *s, bool backwards, struct mlt_err *err) {
  struct mlt_tf_value v;
  size_t tag;
  enum mlt_rc rc;
  while ((rc = mlt_tb_value(s, &v, &tag, err)) == MLT_OK) {
    if (backwards)
      rc = add_restart(s, (uint32_t)tag, err);
    if (rc == MLT_OK)
      rc = learn_value(s, &v, tag, err);
    if (rc != MLT_OK)
      return rc;
  }
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc reject(struct mlt_tb *s, struct mlt_record *rec, const char *code,
                          struct mlt_str field) {
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){
          .kind = MLT_NOTE_REJECT, .table = MLT_T_METRICS, .code = code, .place.field = field},
      "%s", s->reason);
}

enum mlt_rc mlt_tb_survey(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc;
  if (!s->note++)
    mlt_tb_rewind(s);
  do {
    bool backwards;
    rc = mlt_tb_event(s, err);
    if (rc == MLT_OK)
      rc = learn_event(s, &backwards, err);
    if (rc == MLT_OK)
      rc = learn_values(s, backwards, err);
  } while (rc == MLT_OK);
  if (err->rc != MLT_OK)
    return rc;
  if (rc == MLT_DATA)
    return reject(s, rec, "bad-record", MLT_STR_NULL);
  mlt_tf_restarts_seal(&s->restarts);
  return MLT_END;
}

/* ---- points ---- */

/* The next scalar of the run; what the first look has told is passed over. */
static enum mlt_rc next_scalar(struct mlt_tb *s, struct mlt_tf_value *v, size_t *tag,
                               struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = s->in_event ? MLT_OK : mlt_tb_event(s, err);
    if (rc == MLT_END || err->rc != MLT_OK)
      return rc;
    if (rc == MLT_OK)
      rc = mlt_tb_value(s, v, tag, err);
    if (err->rc != MLT_OK || (rc == MLT_OK && mlt_tb_kind_of(s, v, *tag) == MLT_TB_SCALAR))
      return rc;
  }
}

static enum mlt_rc too_long(struct mlt_tb *s, struct mlt_record *rec, struct mlt_str tag) {
  (void)fault(s, "the name of a metric is longer than %d bytes", MLT_GATHER_KEY_MAX);
  return reject(s, rec, "bad-key", tag);
}

/* MLT_AGAIN: taken; MLT_OK: a note. */
static enum mlt_rc take_number(struct mlt_tb *s, struct mlt_str tag, size_t index, double value,
                               struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_tb_tag *t = &s->tags.v[index];
  bool added = false;
  enum mlt_rc rc =
      t->key == SIZE_MAX ? mlt_gather_key(&s->gather, tag, &t->key, &added, err) : MLT_OK;
  if (rc != MLT_OK)
    return rc == MLT_TOOBIG ? too_long(s, rec, tag) : rc;
  const struct mlt_gather_key *k = &s->gather.keys.v[t->key];
  if (k->fit > MLT_KEY_RENAMED) {
    (void)fault(s, "tag '%.*s': %s", MLT_STR_ARG(tag),
                k->fit == MLT_KEY_TAKEN ? "another metric has the same name in MLflow"
                                        : "it cannot be the name of a metric");
    return reject(s, rec, "bad-key", tag);
  }
  mlt_gather_add(&s->gather, t->key, s->time, s->e.step, value);
  if (!added || k->fit != MLT_KEY_RENAMED)
    return MLT_AGAIN;
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){
          .kind = MLT_NOTE_CHANGED, .table = MLT_T_METRICS, .code = "renamed", .place.field = tag},
      "metric '%.*s' is stored as '%.*s': MLflow does not take that name", MLT_STR_ARG(tag),
      MLT_STR_ARG(k->name));
}

static enum mlt_rc take_scalar(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_tf_value v;
  size_t tag = 0;
  const char *why = "";
  enum mlt_rc rc = next_scalar(s, &v, &tag, err);
  if (rc != MLT_OK)
    return rc;
  if (mlt_tf_restarts_gone(&s->restarts, s->event, (uint32_t)tag, s->e.step)) {
    s->counts[MLT_TB_PURGED]++;
    return MLT_AGAIN;
  }
  if (v.kind == MLT_TF_TENSOR && !mlt_tf_number(v.tensor, &v.simple, &why)) {
    (void)fault(s, "the scalar '%.*s' at step %" PRId64 ": %s", MLT_STR_ARG(v.tag), s->e.step, why);
    return reject(s, rec, "bad-value", v.tag);
  }
  return take_number(s, v.tag, tag, v.simple, rec, err);
}

static enum mlt_rc give(struct mlt_tb *s, struct mlt_record *rec) {
  struct mlt_points points;
  if (!s->gather.n || !mlt_gather_next(&s->gather, &points))
    return MLT_AGAIN;
  mlt_flat_points(&s->flat, rec, points);
  return MLT_OK;
}

enum mlt_rc mlt_tb_points(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = MLT_AGAIN;
  while (rc == MLT_AGAIN) {
    if (mlt_gather_full(&s->gather) || s->gather.giving != SIZE_MAX)
      rc = give(s, rec);
    if (rc == MLT_AGAIN)
      rc = take_scalar(s, rec, err);
    if (rc == MLT_END) /* what is left, if anything */
      return give(s, rec) == MLT_OK ? MLT_OK : MLT_END;
  }
  return rc;
}
