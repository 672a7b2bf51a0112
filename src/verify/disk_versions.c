/* What model versions and datasets name: the places are judged as those of runs are, and looked
   for; what is in them belongs to a run or a logged model, or is nobody's. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_read.h"
#include "verify/disk.h"
#include "verify/location.h"
#include "verify/private.h"

enum { ID_MAX = 64, VERSION_ID = 600 };

static bool is_there(const char *path) {
  struct stat st;
  return stat(path, &st) == 0;
}

static void tell_missing(struct mlt_disk *a, const struct mlt_finding *about, struct mlt_str uri,
                         const char *path, const char *why) {
  struct mlt_finding f = *about;
  f.what = MLT_FINDING_SOURCE_MISSING;
  f.path = mlt_str_c(path);
  mlt_verify_foundf(a->v, &f, "'%.*s': %s", MLT_STR_ARG(uri), why);
}

/* "runs:/<id>/path", "models:/m-<id>": *rest is what follows the id. False: another form. */
static bool take_id(const struct mlt_location *l, char id[ID_MAX], const char **rest) {
  const char *at = strchr(l->text, '/');
  size_t n = at ? strcspn(at + 1, "/") : 0;
  bool run = strncmp(l->text, "runs:", 5) == 0;
  if (!n || n >= ID_MAX || (!run && strncmp(at + 1, "m-", 2) != 0))
    return false;
  (void)snprintf(id, ID_MAX, "%.*s", (int)n, at + 1);
  *rest = at + 1 + n;
  return true;
}

/* One that names a run or a logged model; with runs chosen, others than those are not known. */
static void see_reference(struct mlt_disk *a, const struct mlt_finding *about,
                          const struct mlt_location *l) {
  char id[ID_MAX], path[PATH_MAX];
  const char *rest;
  if (!take_id(l, id, &rest))
    return;
  const struct mlt_record_place *of = mlt_records_find(a->records, id);
  if (!of && !mlt_verify_is_partial(a->v))
    tell_missing(a, about, mlt_location_str(l), NULL, "there is no record of this id");
  else if (of && *of->path && snprintf(path, sizeof path, "%s%s", of->path, rest) < PATH_MAX &&
           !is_there(path))
    tell_missing(a, about, mlt_location_str(l), path, "there is nothing at this path");
}

static void see_source(struct mlt_disk *a, struct mlt_finding *about, struct mlt_str uri,
                       enum mlt_column column) {
  enum mlt_finding_id what;
  struct mlt_location l;
  char path[PATH_MAX], why[MLT_LOCATION_WHY];
  about->field = mlt_str_c(mlt_column_info(column)->name);
  if (!uri.len)
    return; /* MLflow writes none where there is none */
  bool named = mlt_location_judge(&l, uri, &what, why);
  if (named && l.kind == MLT_LOCATION_REFERENCE)
    see_reference(a, about, &l);
  else if (mlt_disk_locate(a, about, uri, column, path) && !is_there(path))
    tell_missing(a, about, uri, path, "there is nothing at this path");
}

static enum mlt_rc take_version(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_disk *a = ctx;
  char id[VERSION_ID];
  (void)err;
  (void)snprintf(id, sizeof id, "%.*s/%d",
                 MLT_STR_ARG(mlt_row_at(row, MLT_C_MODEL_VERSIONS_name)->s),
                 (int)mlt_row_at(row, MLT_C_MODEL_VERSIONS_version)->i);
  struct mlt_finding about = {.table = MLT_T_MODEL_VERSIONS, .id = mlt_str_c(id)};
  mlt_verify_count(a->v, MLT_AMOUNT_MODEL_VERSIONS, 1);
  see_source(a, &about, mlt_row_at(row, MLT_C_MODEL_VERSIONS_source)->s,
             MLT_C_MODEL_VERSIONS_source);
  see_source(a, &about, mlt_row_at(row, MLT_C_MODEL_VERSIONS_storage_location)->s,
             MLT_C_MODEL_VERSIONS_storage_location);
  return MLT_OK;
}

enum mlt_rc mlt_disk_versions(struct mlt_disk *a, struct mlt_err *err) {
  return mlt_verify_read(a->v, MLT_READ_BOTH(PLACES_VERSIONS), take_version, a, err);
}

/* {"uri": "/data/train.csv"}; extra: name, digest, experiment, source. The data of a dataset may
   well have gone since: only where it is told is judged. */
static enum mlt_rc take_dataset(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_disk *a = ctx;
  struct mlt_location l;
  char path[PATH_MAX];
  struct mlt_json *source = mlt_json_parse(row->extra[3], NULL);
  struct mlt_str uri = mlt_json_text(mlt_json_get(source, "uri"));
  const struct mlt_finding about = {.what = MLT_FINDING_DATASET_MISSING,
                                    .table = MLT_T_DATASETS,
                                    .id = row->extra[0],
                                    .experiment = row->extra[2],
                                    .field = MLT_STR_LIT("dataset_source")};
  (void)err;
  if (uri.len && !mlt_location_climbs(uri) && !mlt_location_parse(&l, uri) &&
      !mlt_places_path(a->places, &l, path) && !is_there(path)) {
    struct mlt_finding f = about;
    f.path = mlt_str_c(path);
    mlt_verify_foundf(a->v, &f, "digest %.*s: there is nothing at this path",
                      MLT_STR_ARG(row->extra[1]));
  }
  mlt_json_free(source);
  return MLT_OK;
}

enum mlt_rc mlt_disk_datasets(struct mlt_disk *a, struct mlt_err *err) {
  return mlt_verify_read(a->v, MLT_READ_PLACES_DATASETS, MLT_READ_COUNT, take_dataset, a, err);
}
