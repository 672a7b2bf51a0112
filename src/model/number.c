/* Numbers as Python's float() and int() read a word, correctly rounded, in any locale. Only ASCII
   digits and blanks (Python also takes other Unicode digits, which nobody writes into metrics). */
#include "model/rules.h"

#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 768 digits write any double, and any tie between two; one more stands for all that follow. */
enum { MAX_DIGITS = 769 };
#define MAX_EXPONENT (LONG_MAX / 100)

struct decimal {
  bool negative;
  char digits[MAX_DIGITS]; /* without leading zeros */
  size_t n;
  long exponent; /* value = digits * 10^exponent */
};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct mlt_str strip(struct mlt_str s) {
  while (s.len && is_blank(s.p[0])) {
    s.p++;
    s.len--;
  }
  while (s.len && is_blank(s.p[s.len - 1]))
    s.len--;
  return s;
}

static bool take_sign(struct mlt_str *s) {
  bool negative = s->len && s->p[0] == '-';
  if (negative || (s->len && s->p[0] == '+')) {
    s->p++;
    s->len--;
  }
  return negative;
}

/* Takes the next digit off *s, with an underscore before it if `after_digit`; -1 if there is none.
 */
static int take_digit(struct mlt_str *s, bool after_digit) {
  size_t skip = after_digit && s->len > 1 && s->p[0] == '_' && is_digit(s->p[1]);
  if (s->len <= skip || !is_digit(s->p[skip]))
    return -1;
  int digit = s->p[skip] - '0';
  s->p += skip + 1;
  s->len -= skip + 1;
  return digit;
}

static void add_digit(struct decimal *d, int digit) {
  if (d->n == 0 && digit == 0)
    return;
  if (d->n < MAX_DIGITS) {
    d->digits[d->n++] = (char)('0' + digit);
    return;
  }
  d->exponent++;
  if (digit && d->digits[MAX_DIGITS - 1] == '0')
    d->digits[MAX_DIGITS - 1] = '1'; /* here only "more than nothing" matters */
}

/* Digits up to the next other character; returns how many. Most numbers are done by the first two
   loops. */
static size_t take_digits(struct mlt_str *s, struct decimal *d, bool fraction) {
  size_t n = 0;
  while (d->n == 0 && n < s->len && s->p[n] == '0')
    n++;
  while (d->n < MAX_DIGITS && n < s->len && is_digit(s->p[n]))
    d->digits[d->n++] = s->p[n++];
  s->p += n;
  s->len -= n;
  for (int digit; (digit = take_digit(s, n > 0)) >= 0; n++)
    add_digit(d, digit);
  d->exponent -= fraction ? (long)n : 0;
  return n;
}

static bool take_exponent(struct mlt_str *s, long *exponent) {
  s->p++;
  s->len--;
  bool negative = take_sign(s);
  long e = 0;
  size_t n = 0;
  for (int digit; (digit = take_digit(s, n > 0)) >= 0; n++)
    e = e < MAX_EXPONENT ? e * 10 + digit : e;
  *exponent += negative ? -e : e;
  return n > 0;
}

static bool parse_decimal(struct mlt_str s, struct decimal *d) {
  size_t n = take_digits(&s, d, false);
  if (s.len && s.p[0] == '.') {
    s.p++;
    s.len--;
    n += take_digits(&s, d, true);
  }
  if (n == 0)
    return false;
  if (s.len && (s.p[0] == 'e' || s.p[0] == 'E') && !take_exponent(&s, &d->exponent))
    return false;
  return s.len == 0;
}

static locale_t c_locale;

static void make_c_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Any decimal, through the C library. */
static double convert_slowly(const struct decimal *d) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_c_locale);
  char text[MAX_DIGITS + 32];
  memcpy(text, d->digits, d->n);
  snprintf(text + d->n, sizeof text - d->n, "e%ld", d->exponent);
  return strtod_l(text, NULL, c_locale);
}

/* Clinger's fast path: both numbers are exact doubles, so one operation rounds once. */
static bool convert_fast(const struct decimal *d, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (FLT_EVAL_METHOD != 0 || d->n > 19 || d->exponent < -22 || d->exponent > 22)
    return false;
  uint64_t w = 0;
  for (size_t i = 0; i < d->n; i++)
    w = w * 10 + (uint64_t)(d->digits[i] - '0');
  if (w > UINT64_C(1) << DBL_MANT_DIG)
    return false;
  *out = d->exponent < 0 ? (double)w / powers[-d->exponent] : (double)w * powers[d->exponent];
  return true;
}

static bool parse_word(struct mlt_str s, double *out) {
  static const struct {
    const char *word;
    double value;
  } words[] = {{"inf", INFINITY}, {"infinity", INFINITY}, {"nan", NAN}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i].word) == s.len && strncasecmp(words[i].word, s.p, s.len) == 0) {
      *out = words[i].value;
      return true;
    }
  return false;
}

bool mlt_parse_double(struct mlt_str s, double *out) {
  struct decimal d;
  d.n = 0;
  d.exponent = 0;
  s = strip(s);
  d.negative = take_sign(&s);
  double v;
  bool digits = s.len && (is_digit(s.p[0]) || s.p[0] == '.');
  if (digits || !parse_word(s, &v)) {
    if (!parse_decimal(s, &d))
      return false;
    if (d.n == 0)
      v = 0.0;
    else if (!convert_fast(&d, &v))
      v = convert_slowly(&d);
  }
  *out = d.negative ? -v : v;
  return true;
}

bool mlt_parse_i64(struct mlt_str s, int64_t *out) {
  s = strip(s);
  bool negative = take_sign(&s);
  uint64_t limit = (uint64_t)INT64_MAX + negative;
  uint64_t v = 0;
  size_t n = 0;
  for (int digit; (digit = take_digit(&s, n > 0)) >= 0; n++) {
    if (v > (limit - (uint64_t)digit) / 10)
      return false;
    v = v * 10 + (uint64_t)digit;
  }
  if (n == 0 || s.len)
    return false;
  *out = (int64_t)(negative ? -v : v);
  return true;
}
