/* The values of a line: strings, numbers, words, lists and objects of them. */
#include "lines/private.h"

#include <string.h>

#include "model/rules.h"

/* ---- strings ---- */

static bool hex4(struct mlt_str s, size_t at, uint32_t *out) {
  if (s.len - at < 4)
    return false;
  *out = 0;
  for (size_t i = at; i < at + 4; i++) {
    char c = s.p[i];
    uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                            : 16;
    if (digit > 15)
      return false;
    *out = *out << 4 | digit;
  }
  return true;
}

static size_t put_utf8(char *to, uint32_t c) {
  if (c < 0x80) {
    to[0] = (char)c;
    return 1;
  }
  size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint32_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = n - 1; i > 0; i--, c >>= 6)
    to[i] = (char)(0x80 | (c & 0x3F));
  to[0] = (char)(lead[n] | c);
  return n;
}

/* s.p[*at] is behind "\u"; *at is left behind the escape, or behind the pair of them. */
static enum mlt_rc code_point(struct mlt_line_reader *r, struct mlt_str s, size_t *at,
                              uint32_t *out) {
  uint32_t low;
  if (!hex4(s, *at, out))
    return mlt_line_refuse(r, "bad-json", "a string holds \\u without four hexadecimal digits");
  *at += 4;
  if (*out == 0)
    return mlt_line_refuse(r, "bad-text", "it holds a NUL, which no database can hold");
  if (*out < 0xD800 || *out > 0xDFFF)
    return MLT_OK;
  if (*out > 0xDBFF || s.len - *at < 6 || s.p[*at] != '\\' || s.p[*at + 1] != 'u' ||
      !hex4(s, *at + 2, &low) || low < 0xDC00 || low > 0xDFFF)
    return mlt_line_refuse(r, "bad-text", "it holds half a surrogate pair, which is no character");
  *at += 6;
  *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
  return MLT_OK;
}

static enum mlt_rc unescape(struct mlt_line_reader *r, struct mlt_str s, struct mlt_str *out) {
  static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  char *to = mlt_arena_alloc(r->arena, s.len);
  if (!to)
    return MLT_NOMEM;
  size_t n = 0;
  for (size_t at = 0; at < s.len;) {
    if (s.p[at] != '\\') {
      to[n++] = s.p[at++];
      continue;
    }
    char name = s.p[at + 1]; /* a backslash is never the last: the quote would not end the string */
    const char *known = name ? strchr(names, name) : NULL;
    uint32_t c = 0;
    at += 2;
    if (known) {
      to[n++] = meant[known - names];
      continue;
    }
    if (name != 'u')
      return mlt_line_refuse(r, "bad-json", "a string holds an escape that JSON has not");
    enum mlt_rc rc = code_point(r, s, &at, &c);
    if (rc != MLT_OK)
      return rc;
    n += put_utf8(to + n, c);
  }
  *out = (struct mlt_str){to, n};
  return MLT_OK;
}

enum mlt_rc mlt_line_text(struct mlt_line_reader *r, struct mlt_str body, struct mlt_str *out) {
  *out = body;
  return memchr(body.p, '\\', body.len) ? unescape(r, body, out) : MLT_OK;
}

static bool is_string(const struct mlt_cut_event *ev) {
  return ev->kind == MLT_CUT_VALUE && ev->raw.p[0] == '"';
}

static enum mlt_rc string(struct mlt_line_reader *r, const struct mlt_cut_event *ev,
                          struct mlt_str *out) {
  return mlt_line_text(r, (struct mlt_str){ev->raw.p + 1, ev->raw.len - 2}, out);
}

/* ---- what is wrong ---- */

static const char *const wanted[] = {
    [MLT_LINE_TEXT] = "a string",
    [MLT_LINE_STATUS] = "\"RUNNING\", \"SCHEDULED\", \"FINISHED\", \"FAILED\" or \"KILLED\"",
    [MLT_LINE_STAGE] = "\"active\" or \"deleted\"",
    [MLT_LINE_MODEL_STATUS] = "\"READY\", \"PENDING\", \"FAILED\" or \"UNSPECIFIED\"",
    [MLT_LINE_INTEGER] = "an integer of 64 bits, without fraction or exponent",
    [MLT_LINE_TIME] = "an integer of 64 bits: milliseconds since 1970 UTC",
    [MLT_LINE_NUMBER] = "a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
    [MLT_LINE_FLAG] = "true or false",
    [MLT_LINE_TEXTS] = "an object of strings",
    [MLT_LINE_NUMBERS_BY_KEY] = "an object of numbers (or \"NaN\", \"Infinity\", \"-Infinity\")",
    [MLT_LINE_INTEGERS] = "a list of integers of 64 bits, without fraction or exponent",
    [MLT_LINE_NUMBERS] = "a list of numbers (or \"NaN\", \"Infinity\", \"-Infinity\")",
};

enum { SHOWN = 40 }; /* characters */

static enum mlt_rc unfit(struct mlt_line_reader *r, const struct mlt_line_field *field,
                         const struct mlt_cut_event *ev, const char *code) {
  struct mlt_str raw = ev->kind == MLT_CUT_VALUE ? ev->raw
                       : ev->list                ? MLT_STR_LIT("a list")
                                                 : MLT_STR_LIT("an object");
  size_t shown = mlt_utf8_prefix(raw, SHOWN);
  return mlt_line_refuse(r, code, "%s must be %s, not %.*s%s", field->name, wanted[field->kind],
                         (int)shown, raw.p, shown < raw.len ? "..." : "");
}

/* ---- numbers and words ---- */

static size_t digits(struct mlt_str s, size_t at) {
  size_t n = 0;
  while (at + n < s.len && s.p[at + n] >= '0' && s.p[at + n] <= '9')
    n++;
  return n;
}

/* RFC 8259, section 6. */
static bool is_number(struct mlt_str s, bool *integer) {
  size_t at = s.len && s.p[0] == '-', n = digits(s, at);
  if (n == 0 || (n > 1 && s.p[at] == '0'))
    return false;
  at += n;
  *integer = at == s.len;
  if (at < s.len && s.p[at] == '.') {
    n = digits(s, at + 1);
    if (n == 0)
      return false;
    at += 1 + n;
  }
  if (at < s.len && (s.p[at] == 'e' || s.p[at] == 'E')) {
    at++;
    at += at < s.len && (s.p[at] == '+' || s.p[at] == '-');
    n = digits(s, at);
    if (n == 0)
      return false;
    at += n;
  }
  return at == s.len;
}

static enum mlt_rc integer(struct mlt_line_reader *r, const struct mlt_line_field *field,
                           const struct mlt_cut_event *ev, int64_t *out) {
  bool whole;
  if (ev->kind != MLT_CUT_VALUE || !is_number(ev->raw, &whole))
    return unfit(r, field, ev, "wrong-kind");
  return whole && mlt_parse_i64(ev->raw, out) ? MLT_OK : unfit(r, field, ev, "bad-number");
}

/* NaN and the infinities also bare, as Python's json module writes them. */
static bool special(struct mlt_str s, double *out) {
  static const struct {
    const char *word;
    double value;
  } words[] = {
      {"NaN", __builtin_nan("")}, {"Infinity", __builtin_inf()}, {"-Infinity", -__builtin_inf()}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (mlt_str_is(s, words[i].word)) {
      *out = words[i].value;
      return true;
    }
  return false;
}

static enum mlt_rc number(struct mlt_line_reader *r, const struct mlt_line_field *field,
                          const struct mlt_cut_event *ev, double *out) {
  bool whole;
  struct mlt_str s = ev->raw;
  if (ev->kind != MLT_CUT_VALUE)
    return unfit(r, field, ev, "wrong-kind");
  if (is_number(s, &whole)) {
    bool fits = mlt_parse_double(s, out) && *out - *out == 0;
    return fits ? MLT_OK : unfit(r, field, ev, "bad-number");
  }
  if (is_string(ev))
    s = (struct mlt_str){s.p + 1, s.len - 2};
  return special(s, out) ? MLT_OK : unfit(r, field, ev, "wrong-kind");
}

static bool word_of(enum mlt_line_kind kind, struct mlt_str word, int64_t *out) {
  enum mlt_run_status status;
  int model_status;
  if (kind == MLT_LINE_STATUS && mlt_run_status_parse(word, &status))
    *out = status;
  else if (kind == MLT_LINE_MODEL_STATUS && mlt_model_status_parse(word, &model_status))
    *out = model_status;
  else if (kind == MLT_LINE_STAGE && (mlt_str_is(word, "active") || mlt_str_is(word, "deleted")))
    *out = mlt_str_is(word, "deleted");
  else
    return false;
  return true;
}

static enum mlt_rc word(struct mlt_line_reader *r, const struct mlt_line_field *field,
                        const struct mlt_cut_event *ev, int64_t *out) {
  struct mlt_str text;
  if (!is_string(ev))
    return unfit(r, field, ev, "wrong-kind");
  enum mlt_rc rc = string(r, ev, &text);
  if (rc != MLT_OK)
    return rc;
  return word_of(field->kind, text, out) ? MLT_OK : unfit(r, field, ev, "bad-value");
}

static enum mlt_rc flag(struct mlt_line_reader *r, const struct mlt_line_field *field,
                        const struct mlt_cut_event *ev, int64_t *out) {
  *out = mlt_str_is(ev->raw, "true");
  return *out || mlt_str_is(ev->raw, "false") ? MLT_OK : unfit(r, field, ev, "wrong-kind");
}

static bool is_null(const struct mlt_cut_event *ev) {
  return ev->kind == MLT_CUT_VALUE && mlt_str_is(ev->raw, "null");
}

/* ---- lists and objects ---- */

static enum mlt_rc text(struct mlt_line_reader *r, const struct mlt_line_field *field,
                        const struct mlt_cut_event *ev, struct mlt_str *out) {
  return is_string(ev) ? string(r, ev, out) : unfit(r, field, ev, "wrong-kind");
}

static enum mlt_rc too_long(struct mlt_line_reader *r) {
  return mlt_line_refuse(r, "too-long", "it holds more than %d values", MLT_LINE_ITEMS);
}

static enum mlt_rc list(struct mlt_line_reader *r, const struct mlt_line_field *field,
                        struct mlt_line_pool *pool) {
  bool integers = field->kind == MLT_LINE_INTEGERS;
  pool->integers.n = pool->numbers.n = 0;
  for (;;) {
    struct mlt_cut_event ev;
    enum mlt_rc rc = mlt_line_next(r, &ev);
    if (rc != MLT_OK || ev.kind == MLT_CUT_CLOSE)
      return rc;
    if (pool->integers.n + pool->numbers.n == MLT_LINE_ITEMS)
      return too_long(r);
    if (!(integers ? MLT_VEC_ROOM(pool->integers) : MLT_VEC_ROOM(pool->numbers)))
      return MLT_NOMEM;
    rc = integers ? integer(r, field, &ev, &pool->integers.v[pool->integers.n++])
                  : number(r, field, &ev, &pool->numbers.v[pool->numbers.n++]);
    if (rc != MLT_OK)
      return rc;
  }
}

/* The key of a member, which the object may have only once. */
static enum mlt_rc member_key(struct mlt_line_reader *r, const struct mlt_line_field *field,
                              const struct mlt_cut_event *ev, struct mlt_str *out) {
  enum mlt_rc rc = mlt_line_text(r, ev->key, out);
  if (rc != MLT_OK)
    return rc;
  if (mlt_map_count(r->seen) == MLT_LINE_ITEMS)
    return too_long(r);
  int added = mlt_map_put(r->seen, *out, 0);
  if (added < 0)
    return MLT_NOMEM;
  return added ? MLT_OK
               : mlt_line_refuse(r, "duplicate-field", "%s has '%.*s' twice", field->name,
                                 MLT_STR_ARG(*out));
}

static enum mlt_rc member(struct mlt_line_reader *r, const struct mlt_line_field *field,
                          const struct mlt_cut_event *ev, struct mlt_line_pool *pool) {
  struct mlt_kv kv;
  enum mlt_rc rc = member_key(r, field, ev, &kv.key);
  if (rc != MLT_OK)
    return rc;
  if (field->kind == MLT_LINE_TEXTS) {
    kv.value = MLT_STR_NULL;
    rc = is_null(ev) ? MLT_OK : text(r, field, ev, &kv.value);
    if (rc == MLT_OK && !MLT_VEC_ROOM(pool->texts))
      rc = MLT_NOMEM;
    if (rc == MLT_OK)
      pool->texts.v[pool->texts.n++] = kv;
    return rc;
  }
  if (!MLT_VEC_ROOM(pool->keys) || !MLT_VEC_ROOM(pool->numbers))
    return MLT_NOMEM;
  pool->keys.v[pool->keys.n++] = kv.key;
  return number(r, field, ev, &pool->numbers.v[pool->numbers.n++]);
}

static enum mlt_rc object(struct mlt_line_reader *r, const struct mlt_line_field *field,
                          struct mlt_line_pool *pool) {
  pool->texts.n = pool->keys.n = pool->numbers.n = 0;
  mlt_map_clear(r->seen);
  for (;;) {
    struct mlt_cut_event ev;
    enum mlt_rc rc = mlt_line_next(r, &ev);
    if (rc != MLT_OK || ev.kind == MLT_CUT_CLOSE)
      return rc;
    rc = member(r, field, &ev, pool);
    if (rc != MLT_OK)
      return rc;
  }
}

static enum mlt_rc many(struct mlt_line_reader *r, const struct mlt_line_field *field,
                        const struct mlt_cut_event *ev, struct mlt_line_pool *pool,
                        struct mlt_line_value *out) {
  bool wants_list = field->kind == MLT_LINE_INTEGERS || field->kind == MLT_LINE_NUMBERS;
  if (ev->kind != MLT_CUT_OPEN || ev->list != wants_list)
    return unfit(r, field, ev, "wrong-kind");
  enum mlt_rc rc = wants_list ? list(r, field, pool) : object(r, field, pool);
  out->texts = pool->texts.v;
  out->keys = pool->keys.v;
  out->numbers = pool->numbers.v;
  out->integers = pool->integers.v;
  out->n = field->kind == MLT_LINE_TEXTS      ? pool->texts.n
           : field->kind == MLT_LINE_INTEGERS ? pool->integers.n
                                              : pool->numbers.n;
  return rc;
}

enum mlt_rc mlt_line_take(struct mlt_line_reader *r, const struct mlt_line_field *field,
                          const struct mlt_cut_event *ev, struct mlt_line_pool *pool,
                          struct mlt_line_value *out) {
  if (is_null(ev))
    return MLT_OK;
  enum mlt_rc rc = MLT_DATA;
  switch (field->kind) {
  case MLT_LINE_TEXT:
    rc = text(r, field, ev, &out->text);
    break;
  case MLT_LINE_STATUS:
  case MLT_LINE_STAGE:
  case MLT_LINE_MODEL_STATUS:
    rc = word(r, field, ev, &out->integer);
    break;
  case MLT_LINE_INTEGER:
  case MLT_LINE_TIME:
    rc = integer(r, field, ev, &out->integer);
    break;
  case MLT_LINE_NUMBER:
    rc = number(r, field, ev, &out->number);
    break;
  case MLT_LINE_FLAG:
    rc = flag(r, field, ev, &out->integer);
    break;
  case MLT_LINE_TEXTS:
  case MLT_LINE_NUMBERS_BY_KEY:
  case MLT_LINE_INTEGERS:
  case MLT_LINE_NUMBERS:
    rc = many(r, field, ev, pool, out);
    break;
  }
  out->has = rc == MLT_OK;
  return rc;
}
