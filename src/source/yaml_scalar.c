/* The regular expressions of PyYAML's resolver.py, by hand. */
#include "source/yaml_scalar.h"

#include <string.h>

static bool one_of(struct mlt_str s, const char *const *words) {
  for (; *words; words++)
    if (mlt_str_is(s, *words))
      return true;
  return false;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static struct mlt_str skip(struct mlt_str s, size_t n) {
  return (struct mlt_str){s.p + n, s.len - n};
}

static struct mlt_str unsign(struct mlt_str s, bool *negative) {
  *negative = s.len && s.p[0] == '-';
  return s.len && (s.p[0] == '-' || s.p[0] == '+') ? skip(s, 1) : s;
}

static int digit_value(char c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return 99;
}

struct number {
  uint64_t v;
  bool fits;
};

static void push_digit(struct number *n, unsigned base, unsigned digit) {
  if (__builtin_mul_overflow(n->v, (uint64_t)base, &n->v) ||
      __builtin_add_overflow(n->v, (uint64_t)digit, &n->v))
    n->fits = false;
}

/* Every character a digit of the base or "_", and at least one digit. */
static bool digits(struct mlt_str s, unsigned base, struct number *n) {
  bool any = false;
  for (size_t i = 0; i < s.len; i++) {
    if (s.p[i] == '_')
      continue;
    int d = digit_value(s.p[i]);
    if (d >= (int)base)
      return false;
    push_digit(n, base, (unsigned)d);
    any = true;
  }
  return any;
}

/* (:[0-5]?[0-9])+ from s on; *end is where it stops. */
static bool sixties(struct mlt_str s, struct number *n, size_t *end) {
  size_t i = 0;
  while (i + 1 < s.len && s.p[i] == ':' && is_digit(s.p[i + 1])) {
    unsigned d = (unsigned)(s.p[i + 1] - '0');
    i += 2;
    if (d < 6 && i < s.len && is_digit(s.p[i]))
      d = d * 10 + (unsigned)(s.p[i++] - '0');
    push_digit(n, 60, d);
  }
  *end = i;
  return i > 0;
}

static size_t span(struct mlt_str s, const char *set) {
  size_t i = 0;
  while (i < s.len && s.p[i] && strchr(set, s.p[i]))
    i++;
  return i;
}

/* [1-9][0-9_]* and perhaps minutes and seconds behind it */
static bool decimal(struct mlt_str s, struct number *n) {
  size_t head = span(s, "0123456789_"), tail = 0;
  if (!head || !digits((struct mlt_str){s.p, head}, 10, n))
    return false;
  if (head < s.len && !sixties(skip(s, head), n, &tail))
    return false;
  return head + tail == s.len;
}

static bool magnitude(struct mlt_str s, struct number *n) {
  if (!s.len || !is_digit(s.p[0]))
    return false;
  if (s.p[0] != '0')
    return decimal(s, n);
  if (s.len > 2 && s.p[1] == 'b')
    return digits(skip(s, 2), 2, n);
  if (s.len > 2 && s.p[1] == 'x')
    return digits(skip(s, 2), 16, n);
  return digits(s, 8, n);
}

static bool is_int(struct mlt_str s, int64_t *i, bool *fits) {
  bool negative;
  struct number n = {.fits = true};
  if (!magnitude(unsign(s, &negative), &n))
    return false;
  uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
  *fits = n.fits && n.v <= limit;
  *i = !*fits ? 0 : negative ? (int64_t)(0 - n.v) : (int64_t)n.v;
  return true;
}

/* ([eE][-+][0-9]+)? up to the end */
static bool exponent(struct mlt_str s) {
  if (!s.len)
    return true;
  if (s.len < 3 || (s.p[0] != 'e' && s.p[0] != 'E') || (s.p[1] != '-' && s.p[1] != '+'))
    return false;
  return span(skip(s, 2), "0123456789") == s.len - 2;
}

static bool is_float(struct mlt_str s) {
  static const char *const inf[] = {".inf", ".Inf", ".INF", NULL};
  static const char *const nan[] = {".nan", ".NaN", ".NAN", NULL};
  bool negative;
  struct mlt_str u = unsign(s, &negative);
  if (one_of(u, inf) || one_of(s, nan))
    return true;
  if (s.len > 1 && s.p[0] == '.')
    return is_digit(s.p[1]) && exponent(skip(s, 1 + span(skip(s, 1), "0123456789_")));
  if (!u.len || !is_digit(u.p[0]))
    return false;
  size_t head = span(u, "0123456789_"), tail = 0;
  struct number unused = {.fits = true};
  bool sexagesimal = sixties(skip(u, head), &unused, &tail);
  head += tail;
  if (head == u.len || u.p[head] != '.')
    return false;
  struct mlt_str rest = skip(u, head + 1);
  rest = skip(rest, span(rest, "0123456789_"));
  return sexagesimal ? !rest.len : exponent(rest);
}

enum mlt_yaml_kind mlt_yaml_resolve(struct mlt_str s, int64_t *i, bool *fits) {
  static const char *const null[] = {"", "~", "null", "Null", "NULL", NULL};
  static const char *const yes[] = {"yes",  "Yes", "YES", "true", "True",
                                    "TRUE", "on",  "On",  "ON",   NULL};
  static const char *const no[] = {"no",    "No",  "NO",  "false", "False",
                                   "FALSE", "off", "Off", "OFF",   NULL};
  *i = 0;
  *fits = true;
  if (one_of(s, null))
    return MLT_YAML_NULL;
  if (one_of(s, yes)) {
    *i = 1;
    return MLT_YAML_BOOL;
  }
  if (one_of(s, no))
    return MLT_YAML_BOOL;
  if (is_int(s, i, fits))
    return MLT_YAML_INT;
  return is_float(s) ? MLT_YAML_FLOAT : MLT_YAML_TEXT;
}
