/* Reads one JSON document that is small enough to hold: a line of JSON lines, a file of parameters.
   Takes what Python's json module writes, so also NaN, Infinity and -Infinity. Thread-safe. */
#ifndef MLT_BASE_JSON_READ_H
#define MLT_BASE_JSON_READ_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum { MLT_JSON_DEPTH = 32 };

enum mlt_json_kind {
  MLT_JSON_NULL,
  MLT_JSON_BOOL,
  MLT_JSON_NUMBER,
  MLT_JSON_STRING,
  MLT_JSON_LIST, /* of anything */
};

/* A value that is no object. path: the keys that lead to it, joined by "/"; text: as it is written
   in JSON, a string without its quotes. Both valid during the call. Anything but MLT_OK ends the
   walk with that code. */
typedef enum mlt_rc (*mlt_json_leaf_fn)(void *ctx, struct mlt_str path, enum mlt_json_kind kind,
                                        struct mlt_str text);

/* NULL with MLT_DATA in err when the text is not one JSON document of at most MLT_JSON_DEPTH
   levels; MLT_NOMEM. Free with mlt_json_free. */
struct mlt_json *mlt_json_parse(struct mlt_str text, struct mlt_err *err);
/* Every value in j, which must be an object, but what is below the key `skip` of j itself (may be
   NULL), in order. MLT_DATA when j is no object; MLT_TOOBIG for a path of more than 4 KiB. */
enum mlt_rc mlt_json_leaves(const struct mlt_json *j, const char *skip, mlt_json_leaf_fn fn,
                            void *ctx) MLT_NODISCARD;

#endif
