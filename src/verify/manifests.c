/* A folder is put where it is already: the placer finds every file present, reads it, and keeps a
   manifest, with all that it promises about those. */
#include "verify/manifests.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifact/artifact.h"
#include "artifact/manifest.h"
#include "verify/disk.h"

enum { TOGETHER = 256 }; /* folders whose manifests become durable at once */

struct work {
  struct mlt_verify *v;
  struct mlt_placer *placer;
  struct mlt_placer_group *group;
  unsigned waiting; /* folders of the group */
  struct mlt_manifests_made *made;
};

/* Links and devices are no artifacts: a check tells of them. */
static void note_fault(void *ctx, const struct mlt_place_fault *fault) {
  struct work *w = ctx;
  if (strcmp(fault->code, "link-skipped") == 0 || strcmp(fault->code, "special-file") == 0)
    return;
  const struct mlt_finding f = {.what = MLT_FINDING_FILE_UNREADABLE,
                                .table = strncmp(fault->id, "m-", 2) == 0 ? MLT_T_LOGGED_MODELS
                                                                          : MLT_T_RUNS,
                                .id = mlt_str_c(fault->id),
                                .path = mlt_str_c(fault->path)};
  mlt_verify_foundf(w->v, &f, "not recorded: %s", fault->reason);
}

static enum mlt_rc finish_group(struct work *w, struct mlt_err *err) {
  struct mlt_placed placed = {.files = 0};
  if (!w->group)
    return MLT_OK;
  enum mlt_rc rc = mlt_placer_wait(w->group, &placed, err);
  w->made->files += placed.present;
  w->made->bytes += placed.present_bytes;
  mlt_verify_count(w->v, MLT_AMOUNT_FILES, placed.present);
  mlt_verify_count(w->v, MLT_AMOUNT_HASHED, placed.present_bytes);
  mlt_placer_group_free(w->group);
  w->group = NULL;
  w->waiting = 0;
  return rc;
}

static bool is_recorded(const char *path, const char *id) {
  char name[PATH_MAX];
  int fd = mlt_scan_manifest(path, id, name);
  if (fd >= 0)
    (void)close(fd);
  return fd >= 0;
}

static enum mlt_rc put(struct work *w, const char *root, const char *path, const char *full,
                       const char *id, struct mlt_err *err) {
  struct mlt_placer_root *r;
  struct mlt_placer_folder *f;
  enum mlt_rc rc = mlt_placer_root(w->placer, root, &r, err);
  if (rc == MLT_OK && !w->group)
    rc = mlt_placer_group(w->placer, &w->group, err);
  if (rc == MLT_OK)
    rc = mlt_placer_folder(w->group, r, path, id, &f, err);
  return rc == MLT_OK ? mlt_placer_tree(f, full, "", err) : rc;
}

/* A folder that does not lie where it should, or behind a link, is not recorded: a check tells. */
static enum mlt_rc record(struct mlt_disk *a, const struct mlt_finding *about, const char *path,
                          struct mlt_err *err) {
  struct work *w = a->ctx;
  char root[PATH_MAX], id[MLT_MANIFEST_ID_MAX + 1];
  const char *rest;
  struct stat st;
  (void)snprintf(id, sizeof id, "%.*s", MLT_STR_ARG(about->id));
  mlt_disk_split(a, path, root, &rest);
  if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || !*rest || !mlt_manifest_id_valid(id)) {
    w->made->empty++;
    return MLT_OK;
  }
  if (is_recorded(path, id)) {
    w->made->recorded++;
    return MLT_OK;
  }
  enum mlt_rc rc = put(w, root, rest, path, id, err);
  w->made->folders++;
  mlt_verify_count(w->v, MLT_AMOUNT_FOLDERS, 1);
  mlt_verify_count(w->v, MLT_AMOUNT_MANIFESTS, 1);
  if (rc == MLT_OK && ++w->waiting >= TOGETHER)
    rc = finish_group(w, err);
  return rc;
}

enum mlt_rc mlt_verify_manifests(struct mlt_verify *v, struct mlt_manifests_made *made,
                                 struct mlt_err *err) {
  const struct mlt_verify_opts *o = mlt_verify_options(v);
  struct work w = {.v = v, .made = made};
  struct mlt_disk a = {.v = v, .visit = record, .ctx = &w};
  const struct mlt_placer_options options = {.mode = MLT_PLACE_COPY,
                                             .threads = o->jobs,
                                             .cancelled = o->cancelled,
                                             .on_fault = note_fault,
                                             .ctx = &w};
  *made = (struct mlt_manifests_made){.folders = 0};
  enum mlt_rc rc = mlt_disk_open(&a, err);
  if (rc == MLT_OK)
    rc = mlt_placer_open(&w.placer, &options, err);
  if (rc == MLT_OK)
    rc = mlt_disk_folders(&a, err);
  if (rc == MLT_OK)
    rc = finish_group(&w, err);
  mlt_placer_group_free(w.group);
  mlt_placer_close(w.placer);
  mlt_disk_close(&a);
  return rc;
}
