/* File stores in a temporary folder, and the stream of records read back as lines of text:
     experiment 1 name=one id=1 location=/a active 5 6
     param lr=0.1
     points loss (1,0.5,3)
     note reject runs bad-yaml rows=1 id=<run> path=1/<run>/meta.yaml:0: reason
   Line ends in values show as \r and \n, what is absent as NULL. */
#ifndef MLT_TEST_STORE_H
#define MLT_TEST_STORE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "source/source.h"

#define RUN "0123456789abcdef0123456789abcdef"
#define EXPERIMENT_META                                                                            \
  "artifact_location: /a\nexperiment_id: '1'\nlifecycle_stage: active\nname: one\n"
#define RUN_META                                                                                   \
  "artifact_uri: /a/u\nend_time: 9\nlifecycle_stage: active\nrun_id: " RUN                         \
  "\nrun_name: r\nsource_type: 4\nstart_time: 8\nstatus: 3\nuser_id: u\n"

static char store[64];
static struct mlt_buf stream;

static inline const char *in_store(const char *path) {
  static char full[8192];
  (void)snprintf(full, sizeof full, "%s/%s", store, path);
  return full;
}

static inline void put_bytes(const char *path, const void *p, size_t n) {
  char full[8192];
  (void)snprintf(full, sizeof full, "%s", in_store(path));
  for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    (void)mkdir(full, 0777);
    *slash = '/';
  }
  if (full[strlen(full) - 1] == '/')
    return;
  int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, p, n), (ssize_t)n);
  (void)close(fd);
}

/* A path that ends in "/" is a folder. */
static inline void put(const char *path, const char *text) {
  put_bytes(path, text, strlen(text));
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st;
  (void)ftw;
  if (type == FTW_DP ||
      type == FTW_DNR) /* chmod follows links, some of which lead out of the store */
    (void)chmod(path, 0700);
  return remove(path);
}

static inline int new_store(void **state) {
  (void)state;
  const char *tmp = getenv("TMPDIR");
  (void)snprintf(store, sizeof store, "%.40s/mlt-store-XXXXXX", tmp ? tmp : "/tmp");
  mlt_buf_init(&stream, 64 << 20);
  return mkdtemp(store) ? 0 : -1;
}

static inline int drop_store(void **state) {
  (void)state;
  mlt_buf_free(&stream);
  return nftw(store, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* An experiment 1 with a run RUN in it, with every folder FileStore makes. */
static inline void put_run(void) {
  put("1/meta.yaml", EXPERIMENT_META);
  put("1/" RUN "/meta.yaml", RUN_META);
  put("1/" RUN "/params/", "");
  put("1/" RUN "/metrics/", "");
  put("1/" RUN "/tags/", "");
  put("1/" RUN "/artifacts/", "");
}

static inline void say(const char *fmt, ...) MLT_PRINTF(1, 2);
static inline void say(const char *fmt, ...) {
  char text[8192];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  assert_int_equal(mlt_buf_adds(&stream, text), MLT_OK);
}

static inline void say_text(const char *before, struct mlt_str s) {
  say("%s", before);
  if (!s.p)
    say("NULL");
  for (size_t i = 0; i < s.len && i < 4000; i++)
    if (s.p[i] == '\r' || s.p[i] == '\n')
      say("\\%c", s.p[i] == '\r' ? 'r' : 'n');
    else
      say("%c", s.p[i]);
}

static inline void say_time(struct mlt_opt_i64 t) {
  if (t.has)
    say(" %" PRId64, t.v);
  else
    say(" NULL");
}

static inline void say_kv(const char *kind, const struct mlt_kv *kv) {
  say_text(kind, kv->key);
  say_text("=", kv->value);
}

static inline void say_experiment(const struct mlt_experiment *e) {
  say_text("experiment ", e->key);
  say_text(" name=", e->name);
  say(e->id.has ? " id=%" PRId64 : " id=NULL", e->id.v);
  say_text(" location=", e->artifact_location);
  say(e->deleted ? " deleted" : " active");
  say_time(e->creation_time);
  say_time(e->last_update_time);
}

static inline void say_run(const struct mlt_run *r) {
  say_text("run ", r->run_uuid);
  say_text(" experiment=", r->experiment);
  say_text(" name=", r->name);
  say_text(" type=", r->source_type);
  say_text(" source=", r->source_name);
  say_text(" entry=", r->entry_point_name);
  say_text(" version=", r->source_version);
  say_text(" user=", r->user_id);
  say(" %s %s", mlt_run_status_name(r->status), r->deleted ? "deleted" : "active");
  say_time(r->start_time);
  say_time(r->end_time);
  say_time(r->deleted_time);
  say_text(" uri=", r->artifact_uri);
}

static inline void say_points(const struct mlt_points *p) {
  say_text("points ", p->key);
  for (size_t i = 0; i < p->n && i < 8; i++)
    say(" (%" PRId64 ",%.17g,%" PRId64 ")", p->timestamp[i], p->value[i], p->step[i]);
  if (p->n > 8)
    say(" and %zu more", p->n - 8);
}

static inline void say_dataset(const struct mlt_dataset *d) {
  say_text("dataset experiment=", d->experiment);
  say_text(" name=", d->name);
  say_text(" digest=", d->digest);
  say_text(" type=", d->source_type);
  say_text(" source=", d->source);
  say_text(" schema=", d->schema);
  say_text(" profile=", d->profile);
}

static inline void say_logged_model(const struct mlt_logged_model *m) {
  say_text("logged_model ", m->model_id);
  say_text(" experiment=", m->experiment);
  say_text(" name=", m->name);
  say_text(" location=", m->artifact_location);
  say(" %" PRId64 " %" PRId64 " status=%d %s", m->creation_time, m->last_updated_time, m->status,
      m->deleted ? "deleted" : "active");
  say_text(" type=", m->model_type);
  say_text(" run=", m->source_run_id);
  say_text(" message=", m->status_message);
}

static inline void say_lm_metric(const struct mlt_logged_model_metric *m) {
  say_text("logged_model_metric ", m->key);
  say(" (%" PRId64 ",%.17g,%" PRId64 ")", m->timestamp, m->value, m->step);
  say_text(" run=", m->run_id);
  say_text(" dataset=", m->dataset_name);
  say_text(",", m->dataset_digest);
}

static inline void say_registered(const struct mlt_registered_model *m) {
  say_text("registered_model ", m->name);
  say_text(" description=", m->description);
  say_time(m->creation_time);
  say_time(m->last_updated_time);
}

static inline void say_version(const struct mlt_model_version *v) {
  say("version %d", v->version);
  say_time(v->creation_time);
  say_time(v->last_updated_time);
  say_text(" description=", v->description);
  say_text(" user=", v->user_id);
  say_text(" stage=", v->current_stage);
  say_text(" source=", v->source);
  say_text(" location=", v->storage_location);
  say_text(" run=", v->run_id);
  say_text(" link=", v->run_link);
  say_text(" status=", v->status);
  say_text(" message=", v->status_message);
}

static inline void say_note(const struct mlt_note *n) {
  static const char *const kinds[] = {"reject", "conflict", "changed", "ignored"};
  say("note %s %s %s rows=%" PRIu64, kinds[n->kind], n->what ? n->what : mlt_table_name(n->table),
      n->code, n->rows);
  say_text(" id=", n->id);
  say_text(" path=", n->place.path);
  say(":%" PRIu64, n->place.line);
  say_text(": ", n->reason);
}

static inline void say_record(const struct mlt_record *r) {
  switch (r->kind) {
  case MLT_REC_ARTIFACT:
    say_text("artifact ", r->artifact.path);
    say_text(" = ", r->artifact.file);
    break;
  case MLT_REC_COPIED:
    say("copied %s", mlt_table_name(r->copied.table));
    break;
  case MLT_REC_WINDOW_END:
    say("window end");
    break;
  case MLT_REC_EXPERIMENT:
    say_experiment(&r->experiment);
    break;
  case MLT_REC_EXPERIMENT_TAG:
    say_text("experiment_tag ", r->owner);
    say_kv(" ", &r->kv);
    break;
  case MLT_REC_DATASET:
    say_dataset(&r->dataset);
    break;
  case MLT_REC_RUN:
    say_run(&r->run);
    break;
  case MLT_REC_PARAM:
    say_kv("param ", &r->kv);
    break;
  case MLT_REC_TAG:
    say_kv("tag ", &r->kv);
    break;
  case MLT_REC_POINTS:
    say_points(&r->points);
    break;
  case MLT_REC_INPUT:
    say_text("input ", r->input.name);
    say_text(" ", r->input.digest);
    break;
  case MLT_REC_INPUT_TAG:
    say_kv("input_tag ", &r->kv);
    break;
  case MLT_REC_MODEL_INPUT:
    say_text("model_input ", r->edge.model_id);
    break;
  case MLT_REC_OUTPUT:
    say_text("output ", r->edge.model_id);
    say(" step=%" PRId64, r->edge.step);
    break;
  case MLT_REC_RUN_END:
    say("run_end");
    break;
  case MLT_REC_LOGGED_MODEL:
    say_logged_model(&r->logged_model);
    break;
  case MLT_REC_LOGGED_MODEL_PARAM:
    say_kv("logged_model_param ", &r->kv);
    break;
  case MLT_REC_LOGGED_MODEL_TAG:
    say_kv("logged_model_tag ", &r->kv);
    break;
  case MLT_REC_LOGGED_MODEL_METRIC:
    say_lm_metric(&r->lm_metric);
    break;
  case MLT_REC_LOGGED_MODEL_END:
    say("logged_model_end");
    break;
  case MLT_REC_REGISTERED_MODEL:
    say_registered(&r->registered_model);
    break;
  case MLT_REC_REGISTERED_MODEL_TAG:
    say_kv("registered_model_tag ", &r->kv);
    break;
  case MLT_REC_MODEL_VERSION:
    say_version(&r->version);
    break;
  case MLT_REC_MODEL_VERSION_TAG:
    say_kv("version_tag ", &r->kv);
    break;
  case MLT_REC_ALIAS:
    say_text("alias ", r->alias.alias);
    say("=%d", r->alias.version);
    break;
  case MLT_REC_REGISTERED_MODEL_END:
    say("registered_model_end");
    break;
  case MLT_REC_NOTE:
    say_note(&r->note);
    break;
  }
  say("\n");
}

/* Reads a source through the contract alone, and leaves the stream's text in `stream`. */
static inline void read_source(const char *format, const struct mlt_source_opts *opts) {
  const struct mlt_source_ops *ops = mlt_source_by_name(format);
  struct mlt_source *s = NULL;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record rec;
  enum mlt_rc rc = ops->open(&s, opts, &err);
  assert_string_equal(err.msg, "");
  assert_int_equal(rc, MLT_OK);
  mlt_buf_clear(&stream);
  while ((rc = ops->next(s, &rec, &err)) == MLT_OK)
    say_record(&rec);
  assert_string_equal(err.msg, "");
  assert_int_equal(rc, MLT_END);
  ops->close(s);
  assert_non_null(mlt_buf_cstr(&stream));
}

static inline void read_path(const char *path) {
  read_source("filestore", &(struct mlt_source_opts){.path = path});
}

static inline void read_store(void) {
  read_path(store);
}

/* The whole stream is this text. */
static inline void expect_all(const char *text) {
  assert_string_equal(mlt_buf_cstr(&stream), text);
}

/* Lines of the stream that start with this. */
static inline size_t count_lines(const char *start) {
  size_t n = 0;
  for (const char *p = mlt_buf_cstr(&stream); p && *p; p = strchr(p, '\n'), p = p ? p + 1 : p)
    n += strncmp(p, start, strlen(start)) == 0;
  return n;
}

static inline void expect(const char *line) {
  if (count_lines(line) != 1)
    fail_msg("'%s' is there %zu times in:\n%s", line, count_lines(line), mlt_buf_cstr(&stream));
}

static inline void expect_none(const char *line) {
  if (count_lines(line) != 0)
    fail_msg("'%s' is there in:\n%s", line, mlt_buf_cstr(&stream));
}

#endif
