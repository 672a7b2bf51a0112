/* See lines.h. The type says what fields there may be: it is looked for first, and is the first
   field of nearly every line. Then each field is taken by its kind. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lines/private.h"

struct mlt_line_reader *mlt_line_reader_new(void) {
  struct mlt_line_reader *r = mlt_calloc(1, sizeof *r);
  if (!r)
    return NULL;
  r->arena = mlt_arena_new();
  r->seen = mlt_map_new();
  if (r->arena && r->seen)
    return r;
  mlt_line_reader_free(r);
  return NULL;
}

void mlt_line_reader_free(struct mlt_line_reader *r) {
  if (!r)
    return;
  for (size_t i = 0; i < MLT_LINE_FIELDS; i++) {
    mlt_free(r->pools[i].texts.v);
    mlt_free(r->pools[i].keys.v);
    mlt_free(r->pools[i].numbers.v);
    mlt_free(r->pools[i].integers.v);
  }
  mlt_map_free(r->seen);
  mlt_arena_free(r->arena);
  mlt_free(r);
}

enum mlt_rc mlt_line_refuse(struct mlt_line_reader *r, const char *code, const char *fmt, ...) {
  if (r->fault->code)
    return MLT_DATA;
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(r->fault->reason, sizeof r->fault->reason, fmt, ap);
  va_end(ap);
  r->fault->code = code;
  return MLT_DATA;
}

static enum mlt_rc no_json(struct mlt_line_reader *r) {
  return mlt_line_refuse(r, "bad-json", "it is no JSON: %s", r->cut.reason);
}

enum mlt_rc mlt_line_next(struct mlt_line_reader *r, struct mlt_cut_event *ev) {
  enum mlt_rc rc = mlt_cut_next(&r->cut, ev);
  return rc == MLT_DATA ? no_json(r) : rc;
}

static enum mlt_rc open_object(struct mlt_line_reader *r, struct mlt_str line) {
  struct mlt_cut_event ev;
  mlt_cut_whole(&r->cut, line);
  enum mlt_rc rc = mlt_line_next(r, &ev);
  if (rc == MLT_OK && (ev.kind != MLT_CUT_OPEN || ev.list))
    rc = mlt_line_refuse(r, "not-an-object", "the line is no JSON object");
  return rc;
}

static enum mlt_rc take_type(struct mlt_line_reader *r, const struct mlt_cut_event *ev,
                             struct mlt_line *out) {
  struct mlt_str word;
  r->fault->field = MLT_STR_LIT("type");
  if (ev->kind != MLT_CUT_VALUE || ev->raw.p[0] != '"')
    return mlt_line_refuse(r, "wrong-kind", "type must be a string");
  enum mlt_rc rc = mlt_line_text(r, (struct mlt_str){ev->raw.p + 1, ev->raw.len - 2}, &word);
  if (rc == MLT_OK && !mlt_line_type_parse(word, &out->type))
    rc = mlt_line_refuse(r, "unknown-type", "there is no type '%.*s'",
                         (int)mlt_utf8_prefix(word, 100), word.p);
  if (rc == MLT_OK) {
    r->fault->type = out->type;
    r->fault->field = MLT_STR_NULL;
  }
  return rc;
}

static enum mlt_rc find_type(struct mlt_line_reader *r, struct mlt_str line, struct mlt_line *out) {
  struct mlt_cut_event ev;
  struct mlt_str key;
  enum mlt_rc rc = open_object(r, line);
  while (rc == MLT_OK && (rc = mlt_line_next(r, &ev)) == MLT_OK) {
    if (ev.kind == MLT_CUT_CLOSE)
      return mlt_line_refuse(r, "no-type", "the object has no field 'type'");
    rc = mlt_line_text(r, ev.key, &key);
    if (rc == MLT_OK && mlt_str_is(key, "type"))
      return take_type(r, &ev, out);
    if (rc == MLT_OK && ev.kind == MLT_CUT_OPEN && (rc = mlt_cut_skip(&r->cut)) == MLT_DATA)
      rc = no_json(r);
  }
  return rc;
}

enum { TYPE_ITSELF = MLT_LINE_FIELDS };

/* Which of the type's fields it is; each may come once. */
static enum mlt_rc which(struct mlt_line_reader *r, const struct mlt_line *out, struct mlt_str key,
                         uint32_t *seen, size_t *at) {
  const struct mlt_line_field *fields = mlt_line_fields(out->type);
  *at = 0;
  while (fields[*at].name && !mlt_str_is(key, fields[*at].name))
    ++*at;
  if (mlt_str_is(key, "type"))
    *at = TYPE_ITSELF;
  else if (!fields[*at].name)
    return mlt_line_refuse(r, "unknown-field", "lines of type '%s' have no field '%.*s'",
                           mlt_line_word(out->type), (int)mlt_utf8_prefix(key, 100), key.p);
  if (*seen & UINT32_C(1) << *at)
    return mlt_line_refuse(r, "duplicate-field", "the field '%.*s' comes twice", MLT_STR_ARG(key));
  *seen |= UINT32_C(1) << *at;
  return MLT_OK;
}

static enum mlt_rc take_fields(struct mlt_line_reader *r, struct mlt_line *out) {
  struct mlt_cut_event ev;
  uint32_t seen = 0;
  for (;;) {
    size_t at;
    enum mlt_rc rc = mlt_line_next(r, &ev);
    if (rc != MLT_OK || ev.kind == MLT_CUT_CLOSE)
      return rc;
    rc = mlt_line_text(r, ev.key, &r->fault->field);
    if (rc == MLT_OK)
      rc = which(r, out, r->fault->field, &seen, &at);
    if (rc == MLT_OK && at != TYPE_ITSELF)
      rc = mlt_line_take(r, &mlt_line_fields(out->type)[at], &ev, &r->pools[at], &out->v[at]);
    if (rc != MLT_OK)
      return rc;
    r->fault->field = MLT_STR_NULL;
  }
}

static enum mlt_rc missing(struct mlt_line_reader *r, const struct mlt_line *out,
                           const char *field) {
  r->fault->field = mlt_str_c(field);
  return mlt_line_refuse(r, "missing-field", "a line of type '%s' needs the field '%s'",
                         mlt_line_word(out->type), field);
}

static enum mlt_rc bad_value(struct mlt_line_reader *r, const char *field, const char *why) {
  r->fault->field = mlt_str_c(field);
  return mlt_line_refuse(r, "bad-value", "%s", why);
}

static enum mlt_rc check_made(struct mlt_line_reader *r, const struct mlt_line *out) {
  const struct mlt_line_value *v = out->v;
  if (!v[MLT_AT_DATASET_source_type].has)
    return missing(r, out, "source_type");
  return v[MLT_AT_DATASET_source].has ? MLT_OK : missing(r, out, "source");
}

static enum mlt_rc check_lone_dataset(struct mlt_line_reader *r, const struct mlt_line *out) {
  const struct mlt_line_value *v = out->v;
  static const char why[] = "only the dataset of a run has a context and tags";
  if (!v[MLT_AT_DATASET_experiment].has)
    return missing(r, out, "run_id");
  if (v[MLT_AT_DATASET_context].has)
    return bad_value(r, "context", why);
  if (v[MLT_AT_DATASET_tags].has)
    return bad_value(r, "tags", why);
  return check_made(r, out);
}

/* A run's dataset may be one that an earlier line has made: then it is only named. */
static enum mlt_rc check_dataset(struct mlt_line_reader *r, const struct mlt_line *out) {
  const struct mlt_line_value *v = out->v;
  if (!v[MLT_AT_DATASET_run_id].has)
    return check_lone_dataset(r, out);
  if (!v[MLT_AT_DATASET_source_type].has && !v[MLT_AT_DATASET_source].has &&
      !v[MLT_AT_DATASET_schema].has && !v[MLT_AT_DATASET_profile].has)
    return MLT_OK;
  if (v[MLT_AT_DATASET_experiment].has)
    return bad_value(r, "experiment", "the dataset that a run's line makes is in its experiment");
  return check_made(r, out);
}

/* What the fields of some types must be together. */
static enum mlt_rc check(struct mlt_line_reader *r, const struct mlt_line *out) {
  const struct mlt_line_value *v = out->v;
  const struct mlt_line_field *fields = mlt_line_fields(out->type);
  for (size_t i = 0; fields[i].name; i++)
    if (fields[i].required && !v[i].has)
      return missing(r, out, fields[i].name);
  switch (out->type) {
  case MLT_LINE_HEADER:
    if (v[MLT_AT_HEADER_version].integer != MLT_LINE_VERSION)
      return bad_value(r, "version", "only version 1 of JSON lines is known");
    break;
  case MLT_LINE_POINTS:
    if (v[MLT_AT_POINTS_step].n != v[MLT_AT_POINTS_value].n ||
        v[MLT_AT_POINTS_timestamp].n != v[MLT_AT_POINTS_value].n)
      return bad_value(r, "value", "step, timestamp and value are not of the same length");
    break;
  case MLT_LINE_MODEL_METRIC:
    if (v[MLT_AT_MODEL_METRIC_dataset_name].has != v[MLT_AT_MODEL_METRIC_dataset_digest].has)
      return missing(r, out,
                     v[MLT_AT_MODEL_METRIC_dataset_name].has ? "dataset_digest" : "dataset_name");
    break;
  case MLT_LINE_MODEL_VERSION:
    if (v[MLT_AT_MODEL_VERSION_version].integer < 1 ||
        v[MLT_AT_MODEL_VERSION_version].integer > INT32_MAX)
      return bad_value(r, "version", "versions of a model are numbered from 1 to 2147483647");
    break;
  case MLT_LINE_DATASET:
    return check_dataset(r, out);
  default:
    break;
  }
  return MLT_OK;
}

static enum mlt_rc check_utf8(struct mlt_line_reader *r, struct mlt_str line) {
  ptrdiff_t at = mlt_utf8_invalid(line);
  return at < 0 ? MLT_OK
                : mlt_line_refuse(r, "bad-utf8", "it is not UTF-8 at byte %zu", (size_t)at + 1);
}

enum mlt_rc mlt_line_read(struct mlt_line_reader *r, struct mlt_str line, struct mlt_line *out,
                          struct mlt_line_fault *fault) {
  struct mlt_cut_event ev;
  memset(out->v, 0, sizeof out->v);
  out->type = MLT_LINE_COUNT;
  fault->code = NULL;
  fault->type = MLT_LINE_COUNT;
  fault->field = MLT_STR_NULL;
  r->fault = fault;
  mlt_arena_reset(r->arena);
  enum mlt_rc rc = check_utf8(r, line);
  if (rc == MLT_OK)
    rc = find_type(r, line, out);
  if (rc == MLT_OK)
    rc = open_object(r, line);
  if (rc == MLT_OK)
    rc = take_fields(r, out);
  if (rc == MLT_OK && (rc = mlt_line_next(r, &ev)) == MLT_END)
    rc = MLT_OK; /* nothing behind the object */
  return rc == MLT_OK ? check(r, out) : rc;
}
