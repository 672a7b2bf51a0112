#include "verify/when.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "source/time_text.h"

static const uint64_t MAX_SECONDS = 1000ULL * 366 * 24 * 3600;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool mlt_parse_duration(const char *text, uint64_t *seconds) {
  static const char units[] = "smhdw";
  static const uint64_t worth[] = {1, 60, 3600, 86400, 7 * 86400};
  uint64_t n = 0;
  const char *c = text;
  for (; is_digit(*c) && n <= MAX_SECONDS; c++)
    n = n * 10 + (uint64_t)(*c - '0');
  const char *unit = *c ? strchr(units, *c) : units;
  if (c == text || !unit || (*c && c[1]) || n > MAX_SECONDS / worth[unit - units])
    return false;
  *seconds = n * worth[unit - units];
  return true;
}

bool mlt_parse_since(const char *text, int64_t now_ms, int64_t *ms) {
  uint64_t ago;
  bool zoned;
  if (mlt_time_iso(mlt_str_c(text), ms, &zoned))
    return true;
  if (!mlt_parse_duration(text, &ago))
    return false;
  *ms = now_ms - (int64_t)ago * 1000;
  return true;
}

bool mlt_parse_share(const char *text, double *share) {
  const char *c = text;
  double n = 0, place = 1;
  for (; is_digit(*c) && n <= 100; c++)
    n = n * 10 + (*c - '0');
  bool digits = c > text;
  if (digits && *c == '.')
    for (c++; is_digit(*c); c++)
      n += (*c - '0') * (place /= 10);
  *share = n / 100;
  return digits && strcmp(c, "%") == 0 && n > 0 && n <= 100;
}
