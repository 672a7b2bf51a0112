/* The two sets of limits that need no database to be known. */
#include "model/limits.h"

#include <string.h>

void mlt_limits_declared(struct mlt_limits *out) {
  for (unsigned c = 0; c < MLT_C_COUNT; c++)
    out->chars[c] = mlt_column_info((enum mlt_column)c)->characters;
  out->truncate = true;
}

void mlt_limits_none(struct mlt_limits *out) {
  memset(out, 0, sizeof *out);
  out->truncate = true;
}
