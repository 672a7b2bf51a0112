/* Parameters in YAML, through libyaml's events: nothing is expanded, so no document can grow in
   memory. Maps are walked; a list is one value, rendered as Python's repr() would. */
#include <string.h>
#include <yaml.h>

#include "source/params.h"
#include "source/yaml_scalar.h"

struct level {
  bool is_map, has_key;
  size_t path;  /* length of the path before the key at hand */
  size_t count; /* of what has been rendered in it */
};

struct reader {
  struct mlt_params *p;
  struct level levels[MLT_PARAMS_DEPTH];
  size_t depth;
  size_t rendering; /* depth of the list that is one value; 0: none */
  struct mlt_err *err;
};

static enum mlt_rc refuse(struct reader *r, const yaml_event_t *e, const char *what) {
  return mlt_err_set(r->err, MLT_DATA, "line %zu: %s", e->start_mark.line + 1, what);
}

static enum mlt_rc store(struct reader *r, const yaml_event_t *e, struct mlt_str value) {
  enum mlt_rc rc = mlt_params_add(r->p, mlt_buf_str(&r->p->path), value);
  return rc == MLT_TOOBIG ? refuse(r, e, "more values than are taken") : rc;
}

/* The value's text as str() gives it; *text says whether it is a string. */
static struct mlt_str value_of(const yaml_event_t *e, bool *text) {
  static const char name_tag[] = "tag:yaml.org,2002:python/name:";
  struct mlt_str s = {(const char *)e->data.scalar.value, e->data.scalar.length};
  const char *tag = (const char *)e->data.scalar.tag;
  int64_t i;
  bool fits;
  *text = true;
  if (tag && strncmp(tag, name_tag, sizeof name_tag - 1) == 0 && !s.len)
    return mlt_str_c(tag + sizeof name_tag - 1);
  if (!e->data.scalar.plain_implicit || tag)
    return s;
  *text = false;
  switch (mlt_yaml_resolve(s, &i, &fits)) {
  case MLT_YAML_NULL:
    return MLT_STR_LIT("None");
  case MLT_YAML_BOOL:
    return i ? MLT_STR_LIT("True") : MLT_STR_LIT("False");
  case MLT_YAML_INT:
  case MLT_YAML_FLOAT:
    return s;
  default:
    *text = true;
    return s;
  }
}

static struct level *top(struct reader *r) {
  return r->depth ? &r->levels[r->depth - 1] : NULL;
}

/* What stands before the next thing in a rendered list or map. */
static enum mlt_rc separate(struct reader *r) {
  struct level *l = top(r);
  if (l->is_map && l->has_key)
    return mlt_buf_adds(&r->p->text, ": ");
  return l->count ? mlt_buf_adds(&r->p->text, ", ") : MLT_OK;
}

static void count_value(struct level *l) {
  if (l->is_map)
    l->has_key = !l->has_key;
  if (!l->has_key)
    l->count++;
}

static enum mlt_rc render(struct reader *r, struct mlt_str s, bool quoted) {
  const char *quote = quoted ? "'" : "";
  enum mlt_rc rc = separate(r);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&r->p->text, quote);
  if (rc == MLT_OK)
    rc = mlt_buf_add(&r->p->text, s.p, s.len);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&r->p->text, quote);
  count_value(top(r));
  return rc;
}

static enum mlt_rc take_key(struct reader *r, struct mlt_str key) {
  struct level *l = top(r);
  struct mlt_buf *path = &r->p->path;
  l->has_key = true;
  path->len = l->path;
  enum mlt_rc rc = path->len ? mlt_buf_adds(path, "/") : MLT_OK;
  return rc == MLT_OK ? mlt_buf_add(path, key.p, key.len) : rc;
}

static enum mlt_rc take_scalar(struct reader *r, const yaml_event_t *e) {
  bool text;
  struct mlt_str value = value_of(e, &text);
  struct level *l = top(r);
  if (!l) /* an empty document */
    return mlt_str_is(value, "None") ? MLT_OK : refuse(r, e, "not a map of parameters");
  if (r->rendering)
    return render(r, value, text);
  if (!l->has_key)
    return take_key(r, value);
  l->has_key = false;
  return store(r, e, value);
}

static enum mlt_rc take_alias(struct reader *r, const yaml_event_t *e) {
  struct level *l = top(r);
  r->p->unread++;
  if (!l || (l->is_map && !l->has_key))
    return refuse(r, e, "an alias (\"*...\") where a key must be");
  if (r->rendering)
    return render(r, MLT_STR_LIT("..."), false);
  l->has_key = false;
  return MLT_OK;
}

static enum mlt_rc start(struct reader *r, const yaml_event_t *e, bool is_map) {
  struct level *l = top(r);
  if (r->depth == MLT_PARAMS_DEPTH)
    return refuse(r, e, "nested too deep");
  if (!l && !is_map)
    return refuse(r, e, "not a map of parameters");
  if (l && l->is_map && !l->has_key)
    return refuse(r, e, "a key that is a list or a map");
  enum mlt_rc rc = MLT_OK;
  if (r->rendering) {
    rc = separate(r);
  } else if (!is_map) {
    r->rendering = r->depth + 1;
    mlt_buf_clear(&r->p->text);
  }
  if (rc == MLT_OK && r->rendering)
    rc = mlt_buf_adds(&r->p->text, is_map ? "{" : "[");
  r->levels[r->depth++] = (struct level){.is_map = is_map, .path = r->p->path.len};
  return rc;
}

static enum mlt_rc end(struct reader *r, const yaml_event_t *e) {
  bool was_map = top(r)->is_map;
  enum mlt_rc rc = r->rendering ? mlt_buf_adds(&r->p->text, was_map ? "}" : "]") : MLT_OK;
  bool whole = r->rendering == r->depth;
  r->depth--;
  if (!r->depth || rc != MLT_OK)
    return rc;
  if (r->rendering && !whole) {
    count_value(top(r));
    return rc;
  }
  top(r)->has_key = false;
  if (whole)
    r->rendering = 0;
  return whole ? store(r, e, mlt_buf_str(&r->p->text)) : rc;
}

static enum mlt_rc take(struct reader *r, const yaml_event_t *e) {
  switch (e->type) {
  case YAML_SCALAR_EVENT:
    return take_scalar(r, e);
  case YAML_ALIAS_EVENT:
    return take_alias(r, e);
  case YAML_MAPPING_START_EVENT:
    return start(r, e, true);
  case YAML_SEQUENCE_START_EVENT:
    return start(r, e, false);
  case YAML_MAPPING_END_EVENT:
  case YAML_SEQUENCE_END_EVENT:
    return end(r, e);
  default:
    return MLT_OK;
  }
}

enum mlt_rc mlt_params_yaml(struct mlt_params *p, struct mlt_str text, struct mlt_err *err) {
  yaml_parser_t parser;
  struct reader r = {.p = p, .err = err};
  enum mlt_rc rc = MLT_OK;
  if (!yaml_parser_initialize(&parser))
    return mlt_err_nomem(err);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.len);
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  mlt_buf_clear(&p->path);
  for (bool over = false; !over && rc == MLT_OK;) {
    yaml_event_t e;
    if (!yaml_parser_parse(&parser, &e)) {
      rc = mlt_err_set(err, MLT_DATA, "line %zu: %s", parser.problem_mark.line + 1,
                       parser.problem ? parser.problem : "no YAML");
      break;
    }
    over = e.type == YAML_STREAM_END_EVENT || e.type == YAML_DOCUMENT_END_EVENT;
    rc = take(&r, &e);
    yaml_event_delete(&e);
  }
  yaml_parser_delete(&parser);
  if (rc == MLT_TOOBIG)
    return mlt_err_set(err, MLT_DATA, "a value or a path is too long");
  return rc == MLT_NOMEM ? mlt_err_nomem(err) : rc;
}
