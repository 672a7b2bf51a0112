/* The objects that are the rows of a log in JSON: each line (JSON lines, as Ray's result.json), or
   each element of the list "log_history" of one document (Hugging Face's trainer_state.json). Finds
   where they begin and end, in a buffer of fixed size; base/json_read.h says what is in them. Takes
   bytes in chunks of any size, as csv.h. No I/O, no allocation after init. */
#ifndef MLT_SOURCE_JSON_ROWS_H
#define MLT_SOURCE_JSON_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

enum { MLT_JSON_ROW_MAX = 1 << 20 };

struct mlt_json_rows {
  bool history;              /* trainer_state.json, not lines */
  char *buf;                 /* 2 * MLT_JSON_ROW_MAX */
  size_t start, end, at;     /* at: how far it has been looked at */
  uint64_t line;             /* that buf[at] is on, from 1 */
  uint64_t row_line;         /* that the row at hand begins on */
  bool begun, eof, skipping; /* begun: what may stand before the document has been passed */
  bool in_string, escaped, in_row, in_history; /* the rest is for history only */
  unsigned depth;
  char key[16]; /* the last string of depth 1 */
  size_t key_len;
};

enum mlt_rc mlt_json_rows_init(struct mlt_json_rows *r, struct mlt_err *err) MLT_NODISCARD;
void mlt_json_rows_free(struct mlt_json_rows *r);
void mlt_json_rows_reset(struct mlt_json_rows *r, bool history);

/* Where the next bytes go, *n of them at most (at least MLT_JSON_ROW_MAX). */
char *mlt_json_rows_room(struct mlt_json_rows *r, size_t *n);
void mlt_json_rows_fed(struct mlt_json_rows *r, size_t n);
void mlt_json_rows_eof(struct mlt_json_rows *r);

/* MLT_OK: *row, which begins on *line, valid until the next room. MLT_AGAIN: feed more. MLT_END.
   MLT_TOOBIG: the row on *line is longer than MLT_JSON_ROW_MAX and is skipped. MLT_DATA: the
   file ends before the document does, once; then MLT_END. */
enum mlt_rc mlt_json_rows_next(struct mlt_json_rows *r, struct mlt_str *row,
                               uint64_t *line) MLT_NODISCARD;

#endif
