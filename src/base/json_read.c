#include "base/json_read.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "base/buf.h"

enum { PATH_BYTES = 4096 };

struct mlt_json *mlt_json_parse(struct mlt_str text, struct mlt_err *err) {
  struct json_tokener *t = json_tokener_new_ex(MLT_JSON_DEPTH);
  struct json_object *j = NULL;
  if (!t) {
    (void)mlt_err_nomem(err);
    return NULL;
  }
  if (text.len > INT_MAX / 2)
    text.len = INT_MAX / 2; /* cut, it cannot be whole */
  j = json_tokener_parse_ex(t, text.p, (int)text.len);
  enum json_tokener_error e = json_tokener_get_error(t);
  if (e == json_tokener_continue) { /* a number at the end is whole only when something follows */
    j = json_tokener_parse_ex(t, "\n", 1);
    e = json_tokener_get_error(t);
  }
  size_t rest = json_tokener_get_parse_end(t);
  json_tokener_free(t);
  while (e == json_tokener_success && rest < text.len && strchr(" \t\r\n", text.p[rest]))
    rest++;
  if (e == json_tokener_success && rest >= text.len && j)
    return (struct mlt_json *)j;
  (void)json_object_put(j);
  (void)mlt_err_set(err, MLT_DATA, "%s",
                    e == json_tokener_continue  ? "it ends before the document does"
                    : e == json_tokener_success ? "there is something behind the document, or null"
                                                : json_tokener_error_desc(e));
  return NULL;
}

struct walk {
  struct mlt_buf path;
  const char *skip;
  mlt_json_leaf_fn fn;
  void *ctx;
};

static enum mlt_rc give(struct walk *w, struct json_object *v) {
  static const enum mlt_json_kind kinds[] = {
      [json_type_null] = MLT_JSON_NULL,     [json_type_boolean] = MLT_JSON_BOOL,
      [json_type_double] = MLT_JSON_NUMBER, [json_type_int] = MLT_JSON_NUMBER,
      [json_type_array] = MLT_JSON_LIST,    [json_type_string] = MLT_JSON_STRING,
  };
  enum mlt_json_kind kind = kinds[json_object_get_type(v)];
  struct mlt_str text;
  if (kind == MLT_JSON_STRING)
    text = (struct mlt_str){json_object_get_string(v), (size_t)json_object_get_string_len(v)};
  else
    text = mlt_str_c(json_object_to_json_string_ext(v, JSON_C_TO_STRING_NOSLASHESCAPE));
  return text.p ? w->fn(w->ctx, mlt_buf_str(&w->path), kind, text) : MLT_NOMEM;
}

/* As deep as the parser goes, which is MLT_JSON_DEPTH. */
static enum mlt_rc walk(struct walk *w, struct json_object *object) {
  size_t before = w->path.len;
  json_object_object_foreach(object, key, v) {
    if (!before && w->skip && strcmp(key, w->skip) == 0)
      continue;
    enum mlt_rc rc = before ? mlt_buf_adds(&w->path, "/") : MLT_OK;
    if (rc == MLT_OK)
      rc = mlt_buf_adds(&w->path, key);
    if (rc == MLT_OK)
      rc = json_object_is_type(v, json_type_object) ? walk(w, v) : give(w, v);
    if (rc != MLT_OK)
      return rc;
    w->path.len = before;
  }
  return MLT_OK;
}

enum mlt_rc mlt_json_leaves(const struct mlt_json *j, const char *skip, mlt_json_leaf_fn fn,
                            void *ctx) {
  struct json_object *object = (struct json_object *)(uintptr_t)j;
  struct walk w = {.skip = skip, .fn = fn, .ctx = ctx};
  if (!json_object_is_type(object, json_type_object))
    return MLT_DATA;
  mlt_buf_init(&w.path, PATH_BYTES);
  enum mlt_rc rc = walk(&w, object);
  mlt_buf_free(&w.path);
  return rc;
}
