/* The lines of a FileStore metric file, as Python's splitlines(), strip() and split(" ") see them.
   Takes bytes in chunks of any size (ask for room, fill it, say how much), gives lines, then the
   numbers of a line. No I/O, no allocation after init. */
#ifndef MLT_SOURCE_METRIC_LINES_H
#define MLT_SOURCE_METRIC_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "model/record.h"

enum { MLT_LINE_MAX = 64 * 1024 };

struct mlt_lines {
  char *buf; /* 2 * MLT_LINE_MAX */
  size_t start, end;
  uint64_t number; /* of the line that ended before start */
  uint64_t blanks, first_blank;
  bool eof, skipping;
};

struct mlt_line {
  struct mlt_str text; /* without blanks around it; valid until the next mlt_lines_room */
  uint64_t number;
  uint64_t blank; /* not 0: no text, so many empty lines from `number` on */
};

enum mlt_rc mlt_lines_init(struct mlt_lines *l, struct mlt_err *err) MLT_NODISCARD;
void mlt_lines_free(struct mlt_lines *l);
void mlt_lines_reset(struct mlt_lines *l); /* for the next file */

/* Where the next bytes go, *n of them at most (at least MLT_LINE_MAX). */
char *mlt_lines_room(struct mlt_lines *l, size_t *n);
void mlt_lines_fed(struct mlt_lines *l, size_t n);
void mlt_lines_eof(struct mlt_lines *l);

/* MLT_OK: *out is a line. MLT_AGAIN: feed more. MLT_END. MLT_TOOBIG: line out->number was longer
   than MLT_LINE_MAX and is skipped. Empty lines at the end of the file are not reported. */
enum mlt_rc mlt_lines_next(struct mlt_lines *l, struct mlt_line *out) MLT_NODISCARD;

/* Why a line is no metric: which field, and a sentence. */
struct mlt_line_fault {
  const char *field;
  char reason[160];
};

struct mlt_point {
  int64_t timestamp, step;
  double value;
};

/* "timestamp value", "timestamp value step", and more fields that are left alone (a dataset). */
bool mlt_line_point(struct mlt_str line, struct mlt_point *out, struct mlt_line_fault *fault);
/* "timestamp value step run_id" and the same with "dataset_name dataset_digest"; sets all but the
   key. */
bool mlt_line_model_metric(struct mlt_str line, struct mlt_logged_model_metric *out,
                           struct mlt_line_fault *fault);

#endif
