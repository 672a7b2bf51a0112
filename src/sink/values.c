#include "sink/values.h"

#include <inttypes.h>
#include <stdio.h>

bool mlt_value_eq(const struct mlt_value *a, const struct mlt_value *b) {
  if (a->kind != b->kind)
    return false;
  switch (a->kind) {
  case MLT_V_NULL:
    return true;
  case MLT_V_INT:
    return a->i == b->i;
  case MLT_V_DOUBLE:
    return a->d == b->d;
  case MLT_V_BOOL:
    return a->b == b->b;
  case MLT_V_TEXT:
    return mlt_str_eq(a->s, b->s);
  }
  return false;
}

const char *mlt_value_show(const struct mlt_value *v, char *out, size_t cap) {
  switch (v->kind) {
  case MLT_V_NULL:
    (void)snprintf(out, cap, "NULL");
    break;
  case MLT_V_INT:
    (void)snprintf(out, cap, "%" PRId64, v->i);
    break;
  case MLT_V_DOUBLE:
    (void)snprintf(out, cap, "%.17g", v->d);
    break;
  case MLT_V_BOOL:
    (void)snprintf(out, cap, "%s", v->b ? "true" : "false");
    break;
  case MLT_V_TEXT: {
    size_t n = mlt_utf8_prefix(v->s, 40);
    (void)snprintf(out, cap, "'%.*s'%s", (int)n, v->s.p, n < v->s.len ? "..." : "");
    break;
  }
  }
  return out;
}

int mlt_row_difference(enum mlt_table table, const struct mlt_value *a, const struct mlt_value *b,
                       uint32_t skip_mask) {
  unsigned n;
  (void)mlt_table_columns(table, &n);
  for (unsigned i = 0; i < n; i++)
    if (!(skip_mask & (1u << i)) && !mlt_value_eq(&a[i], &b[i]))
      return (int)i;
  return -1;
}
