#include "source/time_text.h"

#include <math.h>

#include "model/rules.h"

const char *mlt_time_unit_name(enum mlt_time_unit u) {
  static const char *const names[] = {[MLT_TIME_AUTO] = "unknown units",
                                      [MLT_TIME_S] = "seconds",
                                      [MLT_TIME_MS] = "milliseconds",
                                      [MLT_TIME_US] = "microseconds",
                                      [MLT_TIME_NS] = "nanoseconds"};
  return names[u];
}

enum mlt_time_unit mlt_time_guess(double number) {
  double n = fabs(number);
  return n < 1e11 ? MLT_TIME_S : n < 1e14 ? MLT_TIME_MS : n < 1e17 ? MLT_TIME_US : MLT_TIME_NS;
}

bool mlt_time_number(struct mlt_str text, enum mlt_time_unit unit, int64_t *ms) {
  static const int64_t per_ms[] = {
      [MLT_TIME_MS] = 1, [MLT_TIME_US] = 1000, [MLT_TIME_NS] = 1000000};
  int64_t whole;
  double d;
  if (mlt_parse_i64(text, &whole)) {
    if (unit == MLT_TIME_S)
      return !__builtin_mul_overflow(whole, 1000, ms);
    int64_t by = per_ms[unit];
    *ms = whole / by - (whole % by < 0);
    return true;
  }
  if (!mlt_parse_double(text, &d))
    return false;
  d = round(unit == MLT_TIME_S ? d * 1000 : d / (double)per_ms[unit]);
  if (!(fabs(d) < 0x1p63))
    return false;
  *ms = (int64_t)d;
  return true;
}

/* Exactly n digits; -1 if they are not there. */
static int take(struct mlt_str *s, size_t n) {
  int v = 0;
  if (s->len < n)
    return -1;
  for (size_t i = 0; i < n; i++) {
    if (s->p[i] < '0' || s->p[i] > '9')
      return -1;
    v = v * 10 + (s->p[i] - '0');
  }
  *s = (struct mlt_str){s->p + n, s->len - n};
  return v;
}

static bool skip(struct mlt_str *s, const char *any) {
  for (; *any; any++)
    if (s->len && s->p[0] == *any) {
      *s = (struct mlt_str){s->p + 1, s->len - 1};
      return true;
    }
  return false;
}

/* Days from 1970-01-01, in the Gregorian calendar. */
static int64_t days(int year, int month, int day) {
  int y = month <= 2 ? year - 1 : year;
  int m = month <= 2 ? month + 9 : month - 3; /* from March: leap days come last */
  return 365 * (int64_t)y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool take_date(struct mlt_str *s, int64_t *ms) {
  static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = take(s, 4);
  if (year < 1 || !skip(s, "-"))
    return false;
  int month = take(s, 2);
  if (month < 1 || month > 12 || !skip(s, "-"))
    return false;
  int day = take(s, 2);
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day < 1 || day > lengths[month - 1] || (month == 2 && day == 29 && !leap))
    return false;
  *ms = days(year, month, day) * 86400000;
  return true;
}

/* Milliseconds of ".123456", truncated. */
static int take_fraction(struct mlt_str *s) {
  int ms = 0, unit = 100, digit;
  for (size_t n = 0; (digit = take(s, 1)) >= 0; n++, unit /= 10)
    ms += digit * unit;
  return ms;
}

static bool take_clock(struct mlt_str *s, int64_t *ms) {
  int hour = take(s, 2);
  if (hour < 0 || hour > 23 || !skip(s, ":"))
    return false;
  int minute = take(s, 2), second = 0;
  if (minute < 0 || minute > 59)
    return false;
  if (skip(s, ":"))
    second = take(s, 2);
  if (second < 0 || second > 60)
    return false;
  *ms += ((hour * 60 + minute) * (int64_t)60 + second) * 1000;
  if (skip(s, ".,"))
    *ms += take_fraction(s);
  return true;
}

static bool take_zone(struct mlt_str *s, int64_t *ms, bool *zoned) {
  *zoned = true;
  if (skip(s, "Zz"))
    return true;
  bool east = s->len && s->p[0] == '+';
  if (!skip(s, "+-")) {
    *zoned = false;
    return true;
  }
  int hour = take(s, 2);
  (void)skip(s, ":");
  int minute = s->len ? take(s, 2) : 0;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
    return false;
  int64_t offset = (hour * 60 + minute) * (int64_t)60000;
  *ms += east ? -offset : offset;
  return true;
}

bool mlt_time_iso(struct mlt_str text, int64_t *ms, bool *zoned) {
  while (skip(&text, " "))
    ;
  while (text.len && text.p[text.len - 1] == ' ')
    text.len--;
  *zoned = false;
  if (!take_date(&text, ms))
    return false;
  if (text.len && (!skip(&text, "Tt ") || !take_clock(&text, ms) || !take_zone(&text, ms, zoned)))
    return false;
  return text.len == 0;
}
