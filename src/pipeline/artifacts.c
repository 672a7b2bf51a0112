#include "pipeline/artifacts.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "artifact/artifact.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/location.h"
#include "model/rules.h"
#include "pipeline/artifacts_versions.h"

enum { NOTES_KEPT = 10000 }; /* between two looks at them; more are only counted */

struct mlt_artifacts {
  struct mlt_artifacts_opts opts;
  struct mlt_placer *placer;
  pthread_mutex_t lock; /* of what follows */
  struct mlt_artifact_counts counts;
  MLT_VEC(struct mlt_note) notes;
  struct mlt_arena *arena; /* of the notes */
  struct mlt_err first;    /* the first file that could not be placed, where that ends the import */
};

/* One batch on its way. */
struct work {
  struct mlt_artifacts *p;
  struct mlt_sink *sink;
  struct mlt_batch *b;
  struct mlt_err *err;
  struct mlt_placer_group *group;
  struct mlt_whereabouts *at; /* the batch's runs, its logged models, whose files versions are */
  size_t n;
};

/* ---- notes ---- */

static bool keep(struct mlt_artifacts *p, struct mlt_note n) {
  if (p->notes.n >= NOTES_KEPT)
    return true;
  if (!MLT_VEC_ROOM(p->notes) || mlt_arena_str(p->arena, n.id, &n.id) != 0 ||
      mlt_arena_str(p->arena, n.place.path, &n.place.path) != 0 ||
      mlt_arena_str(p->arena, n.reason, &n.reason) != 0)
    return false;
  p->notes.v[p->notes.n++] = n;
  return true;
}

/* An artifact that stays where it is. rows is 0: no row is lost by it. */
static struct mlt_note make_note(enum mlt_table table, const char *code, struct mlt_str id,
                                 struct mlt_str path, struct mlt_str reason) {
  return (struct mlt_note){.kind = MLT_NOTE_REJECT,
                           .table = table,
                           .code = code,
                           .id = id,
                           .place.path = path,
                           .reason = reason};
}

/* Text for people: bytes that are no UTF-8 end it. */
static struct mlt_str printable(const char *text) {
  struct mlt_str s = mlt_str_c(text);
  ptrdiff_t bad = mlt_utf8_invalid(s);
  return (struct mlt_str){s.p, bad < 0 ? s.len : (size_t)bad};
}

static void on_fault(void *ctx, const struct mlt_place_fault *f) {
  struct mlt_artifacts *p = ctx;
  struct mlt_note n =
      make_note(MLT_T_RUNS, f->code, mlt_str_c(f->id), printable(f->path), mlt_str_c(f->reason));
  if (mlt_str_starts(n.id, "m-"))
    n.table = MLT_T_LOGGED_MODELS;
  if (strcmp(f->code, "not-removed") == 0)
    n.kind = MLT_NOTE_CHANGED;
  (void)pthread_mutex_lock(&p->lock);
  (void)keep(p, n); /* out of memory: it is counted all the same */
  if (n.kind == MLT_NOTE_REJECT && p->opts.stop && p->first.rc == MLT_OK) {
    if (strcmp(f->code, "link-skipped") == 0)
      mlt_err_hint(&p->first, "--map FROM=TO follows links to files below FROM, "
                              "--on-error skip leaves links out");
    (void)mlt_note_error(&p->first, &n);
  }
  p->counts.faults += n.kind == MLT_NOTE_REJECT;
  (void)pthread_mutex_unlock(&p->lock);
}

static int follow(void *ctx, const char *target) {
  const struct mlt_artifacts *p = ctx;
  return mlt_places_follow(p->opts.places, target);
}

/* A folder that cannot be placed as a whole. */
static enum mlt_rc fail_folder(struct work *w, const struct mlt_place_of *what, const char *code,
                               const char *path, const char *hint, const char *fmt, ...)
    MLT_PRINTF(6, 7);
static enum mlt_rc fail_folder(struct work *w, const struct mlt_place_of *what, const char *code,
                               const char *path, const char *hint, const char *fmt, ...) {
  char reason[1500];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  struct mlt_artifacts *p = w->p;
  struct mlt_note n = make_note(mlt_str_starts(what->id, "m-") ? MLT_T_LOGGED_MODELS : MLT_T_RUNS,
                                code, what->id, printable(path), printable(reason));
  (void)pthread_mutex_lock(&p->lock);
  bool kept = keep(p, n);
  p->counts.missing++;
  (void)pthread_mutex_unlock(&p->lock);
  if (!kept)
    return mlt_err_nomem(w->err);
  if (!p->opts.stop)
    return MLT_OK;
  enum mlt_rc rc = mlt_err_set(w->err, MLT_DATA, "%s '%.*s': %s", mlt_table_name(n.table),
                               MLT_STR_ARG(what->id), reason);
  mlt_err_hint(w->err, "%s; --on-error skip imports the rows without the files", hint);
  return rc;
}

static void count(struct mlt_artifacts *p, uint64_t *counter) {
  (void)pthread_mutex_lock(&p->lock);
  ++*counter;
  (void)pthread_mutex_unlock(&p->lock);
}

/* ---- one folder ---- */

static enum mlt_rc in_the_way(struct work *w, const struct mlt_destination *d) {
  enum mlt_rc rc = mlt_err_set(w->err, MLT_USAGE,
                               "artifacts would go to %s/%s, into what is being "
                               "read",
                               d->root, d->path);
  mlt_err_hint(w->err, "choose an --artifact-root outside of it");
  return rc;
}

/* The folder of a run or model in the target; *out NULL when it cannot be one, which is noted. */
static enum mlt_rc open_folder(struct work *w, const struct mlt_place_of *what,
                               const struct mlt_destination *d, struct mlt_placer_folder **out) {
  char id[128];
  struct mlt_placer_root *root;
  *out = NULL;
  if (mlt_places_in_source(w->p->opts.places, d))
    return in_the_way(w, d);
  (void)snprintf(id, sizeof id, "%.*s", MLT_STR_ARG(what->id));
  enum mlt_rc rc = mlt_placer_root(w->p->placer, d->root, &root, w->err);
  if (rc != MLT_OK)
    return rc;
  rc = mlt_placer_folder(w->group, root, d->path, id, out, w->err);
  if (rc != MLT_USAGE)
    return rc;
  struct mlt_err why = *w->err;
  mlt_err_clear(w->err);
  return fail_folder(w, what, "bad-path", d->path, "choose a shorter --artifact-root", "%s",
                     why.msg);
}

static enum mlt_rc put_folder(struct work *w, const struct mlt_place_of *what,
                              const struct mlt_destination *d, const char *source) {
  struct mlt_placer_folder *folder;
  if (mlt_places_same(source, d)) {
    count(w->p, &w->p->counts.in_place);
    return MLT_OK;
  }
  enum mlt_rc rc = open_folder(w, what, d, &folder);
  if (rc == MLT_OK && folder)
    rc = mlt_placer_tree(folder, source, "", w->err);
  if (rc == MLT_OK && folder)
    count(w->p, &w->p->counts.folders);
  return rc;
}

/* What was found is not a folder to place. */
static enum mlt_rc not_found(struct work *w, const struct mlt_place_of *what, enum mlt_found found,
                             const char *path) {
  char hint[512];
  struct mlt_location root; /* of all the runs that were with this one */
  if (found == MLT_FOUND_LINK)
    return fail_folder(w, what, "link-skipped", path, "--map FROM=TO may lead through links",
                       "its artifacts are behind a symbolic link, which is not followed");
  bool has_root = mlt_places_root_of(what, &root);
  struct mlt_str from = has_root ? mlt_location_str(&root) : what->uri;
  (void)snprintf(hint, sizeof hint,
                 "--map FROM=TO says where it is here, for instance --map '%.*s%s=DIR'%s",
                 MLT_STR_ARG(from), has_root ? "/" : "",
                 has_root && root.kind == MLT_LOCATION_SERVED
                     ? ", DIR being the server's --artifacts-destination (./mlartifacts by default)"
                     : "");
  return fail_folder(w, what, "artifacts-missing", path, hint,
                     "its artifacts are not to be found: '%.*s' is not there (--map FROM=TO says "
                     "where it is)",
                     MLT_STR_ARG(what->uri));
}

static enum mlt_rc check_length(struct work *w, enum mlt_column column, struct mlt_str id,
                                struct mlt_str text) {
  uint32_t limit = w->p->opts.limits->chars[column];
  const struct mlt_column_info *c = mlt_column_info(column);
  if (!limit || mlt_utf8_length(text) <= limit)
    return MLT_OK;
  return mlt_err_set(w->err, MLT_DATA, "%.*s: %s.%s holds %u characters, and '%.*s' has %zu",
                     MLT_STR_ARG(id), mlt_table_name(c->table), c->name, limit, MLT_STR_ARG(text),
                     mlt_utf8_length(text));
}

/* ---- runs and logged models ---- */

static enum mlt_rc derive(struct work *w, struct mlt_str location, const char *folder,
                          struct mlt_str id, struct mlt_str *out) {
  char name[300];
  int n = snprintf(name, sizeof name, "%s%.*s", folder, MLT_STR_ARG(id));
  struct mlt_str s = {name, (size_t)n};
  size_t len = mlt_rule_artifact_uri(NULL, 0, location, s);
  char *uri = mlt_arena_alloc(w->b->arena, len + 1);
  if (!uri)
    return mlt_err_nomem(w->err);
  (void)mlt_rule_artifact_uri(uri, len + 1, location, s);
  *out = (struct mlt_str){uri, len};
  return MLT_OK;
}

/* Puts the folder of a run or model to where its URI in the target is; *uri becomes that. */
static enum mlt_rc place(struct work *w, const struct mlt_place_of *what, struct mlt_str to,
                         struct mlt_str *uri) {
  char path[PATH_MAX];
  struct mlt_destination d;
  enum mlt_found found = mlt_places_find(w->p->opts.places, what, path);
  if (found == MLT_FOUND_REMOTE) {
    count(w->p, &w->p->counts.remote);
    return MLT_OK;
  }
  const char *wrong = mlt_places_destination(w->p->opts.places, to, &d);
  if (wrong && found == MLT_FOUND_FOLDER)
    return fail_folder(w, what, "artifacts-unplaced", path,
                       "--map FROM=TO, --artifacts-destination say which folder it is",
                       "they would belong to '%.*s', which %s", MLT_STR_ARG(to), wrong);
  *uri = to;
  if (found == MLT_FOUND_NOTHING)
    return MLT_OK;
  return found == MLT_FOUND_FOLDER ? put_folder(w, what, &d, path)
                                   : not_found(w, what, found, path);
}

static enum mlt_rc place_run(struct work *w, size_t i) {
  struct mlt_run *r = &w->b->runs.v[i].r;
  const struct mlt_whereabouts *at = &w->at[i];
  bool adopts = w->p->opts.merge || r->part != MLT_RUN_WHOLE;
  struct mlt_str to = at->uri;
  if (r->part == MLT_RUN_MORE || (!at->location.len && !(adopts && at->uri.p)))
    return MLT_OK; /* nothing of its own; or it is rejected, with its experiment */
  enum mlt_rc rc = MLT_OK;
  if (!adopts || !to.p)
    rc = derive(w, at->location, "", r->run_uuid, &to);
  if (rc != MLT_OK)
    return rc;
  if (at->uri.p && !mlt_str_eq(at->uri, to)) {
    if (!mlt_places_remote(w->p->opts.places, r->artifact_uri))
      r->artifact_uri = to; /* a conflict, which the sink tells */
    return MLT_OK;
  }
  const struct mlt_place_of what = {r->run_uuid, r->artifact_uri, r->files, r->files_all,
                                    w->p->opts.how == MLT_ARTIFACTS_MOVE};
  rc = place(w, &what, to, &r->artifact_uri);
  return rc == MLT_OK ? check_length(w, MLT_C_RUNS_artifact_uri, r->run_uuid, r->artifact_uri) : rc;
}

static enum mlt_rc place_model(struct work *w, size_t i) {
  struct mlt_logged_model *m = &w->b->logged_models.v[i].m;
  const struct mlt_whereabouts *at = &w->at[w->b->runs.n + i];
  struct mlt_str to;
  if (!at->location.len)
    return MLT_OK;
  enum mlt_rc rc = derive(w, at->location, "models/", m->model_id, &to);
  if (rc != MLT_OK)
    return rc;
  const struct mlt_place_of what = {m->model_id, m->artifact_location, m->files, m->files_all,
                                    w->p->opts.how == MLT_ARTIFACTS_MOVE};
  if (at->uri.p && !mlt_str_eq(at->uri, to))
    return MLT_OK; /* a conflict, which the sink tells */
  rc = place(w, &what, to, &m->artifact_location);
  return rc == MLT_OK ? check_length(w, MLT_C_LOGGED_MODELS_artifact_location, m->model_id,
                                     m->artifact_location)
                      : rc;
}

/* ---- single files ---- */

static enum mlt_rc put_file(struct work *w, struct mlt_placer_folder *folder,
                            const struct mlt_artifact *a) {
  struct stat st;
  bool is_folder = lstat(a->file.p, &st) == 0 && S_ISDIR(st.st_mode);
  return is_folder ? mlt_placer_tree(folder, a->file.p, a->path.p, w->err)
                   : mlt_placer_file(folder, a->file.p, a->path.p, w->err);
}

/* The batch's artifacts from the first-th on that are of one run; *end is behind them. */
static enum mlt_rc put_files(struct work *w, size_t first, size_t *end) {
  struct mlt_batch *b = w->b;
  size_t run = b->artifacts.v[first].run;
  const struct mlt_run *r = &b->runs.v[run].r;
  struct mlt_destination d;
  struct mlt_placer_folder *folder = NULL;
  struct mlt_str to = r->part == MLT_RUN_MORE ? w->at[run].uri : r->artifact_uri;
  const struct mlt_place_of what = {.id = r->run_uuid};
  enum mlt_rc rc = MLT_OK;
  for (*end = first; *end < b->artifacts.n && b->artifacts.v[*end].run == run;)
    ++*end;
  if (!w->at[run].location.len && !w->at[run].uri.p)
    return MLT_OK; /* the run is rejected */
  const char *wrong = mlt_places_destination(w->p->opts.places, to, &d);
  if (wrong)
    return fail_folder(w, &what, "artifacts-unplaced", b->artifacts.v[first].a.file.p,
                       "--map FROM=TO, --artifacts-destination say which folder it is",
                       "its artifacts belong to '%.*s', which %s", MLT_STR_ARG(to), wrong);
  rc = open_folder(w, &what, &d, &folder);
  for (size_t i = first; rc == MLT_OK && folder && i < *end; i++)
    rc = put_file(w, folder, &b->artifacts.v[i].a);
  return rc;
}

/* ---- a batch ---- */

/* An experiment that is in an object store stays there; any other gets a place below our root. */
static void place_experiments(struct work *w) {
  for (size_t i = 0; i < w->b->experiments.n; i++) {
    struct mlt_experiment *e = &w->b->experiments.v[i].e;
    if (!mlt_places_remote(w->p->opts.places, e->artifact_location))
      e->artifact_location = MLT_STR_NULL;
  }
}

static enum mlt_rc locate(struct work *w) {
  struct mlt_batch *b = w->b;
  size_t room = b->runs.n + b->logged_models.n + 2 * b->versions.n;
  w->at = mlt_arena_zalloc(b->arena, (room + 1) * sizeof *w->at);
  if (!w->at)
    return mlt_err_nomem(w->err);
  for (size_t i = 0; i < b->runs.n; i++)
    w->at[w->n++] = (struct mlt_whereabouts){.table = MLT_T_RUNS,
                                             .id = b->runs.v[i].r.run_uuid,
                                             .experiment = b->runs.v[i].r.experiment};
  for (size_t i = 0; i < b->logged_models.n; i++)
    w->at[w->n++] = (struct mlt_whereabouts){.table = MLT_T_LOGGED_MODELS,
                                             .id = b->logged_models.v[i].m.model_id,
                                             .experiment = b->logged_models.v[i].m.experiment};
  mlt_artifacts_version_owners(b, w->at, &w->n);
  return w->n ? w->p->opts.sink_ops->locate(w->sink, w->at, w->n, b->arena, w->err) : MLT_OK;
}

static enum mlt_rc put_all(struct work *w) {
  struct mlt_batch *b = w->b;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < b->runs.n; i++)
    rc = place_run(w, i);
  for (size_t i = 0; rc == MLT_OK && i < b->logged_models.n; i++)
    rc = place_model(w, i);
  for (size_t i = 0; rc == MLT_OK && i < b->artifacts.n;)
    rc = put_files(w, i, &i);
  return rc;
}

/* With `stop`, a single file that could not be placed ends the import as a rejected row does. */
static enum mlt_rc check_faults(struct work *w, const struct mlt_placed *placed) {
  struct mlt_artifacts *p = w->p;
  if (!placed->faults || !p->opts.stop)
    return MLT_OK;
  (void)pthread_mutex_lock(&p->lock);
  if (p->first.rc != MLT_OK)
    *w->err = p->first;
  enum mlt_rc rc = p->first.rc;
  (void)pthread_mutex_unlock(&p->lock);
  return rc;
}

static enum mlt_rc put_and_wait(struct work *w) {
  struct mlt_placed placed = {0};
  enum mlt_rc rc = mlt_placer_group(w->p->placer, &w->group, w->err);
  if (rc == MLT_OK)
    rc = put_all(w);
  if (rc == MLT_OK)
    rc = mlt_placer_wait(w->group, &placed, w->err);
  if (rc == MLT_OK)
    rc = check_faults(w, &placed);
  mlt_placer_group_free(w->group);
  return rc;
}

/* Their owners may be of this very batch, and are where they are by now. */
static enum mlt_rc follow_versions(struct work *w) {
  struct mlt_batch *b = w->b;
  for (size_t i = 0; i < b->runs.n; i++)
    if (!w->at[i].uri.p && w->at[i].location.len)
      w->at[i].uri = b->runs.v[i].r.artifact_uri;
  for (size_t i = 0; i < b->logged_models.n; i++)
    if (!w->at[b->runs.n + i].uri.p && w->at[b->runs.n + i].location.len)
      w->at[b->runs.n + i].uri = b->logged_models.v[i].m.artifact_location;
  return mlt_artifacts_versions(w->p, b, w->at, w->n, w->err);
}

enum mlt_rc mlt_artifacts_batch(struct mlt_artifacts *p, struct mlt_sink *sink, struct mlt_batch *b,
                                struct mlt_err *err) {
  struct work w = {.p = p, .sink = sink, .b = b, .err = err};
  place_experiments(&w);
  enum mlt_rc rc = locate(&w);
  if (rc == MLT_OK && b->runs.n + b->logged_models.n)
    rc = put_and_wait(&w);
  return rc == MLT_OK ? follow_versions(&w) : rc;
}

/* ---- the whole ---- */

enum mlt_rc mlt_artifacts_note(struct mlt_artifacts *p, struct mlt_note note, struct mlt_err *err) {
  (void)pthread_mutex_lock(&p->lock);
  bool kept = keep(p, note);
  (void)pthread_mutex_unlock(&p->lock);
  return kept ? MLT_OK : mlt_err_nomem(err);
}

const struct mlt_artifacts_opts *mlt_artifacts_options(const struct mlt_artifacts *p) {
  return &p->opts;
}

/* Whoever looks later takes a root that is missing for a disk that is. */
static enum mlt_rc make_root(const struct mlt_artifacts *p, struct mlt_err *err) {
  char path[PATH_MAX];
  struct mlt_placer_root *root;
  return p->opts.root_asked && !mlt_places_root_path(p->opts.places, path)
             ? mlt_placer_root(p->placer, path, &root, err)
             : MLT_OK;
}

enum mlt_rc mlt_artifacts_open(struct mlt_artifacts **out, const struct mlt_artifacts_opts *opts,
                               struct mlt_err *err) {
  struct mlt_artifacts *p = mlt_calloc(1, sizeof *p);
  if (!p)
    return mlt_err_nomem(err);
  p->opts = *opts;
  (void)pthread_mutex_init(&p->lock, NULL);
  p->arena = mlt_arena_new();
  const struct mlt_placer_options o = {.mode = opts->how == MLT_ARTIFACTS_COPY   ? MLT_PLACE_COPY
                                               : opts->how == MLT_ARTIFACTS_LINK ? MLT_PLACE_LINK
                                                                                 : MLT_PLACE_MOVE,
                                       .dry_run = opts->dry_run,
                                       .cancelled = opts->cancelled,
                                       .on_fault = on_fault,
                                       .follow = follow,
                                       .ctx = p};
  enum mlt_rc rc = p->arena ? mlt_placer_open(&p->placer, &o, err) : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = make_root(p, err);
  if (rc == MLT_OK)
    *out = p;
  else
    mlt_artifacts_close(p);
  return rc;
}

void mlt_artifacts_close(struct mlt_artifacts *p) {
  if (!p)
    return;
  mlt_placer_close(p->placer);
  mlt_free(p->notes.v);
  mlt_arena_free(p->arena);
  (void)pthread_mutex_destroy(&p->lock);
  mlt_free(p);
}

enum mlt_rc mlt_artifacts_notes(struct mlt_artifacts *p,
                                enum mlt_rc (*take)(void *ctx, const struct mlt_note *note),
                                void *ctx) {
  enum mlt_rc rc = MLT_OK;
  (void)pthread_mutex_lock(&p->lock);
  for (size_t i = 0; rc == MLT_OK && i < p->notes.n; i++)
    rc = take(ctx, &p->notes.v[i]);
  p->notes.n = 0;
  mlt_arena_reset(p->arena);
  (void)pthread_mutex_unlock(&p->lock);
  return rc;
}

void mlt_artifacts_counts(struct mlt_artifacts *p, struct mlt_artifact_counts *out) {
  struct mlt_placed placed;
  mlt_placer_progress(p->placer, &placed);
  (void)pthread_mutex_lock(&p->lock);
  *out = p->counts;
  (void)pthread_mutex_unlock(&p->lock);
  out->files = placed.files;
  out->bytes = placed.bytes;
  out->linked = placed.linked;
  out->copied = placed.copied;
  out->present = placed.present;
  out->present_bytes = placed.present_bytes;
}
