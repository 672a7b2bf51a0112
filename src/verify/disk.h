/* What the parts of the check "artifacts" share.

     disk.c           the locations in the database, and the folders they name
     disk_versions.c  what model versions and datasets name
     disk_orphans.c   what is on disk, and whose it is
     manifests.c      no check: manifests for the folders that the locations name */
#ifndef MLT_VERIFY_DISK_H
#define MLT_VERIFY_DISK_H

#include "base/map.h"
#include "model/location.h"
#include "pipeline/places.h"
#include "verify/check.h"
#include "verify/records.h"
#include "verify/scan.h"

/* In a root other folders may be experiments' that the database does not have: where MLflow made
   the location itself, ROOT/<number>, and where a root was given. */
enum { MLT_ROOT = 1, MLT_ROOT_OF_EXPERIMENTS = 2 };

struct mlt_disk;
/* Does what is to be done with the folder of a run or logged model; path: absolute, plain, and in a
   root that is allowed. */
typedef enum mlt_rc (*mlt_disk_fn)(struct mlt_disk *a, const struct mlt_finding *about,
                                   const char *path, struct mlt_err *err);

struct mlt_disk {
  struct mlt_verify *v;
  mlt_disk_fn visit;
  void *ctx; /* of visit */
  struct mlt_places *places;
  struct mlt_map *allowed; /* the roots that were given, plain -> 1 */
  struct mlt_access *as;   /* NULL: nobody else */
  struct mlt_scan *scan;
  struct mlt_state *state;     /* NULL: none is kept */
  struct mlt_records *records; /* runs and logged models, of all or of those chosen */
  struct mlt_map *experiments; /* folders of experiments -> 1 */
  struct mlt_map *roots;       /* folders that experiments' folders lie in, and those given */
  struct mlt_scanned told;
  uint64_t remote;  /* locations in object stores, and the like */
  uint64_t unknown; /* that only a server knows */
};

/* Opens what is needed to locate; a is zeroed but for v, visit and ctx. To be closed after an
   error, too. */
enum mlt_rc mlt_disk_open(struct mlt_disk *a, struct mlt_err *err);
void mlt_disk_close(struct mlt_disk *a);
/* Goes through runs and logged models, all or those chosen: judges, remembers, visits. */
enum mlt_rc mlt_disk_folders(struct mlt_disk *a, struct mlt_err *err);
/* The root that a folder is looked for, or recorded, beneath; rest: the path from there on. */
void mlt_disk_split(const struct mlt_disk *a, const char *path, char root[PATH_MAX],
                    const char **rest);

/* Judges a location, tells what is wrong with it, and gives the path it has here, plain. False:
   there is none, as for NULL. about: table, id, experiment, field. */
bool mlt_disk_locate(struct mlt_disk *a, const struct mlt_finding *about, struct mlt_str uri,
                     enum mlt_column column, char path[PATH_MAX]);
/* Of a location that was parsed already. */
bool mlt_disk_path(struct mlt_disk *a, const struct mlt_finding *about,
                   const struct mlt_location *l, char path[PATH_MAX]);

enum mlt_rc mlt_disk_versions(struct mlt_disk *a, struct mlt_err *err);
enum mlt_rc mlt_disk_datasets(struct mlt_disk *a, struct mlt_err *err);
enum mlt_rc mlt_disk_orphans(struct mlt_disk *a, struct mlt_err *err);

#endif
