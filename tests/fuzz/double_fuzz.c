/* mlt_parse_double and mlt_parse_i64: whatever is taken is what the C library makes of the same
   text without underscores and blanks, and an integer is a number too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_TEXT = 4096 };

static void check_double(struct mlt_str s, double ours) {
  static char text[MAX_TEXT + 1];
  size_t n = 0;
  for (size_t i = 0; i < s.len; i++)
    if (!memchr("_ \t\n\v\f\r", s.p[i], 8))
      text[n++] = s.p[i];
  text[n] = '\0';
  char *end;
  double theirs = strtod(text, &end); /* this program sets no locale */
  bool same = (ours != ours && theirs != theirs) || memcmp(&ours, &theirs, sizeof ours) == 0;
  if (end != text + n || !same)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > MAX_TEXT)
    return 0;
  struct mlt_str s = {(const char *)data, size};
  double d = 0;
  int64_t v = 0;
  bool is_double = mlt_parse_double(s, &d);
  bool is_int = mlt_parse_i64(s, &v);
  if (is_double)
    check_double(s, d);
  if (is_int && (!is_double || d != (double)v))
    abort();
  return 0;
}
