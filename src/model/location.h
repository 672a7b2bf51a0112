/* What an artifact URI names, read as MLflow 3.17 reads it (utils/file_utils.py:
   local_file_uri_to_path; utils/uri.py; store/artifact/), and brought into one form, so that places
   can be compared by whole components whatever way they are written. No I/O. */
#ifndef MLT_MODEL_LOCATION_H
#define MLT_MODEL_LOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include "base/str.h"

enum { MLT_LOCATION_MAX = 4096 };

enum mlt_location_kind {
  MLT_LOCATION_LOCAL,    /* "/a/b": an absolute path, "file:///a/b" */
  MLT_LOCATION_RELATIVE, /* "mlruns/0": to the folder some MLflow was run in, "file:mlruns/0" */
  MLT_LOCATION_WINDOWS,  /* "C:/a/b", "//server/share": a path of that system */
  MLT_LOCATION_SERVED,   /* "mlflow-artifacts:/a/b": below what a server has as its destination */
  MLT_LOCATION_REMOTE,   /* "s3://bucket/a" and every other scheme */
  MLT_LOCATION_REFERENCE /* "runs:/..." and "models:/...": names what the database knows */
};

/* No "//" but behind a scheme, no component ".", no "/" at the end: "/" itself is "". Of paths that
   MLflow decodes, "%20" is a blank. */
struct mlt_location {
  enum mlt_location_kind kind;
  size_t len;
  char text[MLT_LOCATION_MAX + 1]; /* NUL-terminated */
};

/* NULL, or a static sentence saying why it names nothing: empty, longer than MLT_LOCATION_MAX, a
   NUL, a component "..", a file on another host. */
const char *mlt_location_parse(struct mlt_location *out, struct mlt_str uri);

static inline struct mlt_str mlt_location_str(const struct mlt_location *l) {
  return (struct mlt_str){l->text, l->len};
}

/* Is it `prefix`, or below it? *rest is what follows, without the "/" between; it points into l. */
bool mlt_location_below(const struct mlt_location *l, const struct mlt_location *prefix,
                        struct mlt_str *rest);
/* The place `levels` components up; false if it has not so many. */
bool mlt_location_up(struct mlt_location *l, unsigned levels);

/* Does it end as MLflow ends what it gives a run or a logged model, "/<id>/artifacts"? */
bool mlt_location_is_of(const struct mlt_location *l, struct mlt_str id);

/* Whose artifacts does this URI, as it is written, lie in? The first "/<id>/artifacts" in it, where
   <id> is `expected` (may be absent) or has the form of MLflow's ids: 32 hexadecimal digits, those
   of logged models behind "m-". *rest is what follows "artifacts", with its "/". */
bool mlt_location_owner(struct mlt_str uri, struct mlt_str expected, struct mlt_str *id,
                        struct mlt_str *rest);

#endif
