/* Builds and writes JSON documents: what --json, the rejects file and the log print. Only writing;
   the one file that includes json-c for it is json.c. Output is always valid JSON: bad UTF-8
   becomes U+FFFD, and doubles that JSON has no number for become the strings "NaN", "Infinity",
   "-Infinity". A node belongs to the one it was put into. Building never fails half-way: when
   memory runs out the document remembers, and mlt_json_write reports MLT_NOMEM. */
#ifndef MLT_BASE_JSON_H
#define MLT_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/err.h"
#include "base/str.h"

struct mlt_json;

struct mlt_json *mlt_json_object(void);
struct mlt_json *mlt_json_array(void);
void mlt_json_free(struct mlt_json *j); /* NULL is fine; only for a node that has no owner */

/* Sets a key of an object; a key that is there already is replaced. An absent string is null. */
void mlt_json_set_str(struct mlt_json *obj, const char *key, struct mlt_str s);
void mlt_json_set_cstr(struct mlt_json *obj, const char *key, const char *s);
void mlt_json_set_i64(struct mlt_json *obj, const char *key, int64_t n);
void mlt_json_set_u64(struct mlt_json *obj, const char *key, uint64_t n);
void mlt_json_set_double(struct mlt_json *obj, const char *key, double n);
void mlt_json_set_bool(struct mlt_json *obj, const char *key, bool b);
void mlt_json_set_null(struct mlt_json *obj, const char *key);

/* Puts child into obj or arr, which owns it from then on. Returns child for further filling. */
struct mlt_json *mlt_json_set(struct mlt_json *obj, const char *key, struct mlt_json *child);
struct mlt_json *mlt_json_push(struct mlt_json *arr, struct mlt_json *child);
void mlt_json_push_str(struct mlt_json *arr, struct mlt_str s);

/* Writes j and a newline: indented when pretty, else on one line. MLT_NOMEM, or MLT_IO when out
   cannot take it (flushed, so that a full disk shows here). */
enum mlt_rc mlt_json_write(FILE *out, const struct mlt_json *j, bool pretty,
                           struct mlt_err *err) MLT_NODISCARD;

#endif
