#include "base/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

/* A struct mlt_json is a struct json_object under our own name. When memory runs out a container is
   marked through its user data, and writing looks for the mark: json-c alone would write null. */
static char incomplete_mark;

static struct json_object *in(const struct mlt_json *j) {
  return (struct json_object *)(uintptr_t)j;
}

static struct mlt_json *ours(struct json_object *j) {
  return (struct mlt_json *)j;
}

struct mlt_json *mlt_json_object(void) {
  return ours(json_object_new_object());
}

struct mlt_json *mlt_json_array(void) {
  return ours(json_object_new_array());
}

void mlt_json_free(struct mlt_json *j) {
  (void)json_object_put(in(j));
}

static void mark_incomplete(struct mlt_json *container) {
  if (container)
    json_object_set_userdata(in(container), &incomplete_mark, NULL);
}

/* s with bad UTF-8 replaced. Mostly there is none: then no copy is made. */
static struct json_object *new_string(struct mlt_str s) {
  struct mlt_buf b;
  struct json_object *j = NULL;
  if (s.len > INT_MAX / 4)
    return NULL;
  if (mlt_utf8_invalid(s) < 0)
    return json_object_new_string_len(s.p ? s.p : "", (int)s.len);
  mlt_buf_init(&b, INT_MAX);
  if (mlt_text_repair(&b, s) == MLT_OK)
    j = json_object_new_string_len(b.p, (int)b.len);
  mlt_buf_free(&b);
  return j;
}

static struct json_object *new_double(double d) {
  char text[MLT_DOUBLE_TEXT];
  if (isnan(d))
    return json_object_new_string("NaN");
  if (isinf(d))
    return json_object_new_string(d > 0 ? "Infinity" : "-Infinity");
  mlt_text_double(text, d);
  return json_object_new_double_s(d, text);
}

/* Keys may be data, too. */
static int add_repaired(struct mlt_json *obj, const char *key, struct json_object *child) {
  struct mlt_buf b;
  mlt_buf_init(&b, INT_MAX);
  const char *good = mlt_text_repair(&b, mlt_str_c(key)) == MLT_OK ? mlt_buf_cstr(&b) : NULL;
  int failed = good ? json_object_object_add(in(obj), good, child) : -1;
  mlt_buf_free(&b);
  return failed;
}

/* Gives child to obj; NULL stands for a child that could not be made. */
static struct mlt_json *add(struct mlt_json *obj, const char *key, struct json_object *child) {
  bool failed = true;
  if (obj && child)
    failed = mlt_utf8_invalid(mlt_str_c(key)) < 0 ? json_object_object_add(in(obj), key, child) != 0
                                                  : add_repaired(obj, key, child) != 0;
  if (!failed)
    return ours(child);
  mark_incomplete(obj);
  (void)json_object_put(child);
  return NULL;
}

void mlt_json_set_null(struct mlt_json *obj, const char *key) {
  if (obj && json_object_object_add(in(obj), key, NULL) != 0)
    mark_incomplete(obj);
}

void mlt_json_set_str(struct mlt_json *obj, const char *key, struct mlt_str s) {
  if (s.p)
    (void)add(obj, key, new_string(s));
  else
    mlt_json_set_null(obj, key);
}

void mlt_json_set_cstr(struct mlt_json *obj, const char *key, const char *s) {
  mlt_json_set_str(obj, key, mlt_str_c(s));
}

void mlt_json_set_i64(struct mlt_json *obj, const char *key, int64_t n) {
  (void)add(obj, key, json_object_new_int64(n));
}

void mlt_json_set_u64(struct mlt_json *obj, const char *key, uint64_t n) {
  (void)add(obj, key, json_object_new_uint64(n));
}

void mlt_json_set_double(struct mlt_json *obj, const char *key, double n) {
  (void)add(obj, key, new_double(n));
}

void mlt_json_set_bool(struct mlt_json *obj, const char *key, bool b) {
  (void)add(obj, key, json_object_new_boolean(b));
}

struct mlt_json *mlt_json_set(struct mlt_json *obj, const char *key, struct mlt_json *child) {
  return add(obj, key, in(child));
}

struct mlt_json *mlt_json_push(struct mlt_json *arr, struct mlt_json *child) {
  if (arr && child && json_object_array_add(in(arr), in(child)) == 0)
    return child;
  mark_incomplete(arr);
  mlt_json_free(child);
  return NULL;
}

void mlt_json_push_str(struct mlt_json *arr, struct mlt_str s) {
  (void)mlt_json_push(arr, ours(new_string(s)));
}

static bool has_mark(struct json_object *j) {
  if (json_object_is_type(j, json_type_array)) {
    bool found = json_object_get_userdata(j) == &incomplete_mark;
    for (size_t i = 0; !found && i < json_object_array_length(j); i++)
      found = has_mark(json_object_array_get_idx(j, i));
    return found;
  }
  if (!json_object_is_type(j, json_type_object))
    return false;
  if (json_object_get_userdata(j) == &incomplete_mark)
    return true;
  json_object_object_foreach(j, key, child) {
    (void)key;
    if (has_mark(child))
      return true;
  }
  return false;
}

enum mlt_rc mlt_json_write(FILE *out, const struct mlt_json *j, bool pretty, struct mlt_err *err) {
  int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
              (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN);
  size_t len;
  if (!j || has_mark(in(j)))
    return mlt_err_nomem(err);
  const char *text = json_object_to_json_string_length(in(j), flags, &len);
  if (!text)
    return mlt_err_nomem(err);
  if (fwrite(text, 1, len, out) != len || fputc('\n', out) == EOF || fflush(out) != 0)
    return mlt_err_errno(err, errno, "cannot write JSON");
  return MLT_OK;
}
