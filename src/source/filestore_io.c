/* Opening, reading, faults and fields for the FileStore source; see filestore.h. */
#include "source/filestore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "model/rules.h"

static enum mlt_rc add_path(struct mlt_fs *s, const char *name, struct mlt_err *err) {
  enum mlt_rc rc = mlt_buf_adds(&s->path, name);
  if (rc == MLT_OK && !mlt_buf_cstr(&s->path))
    rc = MLT_NOMEM;
  if (rc == MLT_TOOBIG)
    return mlt_fs_fault(s, ENAMETOOLONG, err);
  return rc == MLT_OK ? rc : mlt_err_nomem(err);
}

/* The path of a folder fitted when it was entered, so there is room for it. */
static void build_path(struct mlt_fs *s, const struct mlt_fs_dir *d) {
  if (s->path_of != d && d->parent) {
    build_path(s, d->parent);
    size_t end = d->path - 1;
    memcpy(s->path.p + d->parent->path, d->name, end - d->parent->path);
    s->path.p[end] = '/';
  }
  s->path_of = d;
  s->path.len = d->path;
}

enum mlt_rc mlt_fs_enter(struct mlt_fs *s, struct mlt_fs_dir *d, const struct mlt_fs_dir *parent,
                         const char *name, struct mlt_err *err) {
  s->fault.code = NULL;
  build_path(s, parent);
  enum mlt_rc rc = add_path(s, name, err);
  if (rc != MLT_OK)
    return rc;
  int fd = mlt_beneath_dir(s->active.fd, parent->fd, name, s->path.p + s->prefix);
  if (fd < 0)
    return mlt_fs_fault(s, -fd, err);
  d->fd = fd;
  d->parent = parent;
  d->name = name;
  d->path = s->path.len + 1;
  s->path_of = d;
  return add_path(s, "/", err);
}

enum mlt_rc mlt_fs_list(struct mlt_fs *s, struct mlt_fs_dir *d, struct mlt_err *err) {
  int bad = mlt_names_read(&d->names, d->fd);
  d->at = 0;
  if (bad) {
    d->names.n = 0;
    return mlt_fs_fault(s, -bad, err);
  }
  mlt_names_sort(&d->names);
  return MLT_OK;
}

void mlt_fs_leave(struct mlt_fs_dir *d) {
  if (d->fd >= 0)
    (void)close(d->fd);
  d->fd = -1;
  d->names.n = d->at = 0;
}

void mlt_fs_at(struct mlt_fs *s, const struct mlt_fs_dir *d) {
  build_path(s, d);
  if (d->parent)
    s->path.len--;
}

bool mlt_fs_is_dir(int parent, const char *name) {
  struct stat st;
  return fstatat(parent, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

enum mlt_rc mlt_fs_open_file(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                             bool listed, int *fd, struct mlt_err *err) {
  s->fault.code = NULL;
  build_path(s, parent);
  enum mlt_rc rc = add_path(s, name, err);
  if (rc != MLT_OK)
    return rc;
  *fd = mlt_beneath_file(s->active.fd, parent->fd, name, s->path.p + s->prefix, listed);
  return *fd < 0 ? mlt_fs_fault(s, -*fd, err) : MLT_OK;
}

static enum mlt_rc read_all(struct mlt_fs *s, int fd, size_t max, struct mlt_err *err) {
  mlt_buf_clear(&s->text);
  for (bool end = false; !end;) {
    if (mlt_buf_reserve(&s->text, MLT_BENEATH_PAGE) != MLT_OK)
      return mlt_err_nomem(err);
    ssize_t n = mlt_file_read(fd, s->text.p + s->text.len, s->text.cap - s->text.len);
    if (n < 0)
      return mlt_fs_fault(s, (int)-n, err);
    end = mlt_beneath_was_rest(n);
    s->text.len += (size_t)n;
    s->progress.bytes_done += (uint64_t)n;
    if (s->text.len > max)
      return mlt_blame(&s->fault, "too-long", "it is longer than %zu bytes", max);
  }
  return MLT_OK;
}

enum mlt_rc mlt_fs_slurp(struct mlt_fs *s, int fd, size_t max, struct mlt_err *err) {
  enum mlt_rc rc = read_all(s, fd, max, err);
  (void)close(fd);
  return rc;
}

enum mlt_rc mlt_fs_read_meta(struct mlt_fs *s, const struct mlt_fs_dir *d, struct mlt_meta *m,
                             struct mlt_err *err) {
  int fd;
  enum mlt_rc rc = mlt_fs_open_file(s, d, "meta.yaml", false, &fd, err);
  if (rc == MLT_NOINPUT)
    (void)mlt_blame(&s->fault, "missing-meta", "the folder has no meta.yaml");
  if (rc == MLT_OK)
    rc = mlt_fs_slurp(s, fd, MLT_META_MAX_BYTES, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_err why = MLT_ERR_INIT;
  rc = mlt_meta_parse(m, mlt_buf_str(&s->text), &why);
  if (rc == MLT_DATA)
    return mlt_blame(&s->fault, "bad-yaml", "meta.yaml cannot be read: %s", why.msg);
  return rc == MLT_OK ? rc : mlt_err_nomem(err);
}

enum mlt_rc mlt_fs_open_item(struct mlt_fs *s, struct mlt_fs_level *l, struct mlt_meta *m,
                             struct mlt_err *err) {
  enum mlt_rc rc =
      mlt_fs_enter(s, &l->dir, l->over, mlt_names_at(&l->over->names, l->over->at), err);
  return rc == MLT_OK ? mlt_fs_read_meta(s, &l->dir, m, err) : rc;
}

enum mlt_rc mlt_fs_set_id(struct mlt_fs *s, struct mlt_str id, struct mlt_err *err) {
  mlt_buf_clear(&s->id);
  return mlt_buf_add(&s->id, id.p, id.len) == MLT_OK ? MLT_OK : mlt_err_nomem(err);
}

enum mlt_rc mlt_fs_fault(struct mlt_fs *s, int errnum, struct mlt_err *err) {
  const char *code;
  switch (errnum) {
  case ENOMEM:
    return mlt_err_nomem(err);
  case EMFILE:
  case ENFILE: /* nothing else could be opened either */
    return mlt_err_errno(err, errnum, "cannot open '%s'", s->path.p);
  case ENOENT:
    return MLT_NOINPUT;
  default: {
    const char *reason = mlt_beneath_reason(errnum, &code);
    return mlt_blame(&s->fault, code, "cannot be read: %s", reason);
  }
  }
}

enum mlt_rc mlt_fs_artifacts(struct mlt_fs *s, const struct mlt_fs_dir *d, struct mlt_str *out,
                             struct mlt_err *err) {
  mlt_buf_clear(&s->files);
  if (mlt_buf_printf(&s->files, "%s/%.*sartifacts", s->root, (int)(d->path - s->prefix),
                     s->path.p + s->prefix) != MLT_OK)
    return mlt_err_nomem(err);
  *out = mlt_buf_str(&s->files);
  return MLT_OK;
}

void mlt_fs_record(struct mlt_fs *s, struct mlt_record *rec, enum mlt_rec_kind kind) {
  *rec = (struct mlt_record){.kind = kind, .place.path = mlt_buf_str(&s->path)};
}

static enum mlt_rc note(struct mlt_fs *s, struct mlt_record *rec, struct mlt_note n) {
  mlt_fs_record(s, rec, MLT_REC_NOTE);
  mlt_fault_tell(&s->fault, rec, mlt_buf_str(&s->id), n);
  return MLT_OK;
}

enum mlt_rc mlt_fs_reject(struct mlt_fs *s, struct mlt_record *rec, enum mlt_table table,
                          uint64_t rows) {
  if (!s->fault.code)
    (void)mlt_blame(&s->fault, "missing", "it was there and is gone");
  return note(s, rec, (struct mlt_note){.kind = MLT_NOTE_REJECT, .table = table, .rows = rows});
}

enum mlt_rc mlt_fs_changed(struct mlt_fs *s, struct mlt_record *rec, enum mlt_table table) {
  return note(s, rec, (struct mlt_note){.kind = MLT_NOTE_CHANGED, .table = table, .rows = 1});
}

enum mlt_rc mlt_fs_ignored(struct mlt_fs *s, struct mlt_record *rec, const char *what,
                           uint64_t rows) {
  s->fault.code = NULL;
  (void)mlt_blame(&s->fault, "ignored", "%s are not imported", what);
  return note(s, rec, (struct mlt_note){.kind = MLT_NOTE_IGNORED, .what = what, .rows = rows});
}

static const char *kind_name(enum mlt_yaml_kind kind) {
  static const char *const names[] = {
      [MLT_YAML_NULL] = "null",    [MLT_YAML_BOOL] = "a truth value",
      [MLT_YAML_INT] = "a number", [MLT_YAML_FLOAT] = "a number with a fraction",
      [MLT_YAML_TEXT] = "text",    [MLT_YAML_LIST] = "a list",
      [MLT_YAML_MAP] = "a map"};
  return names[kind];
}

struct mlt_str mlt_fs_text(struct mlt_fs *s, const struct mlt_meta *m, const char *key,
                           struct mlt_str absent) {
  const struct mlt_meta_value *v = mlt_meta_get(m, key);
  if (!v)
    return absent;
  if (v->kind == MLT_YAML_LIST || v->kind == MLT_YAML_MAP)
    (void)mlt_blame(&s->fault, "bad-field", "field %s is %s, not text", key, kind_name(v->kind));
  return v->text;
}

struct mlt_str mlt_fs_text_or(struct mlt_fs *s, const struct mlt_meta *m, const char *key,
                              struct mlt_str absent) {
  struct mlt_str text = mlt_fs_text(s, m, key, absent);
  return text.p ? text : absent;
}

/* SQLite takes 5.0 and '5' for a column of integers, and so does MLflow's importer. */
static bool whole(const struct mlt_meta_value *v, int64_t *i) {
  double d;
  *i = v->i;
  if (v->kind == MLT_YAML_INT)
    return v->fits;
  if (v->kind == MLT_YAML_TEXT)
    return mlt_parse_i64(v->text, i);
  if (v->kind != MLT_YAML_FLOAT || !mlt_parse_double(v->text, &d) || !(d > -0x1p53 && d < 0x1p53))
    return false;
  *i = (int64_t)d;
  return (double)*i == d;
}

struct mlt_opt_i64 mlt_fs_int(struct mlt_fs *s, const struct mlt_meta *m, const char *key) {
  struct mlt_opt_i64 none = {.has = false}, i = {.has = true};
  const struct mlt_meta_value *v = mlt_meta_get(m, key);
  if (!v || v->kind == MLT_YAML_NULL)
    return none;
  if (whole(v, &i.v))
    return i;
  (void)mlt_blame(&s->fault, "bad-field", "field %s is %s (%.*s), not a whole number of 64 bits",
                  key, kind_name(v->kind), MLT_STR_ARG(v->text));
  return none;
}

bool mlt_fs_deleted(struct mlt_fs *s, const struct mlt_meta *m, bool absent) {
  struct mlt_str stage = mlt_fs_text(s, m, "lifecycle_stage", MLT_STR_NULL);
  if (mlt_str_is(stage, "deleted"))
    return true;
  if (!stage.p)
    return absent;
  if (!mlt_str_is(stage, "active"))
    (void)mlt_blame(&s->fault, "bad-field",
                    "field lifecycle_stage is '%.*s', not active or deleted", MLT_STR_ARG(stage));
  return false;
}
