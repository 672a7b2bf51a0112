/* Where artifacts are on this machine, and where they go: the user's options about places, put to
   use. Looks at the file system, changes nothing. Thread-safe once open. */
#ifndef MLT_PIPELINE_PLACES_H
#define MLT_PIPELINE_PLACES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/uri.h"
#include "model/limits.h"
#include "model/location.h"

struct mlt_places;

struct mlt_places_opts { /* borrowed while opening */
  const char *root;      /* below which the target's MLflow has artifacts, as it is written there;
                            NULL: mlt_target_artifact_root */
  const char
      *destination; /* the folder that a server keeps "mlflow-artifacts:/" of the target in, as
                       in its --artifacts-destination; NULL: not known, unless a map says it */
  const char *const *maps; /* "FROM=TO": what MLflow calls FROM, and all below, is at TO here */
  size_t n_maps;
  const struct mlt_target *target;
  const char *source; /* nothing is placed below this folder; may be a file */
};

/* MLT_USAGE: a map or root that names nothing. */
enum mlt_rc mlt_places_open(struct mlt_places **out, const struct mlt_places_opts *opts,
                            struct mlt_err *err) MLT_NODISCARD;
void mlt_places_close(struct mlt_places *p); /* NULL is fine */

/* The root as experiments are to have it: absolute if it is a path. */
const char *mlt_places_root(const struct mlt_places *p);
/* Where that is on this machine; NULL, or a static sentence why it is nowhere. */
const char *mlt_places_root_path(const struct mlt_places *p, char path[PATH_MAX]);
/* Does every URI below the root fit the columns? MLT_USAGE says how much too long it is. */
enum mlt_rc mlt_places_fit(const struct mlt_places *p, const struct mlt_limits *limits,
                           struct mlt_err *err) MLT_NODISCARD;
/* Is the root a folder here? MLT_USAGE says what is missing. */
enum mlt_rc mlt_places_reach(const struct mlt_places *p, struct mlt_err *err) MLT_NODISCARD;

/* A folder as the user named it on the command line, made absolute; not looked for. MLT_USAGE names
   the option. */
enum mlt_rc mlt_places_here(const char *option, const char *path, char out[PATH_MAX],
                            struct mlt_err *err) MLT_NODISCARD;
/* Where the location is on this machine, whether or not anything is there. NULL, or a static
   sentence why it is nowhere. */
const char *mlt_places_path(const struct mlt_places *p, const struct mlt_location *l,
                            char path[PATH_MAX]);

/* The file that a symbolic link among artifacts leads to, opened to be read: where its text is
   absolute and a map says what is there. No other link is followed on the way. -errno; -ELOOP: no
   map says so. */
int mlt_places_follow(const struct mlt_places *p, const char *target);

/* Is it in an object store, and not mapped? Such places are left as they are. */
bool mlt_places_remote(const struct mlt_places *p, struct mlt_str uri);

enum mlt_found {
  MLT_FOUND_FOLDER,  /* at `path` */
  MLT_FOUND_NOTHING, /* it has no artifacts */
  MLT_FOUND_REMOTE,  /* mlt_places_remote */
  MLT_FOUND_LINK,    /* `path`, the source's own folder for it, is a link, or lies behind one that
                        leads out of what was mapped */
  MLT_FOUND_MISSING, /* there should be a folder at `path`, or where `path` is what it is called */
};

struct mlt_place_of { /* a run or a logged model */
  struct mlt_str id;
  struct mlt_str uri;   /* as the source has it; may be absent */
  struct mlt_str files; /* model/record.h */
  bool files_all;
  bool moves; /* the source's folder may have been emptied before: the place that was recorded is
                 not tried in its stead, it may be where the source is a copy of */
};

/* In this order: where a map leads to, the source's own folder, the path that was recorded if it is
   one that MLflow gives to a run or model of this id. MLflow makes the folder with the first file:
   one that is missing below a root that is there has no artifacts. */
enum mlt_found mlt_places_find(const struct mlt_places *p, const struct mlt_place_of *what,
                               char path[PATH_MAX]);

/* The ROOT of a place as MLflow gives it to a run or model, ROOT/<experiment>/.../<id>/artifacts.
   False: it was not given like that. */
bool mlt_places_root_of(const struct mlt_place_of *what, struct mlt_location *root);

/* A folder to place files in. */
struct mlt_destination {
  char root[PATH_MAX]; /* absolute */
  char path[PATH_MAX]; /* relative to it */
};

/* The folder of a run or model whose URI in the target is this. NULL, or a static sentence why
   nothing can be written there. */
const char *mlt_places_destination(const struct mlt_places *p, struct mlt_str uri,
                                   struct mlt_destination *out);
/* Are the two the same folder? */
bool mlt_places_same(const char *folder, const struct mlt_destination *d);
/* Would it lie in what is being read, so that it would change under us? */
bool mlt_places_in_source(const struct mlt_places *p, const struct mlt_destination *d);

#endif
