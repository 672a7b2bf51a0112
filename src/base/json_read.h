/* Reads one JSON document that is small enough to hold: a line of JSON lines, a file of parameters.
   Takes what Python's json module writes, so also NaN, Infinity and -Infinity. Thread-safe. */
#ifndef MLT_BASE_JSON_READ_H
#define MLT_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
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
  MLT_JSON_OBJECT
};

/* A value that is no object. path: the keys that lead to it, joined; text: as it is written
   in JSON, a string without its quotes. Both valid during the call. Anything but MLT_OK ends the
   walk with that code. */
typedef enum mlt_rc (*mlt_json_leaf_fn)(void *ctx, struct mlt_str path, enum mlt_json_kind kind,
                                        struct mlt_str text);

/* NULL with MLT_DATA in err when the text is not one JSON document of at most MLT_JSON_DEPTH
   levels; MLT_NOMEM. Free with mlt_json_free. */
struct mlt_json *mlt_json_parse(struct mlt_str text, struct mlt_err *err);
/* Every value in j, which must be an object, but what is below the key `skip` of j itself (may be
   NULL), in order; keys are joined by `joint`. MLT_DATA when j is no object; MLT_TOOBIG for a path
   of more than 4 KiB. */
enum mlt_rc mlt_json_leaves(const struct mlt_json *j, const char *skip, const char *joint,
                            mlt_json_leaf_fn fn, void *ctx) MLT_NODISCARD;

/* Looking inside. What is not there is NULL, and NULL is a null of JSON. */
enum mlt_json_kind mlt_json_kind(const struct mlt_json *j);
const struct mlt_json *mlt_json_get(const struct mlt_json *object, const char *key);
/* The members of an object in order: start with *pos = NULL; false at the end, and for what is no
   object. */
bool mlt_json_member(const struct mlt_json *object, const void **pos, struct mlt_str *key,
                     const struct mlt_json **value);
/* The elements of a list; 0 and NULL for what is no list, or beyond its end. */
size_t mlt_json_length(const struct mlt_json *list);
const struct mlt_json *mlt_json_at(const struct mlt_json *list, size_t i);
/* A string's characters; a number, a truth value, an object, a list as it is written in JSON; null
   is absent. Lives as long as j. Absent when out of memory, too. */
struct mlt_str mlt_json_text(const struct mlt_json *j);
/* The string that stands between quotes in JSON, put in place of what out held. MLT_DATA: it is
   none; MLT_NOMEM. */
enum mlt_rc mlt_json_unquote(struct mlt_buf *out, struct mlt_str quoted) MLT_NODISCARD;

#endif
