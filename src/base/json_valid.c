#include "base/json_valid.h"

#include <string.h>

struct text {
  const char *p, *end;
  unsigned depth;
  bool in_list[MLT_JSON_VALID_DEPTH];
};

static void space(struct text *t) {
  while (t->p < t->end && (*t->p == ' ' || *t->p == '\t' || *t->p == '\n' || *t->p == '\r'))
    t->p++;
}

static bool take(struct text *t, char c) {
  bool is = t->p < t->end && *t->p == c;
  t->p += is;
  return is;
}

static bool word(struct text *t, const char *w) {
  size_t n = strlen(w);
  bool is = (size_t)(t->end - t->p) >= n && memcmp(t->p, w, n) == 0;
  t->p += is ? n : 0;
  return is;
}

static bool digits(struct text *t) {
  const char *from = t->p;
  while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
    t->p++;
  return t->p > from;
}

static bool number(struct text *t) {
  (void)take(t, '-');
  if (!take(t, '0') && !digits(t))
    return false;
  if (take(t, '.') && !digits(t))
    return false;
  if (!take(t, 'e') && !take(t, 'E'))
    return true;
  if (!take(t, '+'))
    (void)take(t, '-');
  return digits(t);
}

static bool escape(struct text *t) {
  if (!take(t, 'u')) {
    bool known = t->p < t->end && *t->p && strchr("\"\\/bfnrt", *t->p);
    t->p += known;
    return known;
  }
  for (int i = 0; i < 4; i++, t->p++)
    if (t->p == t->end || !*t->p || !strchr("0123456789abcdefABCDEF", *t->p))
      return false;
  return true;
}

static bool string(struct text *t) {
  if (!take(t, '"'))
    return false;
  while (t->p < t->end && *t->p != '"') {
    if ((unsigned char)*t->p < 0x20)
      return false;
    if (*t->p++ == '\\' && !escape(t))
      return false;
  }
  return take(t, '"');
}

static bool scalar(struct text *t) {
  if (t->p == t->end)
    return false;
  if (*t->p == '"')
    return string(t);
  return word(t, "null") || word(t, "true") || word(t, "false") || number(t);
}

static bool key(struct text *t) {
  space(t);
  if (!string(t))
    return false;
  space(t);
  return take(t, ':');
}

/* A value begins; *open: it has members that come next. */
static bool value(struct text *t, bool *open) {
  space(t);
  *open = false;
  bool list = take(t, '[');
  if (!list && !take(t, '{'))
    return scalar(t);
  space(t);
  if (take(t, list ? ']' : '}'))
    return true;
  if (t->depth == MLT_JSON_VALID_DEPTH)
    return false;
  t->in_list[t->depth++] = list;
  *open = true;
  return list || key(t);
}

/* Behind a value: the ends of what it is in. *more: another member follows. */
static bool behind(struct text *t, bool *more) {
  for (*more = false; t->depth && !*more;) {
    bool list = t->in_list[t->depth - 1];
    space(t);
    if (take(t, ','))
      *more = true;
    else if (take(t, list ? ']' : '}'))
      t->depth--;
    else
      return false;
    if (*more && !list && !key(t))
      return false;
  }
  return true;
}

bool mlt_json_valid(struct mlt_str text) {
  struct text t = {.p = text.p, .end = text.p + text.len};
  bool go_on = true;
  while (go_on) {
    bool open;
    if (!value(&t, &open) || (!open && !behind(&t, &go_on)))
      return false;
  }
  space(&t);
  return t.p == t.end;
}
