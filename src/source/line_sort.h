/* Lines in another order than they came in: those of one rank together, by rank, in memory of
   bounded size. What does not fit goes to a temporary file without a name (base/temp.h), sorted
   piece by piece, and the pieces are merged while they are read. */
#ifndef MLT_SOURCE_LINE_SORT_H
#define MLT_SOURCE_LINE_SORT_H

#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

struct mlt_line_sort;

struct mlt_sorted_line {
  uint64_t rank;   /* the lowest first; of one rank */
  uint64_t number; /* likewise; no two are the same */
  struct mlt_str text;
};

/* bytes: to hold at most, but at least the longest line. One thread. */
enum mlt_rc mlt_line_sort_new(struct mlt_line_sort **out, size_t bytes,
                              struct mlt_err *err) MLT_NODISCARD;
/* The text is copied. MLT_NOMEM, or what a temporary file fails with. */
enum mlt_rc mlt_line_sort_add(struct mlt_line_sort *s, const struct mlt_sorted_line *line,
                              struct mlt_err *err) MLT_NODISCARD;
/* The next of all that were added; none can be added any more. Its text is valid until the next
   call. MLT_END behind the last. */
enum mlt_rc mlt_line_sort_next(struct mlt_line_sort *s, struct mlt_sorted_line *line,
                               struct mlt_err *err) MLT_NODISCARD;
void mlt_line_sort_free(struct mlt_line_sort *s); /* NULL is fine */

#endif
