#include "verify/location.h"

#include <stdio.h>
#include <string.h>

#include "model/limits.h"
#include "model/rules.h"

enum { NEAR = 10, DECODINGS = 3 };

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "%2e" -> "."; in place. False: there was nothing to decode. */
static bool decode(char *text, size_t *len) {
  size_t n = 0;
  for (size_t i = 0; i < *len; i++, n++) {
    int high = text[i] == '%' && i + 2 < *len ? digit(text[i + 1]) : -1;
    int low = high >= 0 ? digit(text[i + 2]) : -1;
    text[n] = low >= 0 ? (char)(high * 16 + low) : text[i];
    i += low >= 0 ? 2 : 0;
  }
  bool any = n != *len;
  *len = n;
  return any;
}

static bool ends_component(char c) {
  return c == '/' || c == '\\' || c == '?' || c == '#';
}

static bool has_dots(const char *text, size_t len) {
  for (size_t at = 0; at <= len; at++) {
    size_t end = at;
    while (end < len && !ends_component(text[end]))
      end++;
    if (end - at == 2 && text[at] == '.' && text[at + 1] == '.')
      return true;
    at = end;
  }
  return false;
}

bool mlt_location_climbs(struct mlt_str uri) {
  char text[MLT_LOCATION_MAX];
  size_t len = uri.len < sizeof text ? uri.len : sizeof text;
  if (!len)
    return false;
  memcpy(text, uri.p, len);
  for (int i = 0; i <= DECODINGS; i++) {
    if (has_dots(text, len))
      return true;
    if (!decode(text, &len))
      break;
  }
  return false;
}

bool mlt_location_judge(struct mlt_location *out, struct mlt_str uri, enum mlt_finding_id *what,
                        char why[MLT_LOCATION_WHY]) {
  const char *wrong;
  *what = MLT_FINDING_LOCATION_BAD;
  if (mlt_location_climbs(uri)) {
    *what = MLT_FINDING_LOCATION_TRAVERSAL;
    wrong = "has a component \"..\", plain or encoded";
  } else {
    wrong = mlt_location_parse(out, uri);
  }
  if (wrong && strstr(wrong, "another host"))
    *what = MLT_FINDING_LOCATION_FOREIGN;
  if (wrong)
    (void)snprintf(why, MLT_LOCATION_WHY, "%s", wrong);
  return !wrong;
}

bool mlt_location_is_long(struct mlt_str uri, enum mlt_column column, char why[MLT_LOCATION_WHY]) {
  struct mlt_limits limits;
  mlt_limits_declared(&limits);
  uint32_t limit = limits.chars[column], run_limit = limits.chars[MLT_C_RUNS_artifact_uri];
  if (!uri.p || mlt_utf8_invalid(uri) >= 0)
    return false;
  size_t n = mlt_utf8_length(uri), bytes = uri.len - n;
  if (limit && n + NEAR > limit) {
    (void)snprintf(why, MLT_LOCATION_WHY, "%zu characters; PostgreSQL's column holds %u", n, limit);
    return true;
  }
  const struct mlt_str run = MLT_STR_LIT("0123456789abcdef0123456789abcdef");
  size_t of_run = mlt_rule_artifact_uri(NULL, 0, uri, run) - bytes;
  if (column != MLT_C_EXPERIMENTS_artifact_location || of_run <= run_limit)
    return false;
  (void)snprintf(why, MLT_LOCATION_WHY,
                 "no run can be made in PostgreSQL: its URI would have %zu characters, of %u",
                 of_run, run_limit);
  return true;
}
