#include "base/json_read.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "base/buf.h"

enum { PATH_BYTES = 4096 };

struct mlt_json *mlt_json_parse(struct mlt_str text, struct mlt_err *err) {
  struct json_tokener *t = json_tokener_new_ex(MLT_JSON_DEPTH);
  struct json_object *j = NULL;
  size_t rest;
  if (!t) {
    (void)mlt_err_nomem(err);
    return NULL;
  }
  json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
  if (text.len > INT_MAX / 2)
    text.len = INT_MAX / 2; /* cut, it cannot be whole */
  j = json_tokener_parse_ex(t, text.p, (int)text.len);
  enum json_tokener_error e = json_tokener_get_error(t);
  if (e == json_tokener_continue) { /* a number at the end is whole only when something follows */
    j = json_tokener_parse_ex(t, "\n", 1);
    e = json_tokener_get_error(t);
    rest = text.len;
  } else {
    rest = json_tokener_get_parse_end(t);
  }
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
  const char *skip, *joint;
  mlt_json_leaf_fn fn;
  void *ctx;
};

static enum mlt_json_kind kind_of(struct json_object *v) {
  static const enum mlt_json_kind kinds[] = {
      [json_type_null] = MLT_JSON_NULL,     [json_type_boolean] = MLT_JSON_BOOL,
      [json_type_double] = MLT_JSON_NUMBER, [json_type_int] = MLT_JSON_NUMBER,
      [json_type_array] = MLT_JSON_LIST,    [json_type_string] = MLT_JSON_STRING,
      [json_type_object] = MLT_JSON_OBJECT,
  };
  return kinds[json_object_get_type(v)];
}

static struct mlt_str text_of(struct json_object *v) {
  if (json_object_is_type(v, json_type_string))
    return (struct mlt_str){json_object_get_string(v), (size_t)json_object_get_string_len(v)};
  return mlt_str_c(json_object_to_json_string_ext(v, JSON_C_TO_STRING_NOSLASHESCAPE));
}

static enum mlt_rc give(struct walk *w, struct json_object *v) {
  struct mlt_str text = text_of(v);
  return text.p ? w->fn(w->ctx, mlt_buf_str(&w->path), kind_of(v), text) : MLT_NOMEM;
}

/* As deep as the parser goes, which is MLT_JSON_DEPTH. */
static enum mlt_rc walk(struct walk *w, struct json_object *object) {
  size_t before = w->path.len;
  json_object_object_foreach(object, key, v) {
    if (!before && w->skip && strcmp(key, w->skip) == 0)
      continue;
    enum mlt_rc rc = before ? mlt_buf_adds(&w->path, w->joint) : MLT_OK;
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

enum mlt_rc mlt_json_leaves(const struct mlt_json *j, const char *skip, const char *joint,
                            mlt_json_leaf_fn fn, void *ctx) {
  struct json_object *object = (struct json_object *)(uintptr_t)j;
  struct walk w = {.skip = skip, .joint = joint, .fn = fn, .ctx = ctx};
  if (!json_object_is_type(object, json_type_object))
    return MLT_DATA;
  mlt_buf_init(&w.path, PATH_BYTES);
  enum mlt_rc rc = walk(&w, object);
  mlt_buf_free(&w.path);
  return rc;
}

static struct json_object *in(const struct mlt_json *j) {
  return (struct json_object *)(uintptr_t)j;
}

enum mlt_json_kind mlt_json_kind(const struct mlt_json *j) {
  return kind_of(in(j));
}

const struct mlt_json *mlt_json_get(const struct mlt_json *object, const char *key) {
  struct json_object *v = NULL;
  if (!json_object_is_type(in(object), json_type_object))
    return NULL;
  return json_object_object_get_ex(in(object), key, &v) ? (const struct mlt_json *)v : NULL;
}

bool mlt_json_member(const struct mlt_json *object, const void **pos, struct mlt_str *key,
                     const struct mlt_json **value) {
  if (!json_object_is_type(in(object), json_type_object))
    return false;
  const struct lh_entry *last = *pos;
  const struct lh_entry *e = last ? lh_entry_next(last) : json_object_get_object(in(object))->head;
  if (!e)
    return false;
  *pos = e;
  *key = mlt_str_c(lh_entry_k(e));
  *value = lh_entry_v(e);
  return true;
}

size_t mlt_json_length(const struct mlt_json *list) {
  return json_object_is_type(in(list), json_type_array) ? json_object_array_length(in(list)) : 0;
}

const struct mlt_json *mlt_json_at(const struct mlt_json *list, size_t i) {
  if (i >= mlt_json_length(list))
    return NULL;
  return (const struct mlt_json *)json_object_array_get_idx(in(list), i);
}

struct mlt_str mlt_json_text(const struct mlt_json *j) {
  return j ? text_of(in(j)) : MLT_STR_NULL;
}

enum mlt_rc mlt_json_unquote(struct mlt_buf *out, struct mlt_str quoted) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_json *j = mlt_json_parse(quoted, &err);
  struct mlt_str text = mlt_json_text(j);
  enum mlt_rc rc = !j ? err.rc : mlt_json_kind(j) == MLT_JSON_STRING ? MLT_OK : MLT_DATA;
  mlt_buf_clear(out);
  if (rc == MLT_OK)
    rc = mlt_buf_add(out, text.p, text.len);
  mlt_json_free(j);
  return rc;
}
