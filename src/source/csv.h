/* Rows of CSV and its relatives (RFC 4180): quoted fields with doubled quotes, delimiters and line
   ends in them, CRLF, LF or CR, a UTF-8 byte order mark. The delimiter is told, or found in the
   first row: the most frequent of , TAB ; | outside quotes. As lenient as Python's csv module:
   a quote within an unquoted field is text, and so is what follows a closing quote. Takes bytes in
   chunks of any size (ask for room, fill it, say how much); the same bytes give the same rows
   however they are cut. No I/O, no allocation after init. */
#ifndef MLT_SOURCE_CSV_H
#define MLT_SOURCE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

enum { MLT_CSV_ROW_MAX = 1 << 20, MLT_CSV_FIELDS = 65536 };

struct mlt_csv {
  char delimiter; /* 0: not known yet */
  char *buf;      /* 2 * MLT_CSV_ROW_MAX */
  size_t start, end;
  uint64_t offset; /* of buf[start], from the beginning of the file */
  uint64_t line;   /* that buf[start] is on, from 1 */
  bool eof, skipping;
  struct mlt_str *fields; /* MLT_CSV_FIELDS of them */
};

struct mlt_csv_row {
  const struct mlt_str *fields; /* valid until the next mlt_csv_room or _next */
  size_t n;
  uint64_t line;   /* on which it begins */
  uint64_t offset; /* of its first byte */
};

enum mlt_rc mlt_csv_init(struct mlt_csv *c, struct mlt_err *err) MLT_NODISCARD;
void mlt_csv_free(struct mlt_csv *c);
/* For the next file; delimiter 0: to be found. */
void mlt_csv_reset(struct mlt_csv *c, char delimiter);
/* For reading on at a row that began there. The delimiter stays. */
void mlt_csv_seek(struct mlt_csv *c, uint64_t offset, uint64_t line);

/* Where the next bytes go, *n of them at most (at least MLT_CSV_ROW_MAX). */
char *mlt_csv_room(struct mlt_csv *c, size_t *n);
void mlt_csv_fed(struct mlt_csv *c, size_t n);
void mlt_csv_eof(struct mlt_csv *c);

/* MLT_OK: *row is a row; empty lines are none. MLT_AGAIN: feed more. MLT_END. MLT_TOOBIG: the row
   at row->line is longer than MLT_CSV_ROW_MAX or has more than MLT_CSV_FIELDS fields; MLT_DATA: a
   quote that it opens is never closed. After these two reading goes on with the next line. */
enum mlt_rc mlt_csv_next(struct mlt_csv *c, struct mlt_csv_row *row) MLT_NODISCARD;

#endif
