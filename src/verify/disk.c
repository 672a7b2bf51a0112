/* The database against the disk: every location that experiments, runs and logged models have is
   judged as text, brought to a path of this machine, and the folder there compared with its
   manifest. A folder that is missing is that of a run without artifacts: MLflow makes it with the
   first. */
#include "verify/disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "verify/location.h"
#include "verify/private.h"
#include "verify/state.h"

enum { WAIT_MS = 50 };

/* ---- from a location to a path ---- */

static void tell(struct mlt_disk *a, const struct mlt_finding *about, enum mlt_finding_id what,
                 struct mlt_str uri, const char *why) {
  struct mlt_finding f = *about;
  f.what = what;
  mlt_verify_foundf(a->v, &f, "'%.*s' %s", MLT_STR_ARG(uri), why);
}

/* The longest of the roots that were given in which the path lies; its length, 0 for "/". -1: none.
 */
static int allowed_root(const struct mlt_disk *a, const char *path) {
  struct mlt_str root;
  uint64_t one;
  int best = -1;
  for (size_t at = 0; mlt_map_next(a->allowed, &at, &root, &one);) {
    int n = root.len == 1 ? 0 : (int)root.len;
    if (n > best && mlt_path_within(path, root.p))
      best = n;
  }
  return best;
}

static bool is_allowed(const struct mlt_disk *a, const char *path) {
  return mlt_map_count(a->allowed) == 0 || allowed_root(a, path) >= 0;
}

bool mlt_disk_path(struct mlt_disk *a, const struct mlt_finding *about,
                   const struct mlt_location *l, char path[PATH_MAX]) {
  const char *wrong = mlt_places_path(a->places, l, path);
  struct mlt_str uri = mlt_location_str(l);
  if (!wrong && is_allowed(a, path))
    return true;
  if (!wrong)
    tell(a, about, MLT_FINDING_LOCATION_OUTSIDE, mlt_str_c(path),
         "is not in a folder that artifacts may lie in (--artifact-root)");
  else if (l->kind == MLT_LOCATION_WINDOWS)
    tell(a, about, MLT_FINDING_LOCATION_FOREIGN, uri, "is a path of Windows");
  else if (l->kind == MLT_LOCATION_RELATIVE)
    tell(a, about, MLT_FINDING_LOCATION_RELATIVE, uri,
         "is another place in each folder that MLflow is run in");
  else if (l->kind == MLT_LOCATION_SERVED)
    a->unknown++;
  else
    a->remote++;
  return false;
}

bool mlt_disk_locate(struct mlt_disk *a, const struct mlt_finding *about, struct mlt_str uri,
                     enum mlt_column column, char path[PATH_MAX]) {
  enum mlt_finding_id what;
  struct mlt_location l;
  char why[MLT_LOCATION_WHY];
  if (!uri.p) /* what that does is not about places */
    return false;
  if (mlt_location_is_long(uri, column, why))
    tell(a, about, MLT_FINDING_LOCATION_LONG, uri, why);
  if (mlt_location_judge(&l, uri, &what, why))
    return mlt_disk_path(a, about, &l, path);
  tell(a, about, what, uri, why);
  return false;
}

/* ---- the rows ---- */

/* The greater value stays. */
static enum mlt_rc remember(struct mlt_map *m, const char *path, uint64_t value,
                            struct mlt_err *err) {
  uint64_t is;
  struct mlt_str key = mlt_str_c(path);
  if (mlt_map_get(m, key, &is) && is >= value)
    return MLT_OK;
  return mlt_map_put(m, key, value) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

static bool is_digits(const char *s) {
  return *s && !s[strspn(s, "0123456789")];
}

static enum mlt_rc take_experiment(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_disk *a = ctx;
  char path[PATH_MAX];
  const struct mlt_finding about = {.table = MLT_T_EXPERIMENTS,
                                    .id = row->extra[0],
                                    .experiment = row->extra[0],
                                    .field = MLT_STR_LIT("artifact_location")};
  mlt_verify_count(a->v, MLT_AMOUNT_EXPERIMENTS, 1);
  if (!mlt_disk_locate(a, &about, row->extra[1], MLT_C_EXPERIMENTS_artifact_location, path))
    return MLT_OK;
  enum mlt_rc rc = remember(a->experiments, path, 1, err);
  char *slash = strrchr(path, '/');
  if (rc != MLT_OK || !slash || slash == path)
    return rc;
  *slash = '\0';
  return remember(a->roots, path, is_digits(slash + 1) ? MLT_ROOT_OF_EXPERIMENTS : MLT_ROOT, err);
}

/* Is the id one of the path's components? */
static bool names_id(const char *path, const char *id) {
  size_t n = strlen(id);
  for (const char *at = path; (at = strstr(at, id)); at++)
    if (at > path && at[-1] == '/' && (at[n] == '/' || !at[n]))
      return true;
  return false;
}

void mlt_disk_split(const struct mlt_disk *a, const char *path, char root[PATH_MAX],
                    const char **rest) {
  struct mlt_destination d;
  int n = allowed_root(a, path);
  if (n < 0 && !mlt_places_destination(a->places, mlt_str_c(path), &d))
    n = strcmp(d.root, "/") == 0 ? 0 : (int)strlen(d.root);
  n = n < 0 ? 0 : n;
  (void)snprintf(root, PATH_MAX, "%.*s", n ? n : 1, n ? path : "/");
  *rest = path[n] == '/' ? path + n + 1 : path + n;
}

/* Of a run or logged model. Extra: id, location, experiment. */
static enum mlt_rc take_folder(struct mlt_disk *a, const struct mlt_read_row *row,
                               enum mlt_table table, enum mlt_column column, struct mlt_err *err) {
  char path[PATH_MAX] = "";
  struct mlt_finding about = {.table = table,
                              .id = row->extra[0],
                              .experiment = row->extra[2],
                              .field = mlt_str_c(mlt_column_info(column)->name)};
  bool here = mlt_disk_locate(a, &about, row->extra[1], column, path);
  const struct mlt_record_place place = {.table = table,
                                         .id = about.id.p ? about.id.p : "",
                                         .experiment = about.experiment.p ? about.experiment.p : "",
                                         .path = here ? path : ""};
  enum mlt_rc rc = mlt_records_add(a->records, &place, err);
  if (rc != MLT_OK || !here)
    return rc;
  about.path = mlt_str_c(path);
  if (!names_id(path, place.id))
    tell(a, &about, MLT_FINDING_LOCATION_OTHER, row->extra[1], "has not this id in it");
  return a->visit(a, &about, path, err);
}

static enum mlt_rc take_run(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_disk *a = ctx;
  if (!mlt_verify_has_run(a->v, row->extra[0]))
    return MLT_OK;
  mlt_verify_count(a->v, MLT_AMOUNT_RUNS, 1);
  return take_folder(a, row, MLT_T_RUNS, MLT_C_RUNS_artifact_uri, err);
}

static enum mlt_rc take_model(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_disk *a = ctx;
  mlt_verify_count(a->v, MLT_AMOUNT_LOGGED_MODELS, 1);
  return take_folder(a, row, MLT_T_LOGGED_MODELS, MLT_C_LOGGED_MODELS_artifact_location, err);
}

enum mlt_rc mlt_disk_folders(struct mlt_disk *a, struct mlt_err *err) {
  enum mlt_rc rc = mlt_verify_read(a->v, MLT_READ_BOTH(PLACES_RUNS), take_run, a, err);
  return rc == MLT_OK ? mlt_verify_read(a->v, MLT_READ_BOTH(PLACES_MODELS), take_model, a, err)
                      : rc;
}

/* ---- the check ---- */

static void found(void *ctx, const struct mlt_finding *f) {
  mlt_verify_found(ctx, f);
}

static void count(struct mlt_disk *a, const struct mlt_scanned *n) {
  mlt_verify_count(a->v, MLT_AMOUNT_FOLDERS, n->folders);
  mlt_verify_count(a->v, MLT_AMOUNT_MANIFESTS, n->manifests);
  mlt_verify_count(a->v, MLT_AMOUNT_FILES, n->files);
  mlt_verify_count(a->v, MLT_AMOUNT_BYTES, n->bytes);
  mlt_verify_count(a->v, MLT_AMOUNT_HASHED, n->hashed_bytes);
}

static enum mlt_rc scan(struct mlt_disk *a, const struct mlt_finding *about, const char *path,
                        struct mlt_err *err) {
  char root[PATH_MAX];
  struct mlt_scan_folder f = {
      .table = about->table, .id = about->id, .experiment = about->experiment, .root = root};
  struct mlt_scanned sum;
  bool done = false;
  mlt_disk_split(a, path, root, &f.path);
  enum mlt_rc rc = a->state ? mlt_state_find(a->state, &f, &done, &sum, found, a->v, err) : MLT_OK;
  if (done && rc == MLT_OK)
    count(a, &sum);
  return done || rc != MLT_OK ? rc : mlt_scan_add(a->scan, &f, err);
}

static void tell_overlap(void *ctx, const struct mlt_record_place *p,
                         const struct mlt_record_place *other) {
  struct mlt_disk *a = ctx;
  bool same = strcmp(p->path, other->path) == 0;
  const struct mlt_finding f = {.what =
                                    same ? MLT_FINDING_FOLDER_SHARED : MLT_FINDING_FOLDER_NESTED,
                                .table = p->table,
                                .id = mlt_str_c(p->id),
                                .experiment = mlt_str_c(p->experiment),
                                .path = mlt_str_c(p->path)};
  mlt_verify_foundf(a->v, &f, "%s %s %s: 'mlflow gc' of one removes files of the other",
                    same ? "it is the folder of" : "it lies in the folder of",
                    other->table == MLT_T_RUNS ? "run" : "logged model", other->id);
}

static void count_new(struct mlt_disk *a) {
  struct mlt_scanned now, *was = &a->told;
  mlt_scan_progress(a->scan, &now);
  count(a, &(struct mlt_scanned){now.folders - was->folders, now.manifests - was->manifests,
                                 now.files - was->files, now.bytes - was->bytes,
                                 now.hashed - was->hashed, now.hashed_bytes - was->hashed_bytes});
  a->told = now;
}

static enum mlt_rc wait(struct mlt_disk *a, struct mlt_err *err) {
  bool done = false;
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK && !done) {
    rc = mlt_scan_wait(a->scan, WAIT_MS, &done, err);
    count_new(a);
    if (rc == MLT_OK)
      rc = mlt_verify_tick(a->v, err);
  }
  return rc;
}

static void tell_unknown(struct mlt_disk *a) {
  const struct mlt_finding f = {.what = MLT_FINDING_LOCATION_UNKNOWN, .table = MLT_T_ALL};
  if (a->unknown)
    mlt_verify_foundf(a->v, &f,
                      "%" PRIu64 " locations are kept by a server, and --artifacts-destination "
                      "does not say where: their files were not looked at",
                      a->unknown);
}

static enum mlt_rc run(struct mlt_disk *a, struct mlt_err *err) {
  const bool all = !mlt_verify_is_partial(a->v);
  enum mlt_rc rc = MLT_OK;
  if (all)
    rc =
        mlt_verify_read(a->v, MLT_READ_PLACES_EXPERIMENTS, MLT_READ_COUNT, take_experiment, a, err);
  if (rc == MLT_OK)
    rc = mlt_disk_folders(a, err);
  if (rc == MLT_OK)
    rc = mlt_disk_versions(a, err);
  if (rc == MLT_OK && all)
    rc = mlt_disk_datasets(a, err);
  if (rc == MLT_OK)
    rc = wait(a, err);
  if (rc == MLT_OK && all)
    mlt_records_overlaps(a->records, tell_overlap, a);
  if (rc == MLT_OK && all)
    rc = mlt_disk_orphans(a, err);
  tell_unknown(a);
  return rc;
}

static enum mlt_rc add_root(struct mlt_disk *a, const char *given, struct mlt_err *err) {
  char path[PATH_MAX];
  struct mlt_location l;
  struct stat st;
  enum mlt_rc rc = mlt_places_here("--artifact-root", given, path, err);
  if (rc != MLT_OK)
    return rc;
  if (mlt_location_climbs(mlt_str_c(path)) || mlt_location_parse(&l, mlt_str_c(path)))
    return mlt_err_set(err, MLT_USAGE, "--artifact-root '%s' is no plain path", given);
  const char *root = l.len ? l.text : "/";
  const struct mlt_finding f = {.what = MLT_FINDING_ROOT_MISSING,
                                .table = MLT_T_ALL,
                                .path = mlt_str_c(root),
                                .text = MLT_STR_LIT("not there, or no folder")};
  if (stat(root, &st) != 0 || !S_ISDIR(st.st_mode))
    mlt_verify_found(a->v, &f);
  rc = remember(a->allowed, root, 1, err);
  return rc == MLT_OK ? remember(a->roots, root, MLT_ROOT_OF_EXPERIMENTS, err) : rc;
}

enum mlt_rc mlt_disk_open(struct mlt_disk *a, struct mlt_err *err) {
  const struct mlt_verify_opts *o = mlt_verify_options(a->v);
  const struct mlt_places_opts places = {.root = o->n_roots ? o->roots[0] : NULL,
                                         .destination = o->artifacts_destination,
                                         .maps = o->maps,
                                         .n_maps = o->n_maps,
                                         .target = o->target};
  a->records = mlt_records_new();
  a->experiments = mlt_map_new();
  a->roots = mlt_map_new();
  a->allowed = mlt_map_new();
  if (!a->records || !a->experiments || !a->roots || !a->allowed)
    return mlt_err_nomem(err);
  enum mlt_rc rc = mlt_places_open(&a->places, &places, err);
  for (size_t i = 0; rc == MLT_OK && i < o->n_roots; i++)
    rc = add_root(a, o->roots[i], err);
  return rc;
}

void mlt_disk_close(struct mlt_disk *a) {
  mlt_places_close(a->places);
  mlt_map_free(a->experiments);
  mlt_map_free(a->roots);
  mlt_map_free(a->allowed);
  mlt_records_free(a->records);
}

static enum mlt_rc open_scan(struct mlt_disk *a, struct mlt_err *err) {
  const struct mlt_verify_opts *o = mlt_verify_options(a->v);
  enum mlt_rc rc = o->as_user ? mlt_access_open(&a->as, o->as_user, err) : MLT_OK;
  if (rc == MLT_OK && o->state)
    rc = mlt_state_open(&a->state, o->state, o, err);
  const struct mlt_scan_options options = {.mode = o->mode,
                                           .sample = o->sample,
                                           .as = a->as,
                                           .threads = o->jobs,
                                           .cancelled = o->cancelled,
                                           .found = found,
                                           .ctx = a->v,
                                           .ended = a->state ? mlt_state_add : NULL,
                                           .ended_ctx = a->state};
  return rc == MLT_OK ? mlt_scan_open(&a->scan, &options, err) : rc;
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  struct mlt_disk a = {.v = v, .visit = scan};
  enum mlt_rc rc = mlt_disk_open(&a, err);
  if (rc == MLT_OK)
    rc = open_scan(&a, err);
  if (rc == MLT_OK)
    rc = run(&a, err);
  mlt_scan_close(a.scan);
  mlt_state_close(a.state, rc == MLT_OK);
  mlt_access_close(a.as);
  mlt_disk_close(&a);
  return rc;
}

const struct mlt_check_ops mlt_check_artifacts = {
    .name = "artifacts", .modes = MLT_IN_ALL, .of_runs = true, .run = check};
