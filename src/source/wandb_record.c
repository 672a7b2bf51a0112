#include "source/wandb_record.h"

#include <math.h>
#include <string.h>

#include "base/json_read.h"
#include "model/rules.h"

enum { NAME_MAX_BYTES = 64 * 1024, TEXT_MAX_BYTES = 64 << 20 };

void mlt_wb_names_init(struct mlt_wb_names *n) {
  mlt_buf_init(&n->name, NAME_MAX_BYTES);
  mlt_buf_init(&n->media, TEXT_MAX_BYTES);
}

void mlt_wb_names_free(struct mlt_wb_names *n) {
  mlt_buf_free(&n->name);
  mlt_buf_free(&n->media);
}

enum mlt_rc mlt_wb_record(struct mlt_str record, enum mlt_wb_kind *kind, struct mlt_str *body,
                          const char **why) {
  static const enum mlt_wb_kind known[] = {MLT_WB_HISTORY, MLT_WB_SUMMARY,  MLT_WB_CONFIG,
                                           MLT_WB_STATS,   MLT_WB_ARTIFACT, MLT_WB_ALERT,
                                           MLT_WB_RUN,     MLT_WB_EXIT,     MLT_WB_ENVIRONMENT};
  struct mlt_pb pb = mlt_pb_of(record);
  struct mlt_pb_field f;
  enum mlt_rc rc;
  *kind = MLT_WB_OTHER;
  while ((rc = mlt_pb_next(&pb, &f, why)) == MLT_OK)
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
      if (f.number == (uint32_t)known[i] && f.wire == MLT_PB_BYTES) {
        *kind = known[i];
        *body = f.bytes;
      }
  return rc == MLT_END ? MLT_OK : rc;
}

struct mlt_str mlt_wb_bytes(struct mlt_str message, uint32_t number) {
  struct mlt_pb pb = mlt_pb_of(message);
  struct mlt_pb_field f;
  struct mlt_str found = MLT_STR_NULL;
  while (mlt_pb_next(&pb, &f, NULL) == MLT_OK)
    if (f.number == number && f.wire == MLT_PB_BYTES)
      found = f.bytes;
  return found;
}

int64_t mlt_wb_int(struct mlt_str message, uint32_t number) {
  struct mlt_pb pb = mlt_pb_of(message);
  struct mlt_pb_field f;
  uint64_t found = 0;
  while (mlt_pb_next(&pb, &f, NULL) == MLT_OK)
    if (f.number == number && f.wire == MLT_PB_VARINT)
      found = f.u;
  return (int64_t)found;
}

bool mlt_wb_seconds(double seconds, int64_t *ms) {
  if (!(seconds > 0 && seconds < 1e12))
    return false;
  *ms = (int64_t)floor(seconds * 1000);
  return true;
}

bool mlt_wb_time(struct mlt_str message, uint32_t number, int64_t *ms) {
  enum { SECONDS = 1, NANOS = 2 };
  struct mlt_str t = mlt_wb_bytes(message, number);
  int64_t s = mlt_wb_int(t, SECONDS), nanos = mlt_wb_int(t, NANOS);
  if (s <= 0 || s > 1000000000000 || nanos < 0 || nanos >= 1000000000)
    return false;
  *ms = s * 1000 + nanos / 1000000;
  return true;
}

/* ---- items ---- */

struct walk {
  struct mlt_wb_names *n;
  mlt_wb_leaf_fn fn;
  void *ctx;
  const char **why;
};

static enum mlt_rc bad(struct walk *w, const char *reason) {
  *w->why = reason;
  return MLT_DATA;
}

static enum mlt_rc give(struct walk *w, struct mlt_wb_leaf leaf) {
  leaf.name = mlt_buf_str(&w->n->name);
  return w->fn(w->ctx, &leaf);
}

/* A number, or one of the words that stand for what JSON has no number for. */
static bool is_number(struct mlt_str text, double *out) {
  static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (mlt_str_is(text, words[i]))
      return mlt_parse_double(text, out);
  return text.len && (text.p[0] == '-' || (text.p[0] >= '0' && text.p[0] <= '9')) &&
         mlt_parse_double(text, out);
}

static enum mlt_rc scalar(struct walk *w, enum mlt_json_kind kind, struct mlt_str text) {
  struct mlt_wb_leaf leaf = {.kind = MLT_WB_TEXT, .text = text};
  bool special = kind == MLT_JSON_STRING && text.len && strchr("NI-", text.p[0]);
  if (kind == MLT_JSON_NULL)
    leaf.kind = MLT_WB_NULL;
  else if (kind == MLT_JSON_BOOL) {
    leaf.number = text.p[0] == 't';
    leaf.text = text.p[0] == 't' ? MLT_STR_LIT("True") : MLT_STR_LIT("False");
    leaf.kind = MLT_WB_NUMBER;
  } else if (kind == MLT_JSON_NUMBER || special) {
    if (is_number(text, &leaf.number) && (!special || !isfinite(leaf.number)))
      leaf.kind = MLT_WB_NUMBER;
  }
  return give(w, leaf);
}

static enum mlt_rc tree(struct walk *w, const struct mlt_json *j);

static enum mlt_rc members(struct walk *w, const struct mlt_json *object) {
  struct mlt_buf *name = &w->n->name;
  size_t before = name->len;
  const void *pos = NULL;
  const struct mlt_json *v;
  struct mlt_str key;
  if (mlt_json_get(object, "_type"))
    return give(w, (struct mlt_wb_leaf){.kind = MLT_WB_MEDIA});
  while (mlt_json_member(object, &pos, &key, &v)) {
    if (mlt_buf_adds(name, ".") != MLT_OK || mlt_buf_add(name, key.p, key.len) != MLT_OK)
      return bad(w, "a name is too long");
    enum mlt_rc rc = tree(w, v);
    name->len = before;
    if (rc != MLT_OK)
      return rc;
  }
  return MLT_OK;
}

/* As deep as the parser goes. */
static enum mlt_rc tree(struct walk *w, const struct mlt_json *j) {
  enum mlt_json_kind kind = mlt_json_kind(j);
  return kind == MLT_JSON_OBJECT ? members(w, j) : scalar(w, kind, mlt_json_text(j));
}

/* Most values are plain numbers: those need no parser. */
static enum mlt_rc json_value(struct walk *w, struct mlt_str raw) {
  struct mlt_err err = MLT_ERR_INIT;
  double d;
  if (is_number(raw, &d))
    return give(w, (struct mlt_wb_leaf){.kind = MLT_WB_NUMBER, .number = d, .text = raw});
  if (mlt_str_is(raw, "null"))
    return scalar(w, MLT_JSON_NULL, raw);
  struct mlt_json *j = mlt_json_parse(raw, &err);
  if (!j)
    return err.rc == MLT_DATA ? bad(w, "a value is no JSON") : err.rc;
  enum mlt_rc rc = tree(w, j);
  mlt_json_free(j);
  return rc;
}

/* Fields of HistoryItem; the others have KEY, NESTED_KEY and JSON alone. */
enum { KEY = 1, NESTED_KEY, NONE, BOOLEAN, INTEGER, NUMBER, TEXT, JSON, VALUE_JSON = 16 };

static enum mlt_rc add_part(struct walk *w, struct mlt_str part) {
  struct mlt_buf *name = &w->n->name;
  enum mlt_rc rc = name->len ? mlt_buf_adds(name, ".") : MLT_OK;
  if (rc == MLT_OK)
    rc = mlt_buf_add(name, part.p, part.len);
  return rc == MLT_TOOBIG ? bad(w, "a name is too long") : rc;
}

/* The name of an item, and the field that is its value (number 0: none). */
static enum mlt_rc take_apart(struct walk *w, struct mlt_str item, struct mlt_pb_field *value) {
  struct mlt_pb pb = mlt_pb_of(item);
  struct mlt_pb_field f;
  enum mlt_rc rc;
  mlt_buf_clear(&w->n->name);
  *value = (struct mlt_pb_field){.number = 0};
  while ((rc = mlt_pb_next(&pb, &f, w->why)) == MLT_OK) {
    if ((f.number == KEY || f.number == NESTED_KEY) && f.wire == MLT_PB_BYTES)
      rc = f.bytes.len ? add_part(w, f.bytes) : MLT_OK;
    else if (f.number <= JSON || f.number == VALUE_JSON)
      *value = f;
    if (rc != MLT_OK)
      return rc;
  }
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc item_value(struct walk *w, const struct mlt_pb_field *f) {
  bool bytes = f->wire == MLT_PB_BYTES, varint = f->wire == MLT_PB_VARINT;
  if ((f->number == VALUE_JSON || f->number == JSON) && bytes)
    return json_value(w, f->bytes);
  if (f->number == NUMBER && f->wire == MLT_PB_FIXED64)
    return give(w, (struct mlt_wb_leaf){.number = mlt_pb_double(f->u)});
  if (f->number == INTEGER && varint)
    return give(w, (struct mlt_wb_leaf){.number = (double)(int64_t)f->u});
  if (f->number == BOOLEAN && varint)
    return give(w, (struct mlt_wb_leaf){.number = f->u != 0});
  if (f->number == TEXT && bytes)
    return give(w, (struct mlt_wb_leaf){.kind = MLT_WB_TEXT, .text = f->bytes});
  return give(w, (struct mlt_wb_leaf){.kind = MLT_WB_NULL});
}

/* Names of media, each with a NUL, from the parts of nested names that end in "_type". */
static enum mlt_rc find_media(struct walk *w, struct mlt_str message, uint32_t number) {
  static const char tail[] = "._type";
  const size_t n = sizeof tail - 1;
  struct mlt_pb pb = mlt_pb_of(message);
  struct mlt_pb_field f, value;
  enum mlt_rc rc;
  mlt_buf_clear(&w->n->media);
  while ((rc = mlt_pb_next(&pb, &f, w->why)) == MLT_OK) {
    if (f.number != number || f.wire != MLT_PB_BYTES)
      continue;
    if ((rc = take_apart(w, f.bytes, &value)) != MLT_OK)
      return rc;
    struct mlt_str name = mlt_buf_str(&w->n->name);
    if (name.len > n && memcmp(name.p + name.len - n, tail, n) == 0 &&
        (mlt_buf_add(&w->n->media, name.p, name.len - n) != MLT_OK ||
         mlt_buf_add(&w->n->media, "", 1) != MLT_OK))
      return MLT_NOMEM;
  }
  return rc == MLT_END ? MLT_OK : rc;
}

/* Does this item belong to a medium? *first: it is the one that says so. */
static bool of_media(const struct walk *w, bool *first) {
  struct mlt_str name = mlt_buf_str(&w->n->name);
  const struct mlt_buf *m = &w->n->media;
  for (size_t at = 0; at < m->len; at += strlen(m->p + at) + 1) {
    size_t n = strlen(m->p + at);
    if (name.len > n && memcmp(name.p, m->p + at, n) == 0 && name.p[n] == '.') {
      *first = mlt_str_is((struct mlt_str){name.p + n, name.len - n}, "._type");
      w->n->name.len = n;
      return true;
    }
  }
  return false;
}

enum mlt_rc mlt_wb_leaves(struct mlt_wb_names *n, struct mlt_str message, uint32_t number,
                          mlt_wb_leaf_fn fn, void *ctx, const char **why) {
  struct walk w = {n, fn, ctx, why};
  struct mlt_pb pb = mlt_pb_of(message);
  struct mlt_pb_field f, value;
  enum mlt_rc rc = find_media(&w, message, number);
  while (rc == MLT_OK && (rc = mlt_pb_next(&pb, &f, why)) == MLT_OK) {
    bool first = false;
    if (f.number != number || f.wire != MLT_PB_BYTES)
      continue;
    if ((rc = take_apart(&w, f.bytes, &value)) != MLT_OK)
      break;
    if (!of_media(&w, &first))
      rc = item_value(&w, &value);
    else if (first)
      rc = give(&w, (struct mlt_wb_leaf){.kind = MLT_WB_MEDIA});
  }
  return rc == MLT_END ? MLT_OK : rc;
}
