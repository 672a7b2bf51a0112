#include "verify/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/json_read.h"
#include "base/map.h"
#include "base/mem.h"

enum { VERSION = 1, LINE_MAX_BYTES = 64 << 20, KEY_MAX = 2 * PATH_MAX };
static const char beginning[] = "{\"mltrack_verify_state\":";

struct mlt_state {
  char *path;
  FILE *file;           /* at its end, for appending */
  pthread_mutex_t lock; /* of file */
  struct mlt_map *done; /* key of a folder -> where its line begins */
  struct mlt_buf line;
};

static enum mlt_rc no_state(const struct mlt_state *s, uint64_t line, const char *why,
                            struct mlt_err *err) {
  enum mlt_rc rc =
      mlt_err_set(err, MLT_DATA, "--state: %s, line %" PRIu64 ": %s", s->path, line, why);
  mlt_err_hint(err, "name a file that is not there yet, or one that an interrupted check has left");
  return rc;
}

static enum mlt_rc failed(const struct mlt_state *s, const char *what, struct mlt_err *err) {
  return mlt_err_errno(err, errno, "--state: cannot %s %s", what, s->path);
}

/* ---- options ---- */

/* One text of a list: a value a line. */
static void add_list(struct mlt_json *to, const char *key, const char *const *list, size_t n) {
  struct mlt_buf b;
  enum mlt_rc rc = MLT_OK;
  mlt_buf_init(&b, LINE_MAX_BYTES / 2);
  for (size_t i = 0; i < n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(&b, "%s\n", list[i]);
  mlt_json_set_str(to, key, rc == MLT_OK ? (struct mlt_str){b.p, b.len} : MLT_STR_NULL);
  mlt_buf_free(&b);
}

/* All that says which files are looked at, and how. */
static struct mlt_json *head(const struct mlt_verify_opts *o) {
  static const char *const modes[] = {"quick", "full", "sample"};
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_i64(j, "mltrack_verify_state", VERSION);
  struct mlt_json *options = mlt_json_set(j, "options", mlt_json_object());
  mlt_json_set_cstr(options, "target", o->target->display);
  mlt_json_set_cstr(options, "mode", modes[o->mode]);
  mlt_json_set_double(options, "sample", o->sample);
  mlt_json_set_cstr(options, "as-user", o->as_user);
  mlt_json_set_cstr(options, "artifacts-destination", o->artifacts_destination);
  add_list(options, "map", o->maps, o->n_maps);
  add_list(options, "artifact-root", o->roots, o->n_roots);
  add_list(options, "run", o->runs, o->n_runs);
  add_list(options, "experiment", o->experiments, o->n_experiments);
  add_list(options, "import", o->imports, o->n_imports);
  return j;
}

/* The head that we would write, set against the one that is there. */
static enum mlt_rc compare_options(const struct mlt_state *s, const struct mlt_json *theirs,
                                   const struct mlt_json *ours, struct mlt_err *err) {
  const struct mlt_json *was = mlt_json_get(theirs, "options"), *value;
  const void *pos = NULL;
  struct mlt_str key;
  while (mlt_json_member(mlt_json_get(ours, "options"), &pos, &key, &value)) {
    char name[32];
    (void)snprintf(name, sizeof name, "%.*s", MLT_STR_ARG(key));
    struct mlt_str now = mlt_json_text(value), then = mlt_json_text(mlt_json_get(was, name));
    if (mlt_str_eq(now, then))
      continue;
    enum mlt_rc rc =
        mlt_err_set(err, MLT_USAGE, "--state: %s was begun with %s %.*s, this check has %.*s",
                    s->path, name, MLT_STR_ARG(then.p ? then : mlt_str_c("none")),
                    MLT_STR_ARG(now.p ? now : mlt_str_c("none")));
    mlt_err_hint(err, "give the options it was begun with, or remove it to begin anew");
    return rc;
  }
  return MLT_OK;
}

/* ---- reading ---- */

/* The next line, without its end: MLT_END where there is none that is whole. */
static enum mlt_rc read_line(struct mlt_state *s, uint64_t number, struct mlt_err *err) {
  int c;
  s->line.len = 0;
  while ((c = getc_unlocked(s->file)) != EOF && c != '\n') {
    const char byte = (char)c;
    if (mlt_buf_add(&s->line, &byte, 1) != MLT_OK)
      return no_state(s, number, "too long", err);
  }
  if (c == '\n')
    return MLT_OK;
  return ferror(s->file) ? failed(s, "read", err) : MLT_END;
}

static enum mlt_rc parse_line(struct mlt_state *s, uint64_t number, struct mlt_json **out,
                              struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  *out = mlt_json_parse((struct mlt_str){s->line.p, s->line.len}, &why);
  if (*out && mlt_json_kind(*out) == MLT_JSON_OBJECT)
    return MLT_OK;
  if (!*out && why.rc == MLT_NOMEM)
    return mlt_err_nomem(err);
  return no_state(s, number, *out ? "no object" : why.msg, err);
}

/* False: too long to be kept. */
static bool key_of(char out[KEY_MAX], struct mlt_str table, struct mlt_str id,
                   struct mlt_str path) {
  int n = snprintf(out, KEY_MAX, "%.*s\n%.*s\n%.*s", MLT_STR_ARG(table), MLT_STR_ARG(id),
                   MLT_STR_ARG(path));
  return n > 0 && n < KEY_MAX;
}

static enum mlt_rc remember(struct mlt_state *s, const struct mlt_json *j, uint64_t number,
                            uint64_t at, struct mlt_err *err) {
  char key[KEY_MAX];
  struct mlt_str table = mlt_json_text(mlt_json_get(j, "table")),
                 id = mlt_json_text(mlt_json_get(j, "id")),
                 path = mlt_json_text(mlt_json_get(j, "path"));
  if (!table.p || !id.p || !path.p || mlt_json_kind(mlt_json_get(j, "sum")) != MLT_JSON_OBJECT ||
      mlt_json_kind(mlt_json_get(j, "findings")) != MLT_JSON_LIST)
    return no_state(s, number, "no folder that was looked at", err);
  if (!key_of(key, table, id, path))
    return MLT_OK;
  return mlt_map_put(s->done, mlt_str_c(key), at) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

static enum mlt_rc read_head(struct mlt_state *s, const struct mlt_verify_opts *o,
                             struct mlt_err *err) {
  struct mlt_json *theirs = NULL, *ours = head(o);
  enum mlt_rc rc = parse_line(s, 1, &theirs, err);
  struct mlt_str version = mlt_json_text(mlt_json_get(theirs, "mltrack_verify_state"));
  if (rc == MLT_OK && !mlt_str_is(version, "1"))
    rc = no_state(s, 1, "of another mltrack-verify", err);
  if (rc == MLT_OK)
    rc = compare_options(s, theirs, ours, err);
  mlt_json_free(theirs);
  mlt_json_free(ours);
  return rc;
}

/* A last line that is cut off was being written when its writer was killed: it goes. */
static enum mlt_rc read_all(struct mlt_state *s, const struct mlt_verify_opts *o,
                            struct mlt_err *err) {
  uint64_t number = 1;
  long whole = 0;
  enum mlt_rc rc;
  while ((rc = read_line(s, number, err)) == MLT_OK) {
    struct mlt_json *j = NULL;
    if (number == 1)
      rc = read_head(s, o, err);
    else
      rc = parse_line(s, number, &j, err);
    if (rc == MLT_OK && j)
      rc = remember(s, j, number, (uint64_t)whole, err);
    mlt_json_free(j);
    if (rc != MLT_OK)
      return rc;
    whole = ftell(s->file);
    number++;
  }
  size_t n = s->line.len < sizeof beginning - 1 ? s->line.len : sizeof beginning - 1;
  if (rc == MLT_END && number == 1 && n && memcmp(s->line.p, beginning, n) != 0)
    return no_state(s, 1, "no state of mltrack-verify", err);
  if (rc != MLT_END)
    return rc;
  clearerr(s->file);
  return ftruncate(fileno(s->file), whole) == 0 && fseek(s->file, whole, SEEK_SET) == 0
             ? MLT_OK
             : failed(s, "write", err);
}

/* ---- opening and closing ---- */

static enum mlt_rc open_file(struct mlt_state *s, struct mlt_err *err) {
  int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0)
    return failed(s, "open", err);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    (void)close(fd);
    return mlt_err_set(err, MLT_TEMPFAIL, "--state: %s is used by another mltrack-verify", s->path);
  }
  s->file = fdopen(fd, "r+e");
  if (!s->file)
    (void)close(fd);
  return s->file ? MLT_OK : failed(s, "open", err);
}

static enum mlt_rc prepare(struct mlt_state *s, const struct mlt_verify_opts *o,
                           struct mlt_err *err) {
  if (!s->path || !s->done)
    return mlt_err_nomem(err);
  enum mlt_rc rc = open_file(s, err);
  if (rc == MLT_OK)
    rc = read_all(s, o, err);
  if (rc != MLT_OK || ftell(s->file) > 0)
    return rc;
  struct mlt_json *j = head(o);
  rc = mlt_json_write(s->file, j, false, err);
  mlt_json_free(j);
  return rc;
}

enum mlt_rc mlt_state_open(struct mlt_state **out, const char *path,
                           const struct mlt_verify_opts *o, struct mlt_err *err) {
  struct mlt_state *s = mlt_calloc(1, sizeof *s);
  *out = NULL;
  if (!s)
    return mlt_err_nomem(err);
  (void)pthread_mutex_init(&s->lock, NULL);
  mlt_buf_init(&s->line, LINE_MAX_BYTES);
  s->path = mlt_strdup(path);
  s->done = mlt_map_new();
  enum mlt_rc rc = prepare(s, o, err);
  if (rc == MLT_OK)
    *out = s;
  else
    mlt_state_close(s, false);
  return rc;
}

void mlt_state_close(struct mlt_state *s, bool finished) {
  if (!s)
    return;
  if (finished)
    (void)unlink(s->path);
  if (s->file)
    (void)fclose(s->file);
  mlt_map_free(s->done);
  mlt_buf_free(&s->line);
  mlt_free(s->path);
  (void)pthread_mutex_destroy(&s->lock);
  mlt_free(s);
}

/* ---- a folder ---- */

static struct mlt_json *folder_json(const struct mlt_scan_ended *e) {
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_cstr(j, "table", mlt_table_name(e->table));
  mlt_json_set_str(j, "id", e->id);
  mlt_json_set_cstr(j, "path", e->path);
  struct mlt_json *sum = mlt_json_set(j, "sum", mlt_json_object());
  mlt_json_set_u64(sum, "folders", e->sum.folders);
  mlt_json_set_u64(sum, "manifests", e->sum.manifests);
  mlt_json_set_u64(sum, "files", e->sum.files);
  mlt_json_set_u64(sum, "bytes", e->sum.bytes);
  mlt_json_set_u64(sum, "hashed", e->sum.hashed);
  mlt_json_set_u64(sum, "hashed_bytes", e->sum.hashed_bytes);
  struct mlt_json *list = mlt_json_set(j, "findings", mlt_json_array());
  for (size_t i = 0; i < e->n; i++) {
    struct mlt_json *f = mlt_json_push(list, mlt_json_object());
    mlt_json_set_cstr(f, "code", mlt_finding_info(e->findings[i].what)->code);
    mlt_json_set_str(f, "experiment", e->findings[i].experiment);
    mlt_json_set_str(f, "path", e->findings[i].path);
    mlt_json_set_str(f, "text", e->findings[i].text);
  }
  return j;
}

enum mlt_rc mlt_state_add(void *state, const struct mlt_scan_ended *e, struct mlt_err *err) {
  struct mlt_state *s = state;
  struct mlt_json *j = folder_json(e);
  (void)pthread_mutex_lock(&s->lock);
  enum mlt_rc rc = mlt_json_write(s->file, j, false, err);
  (void)pthread_mutex_unlock(&s->lock);
  mlt_json_free(j);
  if (rc != MLT_OK)
    mlt_err_prefix(err, "--state: %s", s->path);
  return rc;
}

static uint64_t sum_of(const struct mlt_json *j, const char *name) {
  struct mlt_str n = mlt_json_text(mlt_json_get(mlt_json_get(j, "sum"), name));
  return n.p ? strtoull(n.p, NULL, 10) : 0;
}

static bool finding_of(const struct mlt_json *j, const struct mlt_scan_folder *f,
                       struct mlt_finding *out) {
  struct mlt_str code = mlt_json_text(mlt_json_get(j, "code"));
  *out = (struct mlt_finding){.what = MLT_FINDING_COUNT,
                              .table = f->table,
                              .id = f->id,
                              .experiment = mlt_json_text(mlt_json_get(j, "experiment")),
                              .path = mlt_json_text(mlt_json_get(j, "path")),
                              .text = mlt_json_text(mlt_json_get(j, "text"))};
  for (enum mlt_finding_id i = 0; i < MLT_FINDING_COUNT; i++)
    if (mlt_str_is(code, mlt_finding_info(i)->code))
      out->what = i;
  return out->what != MLT_FINDING_COUNT;
}

static enum mlt_rc give(const struct mlt_json *j, const struct mlt_scan_folder *f,
                        struct mlt_scanned *sum, mlt_scan_found_fn fn, void *ctx) {
  const struct mlt_json *list = mlt_json_get(j, "findings");
  struct mlt_finding finding;
  *sum = (struct mlt_scanned){.folders = sum_of(j, "folders"),
                              .manifests = sum_of(j, "manifests"),
                              .files = sum_of(j, "files"),
                              .bytes = sum_of(j, "bytes"),
                              .hashed = sum_of(j, "hashed"),
                              .hashed_bytes = sum_of(j, "hashed_bytes")};
  for (size_t i = 0; i < mlt_json_length(list); i++) {
    if (!finding_of(mlt_json_at(list, i), f, &finding))
      return MLT_DATA;
    fn(ctx, &finding);
  }
  return MLT_OK;
}

/* The line that begins there; the file stays at its end. */
static enum mlt_rc read_at(struct mlt_state *s, uint64_t at, struct mlt_json **out,
                           struct mlt_err *err) {
  (void)pthread_mutex_lock(&s->lock);
  enum mlt_rc rc = fseek(s->file, (long)at, SEEK_SET) == 0 ? MLT_OK : failed(s, "read", err);
  if (rc == MLT_OK)
    rc = read_line(s, 0, err);
  if (rc == MLT_OK)
    rc = parse_line(s, 0, out, err);
  if (fseek(s->file, 0, SEEK_END) != 0 && rc == MLT_OK)
    rc = failed(s, "read", err);
  (void)pthread_mutex_unlock(&s->lock);
  return rc == MLT_END ? mlt_err_set(err, MLT_DATA, "--state: %s was changed meanwhile", s->path)
                       : rc;
}

enum mlt_rc mlt_state_find(struct mlt_state *s, const struct mlt_scan_folder *f, bool *done,
                           struct mlt_scanned *sum, mlt_scan_found_fn fn, void *ctx,
                           struct mlt_err *err) {
  char key[KEY_MAX], full[PATH_MAX];
  uint64_t at;
  mlt_scan_full_path(full, f);
  *done = key_of(key, mlt_str_c(mlt_table_name(f->table)), f->id, mlt_str_c(full)) &&
          mlt_map_get(s->done, mlt_str_c(key), &at);
  if (!*done)
    return MLT_OK;
  struct mlt_json *j = NULL;
  enum mlt_rc rc = read_at(s, at, &j, err);
  if (rc == MLT_OK && give(j, f, sum, fn, ctx) != MLT_OK)
    rc = mlt_err_set(err, MLT_DATA, "--state: %s: a finding of %s is none that is known", s->path,
                     full);
  mlt_json_free(j);
  return rc;
}
