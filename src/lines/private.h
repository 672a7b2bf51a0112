/* Inside the reader of lines: read.c takes a line apart, value.c its values. */
#ifndef MLT_LINES_PRIVATE_H
#define MLT_LINES_PRIVATE_H

#include "base/arena.h"
#include "base/json_cut.h"
#include "base/map.h"
#include "base/vec.h"
#include "lines/lines.h"

/* The values of one field that may have many. Kept for the next line. */
struct mlt_line_pool {
  MLT_VEC(struct mlt_kv) texts;
  MLT_VEC(struct mlt_str) keys;
  MLT_VEC(double) numbers;
  MLT_VEC(int64_t) integers;
};

struct mlt_line_reader {
  struct mlt_arena *arena; /* strings that hold escapes */
  struct mlt_map *seen;    /* the members of the object at hand */
  struct mlt_cut cut;
  struct mlt_line_pool pools[MLT_LINE_FIELDS];
  struct mlt_line_fault *fault;
};

/* Describes the fault, unless there is one already; returns MLT_DATA. */
enum mlt_rc mlt_line_refuse(struct mlt_line_reader *r, const char *code, const char *fmt, ...)
    MLT_PRINTF(3, 4);
/* The next event of the line. */
enum mlt_rc mlt_line_next(struct mlt_line_reader *r, struct mlt_cut_event *ev) MLT_NODISCARD;

/* value.c. The string between quotes, freed of its escapes. */
enum mlt_rc mlt_line_text(struct mlt_line_reader *r, struct mlt_str body,
                          struct mlt_str *out) MLT_NODISCARD;
/* The value that the event is or opens, as the field wants it; null sets nothing. */
enum mlt_rc mlt_line_take(struct mlt_line_reader *r, const struct mlt_line_field *field,
                          const struct mlt_cut_event *ev, struct mlt_line_pool *pool,
                          struct mlt_line_value *out) MLT_NODISCARD;

#endif
