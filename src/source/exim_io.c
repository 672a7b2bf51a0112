/* Reading documents, faults and fields for the source of mlflow-export-import directories; see
   exim.h. */
#include "base/file.h"
#include "source/exim.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "model/rules.h"
#include "source/beneath.h"

bool mlt_ex_is_fault(enum mlt_rc rc) {
  return rc == MLT_DATA;
}

static enum mlt_rc unreadable(struct mlt_ex *s, int errnum, struct mlt_err *err) {
  const char *path = mlt_tree_path(&s->tree, s->at), *code;
  if (errnum == ENOMEM)
    return mlt_err_nomem(err);
  if (errnum == EMFILE || errnum == ENFILE) /* nothing else could be opened either */
    return mlt_err_errno(err, errnum, "cannot open '%s'", path);
  const char *why = mlt_beneath_reason(errnum, &code);
  return mlt_blame(&s->fault, code, "cannot be read: %s", why);
}

void mlt_ex_close(struct mlt_ex *s) {
  if (s->fd >= 0)
    (void)close(s->fd);
  s->fd = -1;
}

/* An editor may have put a byte order mark before the document. */
static void pass_mark(int fd) {
  char mark[3];
  if (pread(fd, mark, sizeof mark, 0) == (ssize_t)sizeof mark &&
      memcmp(mark, "\xef\xbb\xbf", sizeof mark) == 0)
    (void)lseek(fd, sizeof mark, SEEK_SET);
}

enum mlt_rc mlt_ex_open(struct mlt_ex *s, struct mlt_err *err) {
  struct stat st;
  mlt_ex_close(s);
  mlt_cut_reset(&s->cut);
  s->fault.code = NULL;
  s->line = 0;
  s->fd = mlt_tree_open_file(&s->tree, mlt_tree_path(&s->tree, s->at), &st);
  if (s->fd < 0)
    return unreadable(s, -s->fd, err);
  pass_mark(s->fd);
  return MLT_OK;
}

static enum mlt_rc refill(struct mlt_ex *s, struct mlt_err *err) {
  size_t room;
  char *p = mlt_cut_room(&s->cut, &room);
  if (!p)
    return mlt_err_nomem(err);
  ssize_t n = mlt_file_read(s->fd, p, room);
  if (n < 0)
    return unreadable(s, (int)-n, err);
  s->progress.bytes_done += (uint64_t)n;
  mlt_cut_fed(&s->cut, (size_t)n);
  if (n == 0)
    mlt_cut_eof(&s->cut);
  return MLT_OK;
}

/* What the cutter says, as a fault. */
static enum mlt_rc judge(struct mlt_ex *s, enum mlt_rc rc) {
  s->line = s->cut.line;
  if (rc == MLT_DATA)
    return mlt_blame(&s->fault, "bad-json", "it is no JSON: %s", s->cut.reason);
  if (rc == MLT_TOOBIG)
    return mlt_blame(&s->fault, "too-long", "a value is longer than %d bytes", MLT_CUT_MAX);
  return rc;
}

enum mlt_rc mlt_ex_next(struct mlt_ex *s, struct mlt_cut_event *ev, struct mlt_err *err) {
  enum mlt_rc rc;
  while ((rc = mlt_cut_next(&s->cut, ev)) == MLT_AGAIN)
    if ((rc = refill(s, err)) != MLT_OK)
      return rc;
  return judge(s, rc);
}

enum mlt_rc mlt_ex_skip(struct mlt_ex *s, struct mlt_err *err) {
  enum mlt_rc rc;
  while ((rc = mlt_cut_skip(&s->cut)) == MLT_AGAIN)
    if ((rc = refill(s, err)) != MLT_OK)
      return rc;
  return judge(s, rc);
}

enum mlt_rc mlt_ex_take(struct mlt_ex *s, struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  struct mlt_str raw;
  enum mlt_rc rc;
  while ((rc = mlt_cut_take(&s->cut, &raw)) == MLT_AGAIN)
    if ((rc = refill(s, err)) != MLT_OK)
      return rc;
  if (rc != MLT_OK)
    return judge(s, rc);
  s->line = s->cut.line;
  mlt_json_free(s->doc);
  s->doc = mlt_json_parse(raw, &why);
  if (s->doc)
    return MLT_OK;
  return why.rc == MLT_DATA ? mlt_blame(&s->fault, "bad-json", "it is no JSON: %s", why.msg)
                            : mlt_err_nomem(err);
}

static enum mlt_rc skip_value(struct mlt_ex *s, const struct mlt_cut_event *ev,
                              struct mlt_err *err) {
  return ev->kind == MLT_CUT_OPEN ? mlt_ex_skip(s, err) : MLT_OK;
}

enum mlt_rc mlt_ex_enter(struct mlt_ex *s, struct mlt_err *err) {
  struct mlt_cut_event ev;
  enum mlt_rc rc = mlt_ex_next(s, &ev, err);
  if (rc != MLT_OK)
    return rc;
  if (ev.kind != MLT_CUT_OPEN || ev.list)
    return mlt_blame(&s->fault, "bad-json", "it is no JSON object");
  while ((rc = mlt_ex_next(s, &ev, err)) == MLT_OK && ev.kind != MLT_CUT_CLOSE) {
    if (mlt_str_is(ev.key, "mlflow") && ev.kind == MLT_CUT_OPEN && !ev.list)
      return MLT_OK;
    if ((rc = skip_value(s, &ev, err)) != MLT_OK)
      return rc;
  }
  return rc == MLT_OK ? mlt_blame(&s->fault, "bad-json", "it has no object \"mlflow\"") : rc;
}

enum mlt_rc mlt_ex_section(struct mlt_ex *s, struct mlt_cut_event *ev, struct mlt_err *err) {
  enum mlt_rc rc = mlt_ex_next(s, ev, err);
  if (rc != MLT_OK || ev->kind != MLT_CUT_CLOSE)
    return rc;
  while ((rc = mlt_ex_next(s, ev, err)) == MLT_OK)
    if ((rc = skip_value(s, ev, err)) != MLT_OK)
      return rc;
  return rc;
}

enum mlt_rc mlt_ex_load(struct mlt_ex *s, const char *name, struct mlt_err *err) {
  struct mlt_cut_event ev;
  bool found = false;
  enum mlt_rc rc = mlt_ex_open(s, err);
  if (rc == MLT_OK)
    rc = mlt_ex_enter(s, err);
  if (rc == MLT_OK && !name)
    return mlt_ex_take(s, err);
  while (rc == MLT_OK && (rc = mlt_ex_section(s, &ev, err)) == MLT_OK) {
    if (!found && mlt_str_is(ev.key, name) && ev.kind == MLT_CUT_OPEN && !ev.list) {
      found = true;
      rc = mlt_ex_take(s, err);
    } else {
      rc = skip_value(s, &ev, err);
    }
  }
  if (rc == MLT_END)
    rc = found ? MLT_OK
               : mlt_blame(&s->fault, "bad-json", "it has no object \"mlflow\".\"%s\"", name);
  return rc;
}

static enum mlt_rc unquote(struct mlt_ex *s, struct mlt_buf *b, struct mlt_str quoted,
                           struct mlt_str *out, struct mlt_err *err) {
  enum mlt_rc rc = mlt_json_unquote(b, quoted);
  *out = mlt_buf_str(b);
  if (rc == MLT_DATA)
    return mlt_blame(&s->fault, "bad-json", "it is no JSON: a string cannot be read");
  return rc == MLT_OK ? rc : mlt_err_nomem(err);
}

enum mlt_rc mlt_ex_key(struct mlt_ex *s, const struct mlt_cut_event *ev, struct mlt_str *out,
                       struct mlt_err *err) {
  *out = ev->key;
  if (!ev->escaped)
    return MLT_OK;
  return unquote(s, &s->key, (struct mlt_str){ev->key.p - 1, ev->key.len + 2}, out, err);
}

enum mlt_rc mlt_ex_text(struct mlt_ex *s, const struct mlt_cut_event *ev, struct mlt_str *out,
                        struct mlt_err *err) {
  *out = mlt_str_is(ev->raw, "null") ? MLT_STR_NULL : ev->raw;
  if (ev->raw.p[0] != '"')
    return MLT_OK;
  *out = (struct mlt_str){ev->raw.p + 1, ev->raw.len - 2};
  return memchr(out->p, '\\', out->len) ? unquote(s, &s->text, ev->raw, out, err) : MLT_OK;
}

struct mlt_str mlt_ex_field(struct mlt_ex *s, const struct mlt_json *o, const char *key) {
  const struct mlt_json *v = mlt_json_get(o, key);
  enum mlt_json_kind kind = mlt_json_kind(v);
  if (kind == MLT_JSON_LIST || kind == MLT_JSON_OBJECT)
    (void)mlt_blame(&s->fault, "bad-field", "field %s is no text", key);
  return mlt_json_text(v);
}

struct mlt_str mlt_ex_field_or(struct mlt_ex *s, const struct mlt_json *o, const char *key,
                               struct mlt_str absent) {
  struct mlt_str text = mlt_ex_field(s, o, key);
  return text.p ? text : absent;
}

/* Numbers of the REST API may be strings. */
struct mlt_opt_i64 mlt_ex_int(struct mlt_ex *s, const struct mlt_json *o, const char *key) {
  struct mlt_opt_i64 i = {.has = true};
  struct mlt_str text = mlt_ex_field(s, o, key);
  if (!text.p)
    return (struct mlt_opt_i64){.has = false};
  if (!mlt_parse_i64(text, &i.v))
    (void)mlt_blame(&s->fault, "bad-field", "field %s is '%.*s', not a whole number of 64 bits",
                    key, MLT_STR_ARG(text));
  return i;
}

bool mlt_ex_deleted(struct mlt_ex *s, const struct mlt_json *o) {
  struct mlt_str stage = mlt_ex_field(s, o, "lifecycle_stage");
  bool deleted = mlt_str_is(stage, "deleted");
  if (stage.p && !deleted && !mlt_str_is(stage, "active"))
    (void)mlt_blame(&s->fault, "bad-field",
                    "field lifecycle_stage is '%.*s', not active or deleted", MLT_STR_ARG(stage));
  return deleted;
}

int32_t mlt_ex_version(struct mlt_ex *s, const struct mlt_json *o) {
  struct mlt_opt_i64 v = mlt_ex_int(s, o, "version");
  if (v.has && v.v > 0 && v.v <= INT32_MAX)
    return (int32_t)v.v;
  (void)mlt_blame(&s->fault, "bad-field",
                  "field version is not there or not the number of a version");
  return 0;
}

bool mlt_ex_pair(struct mlt_ex *s, const struct mlt_json *pairs, struct mlt_kv *out) {
  const struct mlt_json *value;
  if (mlt_json_kind(pairs) != MLT_JSON_LIST) {
    if (!mlt_json_member(pairs, &s->member, &out->key, &value))
      return false;
    out->value = mlt_json_text(value);
  } else {
    const struct mlt_json *pair = mlt_json_at(pairs, s->item);
    if (s->item++ >= mlt_json_length(pairs))
      return false;
    out->key = mlt_ex_field_or(s, pair, "key", MLT_STR_LIT(""));
    out->value = mlt_ex_field(s, pair, "value");
  }
  if (!out->value.p) /* MLflow takes it for "" where it is written */
    out->value = MLT_STR_LIT("");
  return true;
}

enum mlt_rc mlt_ex_set(struct mlt_buf *b, struct mlt_str text, struct mlt_err *err) {
  mlt_buf_clear(b);
  return mlt_buf_add(b, text.p, text.len) == MLT_OK ? MLT_OK : mlt_err_nomem(err);
}

struct mlt_str mlt_ex_artifacts(struct mlt_ex *s) {
  mlt_tree_path_beside(&s->tree, s->at, "artifacts", s->files);
  return *s->files ? mlt_str_c(s->files) : MLT_STR_NULL;
}

void mlt_ex_record(struct mlt_ex *s, struct mlt_record *rec, enum mlt_rec_kind kind) {
  const char *path = s->at < s->tree.files.n ? mlt_tree_path(&s->tree, s->at) : NULL;
  *rec = (struct mlt_record){
      .kind = kind, .place.path = mlt_str_c(path), .place.line = s->fault.code ? s->line : 0};
}

static enum mlt_rc note(struct mlt_ex *s, struct mlt_record *rec, struct mlt_note n) {
  mlt_ex_record(s, rec, MLT_REC_NOTE);
  mlt_fault_tell(&s->fault, rec, mlt_buf_str(&s->id), n);
  return MLT_OK;
}

enum mlt_rc mlt_ex_reject(struct mlt_ex *s, struct mlt_record *rec, enum mlt_table table,
                          uint64_t rows) {
  return note(s, rec, (struct mlt_note){.kind = MLT_NOTE_REJECT, .table = table, .rows = rows});
}

enum mlt_rc mlt_ex_changed(struct mlt_ex *s, struct mlt_record *rec, enum mlt_table table) {
  return note(s, rec, (struct mlt_note){.kind = MLT_NOTE_CHANGED, .table = table, .rows = 1});
}

enum mlt_rc mlt_ex_ignored(struct mlt_ex *s, struct mlt_record *rec, const char *what,
                           uint64_t rows) {
  s->fault.code = NULL;
  (void)mlt_blame(&s->fault, "ignored", "%s are not imported", what);
  return note(s, rec, (struct mlt_note){.kind = MLT_NOTE_IGNORED, .what = what, .rows = rows});
}
