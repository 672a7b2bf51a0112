/* The disk against the database: folders that look like a run's or a logged model's, and manifests,
   of which no record is. Looked for where experiments have their folders, beside those, and in the
   roots that were given. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "artifact/manifest.h"
#include "base/file.h"
#include "verify/disk.h"
#include "verify/tree.h"

enum { ID = 32 };

static bool is_run_id(const char *name) {
  return strlen(name) == ID && strspn(name, "0123456789abcdef") == ID;
}

static bool is_model_id(const char *name) {
  return name[0] == 'm' && name[1] == '-' && is_run_id(name + 2);
}

/* ---- going through folders ---- */

typedef enum mlt_rc (*name_fn)(struct mlt_disk *a, const char *folder, const char *name,
                               struct mlt_err *err);

/* Gives fn every name in the folder. One that is missing has none; what cannot be listed was told
   already, or is nobody's. */
static enum mlt_rc each_name(struct mlt_disk *a, const char *folder, name_fn fn,
                             struct mlt_err *err) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
  DIR *d = fd < 0 ? NULL : fdopendir(fd);
  enum mlt_rc rc = MLT_OK;
  for (const struct dirent *e; d && rc == MLT_OK && (e = readdir(d));) {
    if (e->d_name[0] == '.' ||
        (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN && e->d_type != DT_REG))
      continue;
    rc = fn(a, folder, e->d_name, err);
    if (rc == MLT_OK)
      rc = mlt_verify_tick(a->v, err);
  }
  if (d)
    (void)closedir(d);
  else if (fd >= 0)
    (void)close(fd);
  return rc;
}

static bool is_no_file(void *ctx, const struct mlt_tree_item *item) {
  bool *any = ctx;
  *any = item->kind != MLT_TREE_FOLDER;
  return !*any;
}

/* `mlflow gc` leaves a run's folder, and nothing in it. */
static bool holds_files(const char *path) {
  struct mlt_err err = MLT_ERR_INIT;
  bool any = false;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return false;
  if (mlt_tree_walk(fd, is_no_file, &any, &err) != MLT_OK)
    any = true;
  (void)close(fd);
  return any;
}

/* ---- folders ---- */

static enum mlt_rc see_folder(struct mlt_disk *a, const char *folder, const char *name,
                              struct mlt_err *err) {
  char path[PATH_MAX];
  (void)err;
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
    return MLT_OK;
  const struct mlt_record_place *of = mlt_records_find(a->records, name);
  if ((of && (!*of->path || mlt_path_within(of->path, path))) || !holds_files(path))
    return MLT_OK;
  const struct mlt_finding f = {.what = of ? MLT_FINDING_FOLDER_STRAY : MLT_FINDING_FOLDER_ORPHAN,
                                .table = is_run_id(name) ? MLT_T_RUNS : MLT_T_LOGGED_MODELS,
                                .id = mlt_str_c(name),
                                .experiment = mlt_str_c(of ? of->experiment : NULL),
                                .path = mlt_str_c(path)};
  if (of)
    mlt_verify_foundf(a->v, &f, "there are files here, but its location is %s", of->path);
  else
    mlt_verify_foundf(a->v, &f, "there are files, and no record of this id");
  return MLT_OK;
}

static enum mlt_rc see_model(struct mlt_disk *a, const char *folder, const char *name,
                             struct mlt_err *err) {
  return is_model_id(name) ? see_folder(a, folder, name, err) : MLT_OK;
}

/* In an experiment's folder. */
static enum mlt_rc see_run(struct mlt_disk *a, const char *folder, const char *name,
                           struct mlt_err *err) {
  char models[PATH_MAX];
  if (is_run_id(name))
    return see_folder(a, folder, name, err);
  if (strcmp(name, "models") != 0 ||
      snprintf(models, sizeof models, "%s/%s", folder, name) >= PATH_MAX)
    return MLT_OK;
  return each_name(a, models, see_model, err);
}

/* In a root: the folder of an experiment that the database does not have. */
static enum mlt_rc see_experiment(struct mlt_disk *a, const char *folder, const char *name,
                                  struct mlt_err *err) {
  char path[PATH_MAX];
  uint64_t known;
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX || is_run_id(name) ||
      mlt_map_get(a->experiments, mlt_str_c(path), &known) ||
      mlt_map_get(a->roots, mlt_str_c(path), &known))
    return MLT_OK;
  return each_name(a, path, see_run, err);
}

/* ---- manifests ---- */

static enum mlt_rc see_manifest(struct mlt_disk *a, const char *folder, const char *name,
                                struct mlt_err *err) {
  static const char end[] = ".jsonl";
  char id[MLT_MANIFEST_ID_MAX + 1], path[PATH_MAX];
  size_t n = strlen(name), suffix = sizeof end - 1;
  (void)err;
  if (n <= suffix || n - suffix > MLT_MANIFEST_ID_MAX || strcmp(name + n - suffix, end) != 0 ||
      snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
    return MLT_OK;
  (void)snprintf(id, sizeof id, "%.*s", (int)(n - suffix), name);
  const struct mlt_record_place *of = mlt_records_find(a->records, id);
  const struct mlt_finding f = {.what = MLT_FINDING_MANIFEST_UNKNOWN,
                                .table = is_model_id(id) ? MLT_T_LOGGED_MODELS : MLT_T_RUNS,
                                .id = mlt_str_c(id),
                                .path = mlt_str_c(path)};
  if (!of)
    mlt_verify_foundf(a->v, &f, "files were recorded for this id, of which there is no record");
  return MLT_OK;
}

static enum mlt_rc see_manifests(struct mlt_disk *a, const char *folder, const char *name,
                                 struct mlt_err *err) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
    return MLT_OK;
  return each_name(a, path, see_manifest, err);
}

enum mlt_rc mlt_disk_orphans(struct mlt_disk *a, struct mlt_err *err) {
  struct mlt_str path;
  uint64_t one;
  enum mlt_rc rc = MLT_OK;
  for (size_t at = 0; rc == MLT_OK && mlt_map_next(a->experiments, &at, &path, &one);)
    rc = each_name(a, path.p, see_run, err);
  for (size_t at = 0; rc == MLT_OK && mlt_map_next(a->roots, &at, &path, &one);) {
    char manifests[PATH_MAX];
    if (one == MLT_ROOT_OF_EXPERIMENTS)
      rc = each_name(a, path.p, see_experiment, err);
    if (rc == MLT_OK &&
        snprintf(manifests, sizeof manifests, "%s/" MLT_MANIFEST_FOLDER, path.p) < PATH_MAX)
      rc = each_name(a, manifests, see_manifests, err);
  }
  return rc;
}
