#include "model/digest.h"

#include <string.h>

#include "base/mix.h"

static uint64_t text_digest(uint64_t h, struct mlt_str s) {
  uint64_t word;
  size_t at = 0;
  for (; at + sizeof word <= s.len; at += sizeof word) {
    memcpy(&word, s.p + at, sizeof word);
    h = mlt_mix64(h + word);
  }
  word = 0;
  if (at < s.len)
    memcpy(&word, s.p + at, s.len - at);
  return mlt_mix64(h + word + s.len);
}

static uint64_t value_digest(uint64_t h, const struct mlt_value *v) {
  uint64_t bits = 0;
  h += (uint64_t)v->kind * 0x9e3779b97f4a7c15U;
  if (v->kind == MLT_V_TEXT)
    return text_digest(h, v->s);
  if (v->kind == MLT_V_INT)
    bits = (uint64_t)v->i;
  else if (v->kind == MLT_V_BOOL)
    bits = v->b;
  else if (v->kind == MLT_V_DOUBLE) {
    double d = v->d == 0 ? 0.0 : v->d; /* -0.0 is the same value */
    memcpy(&bits, &d, sizeof bits);
  }
  return mlt_mix64(h ^ mlt_mix64(bits + 1));
}

/* Whose the row is goes without saying: it is most of its bytes. */
uint64_t mlt_row_digest(enum mlt_table table, const struct mlt_value *row) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(table, &n), owner = mlt_table_run_column(table);
  uint64_t h = mlt_mix64((uint64_t)table + 1);
  for (unsigned i = 0; i < n; i++)
    if ((enum mlt_column)(first + i) != owner)
      h = value_digest(h, &row[i]);
  return h;
}
