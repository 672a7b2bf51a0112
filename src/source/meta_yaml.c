/* See meta_yaml.h. Strings live in an arena that is reset for each document; libyaml's own memory
   is freed before mlt_meta_parse returns. */
#include "source/meta_yaml.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/mem.h"

#define NO_PARENT SIZE_MAX

struct entry {
  size_t parent; /* index of the map's own entry */
  struct mlt_str key;
  struct mlt_meta_value value;
};

/* A map or list that is open while its events come. */
struct level {
  bool is_map, has_key;
  struct mlt_str key;
  size_t entry; /* its own, while that is recorded */
};

struct mlt_meta {
  struct mlt_arena *arena;
  struct entry *v;
  size_t n, cap;
  struct level levels[MLT_META_MAX_DEPTH];
  size_t depth;
  bool seen; /* a document has begun */
};

struct mlt_meta *mlt_meta_new(void) {
  struct mlt_meta *m = mlt_calloc(1, sizeof *m);
  if (m && !(m->arena = mlt_arena_new())) {
    mlt_free(m);
    return NULL;
  }
  return m;
}

void mlt_meta_free(struct mlt_meta *m) {
  if (!m)
    return;
  mlt_arena_free(m->arena);
  mlt_free(m->v);
  mlt_free(m);
}

static enum mlt_rc refuse(const yaml_event_t *e, struct mlt_err *err, const char *what) {
  return mlt_err_set(err, MLT_DATA, "line %zu: %s", e->start_mark.line + 1, what);
}

static enum mlt_rc canonical(struct mlt_meta *m, struct mlt_meta_value *v) {
  char text[24];
  (void)snprintf(text, sizeof text, "%" PRId64, v->i);
  return mlt_arena_str(m->arena, mlt_str_c(text), &v->text) == 0 ? MLT_OK : MLT_NOMEM;
}

static bool is_plain(const yaml_event_t *e) {
  return e->data.scalar.plain_implicit && !e->data.scalar.tag;
}

static enum mlt_rc scalar(struct mlt_meta *m, const yaml_event_t *e, struct mlt_meta_value *v,
                          struct mlt_err *err) {
  const char *tag = (const char *)e->data.scalar.tag;
  struct mlt_str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
  *v = (struct mlt_meta_value){.kind = MLT_YAML_TEXT, .fits = true};
  if (tag && strcmp(tag, YAML_STR_TAG) != 0)
    return refuse(e, err, "a tag (\"!...\") that a meta.yaml cannot hold");
  if (is_plain(e))
    v->kind = mlt_yaml_resolve(text, &v->i, &v->fits);
  if (v->kind == MLT_YAML_NULL)
    return MLT_OK;
  bool number = v->kind == MLT_YAML_BOOL || (v->kind == MLT_YAML_INT && v->fits);
  enum mlt_rc rc = number                                         ? canonical(m, v)
                   : mlt_arena_str(m->arena, text, &v->text) == 0 ? MLT_OK
                                                                  : MLT_NOMEM;
  return rc == MLT_OK ? rc : mlt_err_nomem(err);
}

static enum mlt_rc record(struct mlt_meta *m, const yaml_event_t *e, struct entry entry,
                          struct mlt_err *err) {
  if (m->n == MLT_META_MAX_FIELDS)
    return refuse(e, err, "more fields than a meta.yaml can have");
  if (m->n == m->cap) {
    size_t cap = m->cap ? m->cap * 2 : 32;
    struct entry *v = mlt_reallocarray(m->v, cap, sizeof *v);
    if (!v)
      return mlt_err_nomem(err);
    m->v = v;
    m->cap = cap;
  }
  m->v[m->n++] = entry;
  return MLT_OK;
}

/* Where a value stands: recorded are the fields of the document and of the maps right below it. */
static bool recorded(const struct mlt_meta *m) {
  return m->depth <= 2 && m->levels[m->depth - 1].is_map;
}

static size_t parent_of(const struct mlt_meta *m) {
  return m->depth == 1 ? NO_PARENT : m->levels[m->depth - 1].entry;
}

static enum mlt_rc take_key(struct level *top, const yaml_event_t *e,
                            const struct mlt_meta_value *v, struct mlt_err *err) {
  if (is_plain(e) && mlt_str_is(v->text, "<<"))
    return refuse(e, err, "a merge key (\"<<\"), which a meta.yaml cannot hold");
  top->key = v->kind == MLT_YAML_NULL ? MLT_STR_LIT("") : v->text;
  top->has_key = true;
  return MLT_OK;
}

static enum mlt_rc take_scalar(struct mlt_meta *m, const yaml_event_t *e, struct mlt_err *err) {
  if (m->depth == 0)
    return refuse(e, err, "not a map of fields (\"key: value\" lines)");
  struct level *top = &m->levels[m->depth - 1];
  struct mlt_meta_value v;
  enum mlt_rc rc = scalar(m, e, &v, err);
  if (rc != MLT_OK || !top->is_map)
    return rc;
  if (!top->has_key)
    return take_key(top, e, &v, err);
  top->has_key = false;
  if (!recorded(m))
    return MLT_OK;
  return record(m, e, (struct entry){.parent = parent_of(m), .key = top->key, .value = v}, err);
}

/* The list or map that starts is the value of the key at hand. */
static enum mlt_rc start_value(struct mlt_meta *m, const yaml_event_t *e, enum mlt_yaml_kind kind,
                               struct level *below, struct mlt_err *err) {
  struct level *top = &m->levels[m->depth - 1];
  if (top->is_map && !top->has_key)
    return refuse(e, err, "a key that is not a word");
  top->has_key = false;
  if (!recorded(m))
    return MLT_OK;
  struct entry entry = {.parent = parent_of(m), .key = top->key, .value.kind = kind};
  below->entry = m->n;
  return record(m, e, entry, err);
}

static enum mlt_rc take_start(struct mlt_meta *m, const yaml_event_t *e, enum mlt_yaml_kind kind,
                              struct mlt_err *err) {
  struct level below = {.is_map = kind == MLT_YAML_MAP, .entry = NO_PARENT};
  if (m->depth == 0 && kind != MLT_YAML_MAP)
    return refuse(e, err, "a list where a map of fields is expected");
  if (m->depth == MLT_META_MAX_DEPTH)
    return refuse(e, err, "nested too deep");
  enum mlt_rc rc = m->depth ? start_value(m, e, kind, &below, err) : MLT_OK;
  if (rc == MLT_OK)
    m->levels[m->depth++] = below;
  return rc;
}

static const yaml_char_t *anchor_of(const yaml_event_t *e) {
  switch (e->type) {
  case YAML_SCALAR_EVENT:
    return e->data.scalar.anchor;
  case YAML_MAPPING_START_EVENT:
    return e->data.mapping_start.anchor;
  case YAML_SEQUENCE_START_EVENT:
    return e->data.sequence_start.anchor;
  default:
    return NULL;
  }
}

static enum mlt_rc take(struct mlt_meta *m, const yaml_event_t *e, struct mlt_err *err) {
  if (e->type == YAML_ALIAS_EVENT || anchor_of(e))
    return refuse(e, err, "an anchor or alias (\"&\", \"*\"), which a meta.yaml cannot hold");
  switch (e->type) {
  case YAML_DOCUMENT_START_EVENT:
    if (m->seen)
      return refuse(e, err, "more than one document");
    m->seen = true;
    return MLT_OK;
  case YAML_SCALAR_EVENT:
    return take_scalar(m, e, err);
  case YAML_MAPPING_START_EVENT:
    return take_start(m, e, MLT_YAML_MAP, err);
  case YAML_SEQUENCE_START_EVENT:
    return take_start(m, e, MLT_YAML_LIST, err);
  case YAML_MAPPING_END_EVENT:
  case YAML_SEQUENCE_END_EVENT:
    m->depth--;
    return MLT_OK;
  default:
    return MLT_OK;
  }
}

static enum mlt_rc failed(const yaml_parser_t *p, struct mlt_err *err) {
  if (p->error == YAML_MEMORY_ERROR)
    return mlt_err_nomem(err);
  return mlt_err_set(err, MLT_DATA, "line %zu: not YAML: %s", p->problem_mark.line + 1,
                     p->problem ? p->problem : "unknown problem");
}

static enum mlt_rc parse_events(struct mlt_meta *m, yaml_parser_t *p, struct mlt_err *err) {
  for (bool end = false; !end;) {
    yaml_event_t e;
    if (!yaml_parser_parse(p, &e))
      return failed(p, err);
    end = e.type == YAML_STREAM_END_EVENT;
    enum mlt_rc rc = take(m, &e, err);
    yaml_event_delete(&e);
    if (rc != MLT_OK)
      return rc;
  }
  return m->seen ? MLT_OK : mlt_err_set(err, MLT_DATA, "it is empty");
}

enum mlt_rc mlt_meta_parse(struct mlt_meta *m, struct mlt_str yaml, struct mlt_err *err) {
  mlt_arena_reset(m->arena);
  m->n = m->depth = 0;
  m->seen = false;
  if (yaml.len > MLT_META_MAX_BYTES)
    return mlt_err_set(err, MLT_DATA, "it is larger than %d bytes", MLT_META_MAX_BYTES);
  if (mlt_utf8_invalid(yaml) >= 0)
    return mlt_err_set(err, MLT_DATA, "it is not UTF-8 text (byte %td)", mlt_utf8_invalid(yaml));
  yaml_parser_t p;
  if (!yaml_parser_initialize(&p))
    return mlt_err_nomem(err);
  if (yaml.len >= 3 && memcmp(yaml.p, "\xef\xbb\xbf", 3) == 0)
    yaml = (struct mlt_str){yaml.p + 3, yaml.len - 3}; /* libyaml counts it as a column */
  /* Fixed, or libyaml would take UTF-16 where MLflow cannot read it. */
  yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&p, (const unsigned char *)yaml.p, yaml.len);
  enum mlt_rc rc = parse_events(m, &p, err);
  yaml_parser_delete(&p);
  return rc;
}

static size_t find(const struct mlt_meta *m, size_t parent, struct mlt_str key) {
  for (size_t i = m->n; i-- > 0;)
    if (m->v[i].parent == parent && mlt_str_eq(m->v[i].key, key))
      return i;
  return NO_PARENT;
}

const struct mlt_meta_value *mlt_meta_get(const struct mlt_meta *m, const char *key) {
  size_t i = find(m, NO_PARENT, mlt_str_c(key));
  return i == NO_PARENT ? NULL : &m->v[i].value;
}

bool mlt_meta_child(const struct mlt_meta *m, const char *key, size_t *pos, struct mlt_str *name,
                    const struct mlt_meta_value **value) {
  size_t parent = find(m, NO_PARENT, mlt_str_c(key));
  if (parent == NO_PARENT)
    return false;
  for (size_t i = *pos > parent ? *pos : parent + 1; i < m->n; i++) {
    if (m->v[i].parent != parent || find(m, parent, m->v[i].key) != i)
      continue;
    *name = m->v[i].key;
    *value = &m->v[i].value;
    *pos = i + 1;
    return true;
  }
  return false;
}
